"""The reason of every decision is true: checked against the figures of each point, asked for one at a time."""

from __future__ import annotations

import re

import numpy as np
import pytest

import paretoroute as pr
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.planner_cases import fitted, no_signal

SLACK = 1e-9  # of quality: rounding of the figures


def alone(planner: pr.Planner, query: str) -> list[pr.Decision]:
    """Return what each point would be expected to do, from a plan that allows no other."""
    masks = np.eye(len(planner.policy.grid.points), dtype=bool)
    return [planner.plan(query, query_id="q", callable=mask) for mask in masks]


def keeps(one: pr.Decision, limits: dict[str, float]) -> bool:
    """Return whether a point keeps a least quality and a largest latency."""
    latency = np.inf if one.expected_latency_s is None else one.expected_latency_s
    return one.expected_quality >= limits.get("min_quality", 0.0) and latency <= limits.get("max_latency_s", np.inf)


def check(decision: pr.Decision, points: list[pr.Decision], limits: dict[str, float]) -> str:
    """Check the reason of a decision, and return its form."""
    chosen = next(one for one in points if one.point == decision.point)
    left = [one for one in points if keeps(one, limits)] if decision.keeps_limits else points
    why = decision.why.removeprefix("The query is unlike the logged ones. ")
    assert decision.keeps_limits == any(keeps(one, limits) for one in points)
    assert why.endswith(".") and f" {decision.point.name} " in f" {why} "
    if runner_up := re.search(r"against (.+): ([+-][0-9.]+) quality points, ([+-])\$([0-9.e-]+) per", why):
        other = next(one for one in points if one.point.name == runner_up[1])
        gain = 100 * (chosen.expected_quality - other.expected_quality)
        cost = 1000 * (chosen.expected_cost_usd - other.expected_cost_usd)
        assert float(runner_up[2]) == pytest.approx(gain, abs=0.06)
        assert float(runner_up[3] + runner_up[4]) == pytest.approx(cost, rel=0.01, abs=1e-9)
    if "is the only point" in why:
        assert len(left) == 1
        return "only"
    if "has the highest forecast quality" in why:
        assert chosen.expected_quality >= max(one.expected_quality for one in left) - SLACK
        return "highest"
    if worth := re.search(r"in place of a wrong one is worth \$(\d+\.?\d*(?:e-\d+)?)", why):
        usd = float(worth[1])
        net = [one.expected_quality - one.expected_cost_usd / usd for one in left]
        assert chosen.expected_quality - chosen.expected_cost_usd / usd >= max(net) - 1e-3
        return "trade"
    if "was drawn at random" in why:
        assert 0 < decision.propensity < 1
        return "drawn"
    if unkept := re.match(
        r"no point is forecast to reach quality (\S+); (\S+) comes nearest, with (\d+\.?\d*)", why, re.I
    ):
        assert float(unkept[1]) == limits["min_quality"]
        assert all(one.expected_quality < limits["min_quality"] for one in points)
        assert float(unkept[3]) == pytest.approx(max(one.expected_quality for one in points), abs=6e-4)
        return "quality"
    unkept = re.match(
        r"no point( that keeps the limits before it)? is forecast to answer within ([0-9.]+) s; ", why, re.I
    )
    assert unkept, why
    able = [one for one in points if one.expected_quality >= limits.get("min_quality", 0.0)]
    fastest = min(one.expected_latency_s or np.inf for one in able)
    assert fastest > limits["max_latency_s"] and decision.expected_latency_s == fastest
    assert float(re.search(r"comes nearest, at (\d+\.?\d*) s", why)[1]) == pytest.approx(fastest, rel=6e-3)
    return "latency"


def test_reasons_are_true_of_random_calls_at_every_kind_of_target():
    draw, forms = np.random.default_rng(0), set()
    policies = [fitted().policy, no_signal().policy]
    targets = [pr.MinQuality(0.01), pr.MinQuality(0.6), pr.MaxCost(10.0), pr.BestTrade(0.01)]
    for policy in [*policies, *(policies[0].solve(target) for target in targets)]:
        planner = pr.Planner(policy)
        for query in (EASY_QUERY, HARD_QUERY, "quite another question"):
            points = alone(planner, query)
            for _ in range(12):
                limits = {}
                if draw.random() < 0.5:
                    limits["min_quality"] = round(float(draw.choice([draw.random(), 0.99, 1.0])), 3)
                if draw.random() < 0.5:
                    limits["max_latency_s"] = round(float(draw.choice([0.01, 2.0, 12.0, 100.0])), 3)
                decision = planner.plan(query, query_id=str(draw.random()), **limits)
                forms.add(check(decision, points, limits))

    assert forms == {"only", "highest", "trade", "drawn", "quality", "latency"}


def test_the_reason_does_not_blame_a_call_for_the_target_of_its_policy():
    policy = fitted().policy.solve(pr.MinQuality(1.0))

    decision = pr.Planner(policy).plan(HARD_QUERY)

    assert (policy.document.solution.status, decision.status) == ("infeasible", "infeasible")
    assert decision.keeps_limits and "keeps the limits" not in decision.why


def test_a_capped_output_and_an_unread_query_are_told_in_the_reason():
    planner = pr.Planner(fitted().policy)

    capped = planner.plan(HARD_QUERY, models=["small"], max_cost_usd=0.00018)
    unread = planner.plan(None)

    assert capped.why.startswith(
        f"The output is capped at {capped.output_cap_tokens} tokens, so that the call costs at "
    )
    assert unread.why.startswith("Nothing of the query could be read, and the means of the log stand for it. ")
