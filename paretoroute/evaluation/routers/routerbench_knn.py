"""RouterBench's kNN router (Hu et al., 2024, arXiv:2403.12031): mean quality of the neighbours against cost.

The rule is :mod:`~.rules.routerbench_knn`, with the cost of the call; the authors' code takes unit token prices.
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
from paretoroute.evaluation.routers.rules import routerbench_knn
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class RouterBenchKnn:
    """The knob is the willingness to pay, in USD for one unit of quality.

    Args:
        neighbours: their number; RouterBench reports 40.
        name: in tables.
    """

    neighbours: int = 40
    name: str = "routerbench-knn"

    def fit(self, training: Training) -> RuleStrategies:
        """Keep the training queries; the cost of a point is its mean."""
        cost = fill_missing(training.cost_usd).mean(0)

        def predict(batch: QueryBatch) -> Forecast:
            quality = averages(training.features, training.quality, batch.features, (self.neighbours,))[0]
            return Forecast(quality, np.broadcast_to(cost, quality.shape))

        def rule(forecast: Forecast, willingness: float) -> Indices:
            return routerbench_knn.choose(forecast.quality, forecast.cost_usd, willingness)

        price = prices(training)
        willingness = 1 / np.maximum(price, price[1] / 100)  # a price of 0 is an unlimited willingness
        return RuleStrategies(Remembered(predict), rule, willingness)
