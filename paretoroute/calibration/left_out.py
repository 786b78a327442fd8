"""Forecasts without each fold's part in the points' means, by which the promise of a full log is made.

Out-of-fold forecasts f_ij lack query i in all that they say of the query, and still hold it in the means of the
points. Of many points with few queries the one that is called most often is the one that was luckiest, and its luck
would vouch for it. The policies are therefore judged as :mod:`paretoroute.calibration.fold_policies` does it: each fold
of queries by choices whose points' means lack it. Without fold k the mean error of point j's forecasts moves by

    d_kj = mean_{i not in k} (y_ij - f_ij) - mean_i (y_ij - f_ij),

as far as the mean follows its n_j queries, n_j / (n_j + 4); the costs change by the ratio of such means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.calibration.fold_policies import FoldPolicies
from paretoroute.forecast import Forecast, Tables
from paretoroute.solver.frontier import Frontier

PRIOR_QUERIES = 4.0  # by which the means of points are shrunk, in queries


@dataclass(frozen=True)
class LeftOut:
    """Forecasts without each query's fold.

    Args:
        forecast: out of fold, means included, ``(queries, points)``.
        fold: of every query, ``(queries,)``.
    """

    forecast: Forecast
    fold: NDArray[np.int8]

    @staticmethod
    def of(forecast: Forecast, logged: Tables, fold: NDArray[np.int8], *, runs: Floats | None = None) -> LeftOut:
        """Take each fold out of the points' means.

        Args:
            forecast: out of fold but for the points' means, ``(queries, points)``.
            logged: logged or imputed values, ``(queries, points)``.
            fold: of every query, ``(queries,)``.
            runs: n, queries with a run of each point, ``(points,)``; None: all have one.
        """
        whole = Tables(forecast.quality, np.broadcast_to(forecast.cost_usd, forecast.quality.shape))
        quality, cost = whole.quality.copy(), np.array(whole.cost_usd)
        own = np.full(quality.shape[1], len(quality)) if runs is None else runs
        kept = own / (own + PRIOR_QUERIES)
        error, ratio = (logged.quality - whole.quality).mean(0), _ratio(logged.cost_usd, whole.cost_usd)
        for k in np.unique(fold):
            rows, others = fold == k, fold != k
            if others.any():
                change = (logged.quality - whole.quality)[others].mean(0) - error
                factor = _ratio(logged.cost_usd[others], whole.cost_usd[others]) / ratio
                quality[rows] += kept * change
                cost[rows] *= factor**kept
        return LeftOut(replace(forecast, quality=np.clip(quality, 0.0, 1.0), cost_usd=cost), fold)

    def policies(self, deployed: Forecast, line: Frontier) -> FoldPolicies:
        """Match the policies of the folds with a deployed frontier."""
        return FoldPolicies.of(self.fold, deployed, self.forecast, line)


def _ratio(logged: Floats, forecast: Floats) -> Floats:
    """Divide mean logged by mean forecast costs, ``(points,)``; 1 where either is not above 0."""
    above, below = logged.mean(0), forecast.mean(0)
    return np.divide(above, below, out=np.ones_like(above), where=(above > 0) & (below > 0))
