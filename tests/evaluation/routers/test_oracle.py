"""The oracle against the log."""

import numpy as np

from paretoroute.evaluation.routers.data import prepared
from paretoroute.evaluation.routers.oracle import Oracle
from tests.evaluation.routers.held_out import split
from tests.synthetic_log import make_runs


def test_the_oracle_forecasts_the_logged_outcome_of_each_call():
    runs = make_runs()
    train, test, grid = split(runs)
    training, batch = prepared(train, test, grid, seed=0)

    forecast = Oracle(runs, grid).fit(training).forecast(batch)

    np.testing.assert_array_equal(forecast.quality, test.means("quality")[0])
    np.testing.assert_array_equal(forecast.cost_usd, test.means("cost_usd")[0])
