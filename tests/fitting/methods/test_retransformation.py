"""Slopes of means on forecast logarithms, against the model that drew the figures and a dense search."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.fitting.methods import retransformation
from paretoroute.fitting.methods.pooled_means import Cells

QUERIES, POINTS = 3000, 3


def log(slope_of_spread, *, seed=0, queries=QUERIES):
    """One run per query, log y = level + x + sd(x) noise: the spread of the logarithm follows the forecast x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(queries, POINTS))
    variance = np.maximum(1.0 + 2 * slope_of_spread * x, 0.05)
    values = np.array([0.0, 3.0, -2.0]) + x + np.sqrt(variance) * rng.normal(size=x.shape)
    weight = np.zeros(x.shape)
    weight[np.arange(queries), rng.integers(POINTS, size=queries)] = 1.0
    return Cells.of(values, weight), x, rng.integers(5, size=queries)


def test_means_follow_the_forecast_less_where_cheap_queries_vary_more():
    cells, x, fold = log(-0.3)

    slopes = retransformation.mean_slopes(cells, x, fold)

    # log E y = x + variance / 2 = (1 - 0.3) x + 0.5, but for the clipped variance of the dearest
    assert slopes.all == pytest.approx(0.7, abs=0.12)
    assert slopes.without == pytest.approx(slopes.all, abs=0.1)


def test_equal_spreads_leave_forecasts_as_they_are():
    drawn = [retransformation.mean_slopes(*log(0.0, seed=seed)).all for seed in range(10)]

    assert np.median(drawn) == 1.0
    assert np.mean(drawn) == pytest.approx(1.0, abs=0.03)


def test_slopes_are_never_raised_above_those_of_the_logarithm():
    assert retransformation.mean_slopes(*log(0.3)).all == 1.0


def test_the_slope_has_the_greatest_profile_quasi_likelihood():
    cells, x, _ = log(-0.3, queries=600)
    x_cell = x[cells.query, cells.point]

    def likelihood(slope):
        y = np.exp(cells.value - slope * x_cell)
        means = np.array([y[cells.point == j].mean() for j in range(POINTS)])
        return -np.log(means[cells.point]).sum() - slope * x_cell.sum()

    grid = np.linspace(0, 2, 2001)
    best = grid[np.argmax([likelihood(slope) for slope in grid])]
    scores = retransformation._scores(cells, x_cell, best)
    assert abs(scores.sum()) < 0.02 * np.abs(scores).sum()
    assert 1 > retransformation._slope(cells, x) >= best - 1e-3  # drawn to 1


def test_no_outcome_of_a_fold_reaches_its_own_slope():
    cells, x, fold = log(-0.3)
    changed = Cells(
        cells.query, cells.point, cells.value + 2.0 * x[cells.query, cells.point] * (fold[cells.query] == 2),
        cells.weight, cells.points,
    )  # fmt: skip

    before, after = (retransformation.mean_slopes(some, x, fold) for some in (cells, changed))

    assert before.without[2] == after.without[2]
    assert abs(before.all - after.all) > 0.1


def test_forecasts_that_do_not_vary_stay():
    cells, x, fold = log(0.0, queries=60)

    assert retransformation.mean_slopes(cells, np.zeros_like(x), fold).all == 1.0
