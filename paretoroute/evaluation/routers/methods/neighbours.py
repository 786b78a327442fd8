"""Means over the nearest queries by cosine, leaving out missing outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.data import fill_missing

_BLOCK = 256  # queries at a time, to bound the memory of their neighbours' outcomes


def averages(train: Floats, values: Floats, batch: Floats, sizes: tuple[int, ...]) -> Floats:
    """Average values over the nearest rows by cosine, at several sizes of neighbourhood.

    Args:
        train: features of the possible neighbours, ``(train, width)``.
        values: theirs, ``(train, columns)``; NaN is left out, and where all is NaN the column's mean stands.
        batch: features of the queries to forecast, ``(batch, width)``.
        sizes: numbers of neighbours.

    Returns:
        Means, ``(sizes, batch, columns)``.
    """
    column_mean, logged = fill_missing(values).mean(0), ~np.isnan(values)
    numbers, units = np.where(logged, values, 0.0), _unit(train)
    most, is_full = min(max(sizes), len(train)), bool(logged.all())
    means = np.empty((len(sizes), len(batch), values.shape[1]))
    for start in range(0, len(batch), _BLOCK):
        rows = slice(start, start + _BLOCK)
        nearest = _nearest(_unit(batch[rows]) @ units.T, most)
        totals = _sums(numbers, nearest, sizes)
        counts = [min(size, most) for size in sizes] if is_full else _sums(logged, nearest, sizes)
        for s, (total, count) in enumerate(zip(totals, counts, strict=True)):
            means[s, rows] = np.where(count > 0, total / np.maximum(count, 1), column_mean)
    return means


def _sums(table: NDArray[Any], nearest: NDArray[np.intp], sizes: tuple[int, ...]) -> list[Floats]:
    """Sum a table's rows over the nearest ones, ``(rows, columns)`` per size, each from the next smaller size."""
    sums, total, done = {}, np.zeros((len(nearest), table.shape[1])), 0
    for size in sorted(set(sizes)):
        total = total + table[nearest[:, done:size]].sum(1)
        sums[size], done = total, size
    return [sums[size] for size in sizes]


def _nearest(similarity: Floats, most: int) -> NDArray[np.intp]:
    """Return the columns with the highest similarity, nearest first: ``(rows, most)``."""
    columns = np.argpartition(-similarity, most - 1, axis=1)[:, :most]
    order = np.argsort(-np.take_along_axis(similarity, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1)


def _unit(vectors: Floats) -> Floats:
    norm = np.sqrt((vectors * vectors).sum(1, keepdims=True))
    return vectors / np.where(norm > 0, norm, 1.0)
