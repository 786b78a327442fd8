"""Mixtures at equal cost against linear interpolation and a regression by hand."""

import numpy as np
import pytest

from paretoroute.calibration.mixtures import hull, interpolate, quality_at_equal_cost


@pytest.fixture
def outcomes():
    """Quality and cost of 200 queries at three vertices of rising cost."""
    chance = np.random.default_rng(0)
    quality = (chance.random((200, 3)) < [0.3, 0.6, 0.8]).astype(float)
    return quality, np.array([1.0, 2.0, 5.0]) * chance.lognormal(0, 0.3, (200, 3))


def test_a_mean_cost_is_a_mixture_of_its_neighbours():
    cost, quality = np.array([1.0, 2.0, 5.0]), np.array([0.2, 0.5, 0.8])

    mixtures = interpolate(np.array([1.0, 1.5, 2.0, 3.5, 5.0]), cost_usd=cost, quality=quality)

    np.testing.assert_array_equal(mixtures.below, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(mixtures.above, mixtures.below + 1)
    np.testing.assert_allclose(mixtures.share, [0.0, 0.5, 0.0, 0.5, 1.0])
    np.testing.assert_allclose(mixtures.slope, [0.3, 0.3, 0.1, 0.1, 0.1])


def test_beyond_its_ends_the_curve_is_constant():
    mixtures = interpolate(np.array([0.5, 9.0]), cost_usd=np.array([1.0, 2.0]), quality=np.array([0.2, 0.5]))

    np.testing.assert_allclose(mixtures.share, [0.0, 1.0])
    np.testing.assert_allclose(mixtures.slope, 0.0)


@pytest.mark.parametrize("cost", [[1.0], [1.0, 1.0]], ids=["one vertex", "two of equal cost"])
def test_without_a_width_there_is_no_slope(cost):
    mixtures = interpolate(np.array([0.5, 1.0, 2.0]), cost_usd=np.array(cost), quality=np.full(len(cost), 0.4))

    np.testing.assert_allclose(mixtures.slope, 0.0)
    assert np.isfinite(mixtures.share).all()


def test_dominated_choices_and_those_below_a_line_are_not_on_the_hull():
    quality, cost = np.array([0.5, 0.8, 0.55, 0.7, 0.4]), np.array([1.0, 4.0, 2.0, 2.5, 3.0])

    np.testing.assert_array_equal(hull(quality, cost), [0, 3, 1])


def test_the_mean_is_the_height_of_the_curve_at_the_mean_that_was_paid(outcomes):
    quality, cost = outcomes
    paid = 3.0 * np.random.default_rng(1).lognormal(0, 0.2, 200)

    values = quality_at_equal_cost(paid, quality=quality, cost_usd=cost)

    assert values.mean() == pytest.approx(np.interp(paid.mean(), cost.mean(0), quality.mean(0)))


def test_a_policy_that_is_a_vertex_differs_from_the_mixture_nowhere(outcomes):
    quality, cost = outcomes

    values = quality_at_equal_cost(cost[:, 1], quality=quality, cost_usd=cost)

    np.testing.assert_allclose(values, quality[:, 1], atol=1e-12)


def test_a_query_that_was_paid_more_for_is_credited_along_the_slope(outcomes):
    quality, cost = outcomes
    paid = np.full(200, 3.0)
    moved = paid + np.where(np.arange(200) % 2, 0.5, -0.5)  # the same mean

    difference = quality_at_equal_cost(moved, quality=quality, cost_usd=cost) - quality_at_equal_cost(
        paid, quality=quality, cost_usd=cost
    )

    slope = (quality[:, 2].mean() - quality[:, 1].mean()) / (cost[:, 2].mean() - cost[:, 1].mean())
    np.testing.assert_allclose(difference, slope * (moved - paid), atol=1e-12)
