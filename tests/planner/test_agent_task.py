"""One sum of money for the calls of one agent run: planned together, kept for certain, planned anew as it is spent."""

from __future__ import annotations

import re
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.errors import TargetError
from paretoroute.planner.agent_task import Task
from paretoroute.planner.knapsack import best_choice
from tests.planner_cases import EASY, HARD, make_rows, text_of

STEPS = ("plan", "tools", "write", "check")


def brute_force(quality, cost, money):
    """The best choice by trying all: its quality and cost, or None where nothing fits."""
    rows, best = np.arange(len(quality)), None
    for points in product(range(quality.shape[1]), repeat=len(quality)):
        bill, worth = cost[rows, points].sum(), quality[rows, points].sum()
        fits = bill <= money * (1 + 1e-12)
        if fits and (best is None or worth > best[0] + 1e-12 or (worth > best[0] - 1e-12 and bill < best[1])):
            best = float(worth), float(bill)
    return best


def test_600_small_knapsacks_equal_brute_force():
    rng = np.random.default_rng(0)
    for number in range(600):
        n, p = rng.integers(1, 6), rng.integers(1, 6)
        quality, cost = rng.random((n, p)), rng.random((n, p))
        if number % 3 == 0:
            quality, cost = np.round(quality * 4) / 4, np.round(cost * 4) / 4
        money = float(rng.random() * n)
        best, found = brute_force(quality, cost, money), best_choice(quality, cost, money)
        assert found.feasible == (best is not None)
        if best is not None:
            assert (found.quality, found.cost_usd) == pytest.approx(best, abs=1e-9)
            assert found.bound == pytest.approx(found.quality)
            rows = np.arange(n)
            assert quality[rows, found.points].sum() == found.quality


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.05, 3.0))
def test_more_money_never_buys_less_order_changes_nothing_and_what_was_planned_stays(seed, money):
    rng = np.random.default_rng(seed)
    quality, cost = rng.random((4, 5)), rng.random((4, 5))
    turn = rng.permutation(4)
    less, more, turned = (
        best_choice(quality, cost, money),
        best_choice(quality, cost, 1.2 * money),
        best_choice(quality[turn], cost[turn], money),
    )
    if less.feasible:
        assert less.cost_usd <= money * (1 + 1e-9) and more.quality >= less.quality - 1e-12
        assert turned.quality == pytest.approx(less.quality)
        rest = best_choice(quality[1:], cost[1:], less.cost_usd - cost[0, less.points[0]])
        assert rest.quality == pytest.approx(less.quality - quality[0, less.points[0]])


def test_points_that_may_not_be_called_are_not_and_many_steps_stay_exact():
    rng = np.random.default_rng(3)
    quality, cost = np.sort(rng.random((30, 12)), 1), np.sort(rng.lognormal(size=(30, 12)), 1)
    mask = rng.random((30, 12)) < 0.7
    mask[:, 0] = True
    found = best_choice(quality, cost, 20.0, mask)
    assert mask[np.arange(30), found.points].all() and found.cost_usd <= 20.0
    assert found.bound == pytest.approx(found.quality)


@cache
def planner() -> pr.Planner:
    """Fit on queries of four steps; planning and writing are hard, tools and checking easy."""
    import pandas as pd

    rows = [row for row in make_rows(480, seed=11) if row["model"] != "metered"]
    for row in rows:
        number = int(row["query_id"][3:])
        row["step"] = (("tools", "check") if number % 2 == 0 else ("plan", "write"))[number // 2 % 2]
    return pr.Planner(pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MaxCost(usd=0.004)))


def queries(seed: int) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    return {step: text_of(HARD if step in ("plan", "write") else EASY, rng) for step in STEPS}


def expected(run: Task, asked: dict[str, str]) -> tuple[float, float]:
    """Play a run in which every call costs what was expected; give the sums of quality and cost."""
    quality = cost = 0.0
    for step in STEPS:
        decision = run.plan(step, asked[step])
        run.spent(decision.expected_cost_usd)
        quality, cost = quality + decision.expected_quality, cost + decision.expected_cost_usd
    return quality, cost


@pytest.mark.parametrize("cap", [0.0012, 0.004, 0.01, 0.03])
def test_a_run_stays_within_its_money_and_more_of_it_buys_more(cap):
    quality, cost = expected(planner().start_task(STEPS, max_cost_usd=cap), queries(1))
    more, _ = expected(planner().start_task(STEPS, max_cost_usd=2 * cap), queries(1))

    assert cost <= cap * (1 + 1e-9)
    assert more >= quality - 0.02  # later steps are planned by their mean before their query is there


