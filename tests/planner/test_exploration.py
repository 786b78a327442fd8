"""Exploring spends the stated share of the calls, logs exact propensities, and breaks no limit."""

import math
from collections import Counter
from functools import cache

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import paretoroute as pr
from paretoroute.errors import TargetError
from paretoroute.planner.exploration import Call, Evidence, allocation, chances
from paretoroute.planner.planner import Planner
from paretoroute.solver.argmax import Weights
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, QUERIES, same
from tests.planner_cases import fitted, make_rows, no_signal

POINTS = 5
unit = st.floats(0, 1)


@cache
def tagged() -> pr.Policy:
    """Return a policy fitted on queries that are tagged as easy or hard."""
    rows = make_rows(200, seed=7)
    for row in rows:
        row["tag"] = "hard" if int(row["query_id"][3:]) % 2 else "easy"
        row["latency_s"] = row["latency_s"] or 3.0
    return pr.fit(_runs(rows), pr.MaxCost(usd=0.002))


def _runs(rows: list[dict]) -> pr.Runs:
    import pyarrow as pa

    return pr.read_runs(pa.Table.from_pylist(rows))


def call_of(**figures) -> Call:
    """Return a call at five points, at which the policy calls the first one."""
    own = np.eye(POINTS)[0]
    unknown = {"quality": np.full(POINTS, 0.5), "cost_usd": np.full(POINTS, 0.01), "latency_s": np.full(POINTS, np.nan)}
    given = {"own": own, "callable": np.ones(POINTS, bool), "weights": Weights(1.0, 10.0), "labels": {}} | unknown
    given |= figures
    return Call(raw_quality=given["quality"], raw_cost_usd=given["cost_usd"], **given)


def decisions_of(planner: Planner, query: str, count: int, **limits) -> list[pr.Decision]:
    return [planner.plan(query, query_id=f"{i}", **limits) for i in range(count)]


@pytest.mark.parametrize("case", [fitted, no_signal], ids=["one point", "tied points"])
def test_each_point_is_called_as_often_as_its_propensity_states_and_propensities_add_up_to_1(case):
    planner = Planner(case().policy, explore=0.4)

    decisions = decisions_of(planner, HARD_QUERY, 4000)

    count = Counter(decision.point.name for decision in decisions)
    propensity = {decision.point.name: decision.propensity for decision in decisions}
    assert {len({d.propensity for d in decisions if d.point.name == name}) for name in count} == {1}
    assert sum(propensity.values()) == pytest.approx(1.0, abs=0.002)  # points that are never drawn have next to none
    for name, p in propensity.items():
        assert count[name] / 4000 == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 4000))


def test_the_inverse_of_the_propensity_counts_every_point_as_often_as_every_query_unless_it_is_the_policys_own():
    planner, alone = Planner(fitted().policy, explore=0.4), Planner(fitted().policy)
    decisions = decisions_of(planner, HARD_QUERY, 4000)
    others = [decision for decision in decisions if decision.explores]

    def totals(propensities) -> dict[str, float]:
        sums: Counter[str] = Counter()
        for decision, propensity in zip(decisions, propensities, strict=True):
            sums[decision.point.name] += 1 / propensity / len(decisions)
        return sums

    exact = totals([decision.propensity for decision in decisions])
    own = alone.plan(HARD_QUERY).propensity  # of the policy: a fault that this test has to find
    faulty = totals([decision.propensity if decision.explores else own for decision in decisions])
    called = alone.plan(HARD_QUERY).point.name
    common = {d.point.name for d in others if d.propensity > 0.05}

    assert common, "no point is explored often enough to be counted"
    for name in {called} | common:
        assert exact[name] == pytest.approx(1.0, abs=0.25)
    assert faulty[called] < 0.65


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_the_stated_share_of_the_calls_explores(share):
    decisions = decisions_of(Planner(fitted().policy, explore=share), EASY_QUERY, 3000)

    explored = np.mean([decision.explores for decision in decisions])

    assert explored == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 3000))
    np.testing.assert_allclose([d.propensity for d in decisions if not d.explores], 1 - share, rtol=1e-12)


