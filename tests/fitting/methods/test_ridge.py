"""Ridge regression against scikit-learn, and moments of a part taken from those of the whole."""

from dataclasses import fields

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from paretoroute.fitting.methods.ridge import STRENGTHS, Decomposed, coefficients, moments, spread


@pytest.fixture
def data():
    chance = np.random.default_rng(3)
    features = chance.standard_normal((50, 7)) + np.arange(7.0)
    targets = features @ chance.standard_normal((7, 3)) + chance.standard_normal((50, 3)) + 5
    return features, targets


def expect_ridge(features, targets, slopes, intercepts):
    for s, strength in enumerate(STRENGTHS):
        other = Ridge(alpha=strength).fit(features, targets)
        np.testing.assert_allclose(slopes[s], other.coef_.T, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(intercepts[s], other.intercept_, rtol=1e-6, atol=1e-8)


def test_every_strength_gives_what_scikit_learn_gives(data):
    features, targets = data

    expect_ridge(features, targets, *coefficients(moments(features, targets)))


def test_more_features_than_queries_and_a_constant_one_are_solved_too(data):
    features, targets = data
    wide = np.hstack([features[:5], np.ones((5, 1)), features[:5] * 2])

    expect_ridge(wide, targets[:5], *coefficients(moments(wide, targets[:5])))


def test_moments_of_a_part_taken_away_leave_those_of_the_rest(data):
    features, targets = data
    part = np.arange(50) % 5 == 2

    left = moments(features, targets) - moments(features[part], targets[part])

    rest = moments(features[~part], targets[~part])
    for item in fields(rest):
        np.testing.assert_allclose(getattr(left, item.name), getattr(rest, item.name), rtol=1e-10, err_msg=item.name)
    expect_ridge(features[~part], targets[~part], *coefficients(left))


def test_without_anything_to_learn_the_forecast_is_the_mean():
    features, targets = np.zeros((6, 2)), np.arange(6.0)[:, None]

    slopes, intercepts = coefficients(moments(features, targets))

    assert not slopes.any()
    np.testing.assert_allclose(intercepts, 2.5)


def test_spread_gives_the_variance_of_a_ridge_forecast(data):
    features, targets = data

    centre, inverse = spread(moments(features, targets), strength=3.0)

    away = features - features.mean(0)
    np.testing.assert_allclose(centre, features.mean(0))
    np.testing.assert_allclose(inverse @ (away.T @ away + 3 * np.eye(7)), np.eye(7), atol=1e-9)


@pytest.mark.parametrize("copies", [1, 10], ids=["long", "wide"])
def test_decomposed_features_give_what_scikit_learn_gives(data, copies):
    features, targets = data
    wide = np.hstack([features * (1 + k) for k in range(copies)])

    expect_ridge(wide, targets, *Decomposed.of(wide).coefficients(targets))


@pytest.mark.parametrize("shape", [(6, 2), (2, 6), (1, 3)])
def test_decomposed_features_that_do_not_vary_give_the_mean(shape):
    targets = np.arange(float(shape[0]))[:, None]

    slopes, intercepts = Decomposed.of(np.ones(shape)).coefficients(targets)

    assert slopes.shape == (len(STRENGTHS), shape[1], 1)
    assert not slopes.any()
    np.testing.assert_allclose(intercepts, targets.mean())


@pytest.mark.parametrize("copies", [1, 10], ids=["long", "wide"])
def test_leaving_groups_out_gives_what_refitting_without_them_gives(data, copies):
    features, targets = data
    features = np.hstack([features * (1 + k) for k in range(copies)])
    group = np.r_[np.arange(30), [30] * 2, [31] * 5, np.arange(32, 45)]
    rows = np.array([49, 0, 7, 30, 32, 35, 36, 12])

    found = Decomposed.of(features).left_out(targets, group, rows)

    for s, strength in enumerate(STRENGTHS):
        for place, row in enumerate(rows):
            rest = group != group[row]
            other = Ridge(alpha=strength).fit(features[rest], targets[rest])
            expected = other.predict(features[row][None])[0]
            np.testing.assert_allclose(found[s, place], expected, rtol=1e-6, atol=1e-6, err_msg=f"{strength}, {row}")


def test_a_query_that_is_left_out_does_not_move_its_own_forecast(data):
    features, targets = data
    group, rows = np.arange(50), np.arange(50)
    before = Decomposed.of(features).left_out(targets, group, rows)
    targets = targets.copy()
    targets[17] += 100

    after = Decomposed.of(features).left_out(targets, group, rows)

    np.testing.assert_allclose(after[:, 17], before[:, 17], rtol=1e-8, atol=1e-6)
    assert np.abs(after - before)[:, np.arange(50) != 17].max() > 0.1
