"""One pass over many queries: which of them choose the same point everywhere in a box of prices.

At the centre of the box the winner leads another point j by s_w - s_j. Elsewhere in it the lead is smaller by at most
the sum over the limits of (half the width of the price) x |a_kw - a_kj|. Where that is not enough for any j, the query
is settled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights
from paretoroute.solver.constraints import Constraint
from paretoroute.solver.coupled.lagrangian import Sums

_ROWS = 2_048  # two float32 buffers of this many rows of 32 points stay in a second-level cache
_ROUNDING = 8.0  # units in the last place that a score may be off, in the largest of its parts


@dataclass(frozen=True)
class Reach:
    """How much a box of prices can take from the lead of one point over another.

    Args:
        coefficients: of |difference| in quality, cost and latency, where these differ by query.
        table: what does not differ by query, ``(points, points)``.
    """

    coefficients: tuple[float, float, float]
    table: Floats


def reach_of(rows: Sequence[Constraint], half_width: Floats, forecast: Tables) -> Reach:
    """Add up what the prices of all rows can take.

    Args:
        rows: the limits.
        half_width: of the box, ``(rows,)``; 0 where a row does not apply.
        forecast: tells which figures differ by query.
    """
    points = forecast.quality.shape[1]
    table, sums = np.zeros((points, points)), [0.0, 0.0, 0.0]
    for row, far in zip(rows, half_width, strict=True):
        constant = np.zeros(points) if row.points is None else row.points.astype(np.float64)
        figures = (row.quality, forecast.quality), (row.cost, forecast.cost_usd), (row.latency, forecast.latency_s)
        for i, (weight, values) in enumerate(figures):
            if weight and values is not None and values.ndim == 1:
                constant = constant + weight * values
            elif weight:
                sums[i] += far * abs(weight)
        table += far * np.abs(constant[None, :] - constant[:, None])
    return Reach((sums[0], sums[1], sums[2]), table)


def settle(forecast: Tables, weights: Weights, reach: Reach) -> tuple[NDArray[np.int32], NDArray[np.bool_], Sums]:
    """Ask every query at the centre of a box.

    Scores are computed in the type of the forecast; a lead within their rounding error settles nothing.

    Args:
        forecast: quality, cost and latency.
        weights: of the scores at the centre.
        reach: of the box.

    Returns:
        The point chosen at the centre ``(queries,)``, which queries are not settled ``(queries,)``, and the sums over
        those that are.
    """
    queries, points = forecast.quality.shape
    work = _Pass.over(forecast, weights, reach)
    choice, doubt = np.empty(queries, np.int32), np.empty(queries, bool)
    sums: list[list[float]] = [[], [], []]
    count = np.zeros(points)
    for start in range(0, queries, _ROWS):
        part = slice(start, min(start + _ROWS, queries))
        choice[part], doubt[part] = work.ask(part)
        chosen, sure = choice[part], ~doubt[part]
        count += np.bincount(chosen, sure, points)
        for total, table in zip(sums, (forecast.quality, forecast.cost_usd, forecast.latency_s), strict=True):
            if table is not None:
                values = table[part][np.arange(len(sure)), chosen] if table.ndim == 2 else table[chosen]
                total.append(float(values.astype(np.float64) @ sure))
    quality, cost, latency = map(math.fsum, sums)
    return choice, doubt, Sums(quality, cost, latency, count)


@dataclass(frozen=True)
class _Pass:
    """What is the same for all blocks of rows, in the type that scores are computed in.

    ``figures`` are tables ``(queries, points)``, each with its weight in the score, subtracted, and its coefficient in
    the reach; quality, which is added, comes first. ``constant`` is what is subtracted at every query.
    """

    figures: tuple[tuple[NDArray[Any], Any, Any], ...]
    constant: NDArray[Any]
    table: NDArray[Any] | None
    mask: NDArray[np.bool_] | None
    buffers: NDArray[Any]

    @staticmethod
    def over(forecast: Tables, weights: Weights, reach: Reach) -> _Pass:
        quality, cost, latency = forecast.quality, forecast.cost_usd, forecast.latency_s
        dtype = np.result_type(quality.dtype, cost.dtype, np.float32)
        constant = np.zeros(quality.shape[1]) if weights.points is None else weights.points
        figures = [(quality, dtype.type(-weights.quality), dtype.type(reach.coefficients[0]))]
        for table, weight, coefficient in (
            (cost, weights.cost, reach.coefficients[1]),
            (latency, weights.latency, reach.coefficients[2]),
        ):
            if table is not None and table.ndim == 1 and weight:
                constant = constant + weight * table
            elif table is not None and table.ndim == 2 and (weight or coefficient):
                figures.append((table, dtype.type(weight), dtype.type(coefficient)))
        return _Pass(
            tuple(figures),
            constant.astype(dtype),
            reach.table.astype(dtype) if reach.table.any() else None,
            forecast.callable,
            np.empty((2, _ROWS, quality.shape[1]), dtype),
        )

    def ask(self, part: slice) -> tuple[Indices, NDArray[np.bool_]]:
        """Choose at the centre for some rows, and tell which could choose otherwise in the box."""
        scores, away = self.buffers[:, : part.stop - part.start]
        dtype = scores.dtype
        tables = [table[part].astype(dtype, copy=False) for table, *_ in self.figures]
        np.multiply(tables[0], -self.figures[0][1], out=scores)
        scores -= self.constant
        for table, (_, weight, _) in zip(tables[1:], self.figures[1:], strict=True):
            if weight:
                scores -= np.multiply(table, weight, out=away)
        if self.mask is not None:
            scores[~np.broadcast_to(self.mask[part] if self.mask.ndim == 2 else self.mask, scores.shape)] = -np.inf
        rows = np.arange(len(scores))
        chosen = scores.argmax(axis=1)
        best = scores[rows, chosen]
        largest = np.abs(best) + np.abs(tables[0][rows, chosen] * self.figures[0][1])
        if self.table is not None:
            scores += np.take(self.table, chosen, axis=0, out=away, mode="clip")
            largest = largest + self.table.max()
        for table, (_, _, coefficient) in zip(tables, self.figures, strict=True):
            if coefficient:
                np.subtract(table, table[rows, chosen][:, None], out=away)
                np.abs(away, out=away)
                scores += np.multiply(away, coefficient, out=away)
        scores[rows, chosen] = -np.inf
        # NumPy finds the place of a maximum faster than the maximum.
        nearest = scores[rows, scores.argmax(axis=1)]
        return chosen, nearest >= best - _ROUNDING * np.finfo(dtype).eps * largest