def test_a_share_of_0_decides_as_before_and_calls_that_do_not_explore_have_the_same_point():
    before, zero = Planner(no_signal().policy), Planner(no_signal().policy, explore=0.0)
    exploring = Planner(no_signal().policy, explore=0.2)

    for i in range(300):
        one, other, third = (planner.plan(EASY_QUERY, query_id=f"{i}") for planner in (before, zero, exploring))
        assert same(one) == same(other)
        assert {**one.to_row(), "decision_id": ""} == {**other.to_row(), "decision_id": ""}
        assert third.explores or third.point == one.point


def test_the_draw_is_repeated_by_the_id_and_without_one_by_the_seed():
    first, again = (Planner(fitted().policy, explore=0.3, seed=3) for _ in range(2))

    assert [same(first.plan(text, query_id="a")) for text in QUERIES] == [
        same(again.plan(text, query_id="a")) for text in QUERIES
    ]
    draws = [[planner.plan(EASY_QUERY).point.name for _ in range(100)] for planner in (first, again)]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 1


def test_a_smaller_share_explores_a_part_of_the_queries_that_a_larger_one_does():
    few, many = (Planner(fitted().policy, explore=share) for share in (0.1, 0.3))

    for one, other in zip(decisions_of(few, HARD_QUERY, 300), decisions_of(many, HARD_QUERY, 300), strict=True):
        assert other.explores or not one.explores


@given(
    query=st.sampled_from(QUERIES),
    key=st.text(max_size=4),
    cost=st.none() | st.floats(1e-5, 0.02),
    quality=st.none() | unit,
    latency=st.none() | st.floats(1, 60),
    names=st.sets(st.sampled_from(["small", "thinker", "org/模型@v1", "metered"]), min_size=1),
    allowed=arrays(bool, POINTS),
)
@settings(max_examples=150)
def test_no_exploring_call_breaks_a_cap_a_limit_or_a_mask(query, key, cost, quality, latency, names, allowed):
    policy = fitted().policy
    by_name = np.array([point.model in names for point in policy.grid.points])
    limits = {"max_cost_usd": cost, "min_quality": quality, "max_latency_s": latency, "models": names}
    limits["callable"] = allowed if (allowed & by_name).any() else None
    may = by_name if limits["callable"] is None else by_name & allowed

    decision = Planner(policy, explore=0.9).plan(query, query_id=key, **limits)
    alone = Planner(policy).plan(query, query_id=key, **limits)

    assert may[policy.grid.points.index(decision.point)]
    assert decision.keeps_limits == alone.keeps_limits
    assert 0 < decision.propensity <= 1
    if not decision.keeps_limits:
        assert same(decision) == same(alone)
        return
    assert quality is None or decision.expected_quality >= quality
    assert cost is None or decision.expected_cost_usd <= cost
    assert latency is None or (decision.expected_latency_s or math.inf) <= latency
    if cost is not None:
        price = policy.grid.prices[decision.model]
        assert (decision.output_cap_tokens or math.inf) * price.output_usd_per_mtok / 1e6 <= cost


def test_a_call_with_one_point_to_call_does_not_explore():
    planner = Planner(fitted().policy, explore=0.9)

    for i in range(50):
        decision = planner.plan(HARD_QUERY, query_id=f"{i}", models=["small"])
        assert (decision.point.model, decision.propensity, decision.explores) == ("small", 1.0, False)


def test_tasks_do_not_explore_and_keep_their_sum():
    planner, alone = Planner(fitted().policy, explore=0.9), Planner(fitted().policy)

    for i in range(20):
        task, other = (one.start_task(["plan", "write"], max_cost_usd=0.01) for one in (planner, alone))
        for step in ("plan", "write"):
            one, two = (each.plan(step, HARD_QUERY, query_id=f"{i}") for each in (task, other))
            assert same(one) == same(two)
            task.spent(one.expected_cost_usd)
            other.spent(two.expected_cost_usd)
        assert task.left_usd >= 0


