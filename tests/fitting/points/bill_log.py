"""Logs with a bill that tokens explain in part: fees, tiers, outliers, refunds, missing costs and tokens."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from paretoroute.grid import Grid
from paretoroute.runs.read import read_runs
from paretoroute.runs.table import Runs

RATES = {"small": (0.2, 0.8), "big": (3.0, 15.0)}  # USD per million tokens: input, output
Fault = Callable[[dict[str, np.ndarray], np.random.Generator], None]


def bill_table(fault: Fault | None = None, *, seed: int = 0, queries: int = 100) -> pa.Table:
    """Two models at all queries, ``big`` at two efforts; ``fault`` changes the columns of ``big`` in place."""
    draw = np.random.default_rng(seed)
    tables = []
    for model, label in (("small", "low"), ("big", "low"), ("big", "high")):
        columns = {
            "prompt_tokens": draw.integers(20, 3000, queries).astype(float),
            "completion_tokens": draw.integers(50, 900, queries).astype(float) * (2 if label == "high" else 1),
        }
        input_price, output_price = RATES[model]
        columns["cost_usd"] = (
            columns["prompt_tokens"] * input_price + columns["completion_tokens"] * output_price
        ) / 1e6
        columns["quality"] = (draw.random(queries) < (0.5 if model == "small" else 0.8)).astype(float)
        if fault and model == "big":
            fault(columns, draw)
        names = {"model": [model] * queries, "budget_kind": ["effort"] * queries, "budget_label": [label] * queries}
        query = {
            "query_id": [f"q{i}" for i in range(queries)],
            "query": [f"task {i} of kind {i % 7}" for i in range(queries)],
        }
        gaps = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
        tables.append(pa.table({**query, **names, **gaps}))
    return pa.concat_tables(tables, promote_options="default")


def bill_runs(fault: Fault | None = None, *, seed: int = 0, queries: int = 100) -> Runs:
    """Read a log of :func:`bill_table`."""
    return read_runs(bill_table(fault, seed=seed, queries=queries))


def fee_on(share: float, fee_usd: float) -> Fault:
    """Charge a fee on a share of the calls."""

    def plant(columns: dict[str, np.ndarray], draw: np.random.Generator) -> None:
        columns["cost_usd"] = columns["cost_usd"] + fee_usd * (_some(columns, share))

    return plant


def times(share: float, factor: float) -> Fault:
    """Bill a share of the calls at another price: tiers, batches, free calls, a price that changed."""

    def plant(columns: dict[str, np.ndarray], draw: np.random.Generator) -> None:
        columns["cost_usd"] = np.where(_some(columns, share), factor, 1.0) * columns["cost_usd"]

    return plant


def missing(column: str, share: float) -> Fault:
    """Leave a share of the numbers of a column out."""

    def plant(columns: dict[str, np.ndarray], draw: np.random.Generator) -> None:
        columns[column] = np.where(_some(columns, share), np.nan, columns[column])

    return plant


def _some(columns: dict[str, np.ndarray], share: float) -> np.ndarray:
    size = len(columns["cost_usd"])
    return np.arange(size) < round(share * size)


def total_usd(runs: Runs, grid: Grid) -> np.ndarray:
    """Sum tokens times prices plus fees over the runs of each point that have a cost, written out run by run.

    A run without tokens counts at the mean of its point. Where cost is logged, the sum is that of the log.
    """
    totals = []
    for j, point in enumerate(runs.points):
        rows = [i for i in range(len(runs)) if runs.point[i] == j]
        price, fee = grid.prices.get(point.model), grid.fees.get(point, 0.0)
        costs = []
        for i in rows:
            if price is None:
                costs.append(runs.cost_usd[i])
                continue
            cached, written = np.nan_to_num(runs.cached_prompt_tokens[i]), np.nan_to_num(runs.cache_write_tokens[i])
            fresh = runs.prompt_tokens[i] - cached - written
            parts = fresh * price.input_usd_per_mtok + runs.completion_tokens[i] * price.output_usd_per_mtok
            parts += cached * (price.parts.get("cached_input", price.input_usd_per_mtok))
            parts += written * (price.parts.get("cache_write", price.input_usd_per_mtok))
            costs.append(parts / 1e6)
        weights, costs = runs.trials[rows], np.array(costs)
        known = ~np.isnan(costs)
        mean = np.sum(weights[known] * costs[known]) / np.sum(weights[known])
        counts = ~np.isnan(runs.cost_usd[rows])
        totals.append(np.sum((weights * (np.where(known, costs, mean) + fee))[counts]))
    return np.array(totals)


def logged_usd(runs: Runs) -> np.ndarray:
    """Sum the logged cost of each point."""
    weighted = np.nan_to_num(runs.cost_usd * runs.trials)
    return np.array([weighted[runs.point == j].sum() for j in range(len(runs.points))])
