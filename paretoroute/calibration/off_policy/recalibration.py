"""Forecasts of a policy recalibrated on a log, each query by the queries of the other folds. NumPy only.

A doubly robust estimate is the more certain the better its forecasts are on the log at hand, and unbiased only if none
saw the query that it scores. With the logged cells of the other folds, e its residuals, and counts n_j per point:

    quality:  q_ij = mean f_j + slope (f_ij - mean f_j) + (sum_j e + k mean e) / (n_j + k),
    cost:     q_ij = f_ij (sum_j y + k r mean f_j) / (sum_j f + k mean f_j),  r = sum y / sum f.

The slope is that of the least squares within points, pulled to 1 by the weight of 20 cells; k is 4 cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

PRIOR_CELLS = 4.0  # of a point's own error, against that of all points
SLOPE_CELLS = 20.0


def recalibrated_quality(forecast: Floats, outcome: Floats, fold: NDArray[np.int64]) -> Floats:
    """Recalibrate forecast qualities by a slope and a shift per point, ``(queries, points)``.

    Args:
        forecast: ``(queries, points)``.
        outcome: NaN where nothing was logged, ``(queries, points)``.
        fold: of every query, numbered from 0, ``(queries,)``.
    """
    logged = ~np.isnan(outcome)
    f, y = np.where(logged, forecast, 0.0), np.where(logged, outcome, 0.0)
    count, sum_f, sum_y, sum_ff, sum_fy = (
        _of_other_folds(part, fold) for part in (logged.astype(np.float64), f, y, f * f, f * y)
    )
    some = np.maximum(count, 1.0)
    mean_f = np.where(count > 0, sum_f / some, forecast.mean(axis=0))
    spread, together = (sum_ff - sum_f**2 / some).sum(axis=1), (sum_fy - sum_f * sum_y / some).sum(axis=1)
    prior = SLOPE_CELLS * spread / np.maximum(count.sum(axis=1), 1.0)
    slope = np.divide(together + prior, spread + prior, out=np.ones_like(spread), where=spread > 1e-12)
    residual = sum_y - count * mean_f  # of the centred line, whose own part sums to 0
    common = residual.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1.0)
    shift = (residual + PRIOR_CELLS * common) / (count + PRIOR_CELLS)
    line = mean_f[fold] + slope[fold, None] * (forecast - mean_f[fold]) + shift[fold]
    return np.clip(line, 0.0, 1.0)


def recalibrated_amount(forecast: Floats, outcome: Floats, fold: NDArray[np.int64]) -> Floats:
    """Recalibrate forecasts of costs or latencies by a factor per point, ``(queries, points)``; arguments as above."""
    logged = ~np.isnan(outcome)
    f, y = np.where(logged, forecast, 0.0), np.where(logged, outcome, 0.0)
    count, sum_f, sum_y = (_of_other_folds(part, fold) for part in (logged.astype(np.float64), f, y))
    total_f, total_y = sum_f.sum(axis=1, keepdims=True), sum_y.sum(axis=1, keepdims=True)
    common = np.divide(total_y, total_f, out=np.ones_like(total_f), where=total_f > 0)
    prior = PRIOR_CELLS * sum_f / np.maximum(count, 1.0)
    factor = np.divide(
        sum_y + common * prior, sum_f + prior, out=np.broadcast_to(common, sum_f.shape).copy(), where=sum_f > 0
    )
    return forecast * factor[fold]


def _of_other_folds(values: Floats, fold: NDArray[np.int64]) -> Floats:
    """Sum values over the queries that are not in each fold, ``(folds, points)``."""
    own = np.zeros((int(fold.max()) + 1, values.shape[1]))
    np.add.at(own, fold, values)
    return (1 - np.eye(len(own))) @ own  # subtracting from the total would leave traces of the own fold
