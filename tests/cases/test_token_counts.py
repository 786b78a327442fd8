"""Reasoning beside the completion and cached tokens beside the prompt, as some providers log them, are billed."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from paretoroute.evaluation.replay import replay
from paretoroute.fitting.fit import fit
from paretoroute.grid_file import read_prices
from paretoroute.planner.planner import Planner
from paretoroute.price import Price
from paretoroute.runs.read import read_runs
from tests.cases.case_log import PRICES, case_rows, run_command, without, write_jsonl, write_prices


def test_reasoning_that_is_five_times_the_completion_is_billed_beside_it(tmp_path):
    rows = without(case_rows(), "cost_usd")
    for row in rows:
        row["reasoning_tokens"] = 5 * row["completion_tokens"]
    log, prices = write_jsonl(tmp_path / "runs.jsonl", rows), write_prices(tmp_path / "prices.yaml")

    outcome = run_command(tmp_path, "fit", log, "--prices", prices, "--out", "p.yaml")

    assert outcome.code == 0, outcome.err
    assert mean_of_big(tmp_path) == pytest.approx(true_mean(rows, 6.0), rel=1e-5)
    assert (
        "reasoning_tokens of big exceed completion_tokens in 60 of 60 runs: they are counted in addition"
        in " ".join(outcome.out.split())
    )


def mean_of_big(folder):
    policy = yaml.safe_load((folder / "p.yaml").read_text(encoding="utf-8"))
    return next(entry for entry in policy["grid"] if entry["model"] == "big")["points"][0]["cost_usd"]


def true_mean(rows, completions, *, cached=0.0, written=0.0):
    """The mean cost of ``big``, with the completion times ``completions``, in USD."""
    price_in, price_out = PRICES["big"]
    costs = [
        (row["prompt_tokens"] * price_in + completions * row["completion_tokens"] * price_out + cached + written) / 1e6
        for row in rows
        if row["model"] == "big"
    ]
    return float(np.mean(costs))


@pytest.fixture(scope="module")
def cached_log():
    rows = without(case_rows(), "cost_usd")
    for row in rows:
        row |= {"cached_prompt_tokens": 20_000, "cache_write_tokens": 1_000}
    return rows


@pytest.mark.parametrize("written", [None, 3.75])
def test_cached_and_written_tokens_are_billed_beside_a_prompt_that_leaves_them_out(tmp_path, cached_log, written):
    prices = {"small": Price(0.2, 0.8, 0.02), "big": Price(3.0, 15.0, 0.3, cache_write_usd_per_mtok=written)}
    runs = read_runs(write_jsonl(tmp_path / "runs.jsonl", cached_log))
    policy = fit(runs, prices=prices)

    of_cache = {"cached": 20_000 * 0.3, "written": 1_000 * (written or 3.0)}
    expected = true_mean(cached_log, 1.0, **of_cache)
    big = policy.document.grid[0].points[0]
    assert big.cost_usd == pytest.approx(expected, rel=1e-5)
    planner = Planner(policy)
    planned = [planner.plan(text, models=["big"]).expected_cost_usd for text in runs.texts]
    assert np.mean(planned) == pytest.approx(expected * policy.document.solution.cost_ratio, rel=0.02)
    replayed = replay(planner, runs)
    assert replayed.cost_usd_low <= policy.document.expected.cost_usd <= replayed.cost_usd_high
    policy.save(tmp_path / "p.yaml")
    assert Planner.load(tmp_path / "p.yaml").policy.grid == policy.grid
    text = (tmp_path / "p.yaml").read_text(encoding="utf-8")
    assert text.count("cache_write: 3.75") == (written is not None)


def test_a_cached_price_above_the_input_price_is_refused_by_file_and_key(tmp_path):
    (tmp_path / "prices.yaml").write_text("small: {input: 0.2, cached_input: 0.3, output: 0.8}\n", encoding="utf-8")

    outcome = run_command(
        tmp_path, "fit", write_jsonl(tmp_path / "r.jsonl", case_rows()), "--prices", "prices.yaml", "--out", "p.yaml"
    )

    assert outcome.code == 2
    assert "prices.yaml: small: cached_input is 0.3, above input at 0.2" in " ".join(outcome.err.split())
    assert not (tmp_path / "p.yaml").exists()


def test_a_price_file_may_name_the_price_of_writing(tmp_path):
    (tmp_path / "prices.yaml").write_text(
        "big: {input: 3, cached_input: 0.3, cache_write: 3.75, output: 15}\n", encoding="utf-8"
    )

    assert read_prices(tmp_path / "prices.yaml")["big"].cache_write_usd_per_mtok == 3.75
