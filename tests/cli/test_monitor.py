"""monitor in text and in JSON, with a state that goes on, and its exit codes."""

import json

import pytest

from tests.cli.asking import one_line
from tests.evaluation.drift.deployed import calls, worse
from tests.planner_cases import command, fitted, write_rows


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return [{name: value for name, value in row.items() if name != "logged"} for row in calls(400, seed=33)]


def test_stable_calls_are_reported_as_stable_in_words_and_in_json(rows, tmp_path):
    log = write_rows(tmp_path / "calls.jsonl", rows)

    text = command("monitor", fitted().policy_path, log, "--fail-on-drift")
    result = command("monitor", fitted().policy_path, log, "--format", "json")

    assert (text.code, text.err) == (0, "")
    assert "stable    no figure shifted in 400 calls" in text.out
    assert "The promise still stands" in text.out
    report = json.loads(result.out, parse_constant=pytest.fail)
    assert (report["drifted"], report["calls"], report["certificate_stands"]) == (False, 400, None)
    assert {"point", "figure", "calls", "forecast", "outcome", "shift"} < set(report["points"][0])
    row = next(point for point in report["points"] if point["figure"] == "quality")
    assert f"{row['forecast']:.3f}" in text.out


def test_a_change_comes_first_and_decides_the_exit_code_where_it_is_asked_to(rows, tmp_path):
    log = write_rows(tmp_path / "calls.jsonl", worse(rows, after=150))

    plain = command("monitor", fitted().policy_path, log)
    failing = command("monitor", fitted().policy_path, log, "--fail-on-drift", "--format", "json")

    assert plain.code == 0
    assert plain.out.startswith("!         Quality of thinker fell by ")
    assert "no longer stands" in plain.out
    assert failing.code == 3
    assert json.loads(failing.out)["drifted"] is True


def test_a_state_goes_on_from_week_to_week(rows, tmp_path):
    state = tmp_path / "state.json"
    first, second = write_rows(tmp_path / "1.jsonl", rows[:200]), write_rows(tmp_path / "2.jsonl", rows[200:])
    assert command("monitor", fitted().policy_path, first, "--state", state).code == 0
    result = command("monitor", fitted().policy_path, second, "--state", state, "--format", "json")

    whole = command("monitor", fitted().policy_path, write_rows(tmp_path / "all.jsonl", rows), "--format", "json")
    assert json.loads(result.out) == json.loads(whole.out)


def test_the_same_week_twice_and_another_horizon_are_refused_and_leave_the_state(rows, tmp_path):
    state, log = tmp_path / "state.json", write_rows(tmp_path / "a.jsonl", rows[:100])
    assert command("monitor", fitted().policy_path, log, "--state", state).code == 0
    before = state.read_bytes()

    again = command("monitor", fitted().policy_path, log, "--state", state)
    other = command("monitor", fitted().policy_path, log, "--state", state, "--horizon", "10")

    assert (again.code, other.code) == (2, 2)
    assert "the very same calls were given to this monitor before" in one_line(again)
    assert "state.json has a horizon of 60000; leave it out" in one_line(other)
    assert state.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--format", "xml"), "xml"), (("--horizon", "0"), "at least 1"), (("--columns", "time=when"), "'when'")],
)
def test_bad_options_are_one_line(rows, tmp_path, options, message):
    log = write_rows(tmp_path / "a.jsonl", rows[:50])

    result = command("monitor", fitted().policy_path, log, *options)

    assert result.code == 2
    assert message in one_line(result)
