"""Unfamiliar queries go to the safe point where it keeps the limits, and are counted."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.planner.admission import DecisionCounts
from paretoroute.planner.request import CHEAPEST
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, mask, same
from tests.planner_cases import fitted, no_signal
from tests.processes import python

FORKED = """
import os, sys
import paretoroute as pr

planner = pr.Planner.load(sys.argv[1], safe_point=sys.argv[2])
planner.plan(sys.argv[3])
with planner._decider.tally._lock:
    child = os.fork()
    if child == 0:
        planner.plan(sys.argv[3])
        print(*planner.counts, flush=True)
        os._exit(0)
    print("child", os.waitpid(child, 0)[1])
"""
STRANGE = "пожалуйста, докажите теорему"
SAFE = "thinker@8000"


def planner(**options) -> pr.Planner:
    return pr.Planner(fitted().policy, safe_point=SAFE, **options)


@pytest.mark.parametrize("query", [STRANGE, None])
def test_an_unfamiliar_query_goes_to_the_safe_point_for_certain(query):
    alone, safe = pr.Planner(fitted().policy).plan(query, query_id="1"), planner().plan(query, query_id="1")

    assert alone.point.name != SAFE, "the case shows nothing"
    assert (safe.point.name, safe.propensity, safe.at_safe_point, safe.unfamiliar) == (SAFE, 1.0, True, True)
    assert safe.status == alone.status == ("fallback" if query is None else "unfamiliar")
    assert alone.unfamiliar and not alone.at_safe_point
    assert f"{SAFE} is the safe point for such queries" in safe.why
    assert SAFE not in safe.fallbacks
    forced = pr.Planner(fitted().policy).plan(query, callable=mask(SAFE))
    assert safe.expected_cost_usd == forced.expected_cost_usd
    assert safe.output_cap_tokens == forced.output_cap_tokens


@pytest.mark.parametrize("query", [EASY_QUERY, HARD_QUERY])
def test_a_familiar_query_is_decided_as_without_a_safe_point(query):
    decision = planner().plan(query, query_id="1")

    assert same(decision) == same(pr.Planner(fitted().policy).plan(query, query_id="1"))
    assert not decision.unfamiliar


@pytest.mark.parametrize(
    "limits",
    [{"models": ["small", "metered"]}, {"callable": ~mask(SAFE)}, {"max_cost_usd": 2e-3}, {"max_cost_usd": 1e-9}],
    ids=["model out", "masked", "capped", "infeasible"],
)
def test_where_the_safe_point_keeps_no_limit_the_policy_decides(limits):
    decision = planner().plan(STRANGE, query_id="1", **limits)

    assert same(decision) == same(pr.Planner(fitted().policy).plan(STRANGE, query_id="1", **limits))
    assert decision.unfamiliar and not decision.at_safe_point
    assert decision.point.name != SAFE


def test_where_money_is_short_the_cheapest_point_is_taken_and_not_the_safe_one():
    decision = planner().plan(STRANGE, query_id="1", price=CHEAPEST)

    assert same(decision) == same(pr.Planner(fitted().policy).plan(STRANGE, query_id="1", price=CHEAPEST))
    assert decision.point.name != SAFE
    assert planner().plan(STRANGE, query_id="1", price=CHEAPEST / 10).point.name == SAFE


def test_the_safe_point_does_not_explore_and_other_calls_do():
    decisions = planner(explore=0.5).plan_batch([STRANGE, EASY_QUERY] * 50, query_ids=[f"{i}" for i in range(100)])

    assert {(one.point.name, one.propensity, one.explores) for one in decisions[::2]} == {(SAFE, 1.0, False)}
    assert any(one.explores for one in decisions[1::2])


def test_decisions_are_counted_with_those_on_unfamiliar_queries_apart():
    ours = planner(explore=0.3)
    ours.plan(STRANGE)
    ours.plan(STRANGE, models=["small"])
    ours.plan(None, max_cost_usd=1e-9)
    decisions = ours.plan_batch([EASY_QUERY] * 40, query_ids=[f"{i}" for i in range(40)])
    capped = ours.plan(HARD_QUERY, models=["thinker"], max_cost_usd=0.0085)

    explored = sum(one.explores for one in [*decisions, capped])
    assert capped.status == "capped" and explored > 0, "the case shows nothing"
    assert ours.counts == DecisionCounts(
        decisions=44, unfamiliar=3, at_safe_point=1, infeasible=1, capped=1, explored=explored
    )


def test_threads_count_every_decision_and_copies_begin_at_0():
    ours = planner()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: ours.plan(STRANGE if i % 2 else EASY_QUERY), range(200)))

    assert ours.counts == DecisionCounts(decisions=200, unfamiliar=100, at_safe_point=100)
    assert pickle.loads(pickle.dumps(ours)).counts == DecisionCounts()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_process_forked_while_a_thread_counts_counts_from_0(tmp_path):
    done = python("-c", FORKED, fitted().policy_path, SAFE, STRANGE, cwd=tmp_path)

    assert (done.stdout.split(), done.stderr) == (["1", "1", "1", "0", "0", "0", "child", "0"], "")


def test_a_policy_that_cannot_tell_queries_apart_takes_the_safe_point_only_for_strange_ones():
    ours = pr.Planner(no_signal().policy, safe_point=SAFE)

    assert ours.plan(None).at_safe_point
    assert not ours.plan(EASY_QUERY, query_id="1").at_safe_point


def test_a_safe_point_that_is_not_in_the_grid_is_refused():
    with pytest.raises(pr.GridError, match=r"'thinker@80' is not in the grid; near: .*'thinker@8000'"):
        pr.Planner.load(fitted().policy_path, safe_point="thinker@80")


def test_a_batch_takes_the_safe_point_for_the_same_queries_as_single_calls():
    queries, ids = [EASY_QUERY, STRANGE, None, HARD_QUERY], ["a", "b", "c", "d"]

    batch = planner().plan_batch(queries, query_ids=ids)

    single = [planner().plan(query, query_id=one) for query, one in zip(queries, ids, strict=True)]
    assert [same(one) for one in batch] == [same(one) for one in single]
    assert np.array_equal([one.at_safe_point for one in batch], [False, True, True, False])
