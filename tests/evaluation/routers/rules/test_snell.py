"""Snell's bins, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import snell


def test_bins_are_quantiles_of_success():
    success = np.arange(10) / 10

    member = snell.bin_of(success, snell.bin_edges(success))

    assert np.bincount(member).tolist() == [2] * 5
    assert snell.bin_of(np.array([-1.0, 5.0]), snell.bin_edges(success)).tolist() == [0, 4]
    tied = np.full(10, 0.5)
    assert snell.bin_of(tied, snell.bin_edges(tied)).tolist() == [4] * 10


def test_each_bin_takes_its_own_best_point_under_the_cap_or_price():
    quality = np.array([[0.1, 0.2, 0.9], [0.8, 0.8, 0.8]])
    cost = np.array([[1.0, 2.0, 9.0], [1.0, 2.0, 9.0]])

    assert snell.best_under_cap(quality, cost, 9.0).tolist() == [2, 0]
    assert snell.best_under_cap(quality, cost, 2.0).tolist() == [1, 0]
    assert snell.best_under_cap(quality, cost, 0.5).tolist() == [0, 0], "the cheapest where none is within the cap"
    assert snell.best_at_price(quality, cost, 0.05).tolist() == [2, 0]
    assert snell.best_at_price(quality, cost, 1.0).tolist() == [0, 0]
    assert snell.best_at_price(quality, cost, 0.1).tolist() == [0, 0], "the cheapest of equals: 0, 0, 0"


def test_an_empty_bin_and_a_point_without_runs_have_the_overall_mean():
    means = snell.bin_means(np.array([[1.0, 0.2], [0.0, np.nan]]), np.array([0, 2]), 3)

    np.testing.assert_allclose(means, [[1.0, 0.2], [0.5, 0.2], [0.0, 0.2]])


def test_a_smaller_model_may_spend_more_inference_at_equal_flops():
    factors = [snell.inference_multiplier(14, inference_per_pretraining=ratio) for ratio in (0.16, 0.79, 22)]

    assert factors == pytest.approx([258, 63, 16], abs=0.5)  # section 7 of the paper
