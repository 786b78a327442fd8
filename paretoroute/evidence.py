"""What a policy's traffic shows: its logged quality and cost, against single points and their blind mixtures.

All figures are out of fold. Intervals are 90%, normal on per-query values. Quality at equal cost is compared through
per-query values of quality minus slope x cost, with the slope of the blind frontier at the policy's cost, so that the
noise of spending counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute.calibration import augmented
from paretoroute.choice import choose
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.hull import frontier
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
    """

    forecast: Forecast
    quality: Floats
    cost_usd: Floats
    logged_quality: Floats
    logged_cost_usd: Floats

    def blind(self) -> Record:
        """Forecast every query at the points' logged means: what a prompt-blind policy goes by."""
        quality = np.clip(self.quality.mean(0), 0.0, 1.0)
        cost = np.maximum(self.cost_usd.mean(0), 0.0)
        shape = self.quality.shape
        return replace(self, forecast=Forecast(np.broadcast_to(quality, shape), np.broadcast_to(cost, shape)))

    def chosen(self, price: float, split: float) -> tuple[Floats, Floats, Floats]:
        """Give each query's expected quality and cost at a price, and the points' shares.

        Returns:
            Quality ``(queries,)``, cost ``(queries,)`` and share of calls ``(points,)``.
        """
        low, high = choose(self.forecast.quality, self.forecast.cost_usd, price)
        rows = np.arange(len(low))
        quality = (1 - split) * self.quality[rows, low] + split * self.quality[rows, high]
        cost = (1 - split) * self.cost_usd[rows, low] + split * self.cost_usd[rows, high]
        points = self.quality.shape[1]
        counts = (1 - split) * np.bincount(low, minlength=points) + split * np.bincount(high, minlength=points)
        return quality, cost, counts / len(rows)

    def gap(self, price: float, split: float) -> float:
        """Give the relative duality gap on the forecasts of what a price and split choose.

        Any price p bounds the quality to be had for the cost c of the choice by mean_i max_j (q_ij - p c_ij) + p c.
        """
        low, high = choose(self.forecast.quality, self.forecast.cost_usd, price)
        rows = np.arange(len(low))
        cost = np.broadcast_to(self.forecast.cost_usd, self.forecast.quality.shape)
        chosen = [(1 - split) * table[rows, low] + split * table[rows, high] for table in (self.forecast.quality, cost)]
        quality, spent = (float(part.mean()) for part in chosen)
        bound = float((self.forecast.quality - price * cost).max(axis=1).mean()) + price * spent
        return max(0.0, bound - quality) / max(abs(quality), 1e-300)

    def known_share(self, price: float) -> float:
        """Share of queries at which the point chosen was logged."""
        low, _ = choose(self.forecast.quality, self.forecast.cost_usd, price)
        return float((~np.isnan(self.logged_quality[np.arange(len(low)), low])).mean())


def record(traffic: Traffic, grid: Grid) -> Record:
    """Price the traffic and fill its holes."""
    forecast = traffic.forecast(grid)
    logged_quality, logged_cost = traffic.logged_quality.astype(np.float64), traffic.logged_cost_usd(grid)
    return Record(
        forecast,
        augmented(forecast.quality, logged_quality, "quality"),
        augmented(forecast.cost_usd, logged_cost, "cost_usd"),
        logged_quality,
        logged_cost,
    )


def best_single(record: Record) -> int:
    """Find the point with the best mean quality; the cheaper one of equals."""
    quality, cost = record.quality.mean(0), record.cost_usd.mean(0)
    return int(np.lexsort((cost, -quality))[0])


def cost_ratio(record: Record, price: float, split: float, point: int) -> Interval:
    """Compare the cost of a policy with that of a single point: their ratio, by the delta method on its logarithm."""
    _, cost, _ = record.chosen(price, split)
    other = record.cost_usd[:, point]
    if not (cost.mean() > 0 and other.mean() > 0):
        return Interval(1.0, 1.0, 1.0)
    relative = cost / cost.mean() - other / other.mean()
    reach = np.exp(Z90 * relative.std() / np.sqrt(len(cost)))
    ratio = float(cost.mean() / other.mean())
    return Interval(ratio, float(ratio / reach), float(ratio * reach))


def gain_over_blind(record: Record, rows: list[tuple[float, float]]) -> Interval:
    """Compare a policy with the best prompt-blind mixture of points at the same cost, in quality points of 100.

    The mixture is the frontier of the points' logged means on these very queries, known only afterwards: an opponent
    with a little hindsight.

    Args:
        record: the traffic.
        rows: price and split of the policies to average over.
    """
    means = Forecast(np.clip(record.quality.mean(0), 0, 1)[None], np.maximum(record.cost_usd.mean(0), 0.0)[None])
    blind = frontier(means)
    path = np.concatenate([blind.start[:1], blind.steps.target]).astype(int)
    where = blind.cost_usd
    differences = np.zeros(len(record.quality))
    for price, split in rows:
        quality, cost, _ = record.chosen(price, split)
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
    differences *= 100 / max(len(rows), 1)
    reach = Z90 * differences.std() / np.sqrt(len(differences))
    mean = float(differences.mean())
    return Interval(mean, float(mean - reach), float(mean + reach))
