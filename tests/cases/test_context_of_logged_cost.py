"""Limits on the context of models whose cost is logged: completions count, and prompts where they are known."""

from __future__ import annotations

import pandas as pd
import pytest

import paretoroute as pr
from tests.cases.case_log import case_rows, without


@pytest.fixture(scope="module")
def rows():
    """Return a log whose tokens do not explain the costs: completions are 50 to 300 tokens, prompts about 30."""
    return [
        row | {"cost_usd": (0.01 if row["model"] == "big" else 0.001) * (1 + i * 7 % 5)}
        for i, row in enumerate(case_rows())
    ]


def test_a_context_that_no_completion_fits_into_rules_the_model_out(rows):
    policy = pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MaxCost(usd=0.1), limits=[pr.ContextLength(40, "big")])

    assert policy.document.grid[0].cost == "logged"
    shares = {entry.model: entry.points[0].share for entry in policy.document.grid}
    assert shares == {"big": 0.0, "small": 1.0}
    assert "does not bind" not in policy.document.solution.limits[0].meaning
    assert pr.Planner(policy).plan("sort task number 7 about love").model == "small"


def test_prompts_that_are_not_forecast_are_told_and_counted_by_the_planner(rows):
    limit = pr.ContextLength(2000, "big")
    policy = pr.fit(pr.read_runs(pd.DataFrame(rows)), pr.MaxCost(usd=0.1), limits=[limit])

    assert policy.document.solution.limits[0].meaning == (
        "kept at every logged query, without the prompts of big@default, which are not forecast: a planner counts each "
        "by its bytes"
    )
    planner = pr.Planner(policy)
    assert planner.plan("sort task number 7 about love").model == "big"
    assert planner.plan("sort task number 7 about love " * 300).model == "small"


def test_a_log_without_tokens_says_so_too(rows):
    bare = without(rows, "prompt_tokens", "completion_tokens")
    policy = pr.fit(pr.read_runs(pd.DataFrame(bare)), pr.MaxCost(usd=0.1), limits=[pr.ContextLength(40, "big")])

    assert "without the prompts of big@default" in policy.document.solution.limits[0].meaning
