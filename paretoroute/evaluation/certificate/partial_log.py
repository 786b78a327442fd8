"""Certification runs that hold one run per query, at a point that was drawn with a logged propensity.

Most of a policy's calls were not logged then. Each query still gives an unbiased estimate of the policy's quality:

    Z_i = sum_j pi_ij f_ij + sum_j pi_ij v_ij (q_ij - f_ij),

with the probability pi_ij of the policy's call, the forecast f_ij of the fit, which never saw the query, and
v_ij = (n_ij / n_i) / p_ij, where n_ij of the n_i runs of the query were at point j, drawn with propensity p_ij (doubly
robust: Dudik, Langford and Li, "Doubly robust policy evaluation and learning", ICML 2011, arXiv:1103.4601). Z_i has no
upper bound worth using, but is at least -1 / p; betting needs no more. The smallest logged propensity stands for the
least that the logger uses. At a point without a run in the log f_ij is 0, which makes Z_i too low on average at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.off_policy.estimators import Balance
from paretoroute.grid import Grid
from paretoroute.runs.align import grid_columns
from paretoroute.runs.table import Runs

LEAST_EFFECTIVE = 1000.0  # effective sample size of a policy whose calls are mostly not logged


@dataclass(frozen=True)
class LoggedWeights:
    """The weights of logged cells.

    Args:
        weight: v, 0 where nothing was logged, ``(queries, points)``.
        largest: inverse of the smallest logged propensity.
        fault: why they cannot be used, in words; None: they can.
    """

    weight: Floats
    largest: float
    fault: str | None


def logged_weights(runs: Runs, grid: Grid) -> LoggedWeights:
    """Compute the weights of the logged cells from the logged propensities."""
    shape = (len(runs.query_ids), len(grid.points))
    has_propensity = runs.propensity > 0
    if not has_propensity.all():
        which = "no propensities" if not has_propensity.any() else f"no propensity in {(~has_propensity).sum()} runs"
        return LoggedWeights(np.zeros(shape), np.inf, f"and {which} were logged, which could stand in for the rest")
    inverse = 1 / runs.propensity
    error = inverse.std(ddof=1) / len(inverse) ** 0.5 if len(inverse) > 1 else 0.0
    points = len(runs.points)
    fault = None
    if Balance(float(inverse.mean()), points, error).is_off:
        fault = (
            f"and the logged propensities do not add up: the mean of 1 / propensity is {inverse.mean():.3g}, and would "
            f"be {points}, the number of points, if every point could be drawn for every query"
        )
    column = grid_columns(runs, grid)[runs.point]
    rows = column >= 0
    share = 1 / np.bincount(runs.query, minlength=shape[0])[runs.query]
    cell = runs.query[rows].astype(np.int64) * shape[1] + column[rows]
    weight = np.bincount(cell, (share * inverse)[rows], shape[0] * shape[1]).astype(np.float64)
    return LoggedWeights(weight.reshape(shape), float(inverse.max()), fault)
