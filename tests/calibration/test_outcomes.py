"""Evidence: figures about a policy's traffic, on tables whose answers are known."""

import numpy as np
import pytest

from paretoroute.calibration.baselines import best_single, cost_ratio, gain_over_static_mixture
from paretoroute.calibration.intervals import Z90
from paretoroute.calibration.outcomes import LoggedOutcomes, logged_outcomes
from paretoroute.forecast import Forecast
from paretoroute.grid import Budget, Grid, Point
from paretoroute.solver.rules import PriceRule
from paretoroute.surface.traffic import CalibrationSample


def known(quality, cost, logged_quality=None, forecast_quality=None):
    """A record whose forecasts are what was logged, unless told otherwise."""
    quality, cost = np.asarray(quality, float), np.asarray(cost, float)
    cost = np.broadcast_to(cost, quality.shape)
    forecast = Forecast(quality if forecast_quality is None else forecast_quality, cost)
    return LoggedOutcomes(forecast, quality, cost, quality if logged_quality is None else logged_quality, cost)


def test_the_best_single_point_has_the_best_mean_and_of_equals_the_lower_cost():
    table = known([[0.9, 0.2, 0.8, 0.8], [0.1, 0.2, 0.8, 0.8]], [1.0, 0.1, 5.0, 4.0])

    assert best_single(table) == 3


@pytest.fixture
def noisy():
    chance = np.random.default_rng(0)
    forecast = chance.random((400, 3)) * [0.5, 0.8, 1.0]
    quality = (chance.random((400, 3)) < forecast).astype(float)
    cost = np.array([1.0, 2.0, 4.0]) * chance.lognormal(0, 0.3, (400, 3))
    return known(quality, cost, forecast_quality=forecast)


def slow_blind(table, spent):
    """The best mixture of two points' means at a mean cost, by trying all pairs."""
    quality, cost = table.quality.mean(0), table.cost_usd.mean(0)
    best = max(quality[j] for j in range(len(cost)) if cost[j] <= spent)
    for i in range(len(cost)):
        for j in range(len(cost)):
            if cost[i] <= spent < cost[j]:
                best = max(best, quality[i] + (quality[j] - quality[i]) * (spent - cost[i]) / (cost[j] - cost[i]))
    return best


def test_the_interval_of_the_gain_counts_the_noise_of_spending(noisy):
    two = known(noisy.quality[:, :2], noisy.cost_usd[:, :2], forecast_quality=noisy.forecast.quality[:, :2])
    quality, cost, _ = two.chosen(PriceRule(0.1, 0.0))
    (cheap, dear), (bad, good) = two.cost_usd.mean(0), two.quality.mean(0)
    share = (cost.mean() - cheap) / (dear - cheap)
    assert 0 < share < 1
    slope = (good - bad) / (dear - cheap)
    blind_quality, blind_cost = (table @ [1 - share, share] for table in (two.quality, two.cost_usd))
    worth = quality - blind_quality - slope * (cost - blind_cost)

    gain = gain_over_static_mixture(two, [PriceRule(0.1, 0.0)])

    reach = 100 * Z90 * worth.std() / 20
    assert gain.high - gain.value == pytest.approx(reach)
    assert gain.value - gain.low == pytest.approx(reach)


@pytest.mark.parametrize("price", [0.05, 0.1, 0.2, 0.4])
def test_the_gain_over_blind_mixtures_is_that_of_a_slow_version(noisy, price):
    quality, cost, _ = noisy.chosen(PriceRule(price, 0.0))

    gain = gain_over_static_mixture(noisy, [PriceRule(price, 0.0)])

    assert gain.value == pytest.approx(100 * (quality.mean() - slow_blind(noisy, cost.mean())), abs=1e-9)
    assert gain.low < gain.value < gain.high


def test_the_gain_over_several_prices_is_their_mean(noisy):
    rows = [PriceRule(0.1, 0.0), PriceRule(0.2, 0.0), PriceRule(0.3, 0.0)]

    together = gain_over_static_mixture(noisy, rows)

    assert together.value == pytest.approx(np.mean([gain_over_static_mixture(noisy, [row]).value for row in rows]))


def test_perfect_foresight_gains_what_the_two_kinds_differ_by():
    quality = np.array([[1.0, 0.0], [0.0, 1.0]] * 50)
    table = known(quality, [1.0, 1.0 + 1e-9])

    gain = gain_over_static_mixture(table, [PriceRule(0.1, 0.0)])

    # Every query is answered; either point alone answers half.
    assert gain.value == pytest.approx(50, abs=1e-6)
    assert gain.low > 40


