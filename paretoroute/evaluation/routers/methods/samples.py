"""Sampled answers of each query at one point: its repeats in the log."""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.runs.table import Runs

MOST = 20


def samples_at(runs: Runs, point: int, *, most: int = MOST) -> Floats:
    """Return the qualities of a query's first runs at a point, NaN where there are fewer: ``(queries, samples)``.

    Args:
        runs: at the grid's points, in its order.
        point: position in the grid.
        most: number of samples to keep.
    """
    rows = np.flatnonzero((runs.point == point) & ~np.isnan(runs.quality))
    query = runs.query[rows]
    order = np.argsort(query, kind="stable")
    rows, query = rows[order], query[order]
    first = np.searchsorted(query, query, side="left")
    place = np.arange(len(rows)) - first
    kept = place < most
    width = int(place[kept].max(initial=0)) + 1
    table = np.full((len(runs.query_ids), width), np.nan)
    table[query[kept], place[kept]] = runs.quality[rows[kept]]
    return table
