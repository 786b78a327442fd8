"""The static mixture: every point's mean, whatever the query. Its cost-quality curve mixes single points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.priced import PricedStrategies, priced
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class StaticMixture:
    """Forecasts each point's mean over the training queries."""

    name: str = "static"

    def fit(self, training: Training) -> PricedStrategies:
        """Average over the training queries."""
        quality, cost = fill_missing(training.quality).mean(0), fill_missing(training.cost_usd).mean(0)

        def predict(batch: QueryBatch) -> Forecast:
            shape = (len(batch.texts), len(quality))
            return Forecast(np.broadcast_to(quality, shape), np.broadcast_to(cost, shape))

        return priced(training, predict)