def test_a_blind_policy_gains_nothing_and_knows_it():
    quality = np.tile([[0.2, 0.6, 0.9]], (100, 1))
    table = known(quality, [1.0, 2.0, 4.0])

    for split in (0.0, 0.3, 1.0):
        gain = gain_over_static_mixture(table, [PriceRule(0.15, split)])
        assert (gain.value, gain.low, gain.high) == pytest.approx((0, 0, 0), abs=1e-9), split


def test_a_harmful_policy_is_shown_to_be_one(noisy):
    harmful = known(noisy.quality, noisy.cost_usd, forecast_quality=1 - noisy.forecast.quality)

    assert gain_over_static_mixture(harmful, [PriceRule(0.1, 0.0), PriceRule(0.2, 0.0)]).high < 0


def test_the_interval_of_the_gain_covers_its_mean_over_new_logs():
    chance = np.random.default_rng(1)
    forecast = np.tile([[0.3, 0.7], [0.6, 0.65]], (100, 1))
    covered, truth = 0, []
    records = []
    for _ in range(200):
        quality = (chance.random(forecast.shape) < forecast).astype(float)
        records.append(known(quality, [1.0, 2.0], forecast_quality=forecast))
        truth.append(gain_over_static_mixture(records[-1], [PriceRule(0.2, 0.0)]).value)
    for table in records:
        gain = gain_over_static_mixture(table, [PriceRule(0.2, 0.0)])
        covered += gain.low <= np.mean(truth) <= gain.high

    # 90% of 200, give or take three standard errors.
    assert 167 <= covered <= 193


def test_chosen_mixes_both_sides_of_a_tie_by_the_split():
    table = known([[0.5, 0.7, 0.0]] * 4, [1.0, 2.0, 9.0])

    quality, cost, share = table.chosen(PriceRule(0.2, 0.25))

    np.testing.assert_allclose(quality, 0.55)
    np.testing.assert_allclose(cost, 1.25)
    np.testing.assert_allclose(share, [0.75, 0.25, 0])


def test_the_share_of_known_choices_counts_logged_cells_alone():
    logged = np.array([[0.5, np.nan], [np.nan, 0.9], [0.5, 0.9], [np.nan, 0.9]])
    table = known(np.tile([[0.5, 0.9]], (4, 1)), [1.0, 2.0], logged_quality=logged)

    assert table.known_share(PriceRule(10.0, 0.0)) == 0.5
    assert table.known_share(PriceRule(0.0, 0.0)) == 0.75


def test_the_ratio_of_costs_is_of_means_and_its_interval_that_of_the_logarithm(noisy):
    _, cost, _ = noisy.chosen(PriceRule(0.2, 0.0))
    other = noisy.cost_usd[:, 2]

    ratio = cost_ratio(noisy, PriceRule(0.2, 0.0), 2)

    assert ratio.value == pytest.approx(cost.mean() / other.mean())
    chance = np.random.default_rng(0)
    draws = chance.integers(0, 400, (2000, 400))
    spread = np.log(cost[draws].mean(1) / other[draws].mean(1)).std()
    assert np.log(ratio.high / ratio.value) == pytest.approx(Z90 * spread, rel=0.1)
    assert np.log(ratio.value / ratio.low) == pytest.approx(Z90 * spread, rel=0.1)


def test_of_free_calls_the_ratio_is_one():
    table = known([[0.2, 0.3]] * 3, [0.0, 0.0])

    assert cost_ratio(table, PriceRule(0.0, 0.0), 1).value == 1.0


def test_holes_of_the_traffic_are_filled_without_bias():
    chance = np.random.default_rng(3)
    truth = chance.random((5000, 2)) * [0.4, 0.9]
    seen = chance.random(truth.shape) < 0.5
    logged = np.where(seen, truth, np.nan).astype(np.float32)
    wrong = np.full(truth.shape, 0.5, np.float32)
    grid = Grid((Point("a", Budget()), Point("b", Budget())), {})
    nothing = np.zeros(truth.shape, np.float32)

    filled = logged_outcomes(CalibrationSample(wrong, wrong, nothing, logged, logged, nothing), grid)

    np.testing.assert_allclose(filled.quality.mean(0), truth.mean(0), atol=0.02)
    np.testing.assert_allclose(filled.cost_usd.mean(0), truth.mean(0), atol=0.02)
    assert np.isnan(filled.logged_quality).any()
