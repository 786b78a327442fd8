"""Means of figures whose logarithms were forecast, where the spread of the logarithm follows the forecast.

Duan's smearing factor ("Smearing estimate: a nonparametric retransformation method", Journal of the American
Statistical Association 78(383), 1983, doi:10.1080/01621459.1983.10478017) turns forecasts of a logarithm into means if
its errors have the same spread everywhere. Tokens do not: whether a short answer is reasoned about changes them a
hundredfold, a long one varies by a half. One factor then forecasts too little for queries that look cheap, which are
those that a policy calls a point for. With x the forecast deviation of a cell's logarithm from its point's mean,

    E y_ij = m_j exp(g x_ij)

has a slope g below 1 there. It is that of the gamma quasi-likelihood, m_j profiled out, which weighs errors relative to
their means (Manning and Mullahy, "Estimating log models: to transform or not to transform?", Journal of Health
Economics 20(4), 2001, doi:10.1016/S0167-6296(01)00086-8), and is drawn to 1 as far as it may be noise, as in
positive-part James-Stein estimation. A slope above 1, where dear queries vary most, counts as 1: it would extrapolate
what few cells show.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.fitting.methods.pooled_means import Cells

MOST = 2.0  # of a slope, before it is drawn to 1
BISECTIONS = 30


class MeanSlopes(NamedTuple):
    """Slopes g of the logarithm of a mean on the forecast logarithm.

    Args:
        all: from all cells.
        without: from all cells but those of each fold, ``(folds,)``.
    """

    all: float
    without: Floats


def mean_slopes(cells: Cells, deviation: Floats, fold: NDArray[np.int64]) -> MeanSlopes:
    """Estimate the slopes.

    Args:
        cells: the logged ones; their values are logarithms.
        deviation: of forecast logarithms from their point's mean, each made without the query's fold,
            ``(queries, points)``.
        fold: of every query, ``(queries,)``.
    """
    of_cell = fold[cells.query]
    without = [_slope(cells.take(of_cell != k), deviation) for k in range(int(fold.max()) + 1)]
    return MeanSlopes(_slope(cells, deviation), np.array(without))


def _slope(cells: Cells, deviation: Floats) -> float:
    x, w = deviation[cells.query, cells.point], cells.weight
    if not (w * x**2).sum() > 0:
        return 1.0
    low, high = 0.0, MOST
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _scores(cells, x, middle).sum() > 0 else (low, middle)
    slope = (low + high) / 2
    step = 1e-3
    information = float(_scores(cells, x, slope - step).sum() - _scores(cells, x, slope + step).sum()) / (2 * step)
    if not information > 0:
        return 1.0
    variance = float((_scores(cells, x, slope) ** 2).sum()) / information**2
    lacking = max(1 - slope, 0.0)
    return 1 - lacking * max(0.0, 1 - variance / lacking**2) if lacking else 1.0


def _scores(cells: Cells, x: Floats, slope: float) -> Floats:
    """Return the terms of the derivative of the profile quasi-likelihood, ``(cells,)``."""
    w, size = cells.weight, np.maximum(np.bincount(cells.point, cells.weight, cells.points), 1e-300)
    highest = np.full(cells.points, -np.inf)
    exponent = cells.value - slope * x
    np.maximum.at(highest, cells.point, exponent)
    ratio = np.exp(exponent - highest[cells.point])
    ratio /= (np.bincount(cells.point, w * ratio, cells.points) / size)[cells.point]
    centre = np.bincount(cells.point, w * x, cells.points) / size
    return w * (ratio - 1) * (x - centre[cells.point])
