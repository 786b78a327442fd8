"""Fix the queries whose argmax is constant over a box of multipliers, in one pass.

At the centre of the box the winner leads another point j by s_w - s_j. Elsewhere in it the lead is smaller by at most
the sum over the constraints of (half the width of the price) x |a_kw - a_kj|. A query is fixed where that is less than
the lead over every j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights
from paretoroute.solver.block_argmax import BlockScores, Sums, SumsBuilder
from paretoroute.solver.constraints import Constraint

_ROUNDING = 8.0  # bound on the rounding error of a score, in units in the last place of its largest part


@dataclass(frozen=True)
class Reach:
    """The most that a box of prices can take from the lead of one point over another.

    Args:
        quality: coefficient of |difference| in quality.
        cost: coefficient of |difference| in cost, 0 where cost does not differ by query.
        latency: coefficient of |difference| in latency, 0 where latency does not differ by query.
        table: the part that does not differ by query, ``(points, points)``.
    """

    quality: float
    cost: float
    latency: float
    table: Floats


@dataclass(frozen=True)
class PassResult:
    """Result of one pass.

    Args:
        choice: the point chosen at the centre of the box, ``(queries,)``.
        free: which queries could choose another point in the box, ``(queries,)``.
        fixed: sums over the others.
    """

    choice: NDArray[np.int32]
    free: Mask
    fixed: Sums


def reach_of(constraints: Sequence[Constraint], half_width: Floats, tables: Tables) -> Reach:
    """Add up what the prices of all constraints can take from a lead.

    Args:
        constraints: the target's and the limits'.
        half_width: of the box, ``(constraints,)``; 0 where a constraint does not apply.
        tables: whose shapes show which figures differ by query.
    """
    points = tables.quality.shape[1]
    table, sums = np.zeros((points, points)), [0.0, 0.0, 0.0]
    for constraint, width in zip(constraints, half_width, strict=True):
        constant = np.zeros(points) if constraint.points is None else constraint.points.astype(np.float64)
        figures = (
            (constraint.quality, tables.quality),
            (constraint.cost, tables.cost_usd),
            (constraint.latency, tables.latency_s),
        )
        for i, (weight, values) in enumerate(figures):
            if weight and values is not None and values.ndim == 1:
                constant = constant + weight * values
            elif weight:
                sums[i] += float(width) * abs(weight)
        table += width * np.abs(constant[None, :] - constant[:, None])
    return Reach(sums[0], sums[1], sums[2], table)


def fix_in_box(tables: Tables, weights: Weights, reach: Reach) -> PassResult:
    """Choose for every query at the centre of a box and decide whether it can be fixed.

    Scores are computed in the type of the tables; a lead within their rounding error fixes nothing.

    Args:
        tables: quality, cost and latency.
        weights: of the scores at the centre.
        reach: of the box.
    """
    queries, points = tables.quality.shape
    choice, free = np.empty(queries, np.int32), np.empty(queries, bool)
    latency = tables.latency_s if weights.latency or reach.latency else None
    dtype = np.result_type(tables.quality.dtype, tables.cost_usd.dtype, np.float32)
    kernel = BlockScores(Tables(tables.quality, tables.cost_usd, latency, tables.callable), dtype)
    leads = _Leads(kernel, weights, reach)
    sums = SumsBuilder(points)
    for part, block in kernel:
        chosen = kernel.score(block, weights).argmax(axis=1)
        choice[part], free[part] = chosen, leads.may_change(block, chosen)
        fixed = np.flatnonzero(~free[part])
        # Sums are taken from the tables as given, which may be more precise than the scores.
        sums.add(tables.take(part), fixed, chosen[fixed])
    return PassResult(choice, free, sums.sums())


class _Leads:
    """Comparison of every winner's lead with the reach of a box, on the scores that a kernel holds."""

    def __init__(self, kernel: BlockScores, weights: Weights, reach: Reach) -> None:
        self._kernel, self._weights, self._reach = kernel, weights, reach
        self._table = reach.table.astype(kernel.dtype) if reach.table.any() else None

    def may_change(self, block: Tables, chosen: Indices) -> Mask:
        """Return the rows of a block that could choose another point in the box, ``(rows,)``; overwrite the scores."""
        scores, scratch = self._kernel.scores[: len(chosen)], self._kernel.scratch[: len(chosen)]
        rows = np.arange(len(chosen))
        best = scores[rows, chosen]
        largest = np.abs(best) + np.abs(block.quality[rows, chosen] * float(self._weights.quality))
        if self._table is not None:
            scores += np.take(self._table, chosen, axis=0, out=scratch, mode="clip")
            largest = largest + self._table.max()
        for table, coefficient in self._differing(block):
            np.subtract(table, table[rows, chosen][:, None], out=scratch)
            np.abs(scratch, out=scratch)
            scores += np.multiply(scratch, coefficient, out=scratch)
        scores[rows, chosen] = -np.inf
        # NumPy finds the place of a maximum faster than the maximum.
        nearest = scores[rows, scores.argmax(axis=1)]
        return nearest >= best - _ROUNDING * np.finfo(scores.dtype).eps * largest

    def _differing(self, block: Tables) -> list[tuple[NDArray[Any], float]]:
        reach = self._reach
        pairs = (block.quality, reach.quality), (block.cost_usd, reach.cost), (block.latency_s, reach.latency)
        return [(table, coefficient) for table, coefficient in pairs if table is not None and coefficient]
