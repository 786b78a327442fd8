"""Baselines on tables whose answers are known: the best single point and the best static mixture."""

import math
from dataclasses import replace

import numpy as np
import pytest

from paretoroute.calibration.baselines import against_point, best_single, cost_ratio, gain_over_static_mixture
from paretoroute.calibration.estimate import PolicyValue
from paretoroute.calibration.intervals import Z90
from paretoroute.solver.rules import PriceRule
from tests.calibration.tables import outcomes_of


def test_the_best_single_point_has_the_best_mean_and_of_equals_the_lower_cost():
    table = outcomes_of([[0.9, 0.2, 0.8, 0.8], [0.1, 0.2, 0.8, 0.8]], [1.0, 0.1, 5.0, 4.0])

    assert best_single(table) == 3


@pytest.fixture
def noisy():
    rng = np.random.default_rng(0)
    forecast = rng.random((400, 3)) * [0.5, 0.8, 1.0]
    quality = (rng.random((400, 3)) < forecast).astype(float)
    cost = np.array([1.0, 2.0, 4.0]) * rng.lognormal(0, 0.3, (400, 3))
    return outcomes_of(quality, cost, forecast_quality=forecast)


def best_mixture_quality(table, spent):
    """The best mixture of two points' means at a mean cost, by trying all pairs."""
    quality, cost = table.quality.mean(0), table.cost_usd.mean(0)
    best = max(quality[j] for j in range(len(cost)) if cost[j] <= spent)
    for i in range(len(cost)):
        for j in range(len(cost)):
            if cost[i] <= spent < cost[j]:
                best = max(best, quality[i] + (quality[j] - quality[i]) * (spent - cost[i]) / (cost[j] - cost[i]))
    return best


def test_the_interval_of_the_gain_counts_the_noise_of_the_cost(noisy):
    two = outcomes_of(noisy.quality[:, :2], noisy.cost_usd[:, :2], forecast_quality=noisy.forecast.quality[:, :2])
    chosen = two.chosen(PriceRule(0.1, 0.0))
    quality, cost = chosen.quality, chosen.cost_usd
    (cheap, dear), (bad, good) = two.cost_usd.mean(0), two.quality.mean(0)
    share = (cost.mean() - cheap) / (dear - cheap)
    assert 0 < share < 1
    slope = (good - bad) / (dear - cheap)
    mixed_quality, mixed_cost = (table @ [1 - share, share] for table in (two.quality, two.cost_usd))
    worth = quality - mixed_quality - slope * (cost - mixed_cost)

    gain = gain_over_static_mixture(two, [PriceRule(0.1, 0.0)])

    reach = 100 * Z90 * worth.std() / 20
    assert gain.high - gain.value == pytest.approx(reach)
    assert gain.value - gain.low == pytest.approx(reach)


@pytest.mark.parametrize("price", [0.05, 0.1, 0.2, 0.4])
def test_the_gain_over_static_mixtures_equals_that_of_a_slow_version(noisy, price):
    chosen = noisy.chosen(PriceRule(price, 0.0))

    gain = gain_over_static_mixture(noisy, [PriceRule(price, 0.0)])

    assert gain.value == pytest.approx(
        100 * (chosen.quality.mean() - best_mixture_quality(noisy, chosen.cost_usd.mean())), abs=1e-9
    )
    assert gain.low < gain.value < gain.high


def test_the_gain_over_several_prices_is_their_mean(noisy):
    rows = [PriceRule(0.1, 0.0), PriceRule(0.2, 0.0), PriceRule(0.3, 0.0)]

    together = gain_over_static_mixture(noisy, rows)

    assert together.value == pytest.approx(np.mean([gain_over_static_mixture(noisy, [row]).value for row in rows]))


def test_perfect_forecasts_gain_the_difference_between_the_two_kinds():
    quality = np.array([[1.0, 0.0], [0.0, 1.0]] * 50)
    table = outcomes_of(quality, [1.0, 1.0 + 1e-9])

    gain = gain_over_static_mixture(table, [PriceRule(0.1, 0.0)])

    # Every query is answered; either point alone answers half.
    assert gain.value == pytest.approx(50, abs=1e-6)
    assert gain.low > 40


def test_a_context_free_policy_gains_nothing_and_its_interval_has_no_width():
    quality = np.tile([[0.2, 0.6, 0.9]], (100, 1))
    table = outcomes_of(quality, [1.0, 2.0, 4.0])

    for split in (0.0, 0.3, 1.0):
        gain = gain_over_static_mixture(table, [PriceRule(0.15, split)])
        assert (gain.value, gain.low, gain.high) == (0, 0, 0), split


