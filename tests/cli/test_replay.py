"""replay in text and in JSON."""

import json

import pytest

import paretoroute as pr
from tests.cli.asking import one_line
from tests.planner_cases import command, fitted, make_rows, write_rows

REPLAY = {
    "quality",
    "quality_low",
    "quality_high",
    "cost_usd",
    "cost_usd_low",
    "cost_usd_high",
    "queries",
    "effective_queries",
}


def test_replay_answers_in_words_and_in_json(tmp_path):
    log = write_rows(tmp_path / "new.jsonl", make_rows(30, seed=99))

    text = command("replay", fitted().policy_path, log)
    result = command("replay", fitted().policy_path, log, "--format", "json")

    figures = json.loads(result.out)
    assert REPLAY < set(figures)
    assert (figures["queries"], figures["effective_queries"], figures["seen"]) == (30, 30, False)
    assert f"quality   {figures['quality']:.3f}" in text.out
    assert "warning   fewer than 50 queries count" in text.out


def test_replay_warns_when_the_runs_are_those_of_the_fit():
    result = command("replay", fitted().policy_path, fitted().runs_path)

    assert "warning   the policy was fitted on these runs" in result.out


def test_replay_writes_an_unknown_cost_as_null(tmp_path):
    rows = [{k: v for k, v in row.items() if "tokens" not in k and k != "cost_usd"} for row in make_rows(20, seed=9)]

    result = command("replay", fitted().policy_path, write_rows(tmp_path / "r.jsonl", rows), "--format", "json")

    assert json.loads(result.out, parse_constant=pytest.fail)["cost_usd"] is None
    assert command("replay", fitted().policy_path, tmp_path / "r.jsonl").code == 0


def test_replay_compares_two_policies_by_the_names_of_their_files(tmp_path):
    log = write_rows(tmp_path / "new.jsonl", make_rows(60, seed=98))
    fitted().policy.solve(pr.MaxCost(usd=0.0006)).save(tmp_path / "cheap.yaml")

    text = command("replay", fitted().policy_path, log, "--against", tmp_path / "cheap.yaml")
    result = command("replay", fitted().policy_path, log, "--against", tmp_path / "cheap.yaml", "--format", "json")

    figures = json.loads(result.out, parse_constant=pytest.fail)["against"]
    assert figures["name"] == "cheap.yaml"
    assert figures["quality_low"] <= figures["quality"] <= figures["quality_high"]
    assert f"against   {100 * figures['quality']:+.1f} quality points [" in text.out
    assert "compared with cheap.yaml" in text.out


def test_replay_without_support_writes_null_for_the_ends_and_exits_with_0(tmp_path):
    rows = [row for i, row in enumerate(make_rows(30, seed=97)) if i // 5 % 5 == i % 5]

    result = command("replay", fitted().policy_path, write_rows(tmp_path / "r.jsonl", rows), "--format", "json")

    figures = json.loads(result.out, parse_constant=pytest.fail)
    assert (result.code, figures["status"], figures["quality_low"], figures["cost_usd_high"]) == (
        0,
        "unsupported",
        None,
        None,
    )
    assert 0 <= figures["quality"] <= 1 and figures["needed_queries"] > 30


def test_replay_refuses_a_form_that_it_does_not_know():
    result = command("replay", fitted().policy_path, fitted().runs_path, "--format", "csv")

    assert one_line(result) == "--format 'csv': use text or json"


def test_what_reading_the_log_found_is_told_beside_the_figures(tmp_path):
    rows = make_rows(60, seed=97)
    unjudged = [row | {"quality": None} if i % 3 == 0 else row for i, row in enumerate(rows)]
    log = write_rows(tmp_path / "new.jsonl", unjudged)

    text = command("replay", fitted().policy_path, log)
    answer = json.loads(command("replay", fitted().policy_path, log, "--format", "json").out)

    for told in (text.out, "\n".join(answer["notices"])):
        assert f"quality is missing in {len(rows) // 3} of {len(rows)} rows" in told
        assert f"rows set aside: {len(rows) // 3} of {len(rows)}" in told
