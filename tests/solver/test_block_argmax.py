"""Blocks of scores and sums against whole tables, and against the exact kernel."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights, choose
from paretoroute.solver.block_argmax import PASS_ROWS, BlockScores, SumsBuilder

QUERIES, POINTS = 2 * PASS_ROWS + 5, 4


def tables_of(kind, dtype):
    rng = np.random.default_rng(0)
    quality, cost, latency = (rng.random((QUERIES, POINTS)).astype(dtype) for _ in range(3))
    mask = rng.random((QUERIES, POINTS)) < 0.7
    mask[:, 0] = True
    shared = {"cost_usd": cost[0], "latency_s": latency[0]} if kind == "shared" else {}
    return Tables(quality, **({"cost_usd": cost, "latency_s": latency} | shared), callable=mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["by query", "shared"])
@pytest.mark.parametrize("weights", [Weights(1.0, 0.0), Weights(0.5, 2.0, 0.25, np.linspace(0, 1, POINTS))])
def test_scores_of_blocks_are_those_of_whole_tables(kind, dtype, weights):
    tables = tables_of(kind, dtype)
    kernel = BlockScores(tables)

    scores = np.concatenate([kernel.score(block, weights).copy() for _, block in kernel])

    wide = tables.astype(np.float64)
    expected = weights.quality * wide.quality - weights.cost * wide.cost_usd - weights.latency * wide.latency_s
    expected = expected - (0.0 if weights.points is None else weights.points)
    assert scores == pytest.approx(np.where(tables.callable, expected, -np.inf), abs=1e-15)


@pytest.mark.parametrize("kind", ["by query", "shared"])
def test_the_argmax_of_blocks_is_that_of_the_exact_kernel_where_nothing_is_tied(kind):
    tables = tables_of(kind, np.float64)
    kernel = BlockScores(tables)

    chosen = np.concatenate([kernel.score(block, Weights(1.0, 0.7)).argmax(axis=1) for _, block in kernel])

    low, high = choose(tables.quality, tables.cost_usd, 0.7, tables.callable)
    assert (low == high).all() and (chosen == low).all()


def test_sums_of_float32_blocks_are_taken_in_float64():
    tables = tables_of("by query", np.float32)
    rows, chosen = np.arange(QUERIES), np.arange(QUERIES) % POINTS
    builder = SumsBuilder(POINTS)
    for part, block in BlockScores(tables, np.float32):
        builder.add(block, np.arange(part.stop - part.start), chosen[part])

    sums = builder.sums()

    for total, table in (
        (sums.quality, tables.quality),
        (sums.cost, tables.cost_usd),
        (sums.latency, tables.latency_s),
    ):
        assert total == pytest.approx(table[rows, chosen].astype(np.float64).sum(), rel=1e-14)
    assert sums.count.tolist() == np.bincount(chosen, minlength=POINTS).tolist()
