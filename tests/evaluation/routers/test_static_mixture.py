"""The static mixture against the logged means."""

import numpy as np

from paretoroute.evaluation.routers.static_mixture import StaticMixture


def test_the_static_mixture_forecasts_the_logged_means(prepared_runs):
    training, batch = prepared_runs

    forecast = StaticMixture().fit(training).forecast(batch)

    np.testing.assert_allclose(forecast.quality, np.tile(np.nanmean(training.quality, 0), (60, 1)))
    np.testing.assert_allclose(forecast.cost_usd, np.tile(np.nanmean(training.cost_usd, 0), (60, 1)))
