"""Cost-quality curves against slow versions of them."""

import numpy as np
import pytest

from paretoroute.calibration.intervals import resampled
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, curve_of, realised, single_points
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier
from tests.evaluation.outcomes import height, made_up


def test_the_hull_of_choices_is_the_one_found_by_trying_all_pairs():
    chance = np.random.default_rng(1)
    quality, cost = made_up(200, seed=1)
    choices = chance.integers(0, 4, (12, 200)).astype(np.int32)
    rows = np.arange(200)
    means = [(cost[rows, choice].mean(), quality[rows, choice].mean()) for choice in choices]

    curve = curve_of(choices, Outcomes(quality, cost))

    costs = np.linspace(min(means)[0], 1.2 * max(means)[0], 40)
    np.testing.assert_allclose(curve.at(costs), [height(means, c) for c in costs])


def test_a_curve_is_what_a_forecast_would_choose_at_every_price():
    quality, cost = made_up(150, seed=2)
    chance = np.random.default_rng(3)
    guess = Forecast(np.clip(quality + 0.5 * chance.standard_normal(quality.shape), 0, 1), cost)
    prices = np.concatenate([[0.0], frontier(guess).price * (1 + 1e-9), [1e9]])
    choices = [(guess.quality - price * guess.cost_usd).argmax(1) for price in prices]
    rows = np.arange(150)
    means = [(cost[rows, choice].mean(), quality[rows, choice].mean()) for choice in choices]

    curve = realised(guess, Outcomes(quality, cost))

    costs = np.geomspace(min(means)[0] * 1.01, max(means)[0], 30)
    np.testing.assert_allclose(curve.at(costs), [height(means, c) for c in costs], atol=2e-3)


def test_influence_values_average_to_the_mean_height():
    quality, cost = made_up(300, seed=4)
    static = single_points(Outcomes(quality, cost))
    costs = cost_range(static)

    values = static.influence(costs, Outcomes(quality, cost))

    np.testing.assert_allclose(values.mean(), static.at(costs).mean())
    assert costs[-1] == pytest.approx(cost[:, 3].mean())
    assert static.at(costs[:1])[0] == pytest.approx(0.6 * quality[:, 3].mean())


def test_an_influence_value_is_the_change_without_its_query_noise_of_cost_included():
    quality, cost = made_up(150, seed=7)
    static = single_points(Outcomes(quality, cost))
    costs = cost_range(static)

    values = static.influence(costs, Outcomes(quality, cost))

    whole, pseudo = static.at(costs).mean(), []
    for i in range(150):
        rows = np.delete(np.arange(150), i)
        pseudo.append(150 * whole - 149 * single_points(Outcomes(quality[rows], cost[rows])).at(costs).mean())
    np.testing.assert_allclose(values, pseudo, atol=0.03)  # the jackknife's second order is about 1/150


def test_intervals_are_those_of_drawing_queries_and_building_both_curves_anew():
    quality, cost = made_up(250, seed=5)
    chance = np.random.default_rng(6)
    guess = Forecast(np.clip(quality + 0.8 * chance.standard_normal(quality.shape), 0, 1), cost)
    static, curve = single_points(Outcomes(quality, cost)), realised(guess, Outcomes(quality, cost))
    costs = cost_range(static)
    gain = curve.influence(costs, Outcomes(quality, cost)) - static.influence(costs, Outcomes(quality, cost))

    fast = resampled(gain[:, None], np.arange(250), seed=0)[0]

    slow = []
    for _ in range(200):
        rows = chance.integers(0, 250, 250)
        drawn = Outcomes(quality[rows], cost[rows])
        again = [curve_of(c.choices[:, rows], drawn).at(costs).mean() for c in (curve, static)]
        slow.append(again[0] - again[1])
    assert fast.value == pytest.approx((curve.at(costs) - static.at(costs)).mean())
    assert fast.high - fast.low == pytest.approx(np.diff(np.quantile(slow, (0.05, 0.95)))[0], rel=0.25)
