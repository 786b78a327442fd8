"""One id, several questions: they are not merged without a word, and are kept apart on request."""

from __future__ import annotations

import yaml

from tests.cases.case_log import case_rows, run_command, write_jsonl


def test_document_ids_of_three_tasks_are_refused_and_joined_by_id_and_text(tmp_path):
    rows = [row | {"query_id": str(int(row["query_id"][1:]) % 40)} for row in case_rows(120)]
    log = write_jsonl(tmp_path / "runs.jsonl", rows)

    refused = run_command(tmp_path, "fit", log, "--out", "p.yaml")

    assert refused.code == 2 and not (tmp_path / "p.yaml").exists()
    assert "the texts of 40 of 40 ids ('0', '1', '10', ...)" in refused.err and "--join id,text" in refused.err

    fitted = run_command(tmp_path, "fit", log, "--join", "id,text", "--out", "p.yaml")

    assert fitted.code == 0, fitted.err
    policy = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    assert policy["fitted_on"]["queries"] == 120 and policy["fitted_on"]["runs"] == 240
