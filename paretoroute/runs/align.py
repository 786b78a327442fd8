"""Align a log with a grid: the column of each logged point, its runs, and what their tokens cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.grid import Grid, Price
from paretoroute.runs.table import ROW_NUMBERS, Runs


def grid_columns(runs: Runs, grid: Grid) -> NDArray[np.int64]:
    """Return the column in the grid of each logged point, ``(points,)``; -1 if the grid lacks it."""
    place = {point.key: j for j, point in enumerate(grid.points)}
    return np.array([place.get(point.key, -1) for point in runs.points], np.int64)


def on_grid(runs: Runs, grid: Grid) -> Runs:
    """Return the runs of the grid's points, in the grid's order, and the queries that have any."""
    if runs.points == grid.points:
        return runs
    place = grid_columns(runs, grid)[runs.point]
    kept = np.bincount(runs.query[place >= 0], minlength=len(runs.query_ids)) > 0
    rows = (place >= 0)[kept[runs.query]]
    some = runs.select(kept)
    columns = {name: getattr(some, name)[rows] for name in ("query", "cost_is_mean", *ROW_NUMBERS)}
    columns["point"] = place[place >= 0].astype(np.int32)
    return replace(some, points=grid.points, **columns)


def of_model(runs: Runs, model: str) -> Mask:
    """Return which runs are of a model, ``(runs,)``."""
    return np.array([point.model == model for point in runs.points])[runs.point]


def token_cost_usd(runs: Runs, price: Price, rows: Mask) -> Floats:
    """Return tokens times prices of some runs, without any fee, ``(rows,)``; NaN where tokens are unknown."""
    return price.cost_usd(
        runs.prompt_tokens[rows],
        runs.completion_tokens[rows],
        np.nan_to_num(runs.cached_prompt_tokens[rows]),
        cache_write_tokens=np.nan_to_num(runs.cache_write_tokens[rows]),
    )
