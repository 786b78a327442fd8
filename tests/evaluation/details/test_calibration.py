"""Calibration: planted biases are measured, over logged cells alone."""

import numpy as np
import pytest
from scipy.stats import t

from paretoroute.evaluation.details.calibration import _clustered_mean, calibration_of
from paretoroute.evaluation.routers.data import logged_means
from paretoroute.forecast import Forecast


def test_a_bias_of_quality_and_a_factor_of_cost_are_measured(compared):
    outcomes = compared.study.outcomes
    forecast = Forecast(np.clip(0.5 * outcomes.quality + 0.1, 0, 1), outcomes.cost_usd / 2)
    logged = ~np.isnan(logged_means(compared.study.runs, compared.study.grid).quality)

    check = calibration_of(compared.study, forecast)

    bias = (forecast.quality - outcomes.quality)[logged].mean()
    assert check.quality_bias == pytest.approx(100 * bias)
    assert check.quality_error >= abs(check.quality_bias)
    assert check.cost_ratio == pytest.approx(2)
    assert sum(one.cells for one in check.quality) == logged.sum(), "cells that were not logged do not count"
    rising = [one.forecast for one in check.cost_usd]
    assert rising == sorted(rising) and len(rising) == 10


def test_equal_forecasts_share_one_bin(compared):
    queries, points = compared.study.outcomes.quality.shape

    check = calibration_of(compared.study, Forecast(np.full((queries, points), 0.5), np.zeros((queries, points))))

    assert len(check.quality) == len(check.cost_usd) == 1
    assert check.cost_ratio is None


@pytest.mark.parametrize("queries", [6, 50])
def test_the_interval_is_that_of_student_for_single_queries_and_for_copies_of_them(chance, queries):
    values, numbers = chance.random(queries), 3 * np.arange(queries)

    alone = _clustered_mean(values, numbers, most=1.0)
    copied = _clustered_mean(np.repeat(values, 4), np.repeat(numbers, 4), most=1.0)

    margin = t.ppf(0.95, queries - 1) * values.std(ddof=1) / queries**0.5
    expected = pytest.approx((values.mean() - margin, values.mean() + margin), abs=0.01 * margin)
    assert (alone.low, alone.high) == expected
    assert (copied.low, copied.high) == expected, "copies add no evidence"


def test_cells_of_one_group_leave_everything_open():
    interval = _clustered_mean(np.array([0.8, 0.6]), np.array([3, 3]), most=1.0)

    assert (interval.value, interval.low, interval.high) == (pytest.approx(0.7), 0.0, 1.0)
