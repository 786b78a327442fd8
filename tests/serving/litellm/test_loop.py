"""The loop closed: LiteLLM's real proxy plans, its log is imported and fitted, the next proxy plans by the result."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import paretoroute as pr
from tests.cases.case_log import run_command, write_jsonl
from tests.serving.litellm.provider import (
    OUTAGE,
    Provider,
    answer,
    cost_usd,
    full_log,
    provider,
    question,
)
from tests.serving.litellm.proxy import Answer, Proxy, proxy, reason_to_skip

pytestmark = pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip() or "it runs")

EXPLORE = 0.3
PLANNED = 60  # queries of the loop; one in two is hard


def asked(text: str, model: str = "paretoroute", **arguments: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **arguments}


@dataclass
class Round:
    """What one proxy did.

    Args:
        policy: the policy's file.
        folder: of the proxy.
        answers: to its requests.
        bodies: that the provider received.
        rows: of the log.
    """

    policy: Path
    folder: Path
    answers: list[Answer] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "PARETOROUTE_POLICY": str(self.policy),
            "PARETOROUTE_LOG": str(self.folder / "calls.jsonl"),
            "PARETOROUTE_EXPLORE": str(EXPLORE),
        }

    def records(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return the rows of answered calls that a decision chose, each with what is logged of the decision."""
        pairs = [(row, (row["metadata"]["spend_logs_metadata"] or {}).get("paretoroute")) for row in self.rows]
        return [(row, one) for row, one in pairs if one and "propensity" in one and row["status"] == "success"]


REQUESTS = (
    [asked(question(i)) for i in range(PLANNED)]
    + [
        asked(f"alias {i}", alias)
        for i, alias in enumerate(("gpt-4.1-mini@default", "gpt-5-mini@low", "gpt-5-mini@high"))
    ]
    + [asked(f"{question(i)} in an {OUTAGE}") for i in (101, 103, 105, 107)]
    + [asked(question(109), stream=True), asked(question(111), reasoning_effort="minimal", max_tokens=60, n=1)]
)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Round:
    """Fit a first policy on a full log, and let a proxy plan by it."""
    folder = tmp_path_factory.mktemp("first")
    write_jsonl(folder / "full.jsonl", full_log())
    return served(folder, folder / "full.jsonl", REQUESTS)


@pytest.fixture(scope="module")
def second(first: Round, tmp_path_factory) -> Round:
    """Import the first proxy's log, fit on it, and let another proxy plan by that policy."""
    folder = tmp_path_factory.mktemp("second")
    scores = [{"litellm_call_id": one.call_id, "value": float(one.text == "right")} for one in first.answers]
    write_jsonl(folder / "scores.jsonl", scores)
    log, runs = first.folder / "calls.jsonl", folder / "runs.jsonl"
    scored = ("import", "litellm", log, "--scores", folder / "scores.jsonl")
    imported = run_command(folder, *scored, "--out", folder / "all.jsonl")
    drawn = run_command(folder, *scored, "--drawn-only", "--out", runs)
    assert (imported.code, drawn.code) == (0, 0), imported.err + drawn.err
    return served(folder, runs, [asked(question(i)) for i in range(200, 208)])


def served(folder: Path, runs: Path, requests: list[dict[str, Any]]) -> Round:
    """Fit on runs, export, and make requests to a proxy of the policy."""
    one = Round(policy=folder / "policy.yaml", folder=folder)
    fitted = run_command(folder, "fit", runs, "--max-cost", "0.0012", "--out", one.policy)
    assert fitted.code == 0, fitted.err
    exported = run_command(folder, "export", one.policy, "--format", "litellm", "--out", folder / "points.yaml")
    assert exported.code == 0, exported.err
    with provider() as models:
        with proxy(folder, points=folder / "points.yaml", settings=one.settings, provider_url=models.url) as running:
            one.answers = ask(running, requests, models, one)
    one.rows = [json.loads(line) for line in (folder / "calls.jsonl").read_text(encoding="utf-8").splitlines()]
    return one


def ask(running: Proxy, requests: list[dict[str, Any]], models: Provider, one: Round) -> list[Answer]:
    answers = running.ask(requests)
    one.bodies = list(models.bodies)
    return answers


def effort_of(point: str) -> str | None:
    label = point.split("@")[1]
    return None if label == "default" else label


def body_of(one: Round, row: dict[str, Any]) -> dict[str, Any]:
    """Return the last body that the provider received for a row's question."""
    return [body for body in one.bodies if body["messages"] == row["messages"]][-1]