def test_a_harmful_policy_is_shown_to_be_one(noisy):
    harmful = outcomes_of(noisy.quality, noisy.cost_usd, forecast_quality=1 - noisy.forecast.quality)

    assert gain_over_static_mixture(harmful, [PriceRule(0.1, 0.0), PriceRule(0.2, 0.0)]).high < 0


def test_the_interval_of_the_gain_covers_its_mean_over_new_logs():
    rng = np.random.default_rng(1)
    forecast = np.tile([[0.3, 0.7], [0.6, 0.65]], (100, 1))
    covered, truth = 0, []
    logs = []
    for _ in range(200):
        quality = (rng.random(forecast.shape) < forecast).astype(float)
        logs.append(outcomes_of(quality, [1.0, 2.0], forecast_quality=forecast))
        truth.append(gain_over_static_mixture(logs[-1], [PriceRule(0.2, 0.0)]).value)
    for table in logs:
        gain = gain_over_static_mixture(table, [PriceRule(0.2, 0.0)])
        covered += gain.low <= np.mean(truth) <= gain.high

    # 90% of 200, give or take three standard errors.
    assert 167 <= covered <= 193


def test_the_cost_ratio_is_of_means_and_its_interval_is_that_of_the_logarithm(noisy):
    cost, other = noisy.chosen(PriceRule(0.2, 0.0)).cost_usd, noisy.cost_usd[:, 2]

    ratio = cost_ratio(noisy, PriceRule(0.2, 0.0), 2)

    assert ratio.value == pytest.approx(cost.mean() / other.mean())
    rng = np.random.default_rng(0)
    draws = rng.integers(0, 400, (2000, 400))
    spread = np.log(cost[draws].mean(1) / other[draws].mean(1)).std()
    assert np.log(ratio.high / ratio.value) == pytest.approx(Z90 * spread, rel=0.1)
    assert np.log(ratio.value / ratio.low) == pytest.approx(Z90 * spread, rel=0.1)


def test_the_cost_ratio_of_free_calls_is_one():
    table = outcomes_of([[0.2, 0.3]] * 3, [0.0, 0.0])

    assert cost_ratio(table, PriceRule(0.0, 0.0), 1).value == 1.0


def test_the_interval_of_a_gain_counts_families_of_copies_once(noisy):
    def times(count):
        names = ("quality", "cost_usd", "logged_quality", "logged_cost_usd")
        tables = {name: np.tile(getattr(noisy, name), (count, 1)) for name in names}
        cost = np.broadcast_to(noisy.forecast.cost_usd, noisy.quality.shape)
        quality, cost = (np.tile(table, (count, 1)) for table in (noisy.forecast.quality, cost))
        return replace(noisy, forecast=replace(noisy.forecast, quality=quality, cost_usd=cost), **tables)

    rules, queries = [PriceRule(0.1, 0.0)], len(noisy.quality)
    once, copies = gain_over_static_mixture(noisy, rules), np.tile(np.arange(queries), 4)

    as_queries, as_families = (gain_over_static_mixture(times(4), rules, groups) for groups in (None, copies))
    alone = gain_over_static_mixture(noisy, rules, np.zeros(queries, np.intp))

    assert as_queries.value == pytest.approx(once.value) == pytest.approx(as_families.value)
    assert as_queries.high - as_queries.low == pytest.approx((once.high - once.low) / 2)
    assert as_families.high - as_families.low == pytest.approx(once.high - once.low, rel=0.03)
    assert as_families.high - as_families.low >= once.high - once.low
    assert gain_over_static_mixture(noisy, rules, np.arange(queries)) == once
    assert (alone.high - alone.value, alone.value - alone.low) == pytest.approx((100, 100))


def test_no_ratio_states_what_calls_cost_beside_a_free_point():
    table = outcomes_of([[0.2, 0.9]] * 3, [0.0, 1.0])

    assert cost_ratio(table, PriceRule(0.0, 0.0), 0).low == math.inf
    assert cost_ratio(table, PriceRule(1.0, 0.0), 1).high == 0.0


def test_an_estimate_without_an_interval_is_not_compared_as_if_it_reached_down_to_zero():
    table = outcomes_of([[0.2, 0.9]] * 3, [0.5, 1.0])
    thin = PolicyValue(PriceRule(0.0, 0.0), 0.5, None, None, 0.7, None, None, 0.0, 1.0, effective=3.0)

    with pytest.raises(ValueError, match="without an interval"):
        against_point(table, thin, 1)
