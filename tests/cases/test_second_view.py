"""A log with an embedding beside its texts: planned from both, and a call that lacks one of them is told which."""

from __future__ import annotations

import json

import numpy as np
import yaml

from tests.cases.case_log import case_rows, run_command, write_jsonl


def test_a_log_with_texts_and_embeddings_is_planned_from_both_and_a_missing_one_is_named(tmp_path):
    draw = np.random.default_rng(0)
    vectors = {f"q{i}": draw.normal(size=4).round(3).tolist() for i in range(40)}
    rows = [row | {"embedding": vectors[row["query_id"]]} for row in case_rows(40)]
    log = write_jsonl(tmp_path / "runs.jsonl", rows)
    asked = [{"query": "sort task", "embedding": vectors["q1"]}, {"query": "sort task", "embedding": vectors["q2"]}]
    queries = write_jsonl(tmp_path / "queries.jsonl", asked)

    fitted = run_command(tmp_path, "fit", log, "--out", "p.yaml")
    planned = run_command(tmp_path, "plan", "p.yaml", "--queries", queries, "--format", "jsonl")
    refused = run_command(tmp_path, "plan", "p.yaml", "sort task")

    assert (fitted.code, planned.code) == (0, 0), fitted.err + planned.err
    second = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))["features"]["second"]
    assert (second["kind"], second["settings"]) == ("embedding", {"inputs": 4})
    assert len([json.loads(line) for line in planned.out.splitlines()]) == 2
    assert refused.code == 2
    assert "the embedding is missing" in refused.err and "4 numbers" in refused.err
