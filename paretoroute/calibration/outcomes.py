"""Logged outcomes of the calibration sample, priced, with missing cells imputed.

All forecasts are out of fold. A cell (query, point) without a run is imputed by augmented inverse probability weighting
(Robins, Rotnitzky and Zhao, "Estimation of regression coefficients when some regressors are not always observed",
Journal of the American Statistical Association 89(427), 1994, doi:10.1080/01621459.1994.10476818): with p_j the share
of queries that were logged at point j,

    imputed = forecast + logged / p_j (logged value - forecast).

The mean of a point is then unbiased if cells are missing at random given the point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.calibration.left_out import LeftOut
from paretoroute.calibration.partial_logs.corrected import Corrected, CorrectedOutcomes
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast, Tables
from paretoroute.grid import Grid
from paretoroute.solver.rules import PriceRule, Rule
from paretoroute.surface.traffic import CalibrationSample, LogSupport


@dataclass(frozen=True)
class Chosen:
    """Expected figures of every query at the points that a rule chooses.

    Args:
        quality: ``(queries,)``.
        cost_usd: ``(queries,)``.
    """

    quality: Floats
    cost_usd: Floats


@dataclass(frozen=True)
class LoggedOutcomes:
    """The calibration sample at a grid's prices: forecasts, and logged values with missing cells imputed.

    Args:
        forecast: those that rules choose by: out of fold, of a partial log those of the deployed fit.
        quality: logged or imputed, ``(queries, points)``.
        cost_usd: logged or imputed, ``(queries, points)``.
        logged_quality: ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: ``(queries, points)``, NaN where nothing was logged.
        latency_s: logged or imputed, ``(queries, points)``, or None if too little was logged.
        unlogged: columns of the points without any run; their ``quality``, ``cost_usd`` and ``latency_s`` are
            interpolated from their neighbours on the grid.
        support: of a partial log.
        left_out: of a partial log, forecasts of the fits without each query's fold.
        blind: likewise, without what the query's labels add, as these fits choose by; None: as ``left_out``.
        fold: of every query of a full log, ``(queries,)``; None in policies written before it was kept.
    """

    forecast: Forecast
    quality: Floats
    cost_usd: Floats
    logged_quality: Floats
    logged_cost_usd: Floats
    latency_s: Floats | None = None
    unlogged: tuple[int, ...] = ()
    support: LogSupport | None = None
    left_out: Tables | None = None
    blind: Tables | None = None
    fold: NDArray[np.int8] | None = None

    @property
    def corrected(self) -> CorrectedOutcomes | None:
        """Quality and cost as estimated on a partial log; None on any other."""
        if self.support is None or self.left_out is None:
            return None
        quality, cost = self.left_out.quality, self.left_out.cost_usd
        blind = self.left_out if self.blind is None else self.blind
        return CorrectedOutcomes(
            Corrected.quality(quality, self.logged_quality, self.support),
            replace(Corrected.cost(cost, self.logged_cost_usd, self.support), planned=np.asarray(blind.cost_usd)),
            blind=Forecast(quality=blind.quality, cost_usd=blind.cost_usd, callable=self.forecast.callable),
            fold=self.support.fold,
        )

    @property
    def tables(self) -> Tables:
        """Logged or imputed quality and cost, ``(queries, points)`` each."""
        return Tables(self.quality, self.cost_usd)

    @property
    def judges(self) -> LeftOut | None:
        """Forecasts by which each fold of a full log is judged; None on a partial log."""
        if self.fold is None or self.support is not None:
            return None
        return LeftOut.of(self.forecast, self.tables, self.fold, runs=self.is_logged.sum(axis=0))

    @property
    def cross_fitted(self) -> Tables:
        """Forecasts made without the logged numbers of the same query, its points' means included on a partial log."""
        return self.forecast if self.left_out is None else self.left_out

    @property
    def is_logged(self) -> Mask:
        """Which cells have a logged quality, ``(queries, points)``."""
        return ~np.isnan(self.logged_quality)

    @property
    def calibration_quality(self) -> Floats:
        """Quality to calibrate on: logged, NaN in missing cells, interpolated at unlogged points.

        Shape ``(queries, points)``.
        """
        return self._with_unlogged(self.logged_quality, self.quality)

    @property
    def calibration_cost_usd(self) -> Floats:
        """Cost to calibrate on: logged, NaN in missing cells, interpolated at unlogged points.

        Shape ``(queries, points)``.
        """
        return self._with_unlogged(self.logged_cost_usd, self.cost_usd)

    def _with_unlogged(self, logged: Floats, imputed: Floats) -> Floats:
        if not self.unlogged:
            return logged
        columns, table = list(self.unlogged), logged.copy()
        table[:, columns] = imputed[:, columns]
        return table

    def context_free(self) -> LoggedOutcomes:
        """Return the outcomes with every query forecast at the points' means, as a context-free policy sees it."""
        quality = np.clip(self.quality.mean(0), 0.0, 1.0)
        cost = np.maximum(self.cost_usd.mean(0), 0.0)
        shape = self.quality.shape
        means = replace(self.forecast, quality=np.broadcast_to(quality, shape), cost_usd=np.broadcast_to(cost, shape))
        left_out = None
        if self.support is not None and self.left_out is not None:
            left_out = _context_free(self.left_out, self.forecast, means, fold=self.support.fold)
        return replace(self, forecast=means, left_out=left_out, blind=None)

    def chosen(self, rule: Rule) -> Chosen:
        """Compute the logged quality and cost of every query under a rule."""
        return Chosen(self.mean_of(rule, self.quality), self.mean_of(rule, self.cost_usd))

    def chosen_forecast(self, rule: Rule) -> Chosen:
        """Compute the forecast quality and cost of every query under a rule."""
        cost = np.broadcast_to(self.forecast.cost_usd, self.forecast.quality.shape)
        return Chosen(self.mean_of(rule, self.forecast.quality), self.mean_of(rule, cost))

    def call_shares(self, rule: Rule) -> Floats:
        """Compute the share of calls that each point receives under a rule, ``(points,)``."""
        queries, points = self.quality.shape
        calls = np.zeros(points)
        for weight, point in rule.action_probabilities(self.forecast):
            calls += np.bincount(point, np.broadcast_to(weight, point.shape), points)
        return calls / queries

    def mean_of(self, rule: Rule, table: Floats) -> Floats:
        """Compute each query's expectation of a table ``(queries, points)`` under a rule, ``(queries,)``."""
        rows = np.arange(len(table))
        weighted = [weight * table[rows, point] for weight, point in rule.action_probabilities(self.forecast)]
        return np.sum(weighted, axis=0)

    def gap(self, rule: PriceRule) -> float:
        """Compute the relative duality gap, on the forecasts, of the choices of a price and a split.

        Any price p bounds the quality attainable at the cost c of the choices by mean_i max_j (q_ij - p c_ij) + p c.
        """
        forecast, mean = self.forecast, self.chosen_forecast(rule)
        quality, spent = float(mean.quality.mean()), float(mean.cost_usd.mean())
        scores = forecast.quality - rule.price * np.broadcast_to(forecast.cost_usd, forecast.quality.shape)
        if forecast.callable is not None:
            scores = np.where(forecast.callable, scores, -np.inf)
        bound = float(scores.max(axis=1).mean()) + rule.price * spent
        return max(0.0, bound - quality) / max(abs(quality), 1e-300)

    def logged_calls(self, rule: Rule) -> Floats:
        """Count the calls to each point that were logged for their query, ``(points,)``."""
        queries, points = self.quality.shape
        calls, rows = np.zeros(points), np.arange(queries)
        for weight, point in rule.action_probabilities(self.forecast):
            calls += np.bincount(point, weight * self.is_logged[rows, point], points)
        return calls

    def logged_share(self, rule: Rule) -> float:
        """Compute the share of calls to points that were logged for their query, in [0, 1]."""
        return float(self.mean_of(rule, self.is_logged.astype(np.float64)).mean())

    def logged_queries(self, rule: Rule) -> float:
        """Compute the number of queries with something logged at the point that a rule chooses."""
        return len(self.is_logged) * self.logged_share(rule)