def test_planning_together_beats_splitting_the_money_evenly():
    cap, together, evenly = 0.012, [], []
    for seed in range(25):
        asked = queries(seed)
        together.append(expected(planner().start_task(STEPS, max_cost_usd=cap), asked)[0])
        alone = [planner().start_task([step], max_cost_usd=cap / 4).plan(step, asked[step]) for step in STEPS]
        evenly.append(sum(decision.expected_quality for decision in alone))

    gained = np.array(together) - np.array(evenly)
    assert gained.mean() > 0.12 and gained.min() > 0.05


def test_the_bill_never_exceeds_the_money_if_every_call_keeps_its_cap():
    rng = np.random.default_rng(5)
    prices = planner().policy.grid.prices
    for seed in range(20):
        cap = float(rng.uniform(0.002, 0.03))
        run, billed = planner().start_task(STEPS, max_cost_usd=cap), 0.0
        for step, query in queries(seed).items():
            decision = run.plan(step, query)
            if decision.status == "infeasible":
                break
            price, most = prices[decision.model], decision.output_cap_tokens
            assert most is not None
            prompt = len(query.encode()) + 40
            # The worst that can happen: every call runs into its cap.
            bill = (prompt * price.input_usd_per_mtok + most * price.output_usd_per_mtok) / 1e6
            run.spent(bill)
            billed += bill
        assert billed <= cap * (1 + 1e-9)


def test_money_that_was_not_spent_is_there_for_the_steps_to_come():
    asked = queries(2)
    frugal, dear = (planner().start_task(STEPS, max_cost_usd=0.012) for _ in range(2))
    first = [run.plan("plan", asked["plan"]) for run in (frugal, dear)]
    before = frugal.left_usd
    frugal.spent(0.0)
    dear.spent(first[1].expected_cost_usd + 0.003)

    assert frugal.left_usd == pytest.approx(before + first[0].expected_cost_usd)
    assert frugal.preview().expected_quality > dear.preview().expected_quality
    assert frugal.preview().expected_cost_usd <= frugal.left_usd


def test_the_outlook_says_what_is_planned_and_what_more_money_would_buy():
    run = planner().start_task(["plan", ("write", queries(3)["write"]), "check"], max_cost_usd=0.008)
    outlook = run.preview()

    assert [step for step, _ in outlook.points] == ["plan", "write", "check"] and outlook.status == "met"
    assert outlook.expected_cost_usd <= 0.008 and outlook.quality_per_usd > 0
    assert outlook.meaning.startswith("one more cent in this run buys ")
    rich = planner().start_task(["plan"], max_cost_usd=10.0).preview()
    assert (rich.status, rich.meaning) == ("slack", "more money would buy nothing that is forecast")


def test_money_that_covers_no_choice_is_said_with_the_least_that_would():
    run = planner().start_task(STEPS, max_cost_usd=1e-6)
    outlook = run.preview()

    assert outlook.status == "infeasible"
    assert outlook.meaning.startswith("the cheapest points for plan, tools, write, check cost $")
    assert planner().start_task(STEPS, max_cost_usd=1.01 * outlook.least_usd).preview().status == "met"
    decision = run.plan("plan", queries(4)["plan"])
    assert decision.status == "infeasible" and decision.model == "small"


def test_a_step_that_was_never_logged_is_planned_by_all_queries():
    quality, cost, may = planner().mean_figures("dream")
    record = planner().policy.record

    assert quality == pytest.approx(np.clip(record.quality.mean(0), 0, 1)) and may.all()
    assert planner().mean_figures("plan")[0][0] < quality[0] < planner().mean_figures("tools")[0][0]


@pytest.mark.parametrize(
    ("play", "message"),
    [
        (lambda run: run.plan("paint", "x"), "no step 'paint' is left in this run; left: 'plan', 'write'"),
        (
            lambda run: [run.plan(step, "x") for step in ("plan", "write")],
            "what did the last call cost? tell by spent(usd) before the next step is planned",
        ),
        (lambda run: run.spent(0.1), "no call is waiting for its cost; plan a step first"),
        (lambda run: run.spent(-0.1), "what a call cost must be a number of USD, 0 or more, got -0.1"),
        (lambda run: run.spent(float("nan")), "what a call cost must be a number of USD, 0 or more, got nan"),
    ],
)
def test_what_makes_no_sense_in_a_run_is_refused(play, message):
    with pytest.raises(TargetError, match=re.escape(message)):
        play(planner().start_task(["plan", "write"], max_cost_usd=0.01))


@pytest.mark.parametrize(
    ("steps", "usd", "message"),
    [
        ([], 1.0, "a run needs a list of steps, got []; write ['plan', 'write']"),
        ("plan", 1.0, "a run needs a list of steps, got 'plan'"),
        (["plan"], 0.0, "max_cost_usd must be a positive number, got 0.0"),
        ([3], 1.0, "a step's name must be text, got 3"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(steps, usd, message):
    with pytest.raises(TargetError, match=re.escape(message)):
        planner().start_task(steps, max_cost_usd=usd)
