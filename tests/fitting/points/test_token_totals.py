"""Logged cost decides whether reasoning and the tokens of a cache lie inside their totals or beside them."""

import numpy as np
import pytest

from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.price import Price
from paretoroute.runs.read import read_runs
from tests.fitting.points.bill_log import bill_table

GIVEN = {"big": Price(3.0, 15.0, 0.3, cache_write_usd_per_mtok=3.75)}


def log(*, beside, share=0.5, seed=0, cost=True, written=True):
    """A log whose parts are inside their totals as logged, or billed beside them."""
    table, draw = bill_table(seed=seed), np.random.default_rng(seed)
    prompt, completion = (table[name].to_numpy() for name in ("prompt_tokens", "completion_tokens"))
    reasoning, cached = (np.floor(draw.uniform(0.1, share, len(table)) * total) for total in (completion, prompt))
    wrote = np.floor(draw.uniform(0.1, 0.3, len(table)) * prompt) * written
    fresh = prompt - (0 if beside else 1) * (cached + wrote)
    out = completion + (reasoning if beside else 0)
    is_small = np.array(table["model"].to_pylist()) == "small"
    of = lambda small, big: np.where(is_small, small, big)  # noqa: E731  # a choice by model
    paid = fresh * of(0.2, 3) + cached * of(0.02, 0.3) + wrote * of(0.25, 3.75) + out * of(0.8, 15)
    columns = {"reasoning_tokens": reasoning, "cached_prompt_tokens": cached, "cache_write_tokens": wrote}
    table = table.drop_columns("cost_usd")
    for name, values in (columns | ({"cost_usd": paid / 1e6} if cost else {})).items():
        table = table.append_column(name, [values])
    return read_runs(table)


def test_parts_inside_their_totals_leave_the_log_as_it_is():
    runs = log(beside=False)

    assert billed_totals(runs, {}) == (runs, ())
    assert billed_totals(runs, GIVEN).runs is runs


@pytest.mark.parametrize("given", [{}, GIVEN], ids=["derived", "given"])
@pytest.mark.parametrize("share", [0.5, 3.0])
def test_parts_that_are_billed_beside_their_totals_are_added(given, share):
    runs = log(beside=True, share=share)

    counted = billed_totals(runs, given)

    assert np.array_equal(counted.runs.completion_tokens, runs.completion_tokens + runs.reasoning_tokens)
    parts = runs.cached_prompt_tokens + runs.cache_write_tokens
    assert np.array_equal(counted.runs.prompt_tokens, runs.prompt_tokens + parts)
    text = "reasoning_tokens and cached_prompt_tokens and cache_write_tokens of big are billed beside completion_tokens"
    assert any(finding.text.startswith(text) for finding in counted.findings)
    grid, _ = build_grid(counted.runs, prices=given)
    assert grid.prices["big"].parts == pytest.approx(GIVEN["big"].parts)
    assert grid.fees == {}


def test_a_log_without_costs_or_whose_cost_nothing_explains_stays_as_it_is():
    runs = log(beside=True, cost=False)
    assert billed_totals(runs, GIVEN).runs is runs

    unexplained = log(beside=True)
    unexplained.cost_usd[:] = np.random.default_rng(0).random(len(unexplained))
    assert billed_totals(unexplained, {}).runs is unexplained


def test_costs_on_some_runs_decide_for_all_runs_of_the_model():
    runs = log(beside=True)
    runs.cost_usd[::2] = np.nan

    assert np.array_equal(
        billed_totals(runs, {}).runs.completion_tokens, runs.completion_tokens + runs.reasoning_tokens
    )
