"""A log that is piped into a command."""

from __future__ import annotations

import json

import yaml

from tests.cases.case_log import case_rows, run_command, write_jsonl


def test_a_log_on_standard_input_is_fitted_and_replayed_as_its_file_is(tmp_path):
    log = write_jsonl(tmp_path / "runs.jsonl", case_rows(30))
    piped = json.dumps(case_rows(30))

    by_pipe = run_command(tmp_path, "fit", "-", "--out", "pipe.yaml", "--name", "p", stdin=piped)
    by_file = run_command(tmp_path, "fit", log, "--out", "file.yaml", "--name", "p")
    replayed = run_command(
        tmp_path, "replay", "pipe.yaml", "-", "--format", "json", stdin=log.read_text(encoding="utf-8")
    )
    twice = run_command(tmp_path, "fit", "-", "-", "--out", "no.yaml", stdin=piped)

    assert (by_pipe.code, by_file.code, replayed.code) == (0, 0, 0), by_pipe.err + replayed.err
    policies = [yaml.safe_load((tmp_path / f"{name}.yaml").read_text(encoding="utf-8")) for name in ("pipe", "file")]
    assert policies[0]["fitted_on"] == policies[1]["fitted_on"]
    assert policies[0]["surface"]["sha256"] == policies[1]["surface"]["sha256"]
    assert json.loads(replayed.out)["queries"] == 30
    assert twice.code == 2 and "named twice" in twice.err