def test_every_request_is_answered_and_logged(first):
    assert {one.status for one in first.answers} == {200}, [one for one in first.answers if one.status != 200]
    logged = {row["litellm_call_id"] for row in first.rows if row["status"] == "success"}
    assert {one.call_id for one in first.answers} == logged


def test_decisions_propensities_and_costs_in_the_log_are_those_of_the_planner(first):
    planner = pr.Planner.load(first.policy, dialect="litellm", explore=EXPLORE)
    records = first.records()

    assert len(records) >= PLANNED
    for row, record in records:
        decision = planner.plan(row["messages"], query_id=row["litellm_call_id"])
        expected = (decision.point.name, decision.propensity, decision.expected_cost_usd, decision.expected_quality)
        keys = ("point", "propensity", "expected_cost_usd", "expected_quality")
        assert tuple(record[key] for key in keys) == expected
        assert record["policy_sha256"] == planner.policy.sha256
        assert row["response_cost"] == pytest.approx(cost_usd(decision.model, effort_of(decision.point.name)), rel=1e-9)
        assert row["response_cost"] == pytest.approx(decision.expected_cost_usd, rel=0.02)
    assert {record["point"] for _, record in records} == set(planner.policy.grid.names)
    assert len({record["propensity"] for _, record in records}) > 1
    assert len({record["decision_id"] for _, record in records}) == len(records)


def test_the_provider_receives_the_point_that_is_logged(first):
    for row, record in first.records():
        body = body_of(first, row)
        assert (body["model"], body.get("reasoning_effort")) == (row["model"].split("/")[1], effort_of(record["point"]))
        assert body["model"] == record["point"].split("@")[0]


def test_an_alias_is_its_point_and_carries_no_decision(first):
    rows = [row for row in first.rows if row["messages"][-1]["content"].startswith("alias")]

    assert len(rows) == 3
    for row in rows:
        body = body_of(first, row)
        assert f"{body['model']}@{body.get('reasoning_effort', 'default')}" == row["model_group"]
        assert not (row["metadata"]["spend_logs_metadata"] or {}).get("paretoroute")


def test_a_fallback_is_called_with_its_own_arguments_and_logged_as_what_it_is(first):
    rows = [row for row in first.rows if OUTAGE in row["messages"][-1]["content"] and row["status"] == "success"]
    records = [row["metadata"]["spend_logs_metadata"]["paretoroute"] for row in rows]
    fallen = [(row, one) for row, one in zip(rows, records, strict=True) if one["status"] == "answered_by_fallback"]

    assert len(rows) == 4
    assert fallen
    for row, record in fallen:
        assert (record["point"], body_of(first, row)["model"]) == ("gpt-4.1-mini@default", "gpt-4.1-mini")
        assert "reasoning_effort" not in body_of(first, row)
        assert record["failed_point"].startswith("gpt-5-mini@")
        assert "propensity" not in record


def test_the_runs_have_the_points_costs_and_propensities_of_the_log(first, second):
    runs = [json.loads(line) for line in (second.folder / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    by_text = {text_of(run["query"]): run for run in runs}

    assert len(runs) == len(by_text) == len(first.answers)
    for row, record in first.records():
        text = row["messages"][-1]["content"]
        run = by_text[text]
        effort = effort_of(record["point"])
        assert f"{run['model']}@{run.get('budget_label') or 'default'}" == record["point"]
        assert (run["propensity"], run["cost_usd"]) == (record["propensity"], row["response_cost"])
        assert run["quality"] == float(answer(run["model"], effort, text) == "right")
    drawn = {row["messages"][-1]["content"] for row, _ in first.records()}
    undrawn = [run for text, run in by_text.items() if text not in drawn]
    assert undrawn
    assert {run.get("propensity") for run in undrawn} == {None}
    used = [json.loads(line) for line in (second.folder / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert used == [run for run in runs if run.get("propensity") is not None]


def text_of(query: Any) -> str:
    return query if isinstance(query, str) else query[-1]["content"]


def test_the_next_proxy_plans_by_the_policy_that_was_fitted_on_the_log(first, second):
    planner = pr.Planner.load(second.policy, dialect="litellm", explore=EXPLORE)

    assert "estimated" not in " ".join(
        planner.policy.document.fitted_on.findings
    )  # the propensities are the logged ones
    assert planner.policy.sha256 != pr.Policy.load(first.policy).sha256
    assert [one.status for one in second.answers] == [200] * 8
    records = second.records()
    assert len(records) == 8
    for row, record in records:
        decision = planner.plan(row["messages"], query_id=row["litellm_call_id"])
        assert (record["point"], record["propensity"]) == (decision.point.name, decision.propensity)
        assert record["policy_sha256"] == planner.policy.sha256
