"""The mean cost at every price: what the rule of the policy chooses, calibrated, and its inverse."""

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.planner.request import CHEAPEST
from paretoroute.serving.cost_curve import CostCurve
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.planner_cases import fitted, no_signal

PLANNER = pr.Planner(fitted().policy)
CURVE = CostCurve.of(PLANNER)


def test_costs_never_rise_with_the_price_and_reach_both_ends():
    outcomes, ratio = PLANNER.policy.outcomes, PLANNER.policy.document.solution.cost_ratio
    cost = np.broadcast_to(outcomes.forecast.cost_usd, outcomes.forecast.quality.shape)

    assert (np.diff(CURVE.price) > 0).all() and (np.diff(CURVE.cost_usd) <= 0).all()
    assert CURVE.cost_usd[-1] == pytest.approx(cost.min(axis=1).mean() * ratio)
    best = outcomes.forecast.quality.argmax(axis=1)
    assert CURVE.cost_usd[0] == pytest.approx(cost[np.arange(len(cost)), best].mean() * ratio, rel=0.02)


def test_the_price_of_a_mean_cost_is_the_inverse_of_the_mean_cost_of_a_price():
    for usd in (0.0001, 0.0005, 0.001, 0.002):
        assert CURVE.cost_at(CURVE.price_at(usd)) == pytest.approx(usd, rel=1e-6)
    assert CURVE.price_at(0.0) == CURVE.price_at(-1.0) == CURVE.price[-1]
    assert CURVE.price_at(1e9) == pytest.approx(CURVE.price[0])


def test_the_planner_chooses_at_a_price_what_the_curve_counts_on():
    cheap, dear = (
        np.mean([PLANNER.plan(query, price=price).expected_cost_usd for query in (EASY_QUERY, HARD_QUERY)])
        for price in (CHEAPEST, CURVE.price[0])
    )

    assert CURVE.cost_usd[-1] == pytest.approx(cheap, rel=0.1)
    assert CURVE.cost_usd[0] == pytest.approx(dear, rel=0.1)


def test_points_that_may_not_be_called_are_left_out():
    masked = CostCurve.of(PLANNER, np.array([name.startswith("small") for name in PLANNER.policy.grid.names]))

    assert masked.cost_usd[0] == pytest.approx(masked.cost_usd[-1])


def test_a_policy_that_ignores_the_query_has_a_curve_of_steps():
    curve = CostCurve.of(pr.Planner(no_signal().policy))

    assert len(np.unique(curve.cost_usd)) <= len(no_signal().policy.grid.points)


def test_a_policy_with_limits_on_the_population_has_a_curve_too(signal_policy):
    limited = signal_policy.solve(limits=[pr.MaxShare(0.3, "tenor")])

    curve = CostCurve.of(pr.Planner(limited))

    assert curve.cost_usd[0] > curve.cost_usd[-1]
