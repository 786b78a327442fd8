"""Every p-value is tested at the boundary of its hypothesis, where a test that rejects too often cannot hide."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from paretoroute.evaluation.certificate import p_values

DELTA, REPLICATIONS = 0.1, 4000
MOST = DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / REPLICATIONS)
KINDS = ("yes or no", "graded", "in part")


def losses(kind: str, mean: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw losses in [0, 1] of a given mean."""
    if kind == "yes or no":
        return (rng.random(shape) < mean).astype(np.float64)
    if kind == "graded":
        return rng.beta(2 * mean, 2 * (1 - mean), shape)
    return np.where(rng.random(shape) < 1.5 * mean, 1 / 1.5, 0.0)


def rate(test, kind: str, mean: float, units: int) -> float:
    """Return how often a test rejects at the boundary."""
    rng = np.random.default_rng(7)
    drawn = losses(kind, mean, (REPLICATIONS, units), rng)
    return float((test(drawn, mean, rng.random(drawn.shape)) <= DELTA).mean())


def p_value_by(method: p_values.Method):
    return lambda drawn, limit, draws: p_values.p_value(drawn, limit, method=method, draws=draws, delta=DELTA)


def by_normal_theory(drawn, limit, draws):
    spread = np.maximum(drawn.std(axis=-1, ddof=1), 1e-12) / math.sqrt(drawn.shape[-1])
    return stats.norm.cdf((drawn.mean(axis=-1) - limit) / spread)


def by_the_mean_alone(drawn, limit, draws):
    return np.where(drawn.mean(axis=-1) < limit, 0.0, 1.0)


def by_product_of_halves(drawn, limit, draws):
    half = drawn.shape[-1] // 2
    return np.prod([p_values.betting(part, limit, delta=DELTA) for part in (drawn[:, :half], drawn[:, half:])], axis=0)


@pytest.mark.parametrize("method", p_values.METHODS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("mean", "units"), [(0.05, 100), (0.3, 100), (0.3, 600)])
def test_no_test_rejects_more_often_than_its_level_at_the_boundary(method, kind, mean, units):
    assert rate(p_value_by(method), kind, mean, units) <= MOST


@pytest.mark.parametrize(
    ("planted", "kind"),
    [(by_normal_theory, "graded"), (by_the_mean_alone, "yes or no"), (by_product_of_halves, "yes or no")],
)
def test_planted_faults_reject_too_often_there(planted, kind):
    assert rate(planted, kind, 0.05, 100) > MOST


@pytest.mark.parametrize("method", p_values.METHODS)
def test_a_mean_far_below_the_limit_is_seen(method):
    drawn = losses("graded", 0.2, (200, 400), np.random.default_rng(3))

    p = p_values.p_value(drawn, 0.35, method=method, draws=np.random.default_rng(4).random(drawn.shape), delta=DELTA)

    assert (p <= DELTA).mean() > 0.95


def test_binomial_of_yes_and_no_is_the_exact_test_whatever_the_draws():
    drawn = losses("yes or no", 0.2, (50, 80), np.random.default_rng(5))

    p = p_values.binomial(drawn, 0.25, np.random.default_rng(6).random(drawn.shape))

    assert stats.binom.cdf(drawn.sum(axis=-1), 80, 0.25) == pytest.approx(p, rel=1e-9)


def test_hoeffding_bentkus_and_betting_follow_their_formulas():
    drawn = np.array([0.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.25, 0.0])
    limit, size = 0.4, len(drawn)

    mean = drawn.mean()
    divergence = mean * math.log(mean / limit) + (1 - mean) * math.log((1 - mean) / (1 - limit))
    bentkus = math.e * stats.binom.cdf(math.ceil(drawn.sum()), size, limit)
    wealth, largest, total, squares = 1.0, 1.0, 0.5, 0.25
    for i, loss in enumerate(drawn, start=1):
        stake = min(1.0, math.sqrt(2 * math.log(1 / DELTA) / (size * squares / i)))
        wealth *= 1 - stake * (loss - limit)
        largest = max(largest, wealth)
        total += loss
        squares += (loss - total / (i + 1)) ** 2

    assert float(p_values.hoeffding_bentkus(drawn, limit)) == pytest.approx(
        min(math.exp(-size * divergence), bentkus, 1.0)
    )
    assert float(p_values.betting(drawn, limit, delta=DELTA)) == pytest.approx(1 / largest)


@pytest.mark.parametrize("least_propensity", [0.5, 0.1])
def test_off_policy_betting_holds_its_level_on_weighted_outcomes(least_propensity):
    rng = np.random.default_rng(8)
    shape, mean, forecast = (REPLICATIONS, 300), 0.7, 0.6
    is_logged = rng.random(shape) < least_propensity
    outcome = rng.random(shape) < mean
    estimates = forecast + is_logged / least_propensity * (outcome - forecast)

    p = p_values.off_policy_betting(estimates, mean, delta=DELTA, least=-forecast / least_propensity)

    assert float((p <= DELTA).mean()) <= MOST
    assert float(p.mean()) < 0.999


@pytest.mark.parametrize("method", p_values.METHODS)
@given(
    drawn=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    limit=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    seed=st.integers(0, 5),
)
def test_every_p_value_lies_in_0_to_1_and_falls_as_the_limit_rises(method, drawn, limit, seed):
    values, draws = np.array(drawn), np.random.default_rng(seed).random(len(drawn))

    low, high = (
        float(p_values.p_value(values, one, method=method, draws=draws, delta=DELTA))
        for one in (limit, (limit + 1) / 2)
    )

    assert 0 <= low <= 1
    assert high <= low + 1e-12
