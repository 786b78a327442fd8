"""One sum of money for the calls of an agent's task: planned together, kept for certain, planned anew as it is used."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import TargetError
from paretoroute.planner.agent_task import Task
from tests.planner_cases import EASY, HARD, make_rows, text_of

STEPS = ("plan", "tools", "write", "check")


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


def expected(task: Task, texts: dict[str, str]) -> tuple[float, float]:
    """Play a task in which every call has its expected cost; return the sums of quality and cost."""
    quality = cost = 0.0
    for step in STEPS:
        decision = task.plan(step, texts[step])
        task.spent(decision.expected_cost_usd)
        quality, cost = quality + decision.expected_quality, cost + decision.expected_cost_usd
    return quality, cost


@pytest.mark.parametrize("cap", [0.0012, 0.004, 0.01, 0.03])
def test_a_task_stays_within_its_money_and_more_of_it_buys_more(cap):
    quality, cost = expected(planner().start_task(STEPS, max_cost_usd=cap), queries(1))
    more, _ = expected(planner().start_task(STEPS, max_cost_usd=2 * cap), queries(1))

    assert cost <= cap * (1 + 1e-9)
    assert more >= quality - 0.02  # later steps are planned by their mean before their query is there


def test_planning_together_beats_splitting_the_money_evenly():
    cap, together, evenly = 0.012, [], []
    for seed in range(25):
        texts = queries(seed)
        together.append(expected(planner().start_task(STEPS, max_cost_usd=cap), texts)[0])
        alone = [planner().start_task([step], max_cost_usd=cap / 4).plan(step, texts[step]) for step in STEPS]
        evenly.append(sum(decision.expected_quality for decision in alone))

    gained = np.array(together) - np.array(evenly)
    assert gained.mean() > 0.12 and gained.min() > 0.05


def test_the_bill_never_exceeds_the_money_if_every_call_keeps_its_cap():
    rng = np.random.default_rng(5)
    prices = planner().policy.grid.prices
    for seed in range(20):
        cap = float(rng.uniform(0.002, 0.03))
        task, total = planner().start_task(STEPS, max_cost_usd=cap), 0.0
        for step, query in queries(seed).items():
            decision = task.plan(step, query)
            if decision.status == "infeasible":
                break
            price, most = prices[decision.model], decision.output_cap_tokens
            assert most is not None
            prompt = len(query.encode()) + 40
            # The worst that can happen: every call runs into its cap.
            cost = (prompt * price.input_usd_per_mtok + most * price.output_usd_per_mtok) / 1e6
            task.spent(cost)
            total += cost
        assert total <= cap * (1 + 1e-9)


def test_money_that_was_not_spent_is_there_for_the_steps_to_come():
    texts = queries(2)
    frugal, dear = (planner().start_task(STEPS, max_cost_usd=0.012) for _ in range(2))
    first = [task.plan("plan", texts["plan"]) for task in (frugal, dear)]
    before = frugal.left_usd
    frugal.spent(0.0)
    dear.spent(first[1].expected_cost_usd + 0.003)

    assert frugal.left_usd == pytest.approx(before + first[0].expected_cost_usd)
    assert frugal.preview().expected_quality > dear.preview().expected_quality
    assert frugal.preview().expected_cost_usd <= frugal.left_usd


def test_the_preview_shows_the_plan_and_the_value_of_more_money():
    task = planner().start_task(["plan", ("write", queries(3)["write"]), "check"], max_cost_usd=0.008)
    preview = task.preview()

    assert [step for step, _ in preview.points] == ["plan", "write", "check"] and preview.status == "met"
    assert preview.expected_cost_usd <= 0.008 and preview.quality_per_usd > 0
    assert preview.meaning.startswith("one more cent in this task buys ")
    rich = planner().start_task(["plan"], max_cost_usd=10.0).preview()
    assert (rich.status, rich.meaning) == ("slack", "more money would not raise expected quality")


def test_money_that_does_not_pay_for_the_steps_is_infeasible_and_the_least_that_would_is_named():
    task = planner().start_task(STEPS, max_cost_usd=1e-6)
    preview = task.preview()

    assert preview.status == "infeasible"
    assert preview.meaning.startswith("the cheapest points for plan, tools, write, check cost $")
    assert planner().start_task(STEPS, max_cost_usd=1.01 * preview.least_usd).preview().status == "met"
    decision = task.plan("plan", queries(4)["plan"])
    assert decision.status == "infeasible" and decision.model == "small"


def test_a_step_that_was_never_logged_is_planned_by_all_queries():
    unlogged, hard, easy = (planner().mean_figures(step) for step in ("dream", "plan", "tools"))

    assert unlogged.quality == pytest.approx(np.clip(planner().policy.outcomes.quality.mean(0), 0, 1))
    assert unlogged.callable.all()
    assert hard.quality[0] < unlogged.quality[0] < easy.quality[0]


@pytest.mark.parametrize(
    ("play", "message"),
    [
        (lambda task: task.plan("paint", "x"), "no step 'paint' is left in this task; left: 'plan', 'write'"),
        (
            lambda task: [task.plan(step, "x") for step in ("plan", "write")],
            "the cost of the last call is missing; report it by spent(usd) before the next step",
        ),
        (lambda task: task.spent(0.1), "no call is waiting for its cost; plan a step first"),
        (lambda task: task.spent(-0.1), "the cost of a call in USD must be a finite number of at least 0, got -0.1"),
        (
            lambda task: task.spent(float("nan")),
            "the cost of a call in USD must be a finite number of at least 0, got nan",
        ),
    ],
)
def test_a_step_out_of_order_or_a_cost_out_of_range_is_refused(play, message):
    with pytest.raises(TargetError, match=re.escape(message)):
        play(planner().start_task(["plan", "write"], max_cost_usd=0.01))


@pytest.mark.parametrize(
    ("steps", "usd", "message"),
    [
        ([], 1.0, "a task needs a list of steps, got []; write ['plan', 'write']"),
        ("plan", 1.0, "steps must be a list, got the text 'plan'; write ['plan']"),
        (["plan"], 0.0, "max_cost_usd must be a positive number, got 0"),
        ([3], 1.0, "each of steps must be of type str or tuple, got 3"),
    ],
)
def test_a_task_without_steps_or_money_is_refused(steps, usd, message):
    with pytest.raises(TargetError, match=re.escape(message)):
        planner().start_task(steps, max_cost_usd=usd)
