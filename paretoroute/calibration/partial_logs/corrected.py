"""The mean of a figure under a choice of points, from forecasts and a doubly robust correction, on partial logs.

Forecasts f are cross-fitted, means of points included. With w_ij the chance that a rule calls point j for query i, and
1 / p_ij the weight of a logged cell,

    F = mean_i sum_j w_ij f_ij,      C = mean_i sum_j w_ij 1{logged} (y_ij - f_ij) / p_ij.

F + C is the doubly robust estimate (Robins, Rotnitzky and Zhao, 1994): unbiased if the p are right, and noisy, with an
effective number of runs N = (sum_i u_i)^2 / sum_i u_i^2, u_i = sum_j w_ij 1{logged} / p_ij (Kish, 1965). Its standard
error is at least that of N runs, s = max(sd(C_i) / sqrt(n), sqrt(v / N)). F has the error of the forecasts,

    D^2 = tau^2 + sum_j share_j^2 e_j,

with e_j the posterior variance of a point's mean. The estimate takes from C as much as the two errors warrant:

    V = F + k C,    k = D^2 / (D^2 + s^2).

Where the logger looked at the query, the mean of the weights u_i tells how much of the choices the log supports: it is
1 if all. Forecasts of the rest may be further off, which C cannot tell: what is missing adds to the D of the interval,
not of k. Forecasts of cost may have a larger bias there, and their tau is larger.

Both errors point the same way if luck chose the point, so they add up: the half-width is 1.645 sqrt(var(F_i) / n +
((1 - k) D + k s)^2). Chances that were not logged but estimated are off by an amount that no number of runs makes
smaller; it adds to s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.calibration.fold_policies import FoldPolicies
from paretoroute.calibration.intervals import QUALITY_VARIANCE, Z90
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import Frontier
from paretoroute.surface.traffic import LogSupport

QUALITY_ERROR = 0.04  # tau of quality
ESTIMATED_ERROR = 0.05  # of a correction by estimated chances, of a figure of size 1, where the logger looked
MISSING_ERROR = 0.3  # of a figure of size 1, at queries where the log does not support the choice
COST_ERROR, COST_ERROR_LOOKING = 0.1, 0.3  # tau of cost, relative
CHOICE_ERROR = 0.05  # of cost, relative: choices on new queries spend other than those on the log's
MOST_WEIGHT = 1.5  # mean weight of a point's runs, about 1 by right chances, beyond which they are scaled down
LEAST_COST = 0.1  # of the forecast cost: a correction leaves at least so much


@dataclass(frozen=True)
class Estimate:
    """A mean with its error.

    Args:
        value: the estimate V.
        reach: half-width of its 90% interval; of a cost as a share of it.
        effective: effective number of runs N.
    """

    value: float
    reach: float
    effective: float


@dataclass(frozen=True)
class CorrectedOutcomes:
    """Quality and cost on a partial log.

    Args:
        quality: of the policies of the fits without each fold.
        cost_usd: likewise.
        blind: forecasts by which the fits without each query's fold choose: a planner does not see labels.
        fold: of every query, ``(queries,)``.
    """

    quality: Corrected
    cost_usd: Corrected
    blind: Forecast
    fold: NDArray[np.int8]

    def policies(self, deployed: Forecast, line: Frontier) -> FoldPolicies:
        """Match the policies of the folds with a deployed frontier."""
        return FoldPolicies.of(self.fold, deployed, self.blind, line)


@dataclass(frozen=True)
class _Sums:
    """Means over the queries at some places, ``(places,)`` each.

    Args:
        forecast: F.
        forecast_square: mean of the squares of its terms.
        correction: C.
        correction_square: mean of the squares of its terms.
        weight: mean of the u_i.
        weight_square: mean of their squares.
        error: D^2 without tau.
    """

    forecast: Floats
    forecast_square: Floats
    correction: Floats
    correction_square: Floats
    weight: Floats
    weight_square: Floats
    error: Floats


@dataclass(frozen=True)
class Corrected:
    """A figure on a partial log.

    Args:
        forecast: cross-fitted, ``(queries, points)``.
        correction: (logged - forecast) / p in logged cells, 0 elsewhere, ``(queries, points)``.
        weight: 1 / p in logged cells, 0 elsewhere, ``(queries, points)``.
        point_error: e, variance of the mean of each point's forecast, ``(points,)``.
        prior_error: tau, of a figure of size 1.
        variance: v, of a figure of size 1.
        relative: whether errors are shares of the figure, as of costs.
        looks: whether the logger looked at the query.
        chance_error: of a correction by these chances, of a figure of size 1.
        planned: forecasts by which the choices were made, ``(queries, points)``; None: as ``forecast``.
    """

    forecast: Floats
    correction: Floats
    weight: Floats
    point_error: Floats
    prior_error: float
    variance: float
    relative: bool
    looks: bool
    chance_error: float = 0.0
    planned: Floats | None = None

    @staticmethod
    def quality(forecast: Floats, logged: Floats, support: LogSupport) -> Corrected:
        """Correct forecasts of quality by logged outcomes, NaN in missing cells, ``(queries, points)`` each."""
        weight, correction = _weighted(forecast, logged, support)
        error = support.quality_error.astype(np.float64)
        return Corrected(
            forecast,
            correction,
            weight,
            error,
            QUALITY_ERROR,
            QUALITY_VARIANCE,
            relative=False,
            looks=support.looks,
            chance_error=_chance_error(support),
        )

    @staticmethod
    def cost(forecast: Floats, logged: Floats, support: LogSupport) -> Corrected:
        """Correct forecasts of cost likewise."""
        weight, correction = _weighted(forecast, logged, support)
        is_logged = weight > 0
        relative = np.divide(logged - forecast, forecast, out=np.zeros_like(forecast), where=is_logged & (forecast > 0))
        variance = float((relative**2).sum() / max(is_logged.sum(), 1))
        error = support.cost_error.astype(np.float64) * forecast.mean(0) ** 2
        prior_error = COST_ERROR_LOOKING if support.looks else COST_ERROR
        return Corrected(
            forecast,
            correction,
            weight,
            error,
            prior_error,
            variance,
            relative=True,
            looks=support.looks,
            chance_error=_chance_error(support),
        )

    def table(self, deployed: Floats) -> Floats:
        """Return the figure of every query and point as the deployed fit has it, whose means are shrunk.

        It serves means of single points, of which the best is picked. Where the logger looked, forecasts may be biased,
        and those without each fold are corrected by each point's shrunk mean error.

        Args:
            deployed: forecasts of the deployed fit, ``(queries, points)``.
        """
        if not self.looks:
            return deployed.copy()
        size = self.weight.sum(0) ** 2
        count = np.divide(size, (self.weight**2).sum(0), out=np.zeros_like(size), where=size > 0)
        mean = self.forecast.mean(0)
        noise = self._of_size(self.variance, mean) / np.maximum(count, 1e-12)
        noise = noise + self._of_size(self.chance_error**2, mean)
        prior = self.point_error + self._of_size(self.prior_error**2, mean)
        # Weights far above 1 in the mean are those of a few runs with tiny chances, or wrong: what they add up to is no
        # more than the mean error of the forecasts at these runs.
        excess = np.maximum(self.weight.mean(0) / MOST_WEIGHT, 1.0)
        return self.forecast + _share(prior, prior + noise) * self.correction / excess

    def along(self, policies: FoldPolicies) -> Floats:
        """Estimate the mean at every place of the deployed frontier, ``(breakpoints + 1,)``."""
        return self._estimates(self._sums_along(policies))[0]

    def ratio_along(self, policies: FoldPolicies) -> Floats:
        """Estimate by which factor the mean exceeds what was planned at every place, ``(breakpoints + 1,)``."""
        value = self.along(policies)
        planned = policies.mean(self.forecast if self.planned is None else self.planned)
        return np.divide(value, planned, out=np.ones_like(value), where=planned > 0)

    def _sums_along(self, policies: FoldPolicies) -> _Sums:
        error = np.zeros(1)
        for j, point_error in enumerate(self.point_error):
            error = error + np.maximum(policies.share(j), 0.0) ** 2 * point_error
        tables = (self.forecast, self.correction, self.weight)
        return _Sums(*(policies.mean(figure) for table in tables for figure in (table, table**2)), error=error)

    def of(self, chance: Floats) -> Estimate:
        """Estimate the mean under a rule that calls each point with some chance, ``(queries, points)``."""
        terms = [(chance * table).sum(1) for table in (self.forecast, self.correction, self.weight)]
        sums = _Sums(
            *(
                np.array([figure])
                for term in terms
                for figure in (float(term.mean()), float((term**2).mean()))
            ),
            error=np.array([float((chance.mean(0) ** 2 * self.point_error).sum())]),
        )  # fmt: skip
        value, reach, effective = self._estimates(sums)
        scale = max(float(value[0]), 1e-300) if self.relative else 1.0
        return Estimate(float(value[0]), float(reach[0]) / scale, float(effective[0]))

    def _of_size(self, variance: float, mean: Floats) -> Floats:
        """Return a variance of a figure of size 1 for figures of some means."""
        return variance * (mean**2 if self.relative else np.ones_like(mean))

    def _estimates(self, sums: _Sums) -> tuple[Floats, Floats, Floats]:
        """Return value, half-width and effective runs at some places, ``(places,)`` each."""
        queries = len(self.forecast)
        squared = np.maximum(sums.weight_square, 0.0)
        effective = np.divide(
            queries * sums.weight**2, squared, out=np.zeros_like(squared), where=(squared > 0) & (sums.weight > 1e-9)
        )
        spread = np.maximum(sums.correction_square - sums.correction**2, 0.0) / queries
        noise = np.maximum(spread, self._of_size(self.variance, sums.forecast) / np.maximum(effective, 1e-12))
        noise = noise + self._of_size(self.chance_error**2, sums.forecast)
        prior = self._of_size(self.prior_error**2, sums.forecast) + np.maximum(sums.error, 0.0)
        shrink = np.where(effective > 0, _share(prior, prior + noise), 0.0)
        if self.looks:
            missing = np.clip(1 - sums.weight, 0.0, 1.0)
            prior = prior + self._of_size(MISSING_ERROR**2, sums.forecast) * missing**2
        value = sums.forecast + shrink * sums.correction
        if self.relative:
            value = np.maximum(value, LEAST_COST * sums.forecast)
        between = np.maximum(sums.forecast_square - sums.forecast**2, 0.0) / queries
        noise = np.where(effective > 0, noise, 0.0)
        if self.relative:
            between += (CHOICE_ERROR * sums.forecast) ** 2
        total = np.sqrt(between + ((1 - shrink) * np.sqrt(prior) + shrink * np.sqrt(noise)) ** 2)
        return value, Z90 * total, effective


def _share(part: Floats, total: Floats) -> Floats:
    """Divide; 0 where the total is 0, as of the costs of points that are free in every run."""
    return np.divide(part, total, out=np.zeros_like(total), where=total > 0)


def _chance_error(support: LogSupport) -> float:
    return ESTIMATED_ERROR if support.looks and support.is_estimated else 0.0


def _weighted(forecast: Floats, logged: Floats, support: LogSupport) -> tuple[Floats, Floats]:
    """Return the weights of the cells with a logged value, and the weighted errors of the forecasts there.

    Where a value is missing in some logged cells, the others of its point stand for them.
    """
    whole = support.weight.astype(np.float64)
    weight = np.where(np.isnan(logged), 0.0, whole)
    total = weight.sum(0)
    weight *= np.divide(whole.sum(0), total, out=np.ones_like(total), where=total > 0)
    return weight, np.where(weight > 0, weight * (np.nan_to_num(logged) - forecast), 0.0)
