"""Pooled slopes against a dense solution, and without any leak from a fold into its own forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.fitting.methods import pooled_slopes
from paretoroute.fitting.methods.pooled_means import Cells, point_means

QUERIES, POINTS, WIDTH = 240, 4, 5


def log(seed=0, *, per_point=0.3, slope=0.5, points=POINTS):
    """One run per query: values, weights, features and folds."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(QUERIES, WIDTH)) / WIDTH**0.5
    choice = rng.integers(points, size=QUERIES)
    ability = per_point * rng.normal(size=points)
    own = slope * rng.normal(size=(WIDTH, points))
    values = ability + features @ own + 0.1 * rng.normal(size=(QUERIES, points))
    weight = np.zeros((QUERIES, points))
    weight[np.arange(QUERIES), choice] = 1.0
    return values, weight, features, rng.integers(5, size=QUERIES)


def test_the_solution_is_that_of_the_dense_normal_equations():
    values, weight, features, _ = log()
    cells = Cells.of(values, weight)
    means = point_means(cells)
    z = pooled_slopes._standard(means.mean)
    system = pooled_slopes._System.of(cells, features, WIDTH, [z], means)
    strengths = pooled_slopes._Strengths(common=2.0, between=5.0, own=7.0)

    fitted = system.solved(strengths)

    def design(query, point):
        x, one_hot = features[query], np.eye(POINTS)[point]
        return np.concatenate([[1.0], x, z[point] * x, one_hot, np.outer(one_hot, x).ravel()])

    table = np.stack([design(i, j) for i, j in zip(cells.query, cells.point, strict=True)])
    penalty = [0.0, *[2.0] * WIDTH, *[5.0] * WIDTH, *[means.prior_runs] * POINTS, *[7.0] * (WIDTH * POINTS)]
    dense = np.linalg.solve(table.T @ table + np.diag(penalty), table.T @ cells.value)
    asked = np.stack([[design(i, j) @ dense for j in range(POINTS)] for i in range(QUERIES)])
    np.testing.assert_allclose(fitted.base + features @ fitted.slope, asked, atol=1e-8)


def test_no_outcome_of_a_fold_reaches_its_own_forecasts_or_means():
    values, weight, features, fold = log()
    before = pooled_slopes.fit(Cells.of(values, weight), features, (), fold)
    changed = values + 5.0 * (fold == 2)[:, None] * np.random.default_rng(1).normal(size=values.shape)

    after = pooled_slopes.fit(Cells.of(changed, weight), features, (), fold)

    np.testing.assert_array_equal(before.fold_means[2], after.fold_means[2])
    assert np.abs(np.delete(before.fold_means - after.fold_means, 2, axis=0)).max() > 0.1  # they do count elsewhere


def test_missing_cells_count_for_nothing_whatever_stands_in_them():
    values, weight, features, fold = log()
    fits = [
        pooled_slopes.fit(Cells.of(np.where(weight > 0, values, hole), weight), features, (), fold)
        for hole in (0.0, 1.0, np.nan)
    ]

    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0].forecast, other.forecast)
        np.testing.assert_array_equal(fits[0].base, other.base)


def test_slopes_of_points_are_learned_from_one_run_per_query():
    values, weight, features, fold = log(slope=1.0)

    fitted = pooled_slopes.fit(Cells.of(values, weight), features, (), fold)

    error, spread = ((fitted.forecast - values) ** 2).mean(), ((values - values.mean(0)) ** 2).mean()
    assert error < 0.5 * spread


def test_a_point_that_no_other_fold_has_is_forecast_at_the_mean_of_all():
    values, weight, features, fold = log()
    weight[:, 3] = 0.0
    weight[np.flatnonzero(fold == 0)[:3], 3] = 1.0

    fitted = pooled_slopes.fit(Cells.of(values, weight), features, (), fold)

    assert np.isfinite(fitted.forecast).all()
    others = fitted.fold_means[0]
    assert others[3] == pytest.approx(others[:3].mean(), abs=0.3)