def logged_outcomes(sample: CalibrationSample, grid: Grid) -> LoggedOutcomes:
    """Price a calibration sample and impute its missing cells."""
    forecast = sample.deployed(grid)
    logged_quality, logged_cost = sample.logged_quality.astype(np.float64), sample.logged_cost_usd(grid)
    latency = None
    if forecast.latency_s is not None and sample.logged_latency_s is not None:
        latency = aipw_imputed(forecast.latency_s, sample.logged_latency_s.astype(np.float64), "latency")
        _interpolate_errors(latency, forecast.latency_s, grid, relative=True)
    left_out, blind, support = None, None, sample.support
    if support is None:
        quality = aipw_imputed(forecast.quality, logged_quality, "quality")
        cost = aipw_imputed(forecast.cost_usd, logged_cost, "cost_usd")
    else:
        left_out, blind = sample.forecast(grid), sample.blind(grid)
        quality = Corrected.quality(left_out.quality, logged_quality, support).table(forecast.quality)
        cost = Corrected.cost(left_out.cost_usd, logged_cost, support).table(forecast.cost_usd)
        forecast = replace(forecast, callable=support.is_supported)
    _interpolate_errors(quality, forecast.quality, grid, relative=False)
    _interpolate_errors(cost, forecast.cost_usd, grid, relative=True)
    return LoggedOutcomes(
        forecast=forecast,
        quality=quality,
        cost_usd=cost,
        logged_quality=logged_quality,
        logged_cost_usd=logged_cost,
        latency_s=latency,
        unlogged=tuple(column for column, *_ in grid.unlogged),
        support=support,
        left_out=left_out,
        blind=blind,
        fold=sample.fold,
    )


