"""What a policy's traffic shows: its logged quality and cost, against single points and their blind mixtures.

All figures are out of fold. Intervals are 90%, normal on per-query values. Quality at equal cost is compared through
per-query values of quality minus slope x cost, with the slope of the blind frontier at the policy's cost, so that the
noise of spending counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.solver.rules import PriceRule, Rule
from paretoroute.surface.traffic import CalibrationSample


@dataclass(frozen=True)
class LoggedOutcomes:
    """The traffic as priced: forecasts, and logged values with their holes filled by the augmented estimate.

    Args:
        forecast: out of fold.
        quality: ``(queries, points)``.
        cost_usd: ``(queries, points)``.
        logged_quality: ``(queries, points)``, NaN where nothing was logged.
        logged_cost_usd: ``(queries, points)``, NaN where nothing was logged.
        latency_s: ``(queries, points)``, or None where too little was logged.
        holes: columns of the points that were never logged; ``quality``, ``cost_usd`` and ``latency_s`` are there what
            came of the neighbours, interpolated.
    """

    forecast: Forecast
    quality: Floats
    cost_usd: Floats
    logged_quality: Floats
    logged_cost_usd: Floats
    latency_s: Floats | None = None
    holes: tuple[int, ...] = ()

    @property
    def outcomes(self) -> tuple[Floats, Floats]:
        """Quality and cost to judge choices by: as logged, NaN where not, and at never logged points as estimated."""
        quality, cost = self.logged_quality, self.logged_cost_usd
        if self.holes:
            quality, cost = quality.copy(), cost.copy()
            columns = list(self.holes)
            quality[:, columns], cost[:, columns] = self.quality[:, columns], self.cost_usd[:, columns]
        return quality, cost

    def blind(self) -> LoggedOutcomes:
        """Forecast every query at the points' logged means: what a prompt-blind policy goes by."""
        quality = np.clip(self.quality.mean(0), 0.0, 1.0)
        cost = np.maximum(self.cost_usd.mean(0), 0.0)
        shape = self.quality.shape
        means = replace(self.forecast, quality=np.broadcast_to(quality, shape), cost_usd=np.broadcast_to(cost, shape))
        return replace(self, forecast=means)

    def chosen(self, rule: Rule) -> tuple[Floats, Floats, Floats]:
        """Give each query's expected quality and cost under a rule, and the points' shares.

        Returns:
            Quality ``(queries,)``, cost ``(queries,)`` and share of calls ``(points,)``.
        """
        quality, cost = (self.mean_of(rule, table) for table in (self.quality, self.cost_usd))
        points = self.quality.shape[1]
        share = np.zeros(points)
        for weight, point in rule.action_probabilities(self.forecast):
            share += np.bincount(point, np.broadcast_to(weight, point.shape), points)
        return quality, cost, share / len(quality)

    def mean_of(self, rule: Rule, table: Floats) -> Floats:
        """Give each query's expected figure under a rule, from a table ``(queries, points)``: ``(queries,)``."""
        rows = np.arange(len(table))
        mixed = rule.action_probabilities(self.forecast)
        return np.sum([weight * table[rows, point] for weight, point in mixed], axis=0)

    def gap(self, rule: PriceRule) -> float:
        """Give the relative duality gap on the forecasts of what a price and split choose.

        Any price p bounds the quality to be had for the cost c of the choice by mean_i max_j (q_ij - p c_ij) + p c.
        """
        forecast = self.forecast
        cost = np.broadcast_to(forecast.cost_usd, forecast.quality.shape)
        quality, spent = (float(self.mean_of(rule, table).mean()) for table in (forecast.quality, cost))
        scores = forecast.quality - rule.price * cost
        if forecast.callable is not None:
            scores = np.where(forecast.callable, scores, -np.inf)
        bound = float(scores.max(axis=1).mean()) + rule.price * spent
        return max(0.0, bound - quality) / max(abs(quality), 1e-300)

    def known_share(self, rule: Rule) -> float:
        """Share of calls at points that were logged for their query."""
        return float(self.mean_of(rule, (~np.isnan(self.logged_quality)).astype(np.float64)).mean())


def logged_outcomes(traffic: CalibrationSample, grid: Grid) -> LoggedOutcomes:
    """Price the traffic and fill its holes."""
    forecast = traffic.forecast(grid)
    logged_quality, logged_cost = traffic.logged_quality.astype(np.float64), traffic.logged_cost_usd(grid)
    latency = None
    if forecast.latency_s is not None and traffic.logged_latency_s is not None:
        latency = aipw_imputed(forecast.latency_s, traffic.logged_latency_s.astype(np.float64), "latency")
        _follow(grid, latency, forecast.latency_s, times=True)
    quality = aipw_imputed(forecast.quality, logged_quality, "quality")
    cost = aipw_imputed(forecast.cost_usd, logged_cost, "cost_usd")
    _follow(grid, quality, forecast.quality, times=False)
    _follow(grid, cost, forecast.cost_usd, times=True)
    holes = tuple(column for column, *_ in grid.holes)
    return LoggedOutcomes(forecast, quality, cost, logged_quality, logged_cost, latency, holes)


def _follow(grid: Grid, came: Floats, forecast: Floats, *, times: bool) -> None:
    """Estimate, in place, what would have come of points never logged: they miss their forecasts as neighbours do.

    Left at its forecast, such a point would look better than it is to a policy that picks what is over-forecast.

    Args:
        grid: the points.
        came: what came of the others, ``(queries, points)``.
        forecast: ``(queries, points)``.
        times: whether misses are factors, as of costs, and not differences.
    """
    for column, below, above, along in grid.holes:
        ends = forecast[:, [below, above]]
        miss = came[:, [below, above]] - ends
        if times:
            miss = np.divide(miss, ends, out=np.zeros_like(miss), where=ends > 0) * forecast[:, [column]]
        came[:, column] = forecast[:, column] + miss @ np.array([1 - along, along])


def aipw_imputed(forecast: Floats, logged: Floats, name: str) -> Floats:
    """Fill the holes of logged values: forecast + logged / p_j (logged value - forecast), ``(queries, points)``.

    Args:
        forecast: ``(queries, points)``.
        logged: ``(queries, points)``, NaN where nothing was logged.
        name: what the numbers are, for the error.

    Raises:
        TargetError: shapes disagree, or a logged number is infinite.
    """
    logged = np.asarray(logged, dtype=np.float64)
    if logged.shape != forecast.shape:
        raise TargetError(f"logged {name} has shape {logged.shape}, the forecast {forecast.shape}; they must agree")
    if np.isinf(logged).any():
        row, column = np.argwhere(np.isinf(logged))[0]
        raise TargetError(f"logged {name} of query {row} at point {column} is infinite; leave it out (NaN)")
    known: Mask = ~np.isnan(logged)
    share = np.maximum(known.mean(axis=0), 1 / forecast.shape[0])
    # Where all of a point is logged its value is taken as it stands, free of rounding.
    filled = np.where(share == 1, logged, forecast + (logged - forecast) / share)
    return np.where(known, filled, forecast)
