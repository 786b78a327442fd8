"""Limits on single calls that the log cannot keep, or that exclude nothing: status, meaning and entry are true."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.limits import Limit
from tests.policy.test_solving import TARGET, policy

HOPELESS = [
    pr.MaxCallCost(1e-6),
    pr.MaxCallLatency(0.01, quantile=0.5),
    pr.MaxCallLatency(0.01),
]
TARGETS = [TARGET, pr.MaxCost(usd=1.0), pr.MinQuality(0.3), pr.MinQuality(0.99), pr.BestTrade(0.01)]


def contexts(tokens: int) -> list[Limit]:
    """Limit the context of every model; that of metered, without tokens, has no known length, so it is forbidden."""
    models = [model for model in policy().grid.models if model != "metered"]
    return [*(pr.ContextLength(tokens, model) for model in models), pr.Forbid(("metered",))]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("limits", [[one] for one in HOPELESS] + [contexts(5)], ids=lambda some: str(some[0]))
def test_limits_that_no_query_can_keep_are_never_met_or_slack(target, limits):
    solution = policy().solve(target, limits=limits).document.solution

    assert solution.status == "infeasible"
    assert solution.meaning.startswith(
        "the limits on calls cannot be kept: at 100% of the logged queries no point keeps them"
    )
    for entry in solution.limits[: len(limits) - ("never" in solution.limits[-1].limit)]:
        assert "at 100% of the logged queries no point keeps the limits on calls" in entry.meaning


def test_a_population_limit_beside_them_changes_nothing_of_that():
    solved = policy().solve(limits=[pr.MaxShare(0.5, "thinker"), pr.MaxCallCost(1e-6)])

    assert solved.document.solution.status == "infeasible"
    assert "the limits on calls cannot be kept" in solved.document.solution.meaning


@pytest.mark.parametrize("limit", HOPELESS, ids=str)
def test_the_nearest_limit_is_kept_at_every_query(limit):
    solution = policy().solve(limits=[limit]).document.solution
    nearest = pr.parse_limit(solution.limits[0].meaning.split("kept at every query: ")[1])
    again = policy().solve(limits=[nearest]).document.solution

    assert again.limits[0].meaning == "kept at every logged query"
    assert again.status != "infeasible"


def usual_cost_of_call(share: float) -> pr.MaxCallCost:
    """Return a limit that about a share of the logged queries can keep."""
    limit = pr.MaxCallCost(1e-6)
    low, high = 1e-6, 1e-2
    for _ in range(40):
        limit = pr.MaxCallCost(float(np.sqrt(low * high)))
        kept = policy().solve(limits=[limit]).document.solution.limits[0].meaning
        unkept = 0.0 if kept.startswith("kept") else float(kept.split("%")[0].split()[-1]) / 100
        low, high = (limit.usd, high) if 1 - unkept < share else (low, limit.usd)
    return limit


def test_limits_that_few_queries_keep_are_infeasible_and_those_that_most_keep_are_named_beside_the_status():
    free = policy().solve(pr.BestTrade(0.01), limits=[]).document.solution
    few, most = (policy().solve(pr.BestTrade(0.01), limits=[usual_cost_of_call(s)]) for s in (0.1, 0.9))

    assert few.document.solution.status == "infeasible"
    assert few.document.solution.meaning.startswith("the limits on calls cannot be kept: at ")
    assert most.document.solution.status == free.status == "met"
    assert most.document.solution.meaning.endswith("% of the logged queries no point keeps the limits on calls")


@pytest.mark.parametrize(
    "limit",
    [pr.MaxCallCost(100.0), pr.MaxCallCost(100.0, quantile=0.99), pr.ContextLength(10**9, "thinker")],
    ids=str,
)
def test_a_limit_on_calls_that_excludes_nothing_does_not_bind(limit):
    free, solved = policy().solve(limits=[]), policy().solve(limits=[limit])

    (entry,) = solved.document.solution.limits
    assert entry.meaning == "kept at every logged query, and does not bind: every point keeps it"
    assert solved.document.solution.status == free.document.solution.status
    assert solved.document.expected == free.document.expected


@pytest.mark.parametrize(
    "limit",
    [pr.MaxShare(1.0, "thinker"), pr.MaxMeanLatency(1e6), pr.MaxCostOf(100.0, "hard"), pr.MinQualityOf(0.0, "hard")],
    ids=str,
)
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_limit_on_the_population_that_nothing_could_break_does_not_bind(limit, target):
    solution = policy().solve(target, limits=[limit]).document.solution

    (entry,) = solution.limits
    assert entry.shadow_price == 0
    assert entry.meaning == ("kept" if solution.status == "infeasible" else "does not bind")


LIMITS_OF_PARTIAL = [pr.Forbid(("poet",)), pr.MaxCallCost(100.0), pr.Require(("poet", "coder"))]


@cache
def partial() -> pr.Policy:
    """Fit one run per query: of a topic that the logger sent to its model or to the big one, and never elsewhere."""
    chance, rows = np.random.default_rng(3), list[dict[str, object]]()
    words = {"poet": "rhyme verse stanza sonnet ballad".split(), "coder": "loop array pointer thread cache".split()}
    cost = {"poet": 0.001, "coder": 0.002, "big": 0.01}
    for i in range(400):
        topic = ("poet", "coder")[i % 2]
        model = topic if chance.random() < 0.7 else "big"
        right = chance.random() < {"poet": 0.6, "coder": 0.6, "big": 0.9}[model]
        text = f"{' '.join(chance.choice(words[topic], 8))} {i}"
        rows.append({"query": text, "model": model, "quality": float(right), "cost_usd": cost[model]})
    return pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MaxCost(usd=0.004))


@pytest.mark.parametrize("limit", LIMITS_OF_PARTIAL, ids=str)
def test_points_that_the_log_does_not_support_stay_out_under_a_limit_on_calls(limit):
    policy = partial().solve(limits=[limit])
    support, called = policy.calibration_sample.support, policy.outcomes.forecast.callable

    assert support is not None and support.is_supported is not None and called is not None
    has_supported = (called & support.is_supported).any(axis=1)
    assert has_supported.mean() > 0.5
    assert not (called & ~support.is_supported)[has_supported].any()


def test_a_limit_on_calls_that_excludes_nothing_does_not_change_what_a_partial_log_predicts():
    free, solved = partial().solve(limits=[]), partial().solve(limits=[pr.MaxCallCost(100.0)])

    assert solved.document.expected == free.document.expected


def test_a_query_whose_supported_points_are_all_forbidden_gets_one_that_is_allowed():
    policy = partial().solve(limits=[pr.Forbid(("poet", "big"))])

    decision = pr.Planner(policy).plan("rhyme verse stanza sonnet ballad rhyme verse 7")

    assert decision.model == "coder"
