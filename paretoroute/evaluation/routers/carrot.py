"""CARROT (Somerstep et al., 2025, arXiv:2502.03261) with its kNN forecasts of quality and cost.

The rule is :mod:`~.rules.carrot`. k is chosen by R-squared over folds, for quality and for cost; costs are in units of
the mean cost of all points, so that the knob mu in [0, 1] spreads over the whole curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.neighbours import averages
from paretoroute.evaluation.routers.priced import prices
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.evaluation.routers.rules import carrot
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class Carrot:
    """The knob is mu, the weight of cost against quality, in [0, 1].

    Args:
        sizes: numbers of neighbours to choose from.
        name: in tables.
    """

    sizes: tuple[int, ...] = (16, 32, 64, 128, 256)
    name: str = "carrot"

    def fit(self, training: Training) -> RuleStrategies:
        """Choose k for quality and cost, and keep the training queries."""
        features, points = training.features, training.quality.shape[1]
        values = np.hstack([training.quality, training.cost_usd])
        sizes = tuple(size for size in self.sizes if size <= 0.8 * len(features)) or (1,)
        shuffled = np.random.default_rng(training.seed).permutation(len(features))[:2000]
        k_quality, k_cost = (
            carrot.best_k(features[shuffled], fill_missing(table)[shuffled], sizes)
            for table in (training.quality, training.cost_usd)
        )
        scale = float(fill_missing(training.cost_usd).mean())

        def predict(batch: QueryBatch) -> Forecast:
            by_quality, by_cost = averages(features, values, batch.features, (k_quality, k_cost))
            return Forecast(by_quality[:, :points], by_cost[:, points:])

        def rule(forecast: Forecast, mu: float) -> Indices:
            return carrot.choose(forecast.quality, forecast.cost_usd, mu, cost_scale=1 / scale)

        price = prices(training) * scale
        return RuleStrategies(Remembered(predict), rule, price / (1 + price))
