"""Two-point systems: the pair of a weak and a strong point, and strategies by a threshold between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import NotApplicable, QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points

SHARES = 33
TARGETS = 8

Names = tuple[str, str]
"""The weak and the strong point's names."""


@dataclass(frozen=True)
class Pair:
    """Positions of the two points in the grid."""

    weak: int
    strong: int


def pair_of(training: Training, names: Names | None = None) -> Pair:
    """Return the pair that the user names, or the one that is best on the training queries.

    The best pair's mixture has the highest quality on average over eight mean costs, from where single points reach 60%
    of their peak quality to the best single point's cost. The strong point has the higher mean quality.

    Args:
        training: whose mean outcomes decide.
        names: of the weak and the strong point; None: choose.

    Raises:
        NotApplicable: a name is no point of the grid, or no pair has a better and a cheaper point.
    """
    points = training.grid.names
    if names is not None:
        if missing := [name for name in names if name not in points]:
            raise NotApplicable(f"the pair names {', '.join(missing)}, which is no point of this comparison")
        return Pair(points.index(names[0]), points.index(names[1]))
    quality, cost = fill_missing(training.quality), fill_missing(training.cost_usd)
    targets = cost_range(single_points(Outcomes(quality, cost)), TARGETS)
    mean_quality, mean_cost = quality.mean(0), cost.mean(0)
    best, pair = -np.inf, None
    for weak in range(len(points)):
        for strong in range(len(points)):
            if mean_quality[strong] > mean_quality[weak] and mean_cost[strong] > mean_cost[weak]:
                line = np.interp(targets, mean_cost[[weak, strong]], mean_quality[[weak, strong]])
                height = float(np.where(targets >= mean_cost[weak], line, 0.0).mean())
                if height > best:
                    best, pair = height, Pair(weak, strong)
    if pair is None:
        raise NotApplicable("no point is both better and dearer than another, so there is no weak and no strong one")
    return pair


@runtime_checkable
class HasPair(Protocol):
    """Strategies of a two-point system."""

    @property
    def pair(self) -> Pair:
        """The weak and the strong point."""
        ...


@dataclass(frozen=True)
class Threshold:
    """The strategy that calls the strong point where a win rate reaches a threshold."""

    win_rate: Callable[[QueryBatch], Floats]
    pair: Pair
    alpha: float

    def plan(self, batch: QueryBatch) -> Single:
        """Choose one of the two points per query."""
        is_strong = self.win_rate(batch) >= self.alpha
        return Single(np.where(is_strong, self.pair.strong, self.pair.weak))


@dataclass(frozen=True)
class ThresholdStrategies:
    """Strategies of a win rate; the knob is the share of strong calls, in [0, 1].

    The threshold of a share is the (1 - share)-quantile of the win rates of a sample (RouteLLM's calibration).

    Args:
        win_rate: of the strong point over the weak one, ``(queries,)``.
        pair: the two points.
        sample: win rates of the training queries, ``(queries,)``.
    """

    win_rate: Callable[[QueryBatch], Floats]
    pair: Pair
    sample: Floats

    @property
    def knobs(self) -> Floats:
        """Shares of strong calls, ``(knobs,)``."""
        return np.linspace(0.0, 1.0, SHARES)

    def at(self, knob: float) -> Threshold:
        """Return the strategy at a share of strong calls."""
        if knob <= 0:
            return Threshold(self.win_rate, self.pair, np.inf)
        alpha = -np.inf if knob >= 1 else float(np.quantile(self.sample, 1 - knob))
        return Threshold(self.win_rate, self.pair, alpha)
