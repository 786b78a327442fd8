"""Queries that cannot be told apart: one text for all, few texts, constant features; and logs without spread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import paretoroute as pr
from tests.cases.case_log import Row, case_rows, run_command, without, write_jsonl

LOGGED_COST = ("prompt_tokens", "completion_tokens")


def verdict_of(policy: pr.Policy) -> str:
    return policy.document.fitted_on.findings[-1]


def shared(rows: list[Row], **columns: Any) -> list[Row]:
    """Return the rows with the same values in every row, or those that a function of the query's number returns."""
    return [
        row | {name: value(int(row["query_id"][1:])) if callable(value) else value for name, value in columns.items()}
        for row in rows
    ]


def read(rows: list[Row]) -> pr.Runs:
    return pr.read_runs(pd.DataFrame(rows))


def test_a_log_of_one_redacted_text_is_fitted_context_free_and_reported(tmp_path):
    log = write_jsonl(tmp_path / "runs.jsonl", shared(case_rows(40), query="[redacted]"))

    outcome = run_command(tmp_path, "fit", log, "--out", "p.yaml")

    assert outcome.code == 0, outcome.err
    assert "RuntimeWarning" not in outcome.err
    assert "all 40 queries have one text ('[redacted]')" in outcome.out
    assert "routing does not pay on these runs" in outcome.out and "routing pays" not in outcome.out
    policy = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    assert policy["solution"]["prompt_blind"] is True


ALIKE: dict[str, dict[str, Any]] = {
    "redacted": {"query": "[redacted]"},
    "braces": {"query": "{}"},
    "empty": {"query": ""},
    "two texts": {"query": lambda i: ("alpha beta", "gamma delta")[i % 2]},
    "one text but one": {"query": lambda i: "other" if i == 0 else "same"},
    "no n-gram in common": {"query": lambda i: chr(0x4E00 + 7 * i)},
    "one conversation": {"conversation": "c"},
    "one embedding": {"embedding": lambda i: [1.0, 2.0, 3.0]},
    "embeddings of zeros": {"embedding": lambda i: [0.0, 0.0]},
    "embeddings of rank 1": {"embedding": lambda i: [i, 2.0 * i, 5.0]},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("columns", ALIKE.values(), ids=list(ALIKE))
def test_queries_that_cannot_be_told_apart_give_a_policy_that_plans_and_replays(columns, tmp_path):
    runs = read(shared(case_rows(20), **columns))

    policy = pr.fit(runs)
    policy.save(tmp_path / "p.yaml")

    planner = pr.Planner.load(tmp_path / "p.yaml")
    second = policy.document.features.second
    beside = None if second is None else np.ones(second.settings["inputs"])
    decision = planner.plan("anything else", query_id="a", embedding=beside)
    replay = pr.replay(planner, runs)
    assert verdict_of(policy).startswith("routing does not pay")
    assert np.isfinite([decision.expected_quality, decision.expected_quality_se, decision.expected_cost_usd]).all()
    assert np.isfinite([replay.quality, replay.cost_usd]).all()
    assert all(
        signal.startswith(("quality: no signal", "tokens: no", "prompt tokens: no")) for signal in signals(policy)
    )


def signals(policy: pr.Policy) -> list[str]:
    texts = policy.document.fitted_on.findings_by_kind()
    # Prompts of different lengths tell prompt tokens, whatever the features say of quality.
    return [text for kind, text in texts if kind == "signal" and not text.startswith("prompt tokens: signal")]


@pytest.mark.parametrize("text", ["[redacted]", "{}", ""])
def test_one_text_means_one_decision_for_any_query_at_every_target(text):
    runs = read(shared(case_rows(30, seed=3), query=text))

    policy = pr.fit(runs)

    for target in (pr.MaxCost(0.0008), pr.MinQuality(0.6), pr.BestTrade(0.002)):
        solved = policy.solve(target)
        planner = pr.Planner(solved)
        assert solved.document.solution.prompt_blind
        assert len({planner.plan(query, query_id="x").point for query in (text, "a poem", "2 + 2", None)}) == 1


NO_SPREAD: dict[str, Callable[[Row], Row]] = {
    "every answer right": lambda row: row | {"quality": 1.0},
    "every answer wrong": lambda row: row | {"quality": 0.0},
    "one cost": lambda row: without([row], *LOGGED_COST)[0] | {"cost_usd": 0.002},
    "no cost": lambda row: without([row], *LOGGED_COST)[0] | {"cost_usd": 0.0},
    "one model free": lambda row: without([row], *LOGGED_COST)[0] | {"cost_usd": 0.01 * (row["model"] == "big")},
    "right by model": lambda row: row | {"quality": float(row["model"] == "big")},
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("change", NO_SPREAD.values(), ids=list(NO_SPREAD))
def test_quality_and_cost_without_spread_give_finite_figures(change):
    policy = pr.fit(read([change(row) for row in case_rows(20)]))

    expected = policy.document.expected
    decision = pr.Planner(policy).plan("sort a list")
    figures = [expected.quality, expected.cost_usd, decision.expected_quality, decision.expected_cost_usd]
    assert np.isfinite(figures).all()
    assert verdict_of(policy).startswith("routing does not pay")


@pytest.mark.filterwarnings("error")
def test_a_feature_function_that_returns_one_vector_for_one_text_is_reported():
    policy = pr.fit(read(shared(case_rows(20), query="[redacted]")), features=lambda text: np.ones(3))

    assert any("all 20 queries have one vector of features" in text for text in policy.document.fitted_on.findings)
    assert policy.document.solution.prompt_blind
