"""A log without any fault: the figures of a policy are those of the log, so that each case plants one fault only."""

from __future__ import annotations

import yaml

from tests.cases.case_log import case_rows, run_command, write_jsonl


def test_a_plain_log_is_fitted_without_a_warning_about_its_cost(tmp_path):
    log = write_jsonl(tmp_path / "runs.jsonl", case_rows())
    outcome = run_command(tmp_path, "fit", log, "--out", "p.yaml")
    assert outcome.code == 0, outcome.err
    policy = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    prices = {entry["model"]: entry["price_usd_per_mtok"] for entry in policy["grid"]}
    assert abs(prices["big"]["output"] - 15.0) < 1e-6
    assert "logged_cost" not in policy["fitted_on"]["finding_kinds"]
