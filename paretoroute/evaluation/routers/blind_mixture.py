"""The blind mixture: every point's mean, whatever the query. Its trade-off is a mixture of single points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute.evaluation.routers.base import Asked, Predict, Training
from paretoroute.evaluation.routers.data import filled
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class BlindMixture:
    """Forecasts each point's mean over the training queries."""

    name: str = "blind mixture"

    def fit(self, training: Training) -> Predict:
        """Average over the training queries."""
        quality, cost = filled(training.quality).mean(0), filled(training.cost_usd).mean(0)

        def predict(asked: Asked) -> Forecast:
            shape = (len(asked.texts), len(quality))
            return Forecast(np.broadcast_to(quality, shape), np.broadcast_to(cost, shape))

        return predict
