"""Logged outcomes to judge choices on."""

import numpy as np

from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.forecast import Forecast


def outcomes_of(quality, cost_usd, logged_quality=None, forecast_quality=None):
    """Return outcomes whose forecasts equal the logged values unless given."""
    quality, cost_usd = np.asarray(quality, float), np.asarray(cost_usd, float)
    cost_usd = np.broadcast_to(cost_usd, quality.shape)
    forecast = Forecast(quality if forecast_quality is None else forecast_quality, cost_usd)
    logged_quality = quality if logged_quality is None else logged_quality
    return LoggedOutcomes(forecast, quality, cost_usd, logged_quality, cost_usd)
