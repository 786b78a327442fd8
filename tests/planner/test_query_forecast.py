"""The forecast at a query is calibrated, and its status shows whether the query resembles the log."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.grid import cost_usd
from tests.planner.decisions import HARD_QUERY
from tests.planner_cases import fitted


@pytest.mark.parametrize("text", ["これはまったく別の言語で書かれた質問です", "zq!x 0x7f %%% ~~ jjjj wvwv", "😀" * 50])
def test_a_query_unlike_the_log_is_unfamiliar(text):
    assert pr.Planner(fitted().policy).plan(text).status == "unfamiliar"


def test_logged_queries_are_familiar():
    planner = pr.Planner(fitted().policy)

    statuses = [planner.plan(text).status for text in fitted().runs.texts]

    assert statuses.count("met") >= 0.95 * len(statuses)


@pytest.mark.parametrize("query", [None, "", " \n\t", []])
def test_nothing_to_read_falls_back_to_the_context_free_means(query):
    policy = fitted().policy
    decision = pr.Planner(policy).plan(query, query_id="a")

    flat = policy.surface.context_free()
    assert decision.status == "fallback"
    column = policy.grid.points.index(decision.point)
    assert decision.expected_quality == pytest.approx(flat.quality[column] + policy.document.solution.quality_shift)


def test_expected_figures_are_the_calibrated_forecasts():
    policy = fitted().policy
    decision = pr.Planner(policy).plan(HARD_QUERY)
    amounts = policy.surface.at_text(HARD_QUERY)
    column = policy.grid.points.index(decision.point)
    solution = policy.document.solution

    cost = cost_usd(amounts.amount, amounts.prompt_tokens, policy.grid)[column]
    assert decision.expected_cost_usd == pytest.approx(cost * solution.cost_ratio, rel=1e-12)
    shifted = np.clip(amounts.quality[column] + solution.quality_shift, 0, 1)
    assert decision.expected_quality == pytest.approx(shifted, rel=1e-12)
    assert decision.runner_up is not None
    assert decision.runner_up.point == decision.fallbacks[0]


def test_without_a_text_a_query_is_forecast_as_the_logged_ones_without_one():
    texts = tuple("" if i % 2 else text for i, text in enumerate(fitted().runs.texts))
    policy = pr.fit(replace(fitted().runs, texts=texts), pr.MaxCost(usd=1e-3))
    planner = pr.Planner(policy)

    decisions = [planner.plan(query, query_id="a") for query in (None, "", " \n", [])]

    assert decisions[0].status == "met"
    figures = [(d.point, d.propensity, d.expected_quality, d.expected_cost_usd, d.status) for d in decisions]
    assert figures == [figures[0]] * 4
