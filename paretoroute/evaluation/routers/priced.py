"""Strategies from forecasts: per query the greatest forecast quality minus a price times forecast cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.plans import Single
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import choose

Predict = Callable[[QueryBatch], Forecast]
"""Forecasts quality and cost, ``(queries, points)`` each."""

KNOBS = 48


def prices(training: Training, count: int = KNOBS) -> Floats:
    """Space prices, in quality per USD, so that they lead from the dearest to the cheapest points: ``(count,)``.

    The first is 0, where quality alone counts. The others are even in logs, from one at which the dearest point's cost
    weighs 0.5 quality points to one at which the cheapest point's cost weighs a hundred times the whole scale.

    Args:
        training: whose mean costs set the scale.
        count: number of prices.
    """
    cost = fill_missing(training.cost_usd).mean(0)
    dearest = float(cost.max()) if cost.max() > 0 else 1.0
    cheapest = float(cost[cost > 0].min()) if (cost > 0).any() else dearest
    return np.concatenate([[0.0], np.geomspace(0.005 / dearest, 100 / cheapest, count - 1)])


@dataclass(frozen=True)
class Priced:
    """The strategy at one price of cost.

    Args:
        predict: forecasts quality and cost.
        price: quality per USD.
    """

    predict: Predict
    price: float

    def plan(self, batch: QueryBatch) -> Single:
        """Choose the point of greatest quality - price x cost, the cheapest of equals."""
        forecast = self.predict(batch)
        cheap, _ = choose(forecast.quality, forecast.cost_usd, self.price)
        return Single(np.asarray(cheap, dtype=np.intp))


@dataclass(frozen=True)
class PricedStrategies:
    """Strategies of a forecast; the knob is the price of cost, in quality per USD.

    Args:
        predict: forecasts quality and cost.
        knobs: prices, ``(knobs,)``.
    """

    predict: Predict
    knobs: Floats

    def forecast(self, batch: QueryBatch) -> Forecast:
        """Forecast quality and cost, ``(queries, points)`` each."""
        return self.predict(batch)

    def at(self, knob: float) -> Priced:
        """Return the strategy at a price."""
        return Priced(self.predict, knob)


def priced(training: Training, predict: Predict) -> PricedStrategies:
    """Offer the strategies of a fitted forecast at prices that suit the training costs."""
    return PricedStrategies(Remembered(predict), prices(training))
