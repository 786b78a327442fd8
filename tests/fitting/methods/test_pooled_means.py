"""Means of points by empirical Bayes, against known spreads."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.fitting.methods.pooled_means import Cells, point_means


def cells_of(runs, means, *, noise=0.5, seed=0):
    """Draw so many runs of each point around its mean."""
    rng = np.random.default_rng(seed)
    point = np.repeat(np.arange(len(runs)), runs)
    values = np.asarray(means)[point] + noise * rng.normal(size=len(point))
    return Cells(np.arange(len(point)), point, values, np.ones(len(point)), len(runs))


def test_one_point_with_most_of_the_log_does_not_decide_how_far_the_others_differ():
    runs, estimates = [600] + [8] * 29, []
    for seed in range(20):
        means = np.concatenate([[0.2], 0.6 + 0.05 * np.random.default_rng(seed).normal(size=29)])
        estimates.append(point_means(cells_of(runs, means, seed=seed)).prior_runs)

    # 0.25 / t^2: the spread of the 29 alone would give 100, with the one apart about 33; weighted by runs it was 4
    assert np.median(estimates) > 15


def test_the_spread_of_true_means_is_recovered_and_the_means_are_closer_to_them_than_the_raw_ones():
    truth = 0.3 * np.random.default_rng(1).normal(size=200)
    cells = cells_of([10] * 200, truth)

    fitted = point_means(cells)

    assert 0.25 / fitted.prior_runs == pytest.approx(0.09, rel=0.3)
    raw = np.bincount(cells.point, cells.value) / 10
    assert ((fitted.mean - truth) ** 2).mean() < 0.85 * ((raw - truth) ** 2).mean()
    assert fitted.error.mean() == pytest.approx(((fitted.mean - truth) ** 2).mean(), rel=0.3)


def test_equal_points_have_one_mean():
    fitted = point_means(cells_of([20] * 10, [0.5] * 10, noise=0.0))

    np.testing.assert_allclose(fitted.mean, 0.5)
