"""What a policy's traffic shows: its logged quality and cost, against single points and their blind mixtures.

All figures are out of fold. Intervals are 90%, normal on per-query values. Quality at equal cost is compared through
per-query values of quality minus slope x cost, with the slope of the blind frontier at the policy's cost, so that the
noise of spending counts as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute.calibration import augmented
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.hull import frontier
from paretoroute.rules import PriceRule, Rule
from paretoroute.traffic import Traffic

Z90 = 1.6448536269514722

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 90% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Record:
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

    def blind(self) -> Record:
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
        for weight, point in rule.picks(self.forecast):
            share += np.bincount(point, np.broadcast_to(weight, point.shape), points)
        return quality, cost, share / len(quality)

    def mean_of(self, rule: Rule, table: Floats) -> Floats:
        """Give each query's expected figure under a rule, from a table ``(queries, points)``: ``(queries,)``."""
        rows = np.arange(len(table))
        return np.sum([weight * table[rows, point] for weight, point in rule.picks(self.forecast)], axis=0)

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


def record(traffic: Traffic, grid: Grid) -> Record:
    """Price the traffic and fill its holes."""
    forecast = traffic.forecast(grid)
    logged_quality, logged_cost = traffic.logged_quality.astype(np.float64), traffic.logged_cost_usd(grid)
    latency = None
    if forecast.latency_s is not None and traffic.logged_latency_s is not None:
        latency = augmented(forecast.latency_s, traffic.logged_latency_s.astype(np.float64), "latency")
        _follow(grid, latency, forecast.latency_s, times=True)
    quality = augmented(forecast.quality, logged_quality, "quality")
    cost = augmented(forecast.cost_usd, logged_cost, "cost_usd")
    _follow(grid, quality, forecast.quality, times=False)
    _follow(grid, cost, forecast.cost_usd, times=True)
    holes = tuple(column for column, *_ in grid.holes)
    return Record(forecast, quality, cost, logged_quality, logged_cost, latency, holes)


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


def best_single(record: Record) -> int:
    """Find the logged point with the best mean quality; the cheaper one of equals."""
    quality, cost = record.quality.mean(0), record.cost_usd.mean(0)
    quality[list(record.holes)] = -np.inf
    return int(np.lexsort((cost, -quality))[0])


def cost_ratio(record: Record, rule: Rule, point: int) -> Interval:
    """Compare the cost of a policy with that of a single point: their ratio, by the delta method on its logarithm."""
    _, cost, _ = record.chosen(rule)
    other = record.cost_usd[:, point]
    if not (cost.mean() > 0 and other.mean() > 0):
        return Interval(1.0, 1.0, 1.0)
    relative = cost / cost.mean() - other / other.mean()
    reach = np.exp(Z90 * relative.std() / np.sqrt(len(cost)))
    ratio = float(cost.mean() / other.mean())
    return Interval(ratio, float(ratio / reach), float(ratio * reach))


def gain_over_blind(record: Record, rules: Sequence[Rule]) -> Interval:
    """Compare a policy with the best prompt-blind mixture of points at the same cost, in quality points of 100.

    The mixture is the frontier of the points' logged means on these very queries, known only afterwards: an opponent
    with a little hindsight.

    Args:
        record: the traffic.
        rules: of the policies to average over.
    """
    means = Forecast(np.clip(record.quality.mean(0), 0, 1)[None], np.maximum(record.cost_usd.mean(0), 0.0)[None])
    blind = frontier(means)
    path = np.concatenate([blind.start[:1], blind.steps.target]).astype(int)
    where = blind.cost_usd
    differences = np.zeros(len(record.quality))
    for rule in rules:
        quality, cost, _ = record.chosen(rule)
        spent = float(np.clip(cost.mean(), where[0], where[-1]))
        step = int(np.clip(np.searchsorted(where, spent, side="right") - 1, 0, max(len(where) - 2, 0)))
        if len(where) > 1:
            share = (spent - where[step]) / (where[step + 1] - where[step])
            below, above = path[blind.first[step]], path[blind.first[step + 1]]
            slope = blind.price[step] if where[0] < cost.mean() < where[-1] else 0.0
        else:
            share, below, above, slope = 0.0, path[0], path[0], 0.0
        mixed_quality = (1 - share) * record.quality[:, below] + share * record.quality[:, above]
        mixed_cost = (1 - share) * record.cost_usd[:, below] + share * record.cost_usd[:, above]
        differences += quality - mixed_quality - slope * (cost - mixed_cost)
    differences *= 100 / max(len(rules), 1)
    reach = Z90 * differences.std() / np.sqrt(len(differences))
    mean = float(differences.mean())
    return Interval(mean, float(mean - reach), float(mean + reach))
