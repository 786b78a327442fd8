"""Prices are tested in an order that the outcomes never see; ordered by them, the level is lost."""

import math
from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.certificate.held_out import HeldOutRuns
from paretoroute.evaluation.certificate.p_values import Method, p_value
from paretoroute.evaluation.certificate.partial_log import LoggedWeights
from paretoroute.evaluation.certificate.prices import Candidate, candidates
from paretoroute.evaluation.certificate.sequence import PriceTest, Setting, draws, groups_needed, walk
from paretoroute.forecast import Forecast
from paretoroute.solver.rules import PriceRule
from tests.evaluation.certificate.cases import policy

POINTS, QUERIES, REPLICATIONS, TRUTH = 10, 120, 300, 0.8
MOST = 0.1 + 3 * math.sqrt(0.09 / REPLICATIONS)
NAMES = tuple(map(str, range(QUERIES)))
NO_WEIGHTS = LoggedWeights(np.zeros((QUERIES, POINTS)), np.inf, "and no propensities were logged")


def rules() -> list[Candidate]:
    """Return prices at which all queries call one point, a cheaper one at each."""
    cost = np.arange(POINTS, dtype=np.float64)
    slopes = np.sort(np.diff(quality_forecast()) / np.diff(cost))
    between = np.concatenate([[0.0], (slopes[:-1] + slopes[1:]) / 2, [2 * slopes[-1]]])
    return [Candidate(PriceRule(float(p), 0.0), None) for p in between]


def quality_forecast() -> np.ndarray:
    return 1 - 0.5 ** np.arange(1, POINTS + 1, dtype=np.float64)


def world(seed: int) -> HeldOutRuns:
    """Draw queries at which every point is right with a chance of just the target."""
    rng = np.random.default_rng(seed)
    shape = (QUERIES, POINTS)
    forecast = Forecast(quality=np.broadcast_to(quality_forecast(), shape), cost_usd=np.arange(POINTS, dtype=float))
    right = (rng.random(shape) < TRUTH).astype(np.float64)
    return HeldOutRuns(forecast, right, np.zeros(shape), np.arange(QUERIES), NAMES, NO_WEIGHTS)


def setting(seed: int) -> Setting:
    return Setting(target=pr.MinQuality(TRUTH), level=0.9, method="binomial", seed=str(seed))


def passes(seed: int, order: list[Candidate]) -> bool:
    """Return whether any price is certified, all of which lie at the boundary."""
    return walk(policy(), order, world(seed), setting(seed))[0].p_value <= setting(seed).delta


def ordered_on_the_set(seed: int) -> list[Candidate]:
    """Planted fault: the price that looks best on these very queries comes first."""
    held_out = world(seed)
    return sorted(rules(), key=lambda one: -held_out.expected(one.rule, held_out.quality).mean())


def test_each_rule_calls_a_point_of_its_own():
    held_out = world(0)
    called = [int(one.rule.action_probabilities(held_out.forecast)[0].point[0]) for one in rules()]

    assert called == list(range(POINTS))[::-1]


def test_at_the_boundary_of_all_prices_together_the_level_is_kept():
    assert np.mean([passes(seed, rules()) for seed in range(REPLICATIONS)]) <= MOST


def test_planted_fault_ordered_on_the_certification_runs_the_level_is_lost():
    assert np.mean([passes(seed, ordered_on_the_set(seed)) for seed in range(REPLICATIONS)]) > 2 * MOST


def test_planted_fault_picking_any_price_that_passes_loses_the_level_too():
    def any_passes(seed: int) -> bool:
        return any(passes(seed, [one]) for one in rules())

    assert np.mean([any_passes(seed) for seed in range(REPLICATIONS)]) > 2 * MOST


def test_the_walk_ends_at_the_first_failure():
    order, held_out = rules(), world(3)
    quality = held_out.quality.copy()
    quality[:, [POINTS - 1, POINTS - 2]] = 1.0  # of the first two prices
    quality[:, POINTS - 3] = 0.0
    quality[:, POINTS - 4] = 1.0  # would pass again

    tests = walk(policy(), order, replace(held_out, quality=quality), setting(0))

    assert [test.p_value <= 0.1 for test in tests] == [True, True, False]


def test_the_order_rests_on_the_training_side_alone_and_drops_dominated_prices():
    for target in (pr.MinQuality(0.8), pr.MaxCost(usd=0.002)):
        order = candidates(policy(), target)
        quality, cost = ([getattr(one.value, name) for one in order] for name in ("quality", "cost_usd"))
        step = 1 if isinstance(target, pr.MaxCost) else -1

        assert quality[::step] == sorted(quality)
        assert cost[::step] == sorted(cost)
        assert len(set(cost)) == len(cost) > 10


def test_draws_are_uniform_differ_by_seed_and_belong_to_the_name():
    names = [f"text:{i}" for i in range(4000)]

    one, other = draws(names, "a"), draws(names, "b")

    assert (one >= 0).all() and (one < 1).all()
    assert one.mean() == pytest.approx(0.5, abs=0.02)
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(0, abs=0.06)
    assert draws(names[::-1], "a")[::-1].tolist() == one.tolist()


@pytest.mark.parametrize("method", ["binomial", "hoeffding_bentkus", "betting"])
def test_groups_without_any_loss_still_have_to_be_enough(method):
    """Their spread is 0, from which the margin alone would ask for no group at all."""
    perfect = np.ones((QUERIES, POINTS))
    setting = Setting(target=pr.MinQuality(TRUTH), level=0.9, method=method, seed="0")

    def test_of(queries: int) -> PriceTest:
        held_out = world(0)
        forecast = replace(held_out.forecast, quality=held_out.forecast.quality[:queries])
        few = replace(held_out, forecast=forecast, quality=perfect[:queries], group=np.arange(queries))
        return walk(policy(), rules()[:1], replace(few, names=NAMES[:queries]), setting)[0]

    needed = test_of(5).groups_needed(0.9)

    assert needed is not None
    assert test_of(needed - 1).p_value > setting.delta
    assert test_of(needed + 2 * (method == "betting")).p_value <= setting.delta


def test_the_groups_needed_certify_the_margin_about_95_times_in_100():
    rng = np.random.default_rng(0)
    mean, limit = 0.2, 0.26
    exact = groups_needed(limit - mean, 0.4, level=0.9, is_exact=True)
    bets = groups_needed(limit - mean, 0.4, level=0.9, is_exact=False)
    assert (exact, bets) == (381, 639)
    assert groups_needed(0.0, 0.4, level=0.9, is_exact=True) is None

    cases: list[tuple[int, Method]] = [(381, "binomial"), (639, "betting")]
    for count, method in cases:
        losses = (rng.random((1000, count)) < mean).astype(np.float64)
        p = p_value(losses, limit, method=method, draws=rng.random(losses.shape), delta=0.1)
        assert 0.9 < (p <= 0.1).mean() < 0.995
