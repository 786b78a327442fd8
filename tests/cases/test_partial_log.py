"""Logs with one run per query: the command states what the log supports, and what it cannot speak for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.cases.case_log import Row, case_rows, run_command, write_jsonl


def one_run_per_query(queries: int, *, most: float = 0.5, seed: int = 0) -> list[Row]:
    """Keep one run of every query, at ``big`` for a share of the queries."""
    draw, rows = np.random.default_rng(seed), case_rows(queries, seed=seed)
    return [rows[2 * i + int(draw.random() < most)] for i in range(queries)]


def fitted(folder: Path, rows: list[Row], *options: str) -> tuple[str, dict]:
    log = write_jsonl(folder / "runs.jsonl", rows)
    outcome = run_command(folder, "fit", log, "--out", "p.yaml", *options)
    assert outcome.code == 0, outcome.err
    return outcome.out, yaml.safe_load((folder / "p.yaml").read_text(encoding="utf-8"))


def test_fit_states_what_the_log_supports_and_what_the_logged_runs_reached(tmp_path):
    rows = one_run_per_query(300)
    out, policy = fitted(tmp_path, rows)

    table = out[out.index("What the log supports") :].splitlines()[:4]
    assert any("100 or more" in line and " 2 " in line for line in table), table
    logged = float(np.mean([row["quality"] for row in rows]))
    assert policy["expected"]["logger"]["quality"] == pytest.approx(logged, abs=1e-5)
    assert f"quality {logged:.3f}" in out
    assert policy["expected"]["quality_low"] < policy["expected"]["quality"] < policy["expected"]["quality_high"]


def test_a_target_that_hardly_any_run_agrees_with_is_unsupported_and_states_what_is_missing(tmp_path):
    rows = one_run_per_query(200, most=0.95)
    out, policy = fitted(tmp_path, rows, "--max-cost", "0.0002")  # only the small model is so cheap: ten runs

    assert policy["solution"]["status"] == "unsupported"
    assert "20 are needed: about" in policy["solution"]["meaning"]
    assert [policy["expected"][f"{name}_{end}"] for name in ("quality", "cost_usd") for end in ("low", "high")] == [
        None, None, None, None,
    ]  # fmt: skip
    assert 0 < policy["expected"]["quality"] < 1
    assert "the log is too thin for intervals" in out
    assert policy["expected"]["saving"] is None  # no difference stands without its interval