def test_means_of_equal_points_are_shrunk_together_and_of_different_ones_hardly():
    rng = np.random.default_rng(3)
    weight = np.zeros((400, 4))
    weight[np.arange(400), rng.integers(4, size=400)] = 1.0
    noise = rng.normal(size=(400, 4))

    equal, different = (point_means(Cells.of(noise + level, weight)) for level in (np.zeros(4), np.arange(4) * 5.0))

    own = np.array([noise[weight[:, j] > 0, j].mean() for j in range(4)])
    assert np.ptp(equal.mean) < 0.5 * np.ptp(own)
    np.testing.assert_allclose(different.mean, own + np.arange(4) * 5.0, atol=0.02)
    assert different.prior_runs < 0.2


def test_points_are_not_judged_by_the_labels_that_they_were_called_for():
    rng = np.random.default_rng(5)
    hard = rng.random(QUERIES) < 0.5
    chance = np.where(hard[:, None], [0.1, 0.2, 0.7], [0.7, 0.2, 0.1])  # the best point gets the hard queries
    choice = (rng.random((QUERIES, 1)) > chance.cumsum(1)).sum(1)
    weight = np.zeros((QUERIES, 3))
    weight[np.arange(QUERIES), choice] = 1.0
    values = np.array([0.5, 0.55, 0.6]) - 0.4 * hard[:, None] + 0.05 * rng.normal(size=(QUERIES, 3))
    features, fold = rng.normal(size=(QUERIES, WIDTH)) / WIDTH**0.5, rng.integers(5, size=QUERIES)
    labels = np.stack([hard, ~hard], axis=1).astype(float)

    judged = pooled_slopes.fit(Cells.of(values, weight), features, (), fold, labels=labels)
    fooled = pooled_slopes.fit(Cells.of(values, weight), features, (), fold)

    assert judged.means.mean.argmax() == 2 and fooled.means.mean.argmax() == 0
    np.testing.assert_allclose(judged.base, np.array([0.5, 0.55, 0.6]) - 0.4 * hard.mean(), atol=0.04)
    assert judged.of_labels[hard].mean() - judged.of_labels[~hard].mean() == pytest.approx(-0.4, abs=0.03)


def test_what_features_tell_of_a_label_is_forecast_without_the_label():
    rng = np.random.default_rng(6)
    hard = rng.random(QUERIES) < 0.5
    weight = np.zeros((QUERIES, 3))
    weight[np.arange(QUERIES), rng.integers(3, size=QUERIES)] = 1.0
    values = np.array([0.5, 0.55, 0.6]) - 0.4 * hard[:, None] + 0.05 * rng.normal(size=(QUERIES, 3))
    features, fold = rng.normal(size=(QUERIES, WIDTH)) / WIDTH**0.5, rng.integers(5, size=QUERIES)
    features[:, 0] = 3.0 * hard + 0.1 * rng.normal(size=QUERIES)
    labels = np.stack([hard, ~hard], axis=1).astype(float)

    told = pooled_slopes.fit(Cells.of(values, weight), features, (), fold, labels=labels)
    apart = told.forecast[hard].mean(0) - told.forecast[~hard].mean(0)
    deployed = (features[hard].mean(0) - features[~hard].mean(0)) @ told.slope

    np.testing.assert_allclose(apart, -0.4, atol=0.05)
    np.testing.assert_allclose(deployed, -0.4, atol=0.05)
    assert abs(told.of_labels[hard].mean() - told.of_labels[~hard].mean()) < 0.05
    assert told.told_of_labels[hard].mean() - told.told_of_labels[~hard].mean() == pytest.approx(-0.4, abs=0.05)
    whole = pooled_slopes.fit(Cells.of(values, weight), np.zeros_like(features), (), fold, labels=labels)
    np.testing.assert_allclose(whole.of_labels[hard].mean() - whole.of_labels[~hard].mean(), -0.4, atol=0.05)
