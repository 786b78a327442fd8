"""Cost-quality curves of forecasts on queries whose outcomes are known.

A forecast gives an order in which queries climb from their cheapest point upwards. Every stage of the climb is one
choice for all queries, with a realised mean cost and quality; their upper hull is the curve. On it, as on the curve of
single points, mixtures of two neighbouring choices are allowed.

A curve's uncertainty is that of plain means: at cost x, where the hull has slope s, a query's influence value is
quality - s (cost - x), and the mean of these is the height of the hull. The vertices are held fixed, which is right to
first order (envelope theorem).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.mixtures import hull, interpolate
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier

STAGES = 256
COSTS = 100
LEAST_SHARE = 0.6  # curves are compared from the cost at which single points reach this share of their peak quality


class ChosenOutcomes(NamedTuple):
    """Quality and cost of every query at the point chosen for it, ``(queries,)`` each."""

    quality: Floats
    cost_usd: Floats


@dataclass(frozen=True)
class Outcomes:
    """Quality and cost of queries at every point, without missing cells.

    Args:
        quality: in [0, 1], ``(queries, points)``.
        cost_usd: of one call, ``(queries, points)``.
    """

    quality: Floats
    cost_usd: Floats

    def at(self, choice: Indices | NDArray[np.int32]) -> ChosenOutcomes:
        """Return quality and cost at one point per query, ``(queries,)``."""
        rows = np.arange(len(self.quality))
        return ChosenOutcomes(self.quality[rows, choice], self.cost_usd[rows, choice])


@dataclass(frozen=True)
class Curve:
    """The upper hull of choices, each judged by its mean outcome over the queries.

    Args:
        choices: the point that each choice calls for every query, ``(choices, queries)``.
        vertex: the choices on the hull, cheapest first, ``(vertices,)``.
        cost_usd: their mean cost, rising, ``(vertices,)``.
        quality: their mean quality, rising, ``(vertices,)``.
    """

    choices: NDArray[np.int32]
    vertex: Indices
    cost_usd: Floats
    quality: Floats

    def at(self, costs: Floats) -> Floats:
        """Return the height of the hull at mean costs, ``(costs,)``; it is constant beyond its ends."""
        return np.interp(costs, self.cost_usd, self.quality)

    def influence(self, costs: Floats, outcomes: Outcomes) -> Floats:
        """Return each query's influence value on the height of the hull, averaged over mean costs: ``(queries,)``.

        Args:
            costs: mean costs to average over.
            outcomes: those that the curve was computed from.
        """
        mixtures = interpolate(costs, cost_usd=self.cost_usd, quality=self.quality)
        weight, price = np.zeros(len(self.vertex)), np.zeros(len(self.vertex))
        for side, share in ((mixtures.below, 1 - mixtures.share), (mixtures.above, mixtures.share)):
            np.add.at(weight, side, share / len(costs))
            np.add.at(price, side, mixtures.slope * share / len(costs))
        values = np.full(len(outcomes.quality), float((mixtures.slope * costs).mean()))
        for k in np.flatnonzero(weight):
            quality, cost_usd = outcomes.at(self.choices[self.vertex[k]])
            values += weight[k] * quality - price[k] * cost_usd
        return values


def curve_of(choices: NDArray[np.int32], outcomes: Outcomes) -> Curve:
    """Compute the hull of choices ``(choices, queries)`` on their outcomes."""
    means = np.array([[table.mean() for table in outcomes.at(choice)] for choice in choices])
    quality, cost_usd = means.T
    vertex = hull(quality, cost_usd)
    return Curve(choices, vertex, cost_usd[vertex], quality[vertex])


def single_points(outcomes: Outcomes) -> Curve:
    """Compute the curve of the best mixtures of single points on these very queries."""
    queries, points = outcomes.quality.shape
    return curve_of(np.repeat(np.arange(points, dtype=np.int32)[:, None], queries, axis=1), outcomes)


def realised(forecast: Forecast, outcomes: Outcomes) -> Curve:
    """Compute the realised curve of a forecast's choices, from the cheapest single point upwards.

    Args:
        forecast: of all queries.
        outcomes: of the same queries.
    """
    line = frontier(forecast)
    stages = np.unique(np.linspace(0, len(line.price), STAGES + 1).astype(int))
    cheapest = np.full(len(outcomes.quality), int(outcomes.cost_usd.mean(0).argmin()))
    return curve_of(np.stack([cheapest, *map(line.choice, stages)]).astype(np.int32), outcomes)


def cost_range(static: Curve, count: int = COSTS) -> Floats:
    """Space costs in USD evenly in logs, ``(count,)``.

    They run from where single points reach 60% of their peak quality to the best single point's cost.
    """
    high = float(static.cost_usd[-1])
    low = float(np.interp(LEAST_SHARE * static.quality[-1], static.quality, static.cost_usd))
    return np.geomspace(max(low, 1e-9 * high), high, count)
