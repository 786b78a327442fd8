"""A target that is met with limits has no duality gap, and a limit that excludes nothing changes nothing."""

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.limits import PopulationLimit
from paretoroute.targets import Target
from tests.policy.test_solving import policy


def drawn(seed: int) -> tuple[Target, list[PopulationLimit]]:
    """Draw a target and one to four limits on the policy of the world with tags and tenants."""
    rng = np.random.default_rng(seed)
    points = [point for entry in policy().document.grid for point in entry.points]
    quality, cost = ([getattr(point, name) for point in points] for name in ("quality", "cost_usd"))

    def some_cost() -> float:
        return float(np.exp(rng.uniform(np.log(min(cost)), np.log(max(cost)))))

    limits: list[PopulationLimit] = [
        pr.MaxShare(round(float(rng.random()), 2), str(rng.choice(policy().grid.names))) for _ in range(2)
    ]
    if rng.random() < 0.5:
        limits.append(pr.MaxMeanLatency(float(10 ** rng.uniform(0, 1.5))))
    if rng.random() < 0.5:
        limits.append(pr.MaxCostOf(some_cost(), "hard"))
    if rng.random() < 0.5:
        limits.append(pr.MinQualityOf(round(float(rng.uniform(min(quality), max(quality))), 2), "acme", "tenant"))
    floor = pr.MinQuality(float(rng.uniform(min(quality), max(quality))))
    return [pr.MaxCost(some_cost()), floor, pr.BestTrade(some_cost() * 10)][rng.integers(3)], limits


@pytest.mark.parametrize("seed", range(20))
def test_a_target_with_limits_that_is_met_has_no_duality_gap(seed):
    target, limits = drawn(seed)
    solution = policy().solve(target, limits=limits).document.solution

    assert solution.status == "infeasible" or solution.gap <= 1e-6
    assert (solution.status == "infeasible") == ("cannot be" in solution.meaning)


@pytest.mark.parametrize(
    "target",
    [pr.MaxCost(0.002), pr.MinQuality(0.6), pr.MinQuality(0.7), pr.MinQuality(0.8), pr.BestTrade(0.01)],
    ids=str,
)
def test_a_limit_that_excludes_nothing_leaves_what_is_promised(target):
    free, limited = (policy().solve(target, limits=some) for some in ([], [pr.MaxShare(1.0, "thinker")]))
    one, other = free.document.expected, limited.document.expected

    assert limited.document.solution.gap <= 1e-6
    assert other.quality == pytest.approx(one.quality, abs=2e-3)
    assert other.cost_usd == pytest.approx(one.cost_usd, rel=0.05)  # a noisy curve may meet a target more than once
