"""Steps are made as far as the log shows that they help: hardly on noise, whole where they are right."""

import numpy as np
import pytest
from scipy.stats import truncnorm

from paretoroute.fitting.methods.shrinkage import error_of_sum, factor, posterior_factor

QUERIES, COLUMNS = 400, 6
WEIGHT = np.ones((QUERIES, 1))


@pytest.mark.parametrize("error", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("slope", [-1.5, 0.0, 0.4, 1.0, 3.0])
def test_the_factor_is_the_mean_of_a_normal_distribution_cut_off_at_0_and_1(slope, error):
    expected = truncnorm.mean(-slope / error, (1 - slope) / error, loc=slope, scale=error) if slope > 0 else 0.0

    assert posterior_factor(slope, error) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("slope", "factor"), [(-5.0, 0.0), (0.3, 0.3), (5.0, 1.0)])
def test_a_factor_without_error_is_itself_and_one_of_which_nothing_is_known_is_0(slope, factor):
    assert posterior_factor(slope, 0.0) == pytest.approx(factor, abs=1e-3)
    assert posterior_factor(slope, np.inf) == 0.0


@pytest.mark.parametrize(("scale", "expected"), [(1.0, 1.0), (2.0, 0.5), (-1.0, 0.0)])
def test_a_step_is_made_as_far_as_it_fits(scale, expected):
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((QUERIES, COLUMNS))
    rest = truth + 0.1 * rng.standard_normal(truth.shape)

    assert factor(rest, scale * truth, WEIGHT, np.arange(QUERIES)) == pytest.approx(expected, abs=0.02)


def test_a_step_of_noise_is_hardly_made():
    rng = np.random.default_rng(1)
    rest, step = rng.standard_normal((2, 40, QUERIES, COLUMNS))

    factors = [factor(r, s, WEIGHT, np.arange(QUERIES)) for r, s in zip(rest, step, strict=True)]

    assert np.mean(factors) < 0.05


def test_no_step_has_no_factor():
    assert factor(np.ones((QUERIES, 2)), np.zeros((QUERIES, 2)), WEIGHT, np.arange(QUERIES)) == 0.0


def test_copies_of_a_query_count_once():
    rng = np.random.default_rng(2)
    rest, step = rng.standard_normal((2, 50, 3))
    step = step + 0.3 * rest
    once = factor(rest, step, np.ones((50, 1)), np.arange(50))

    copied = [np.repeat(table, 8, axis=0) for table in (rest, step)]

    assert factor(*copied, WEIGHT, np.repeat(np.arange(50), 8)) == pytest.approx(once, abs=1e-9)
    assert factor(*copied, WEIGHT, np.arange(400)) != pytest.approx(once, abs=1e-3)


def test_nothing_is_known_from_one_group():
    assert error_of_sum(np.arange(5.0), np.zeros(5, int)) == np.inf
    assert factor(np.ones((QUERIES, 1)), np.ones((QUERIES, 1)), WEIGHT, np.zeros(QUERIES, int)) == 0.0