def test_rows_of_decisions_are_read_as_runs_with_their_propensity():
    decisions = decisions_of(Planner(fitted().policy, explore=0.3), HARD_QUERY, 60)
    rows = [{**d.to_row(), "query": f"{HARD_QUERY} {d.query_id}", "quality": 0.5, "cost_usd": 0.001} for d in decisions]

    runs = _runs(rows)

    order = [runs.query_ids.index(decision.query_id) for decision in decisions]
    by_query = dict(zip(runs.query.tolist(), runs.propensity.tolist(), strict=True))
    assert [by_query[place] for place in order] == [pytest.approx(decision.propensity) for decision in decisions]
    assert any(decision.explores for decision in decisions)


def test_the_reason_of_an_exploring_call_names_the_share_and_compares_with_the_policys_choice():
    planner, alone = Planner(fitted().policy, explore=0.3), Planner(fitted().policy)

    decision = next(d for d in decisions_of(planner, HARD_QUERY, 50) if d.explores)

    assert "is called to learn about it, since 30% of the calls explore beside the policy's choice" in decision.why
    assert f"against {alone.plan(HARD_QUERY).point.name}" in decision.why
    assert decision.status == alone.plan(HARD_QUERY).status


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, math.nan, "0.1", True, None])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(TargetError, match="explore"):
        Planner(fitted().policy, explore=share)


def evidence_of(errors, runs=100.0) -> Evidence:
    return Evidence(np.broadcast_to(runs, POINTS).astype(float), np.asarray(errors, float), np.zeros(POINTS))


def test_chances_are_those_of_normal_scores():
    quality, errors = np.array([0.9, 0.85, 0.6, 0.88, 0.1]), np.array([0.02, 0.05, 0.3, 0.01, 0.02])
    call = call_of(quality=quality, cost_usd=np.array([0.01, 0.012, 0.001, 0.02, 0.01]))
    scores = quality - 10 * call.cost_usd

    found = chances(call, evidence_of(errors))

    expected = scipy.stats.norm.cdf((scores - scores[0]) / np.hypot(errors, errors[0]))
    expected[0] = 0
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_calls_go_where_one_more_run_takes_most_from_the_variance_of_later_estimates():
    runs, spread = np.array([900.0, 40.0, 90.0, 10.0, 400.0]), np.array([0.3, 0.4, 0.5, 0.2, 0.4])
    call = call_of(quality=np.array([0.9, 0.88, 0.85, 0.86, 0.8]))
    evidence = evidence_of(spread / np.sqrt(runs), runs)
    chance = chances(call, evidence)

    def variance(runs) -> float:
        return float((chance * spread**2 / runs).sum())

    gain = np.array([variance(runs) - variance(runs + 1e-4 * np.eye(POINTS)[j]) for j in range(POINTS)])
    np.testing.assert_allclose(allocation(call, evidence), gain / gain.sum(), rtol=1e-3)


def test_a_point_with_few_runs_is_explored_more_than_one_with_many_and_a_worse_one_never():
    call = call_of(quality=np.array([0.9, 0.8, 0.8, 0.1, 0.8]), callable=np.array([1, 1, 1, 1, 0], bool))
    runs = np.array([2500.0, 25.0, 100.0, 2500.0, 25.0])

    share = allocation(call, evidence_of(0.5 / np.sqrt(runs), runs))

    assert share[1] > share[2] > 0
    assert share[3] < 1e-12
    assert share[[0, 4]].tolist() == [0, 0]


def test_where_no_other_point_is_within_reach_the_nearest_takes_all():
    call = call_of(quality=np.array([0.9, 0.2, 0.5, 0.1, 0.3]))

    assert allocation(call, evidence_of(np.full(POINTS, 1e-9))).tolist() == [0, 0, 1, 0, 0]
    assert allocation(call, evidence_of(np.zeros(POINTS))).tolist() == [0, 0, 1, 0, 0]
