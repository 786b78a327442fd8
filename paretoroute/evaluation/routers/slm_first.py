"""A control: the cheapest point whose forecast is within a tolerated loss of the best forecast.

Small models take every query on which they are not forecast to lose more than the knob, in quality.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.methods.ridge_forecast import ridge_forecast
from paretoroute.evaluation.routers.remembered import Remembered
from paretoroute.evaluation.routers.rule_strategies import RuleStrategies
from paretoroute.forecast import Forecast

LOSSES = np.linspace(0.0, 1.0, 41)


def cheapest_within(forecast: Forecast, loss: float) -> Indices:
    """Return the cheapest point with quality of at least the best forecast minus a loss, ``(queries,)``."""
    allowed = forecast.quality >= forecast.quality.max(1, keepdims=True) - loss
    return np.where(allowed, forecast.cost_usd, np.inf).argmin(1)


@dataclass(frozen=True)
class SmallFirst:
    """Ridge forecasts; the knob is the tolerated loss of forecast quality, in [0, 1]."""

    name: str = "slm-first"

    def fit(self, training: Training) -> RuleStrategies:
        """Fit ridge per point, with the strengths that cross-validation chooses."""
        return RuleStrategies(Remembered(ridge_forecast(training)), cheapest_within, LOSSES)
