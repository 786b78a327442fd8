"""Damani's marginal allocation, by hand and against every allocation."""

from itertools import product
from math import comb

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import damani


def test_marginal_gains_sum_to_the_quality_of_the_best():
    success = np.array([0.5, 0.2, 0.0, 1.0])

    gains = damani.marginal_gains(success, 3)

    np.testing.assert_allclose(gains[0], [0.5, 0.25, 0.125])
    np.testing.assert_allclose(np.cumsum(gains, axis=1), damani.quality_of_best(success, 3))


def test_quality_of_samples_is_the_share_of_draws_with_a_right_one():
    quality = damani.quality_of_samples(np.array([0, 2, 4, 6]), samples=6, draws=3)

    assert quality.tolist() == pytest.approx([1 - comb(6 - c, 3) / comb(6, 3) for c in (0, 2, 4, 6)])


def test_the_largest_marginal_gains_are_taken():
    gains = damani.marginal_gains(np.array([0.5, 0.1, 0.0]), 4)  # .5 .25 .125 .0625; .1 .09 .081 .0729; 0

    assert damani.allocate(gains, 5).tolist() == [3, 2, 0]
    assert damani.allocate(gains, 100).tolist() == [4, 4, 0], "nothing is spent without a gain"
    assert damani.allocate(gains, 0).tolist() == [0, 0, 0]


@pytest.mark.parametrize("total", range(9))
def test_the_allocation_is_optimal_for_falling_gains(total):
    gains = damani.marginal_gains(np.array([0.7, 0.3, 0.15]), 3)
    values = np.concatenate([np.zeros((3, 1)), np.cumsum(gains, axis=1)], axis=1)

    ours = damani.allocate(gains, total)

    best = max(sum(values[x, b] for x, b in enumerate(bs)) for bs in product(range(4), repeat=3) if sum(bs) <= total)
    assert values[np.arange(3), ours].sum() == pytest.approx(best)


def test_rising_gains_are_taken_in_blocks_of_the_envelope():
    assert damani.envelope(np.array([0.0, 0.4, 0.1])) == [(0.2, 2), (0.1, 1)]
    assert damani.allocate(np.array([[0.0, 0.4], [0.15, 0.0]]), 2).tolist() == [2, 0]
    assert damani.allocate(np.array([[0.0, 0.4], [0.15, 0.0]]), 1).tolist() == [0, 1], "half a block is worth nothing"
