"""A charge on 4% of the calls that tokens do not explain: the cost promised is that of the log."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from paretoroute.planner.planner import Planner
from tests.cases.case_log import case_rows, run_command, write_jsonl

FEE_USD = 0.25


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tool_fee")
    rows = case_rows(100)
    of_big = [row for row in rows if row["model"] == "big"]
    for row in of_big[::25]:
        row["cost_usd"] += FEE_USD
    log = write_jsonl(folder / "runs.jsonl", rows)
    outcome = run_command(folder, "fit", log, "--max-cost", "0.003", "--out", "p.yaml")
    assert outcome.code == 0, outcome.err
    return folder, log, outcome, float(np.mean([row["cost_usd"] for row in of_big]))


def test_the_cost_promised_is_that_of_the_log_and_the_sum_left_unexplained_is_stated(fitted):
    folder, _, outcome, mean = fitted
    policy = yaml.safe_load((folder / "p.yaml").read_text(encoding="utf-8"))

    (big,) = [entry for entry in policy["grid"] if entry["model"] == "big"]
    assert big["cost"] == "logged"
    assert big["points"][0]["cost_usd"] == pytest.approx(mean, rel=1e-5)
    assert policy["solution"]["status"] == "met"
    assert policy["expected"]["cost_usd"] == pytest.approx(0.003, rel=0.01)
    assert "100 runs of big cost; 4 runs cost more" in outcome.out


def test_replay_finds_the_cost_within_its_interval_and_plan_averages_to_the_logged_mean(fitted):
    folder, log, _, mean = fitted
    replayed = json.loads(run_command(folder, "replay", "p.yaml", log, "--format", "json").out)

    assert replayed["cost_usd_low"] <= 0.003 <= replayed["cost_usd_high"]
    planner = Planner.load(folder / "p.yaml")
    ratio = planner.policy.document.solution.cost_ratio
    texts = [row["query"] for row in case_rows(100) if row["model"] == "big"]
    costs = [planner.plan(text, models=["big"]).expected_cost_usd / ratio for text in texts]
    assert np.mean(costs) == pytest.approx(mean, rel=0.05)
