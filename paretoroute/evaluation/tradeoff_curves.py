"""Trade-off curves of forecasts on queries whose outcomes are known, judged with hindsight, the same for all.

A forecast gives an order in which queries climb from their cheapest point upwards; every stage of the climb is one
choice for all queries, with a mean cost and quality that came of it. The upper hull of these is the curve. On it, as
on the line of single points, mixtures of two neighbouring choices are allowed.

Noise is per query: at cost x, with slope s of the hull there, a query contributes quality - s (cost - x), whose mean
is the height of the hull. The vertices are held fixed, which is right to first order (envelope theorem), so that an
interval is one of plain means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier

STAGES = 256
COSTS = 100
LEAST_SHARE = 0.6  # curves are compared from the cost at which single points reach this share of their peak quality


@dataclass(frozen=True)
class Curve:
    """What choices gave on known queries, and the upper hull of it.

    Args:
        picks: each choice's point for every query, ``(choices, queries)``.
        vertex: the choices on the hull, cheapest first, ``(vertices,)``.
        cost_usd: their mean cost, rising, ``(vertices,)``.
        quality: their mean quality, rising, ``(vertices,)``.
    """

    picks: NDArray[np.int32]
    vertex: NDArray[np.intp]
    cost_usd: Floats
    quality: Floats

    def at(self, costs: Floats) -> Floats:
        """Give the height of the hull at mean costs; beyond its ends it is flat."""
        return np.interp(costs, self.cost_usd, self.quality)

    def cost_of(self, quality: float) -> float | None:
        """Give the least mean cost at which the curve reaches a mean quality; None if it never does."""
        if self.quality[-1] < quality - 1e-12:
            return None
        return float(np.interp(quality, self.quality, self.cost_usd))

    def contributions(self, costs: Floats, quality: Floats, cost_usd: Floats) -> Floats:
        """Split the mean height over some costs into what each query contributes: ``(queries,)``.

        Args:
            costs: where to average.
            quality: outcomes, ``(queries, points)``.
            cost_usd: outcomes, ``(queries, points)``.
        """
        step = np.clip(np.searchsorted(self.cost_usd, costs, side="right") - 1, 0, max(len(self.vertex) - 2, 0))
        above = np.minimum(step + 1, len(self.vertex) - 1)
        run = self.cost_usd[above] - self.cost_usd[step]
        width = np.where(run > 0, run, 1.0)
        share = np.clip((costs - self.cost_usd[step]) / width, 0.0, 1.0) * (run > 0)
        inside = (costs >= self.cost_usd[0]) & (costs <= self.cost_usd[-1])
        slope = np.where(inside, (self.quality[above] - self.quality[step]) / width, 0.0)
        weight, toll = np.zeros(len(self.vertex)), np.zeros(len(self.vertex))
        for side, part in ((step, 1 - share), (above, share)):
            np.add.at(weight, side, part / len(costs))
            np.add.at(toll, side, slope * part / len(costs))
        out = np.full(len(quality), float((slope * costs).mean()))
        rows = np.arange(len(quality))
        for k in np.flatnonzero(weight):
            pick = self.picks[self.vertex[k]]
            out += weight[k] * quality[rows, pick] - toll[k] * cost_usd[rows, pick]
        return out


def curve_of(picks: NDArray[np.int32], quality: Floats, cost_usd: Floats) -> Curve:
    """Judge choices ``(choices, queries)`` by outcomes ``(queries, points)``."""
    rows = np.arange(len(quality))
    mean_quality = np.array([quality[rows, pick].mean() for pick in picks])
    mean_cost = np.array([cost_usd[rows, pick].mean() for pick in picks])
    line = frontier(Forecast(quality=mean_quality[None], cost_usd=mean_cost[None]))
    vertex = np.concatenate([line.start, line.steps.target[line.first[1:] - 1]])
    return Curve(picks, vertex, mean_cost[vertex], mean_quality[vertex])


def single_points(quality: Floats, cost_usd: Floats) -> Curve:
    """Give the curve of mixtures of single points, the best with hindsight."""
    queries, points = quality.shape
    picks = np.repeat(np.arange(points, dtype=np.int32)[:, None], queries, axis=1)
    return curve_of(picks, quality, cost_usd)


def realised(forecast: Forecast, quality: Floats, cost_usd: Floats) -> Curve:
    """Give the curve that a forecast's choices had, from the cheapest single point upwards.

    Args:
        forecast: of all queries.
        quality: what came of them, ``(queries, points)``.
        cost_usd: what they cost, ``(queries, points)``.
    """
    line = frontier(forecast)
    stages = np.unique(np.linspace(0, len(line.price), STAGES + 1).astype(int))
    cheapest = np.full(len(quality), int(cost_usd.mean(0).argmin()))
    return curve_of(np.stack([cheapest, *map(line.choice, stages)]).astype(np.int32), quality, cost_usd)


def cost_range(static: Curve, count: int = COSTS) -> Floats:
    """Space costs evenly in logs, from where single points reach 60% of their peak to the best single point's cost."""
    high = float(static.cost_usd[-1])
    low = float(np.interp(LEAST_SHARE * static.quality[-1], static.quality, static.cost_usd))
    return np.geomspace(max(low, 1e-9 * high), high, count)