def _context_free(left_out: Tables, forecast: Forecast, means: Forecast, *, fold: NDArray[np.int8]) -> Tables:
    """Return the points' means as the fits without each fold have them, which differ from the deployed ones."""
    quality, cost = means.quality.copy(), np.array(means.cost_usd)
    for k in np.unique(fold):
        rows = fold == k
        quality[rows] += (left_out.quality[rows] - forecast.quality[rows]).mean(0)
        own = forecast.cost_usd[rows].mean(0)
        cost[rows] *= np.divide(left_out.cost_usd[rows].mean(0), own, out=np.ones_like(own), where=own > 0)
    return Tables(np.clip(quality, 0.0, 1.0), cost)


def _interpolate_errors(imputed: Floats, forecast: Floats, grid: Grid, *, relative: bool) -> None:
    """Add to unlogged points, in place, the interpolated forecast errors of their neighbours.

    An unlogged point that kept its forecast would look better than it is to a policy, which picks points that are
    over-forecast.

    Args:
        imputed: logged or imputed values, ``(queries, points)``.
        forecast: ``(queries, points)``.
        grid: the points.
        relative: whether errors are factors, as of costs, and not differences.
    """
    for column, below, above, along in grid.unlogged:
        ends = forecast[:, [below, above]]
        error = imputed[:, [below, above]] - ends
        if relative:
            error = np.divide(error, ends, out=np.zeros_like(error), where=ends > 0) * forecast[:, [column]]
        imputed[:, column] = forecast[:, column] + error @ np.array([1 - along, along])


def aipw_imputed(forecast: Floats, logged: Floats, name: str) -> Floats:
    """Impute missing cells: forecast + logged / p_j (logged value - forecast), ``(queries, points)``.

    Args:
        forecast: ``(queries, points)``.
        logged: ``(queries, points)``, NaN where nothing was logged.
        name: of the values, for the error message.

    Raises:
        TargetError: shapes disagree, or a logged number is infinite.
    """
    logged = np.asarray(logged, dtype=np.float64)
    if logged.shape != forecast.shape:
        raise TargetError(f"logged {name} has shape {logged.shape}, the forecast {forecast.shape}; they must agree")
    if np.isinf(logged).any():
        row, column = np.argwhere(np.isinf(logged))[0]
        raise TargetError(f"logged {name} of query {row} at point {column} is infinite; leave it out (NaN)")
    present: Mask = ~np.isnan(logged)
    share = np.maximum(present.mean(axis=0), 1 / forecast.shape[0])
    # A point that is logged everywhere keeps its values as they are, free of rounding.
    filled = np.where(share == 1, logged, forecast + (logged - forecast) / share)
    return np.where(present, filled, forecast)
