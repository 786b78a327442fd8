"""Budgets of any kind: strategies, agents and temperatures are fitted, planned and read back as they were logged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.grid import Budget
from tests.cases.case_log import case_rows, run_command, without, write_jsonl

AGENTS = ("agents", {str(n): float(n) for n in range(1, 6)})
TEMPERATURES = ("temperature", {"0": 0.0, "0.3": 0.3, "0.7": 0.7, "1": 1.0})
STRATEGIES = ("strategy", {"zero_shot": None, "cot": None, "low": None, "debate": None})


def rows_of(kind, labels, queries=20):
    """Answer every question of a plain log at every budget of one model."""
    rows = [row for row in case_rows(queries) if row["model"] == "big"]
    return [
        row | {"budget_kind": kind, "budget_label": label, "budget": amount}
        for row in rows
        for label, amount in labels.items()
    ]


def budgets_of(points):
    return {(point.budget.kind, point.budget.label, point.budget.amount) for point in points}


@pytest.mark.parametrize(("kind", "labels"), [AGENTS, TEMPERATURES, STRATEGIES])
def test_a_log_of_any_kind_is_fitted_with_its_labels_and_amounts(tmp_path, kind, labels):
    runs = pr.read_runs(write_jsonl(tmp_path / "runs.jsonl", rows_of(kind, labels)))

    pr.fit(runs, pr.MaxCost(usd=0.002)).save(tmp_path / "p.yaml")

    assert runs.set_aside_count == 0
    policy = pr.Policy.load(tmp_path / "p.yaml")
    assert budgets_of(policy.grid.points) == {(kind, *budget) for budget in labels.items()}


def test_every_command_takes_a_log_of_strategies(tmp_path):
    log = write_jsonl(tmp_path / "runs.jsonl", rows_of(*STRATEGIES))

    fitted = run_command(tmp_path, "fit", log, "--out", "p.yaml")
    planned = run_command(tmp_path, "plan", "p.yaml", "prove task number 7", "--format", "json")
    replayed = run_command(tmp_path, "replay", "p.yaml", log, "--format", "json")
    shown = run_command(tmp_path, "show", "p.yaml")

    assert [fitted.code, planned.code, replayed.code, shown.code] == [0, 0, 0, 0], fitted.err + planned.err
    assert json.loads(planned.out)["budget_kind"] == "strategy"
    assert json.loads(replayed.out)["queries"] == 20


def test_a_dialect_refuses_another_kind_at_load_and_names_the_points(tmp_path):
    runs = pr.read_runs(write_jsonl(tmp_path / "runs.jsonl", rows_of(*AGENTS)))
    pr.fit(runs, pr.MaxCost(usd=0.002)).save(tmp_path / "p.yaml")

    with pytest.raises(pr.DialectError, match="'big@3': it has no argument for a budget of kind 'agents'"):
        pr.Planner.load(tmp_path / "p.yaml", dialect="litellm")


def test_a_temperature_between_two_logged_ones_is_offered_and_a_strategy_between_two_is_not(tmp_path):
    warm, teams = (
        pr.read_runs(write_jsonl(tmp_path / f"{kind}.jsonl", rows_of(kind, labels)))
        for kind, labels in (TEMPERATURES, STRATEGIES)
    )

    policy = pr.fit(warm, pr.MaxCost(usd=0.002), add_points=["big@0.5"])

    assert [(place.below, place.above) for place in policy.grid.between.values()] == [("0.3", "0.7")]
    with pytest.raises(pr.GridError, match="'big@medium' was never logged; .*its place among them is unknown"):
        pr.fit(teams, add_points=["big@medium"])


kinds = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=64).filter(
    lambda kind: bool(kind.strip()) and kind.isprintable()
)


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],  # each example is a fit: shrinking one would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(kinds, min_size=4, max_size=4, unique=True), st.sampled_from([None, 2.0, -0.5]))
def test_any_printable_kind_survives_log_fit_file_plan_and_log(tmp_path, drawn, amount):
    rows = [row for kind in drawn for row in rows_of(kind, {f"at {kind}": amount})]
    runs = pr.read_runs(write_jsonl(tmp_path / "runs.jsonl", rows))
    expected = {(kind, f"at {kind}", amount) for kind in drawn}

    pr.fit(runs, pr.MaxCost(usd=0.002)).save(tmp_path / "p.yaml")
    planner = pr.Planner.load(tmp_path / "p.yaml")
    decided = [planner.plan("prove a task", callable=np.arange(4) == j, query_id="q") for j in range(4)]
    logged = [decision.to_row() | {"query": "prove a task", "quality": 1.0} for decision in decided]
    again = pr.read_runs(write_jsonl(tmp_path / "served.jsonl", logged))

    assert budgets_of(runs.points) == budgets_of(planner.policy.grid.points) == expected
    assert {(d.budget.kind, d.budget.label, d.budget.amount) for d in decided} == expected
    assert budgets_of(again.points) == expected


@pytest.mark.parametrize("kind", [" ", "a\nb", "k" * 65])
def test_a_kind_of_no_sane_form_is_refused_everywhere(tmp_path, kind):
    good = without(rows_of(*AGENTS), "score")
    bad = [row | {"budget_kind": kind} for row in good[:3]]

    runs = pr.read_runs(write_jsonl(tmp_path / "runs.jsonl", [*good, *bad]))

    assert (runs.set_aside_count, {row.field for row in runs.set_aside}) == (3, {"budget_kind"})
    with pytest.raises(pr.GridError, match="budget kind .* is "):
        Budget(kind.replace("a\nb", ""), "x")
