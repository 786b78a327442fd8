"""Targets at the very end of what a log can give: what is printed as the nearest is met where it is typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.policy.codec import target_of
from tests.cases.case_log import case_rows


@cache
def fitted(seed: int) -> pr.Policy:
    return pr.fit(pr.read_runs(pd.DataFrame(case_rows(seed=seed))))


OUT_OF_REACH: list[tuple[pr.Target, Callable[[str], pr.Target]]] = [
    (pr.MaxCost(usd=1e-7), lambda number: pr.MaxCost(usd=float(number) / 1000)),
    (pr.MinQuality(quality=0.9999), lambda number: pr.MinQuality(quality=float(number))),
    (pr.MinQuality(ratio=1.9, of="big"), lambda number: pr.MinQuality(ratio=float(number), of="big")),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("target", "typed"), OUT_OF_REACH, ids=["cost", "quality", "ratio"])
def test_the_nearest_target_is_met_where_it_is_typed_as_it_is_printed(seed, target, typed):
    solution = fitted(seed).solve(target).document.solution

    assert solution.status == "infeasible"
    (number,) = re.findall(r"the nearest that can is: [a-z ]+ at (?:most|least) \$?([\d.]+)", solution.meaning)
    for again in (typed(number), target_of(solution.nearest)):
        assert fitted(seed).solve(again).document.solution.status == "met"


@pytest.mark.parametrize("limits", [[], [pr.MaxShare(0.9, "big")]], ids=["alone", "limited"])
def test_where_every_call_costs_the_same_that_much_is_enough(limits):
    rows = [row | {"cost_usd": 0.002} for row in case_rows()]  # float32 holds a little more
    policy = pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MaxCost(usd=0.002), limits=limits)

    assert policy.document.solution.status in ("met", "slack")
    less = policy.solve(pr.MaxCost(usd=0.00199)).document.solution
    assert less.status == "infeasible" and "at most $2 per" in less.meaning


def test_where_every_answer_is_worth_the_same_that_much_is_reached():
    rows = [row | {"quality": 0.7} for row in case_rows()]  # float32 holds a little less
    policy = pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MinQuality(quality=0.7))

    assert policy.document.solution.status in ("met", "slack")


def test_a_relaxed_limit_is_kept_where_it_is_typed_with_the_digits_that_people_read():
    rows = [row | {"tag": "code" if i % 4 < 2 else "poem"} for i, row in enumerate(case_rows())]
    policy = pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MaxCost(usd=0.01), limits=[pr.MaxCostOf(0.00003, "code")])

    (text,) = re.findall(r"the nearest that can: (mean cost of tag code at most \$[\d.]+ per query)", meaning(policy))
    assert len(text.split("$")[1].split()[0].lstrip("0.")) <= 6
    assert "cannot be kept" not in meaning(policy.solve(limits=[pr.parse_limit(text)]))


@pytest.mark.parametrize("seed", range(4))
def test_a_policy_that_always_calls_the_best_point_may_be_as_good_as_it_is(seed):
    # A promise below that point's mean is a guess about luck, and its interval says so.
    expected = fitted(seed).solve(pr.MaxCost(usd=1.0)).document.expected
    gain, low, high = map(float, re.findall(r"[+-]\d+\.\d+", expected.saving.meaning))

    assert expected.saving.ratio == 1.0
    assert low <= gain <= 0.0 <= high


def meaning(policy: pr.Policy) -> str:
    return policy.document.solution.meaning
