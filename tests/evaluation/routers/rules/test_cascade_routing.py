"""Cascade routing, by hand."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.rules import cascade_routing
from paretoroute.evaluation.routers.rules.cascade_routing import CascadeRouting, Estimates, Path


def test_a_budget_is_met_exactly_by_mixing_the_tied_choices():
    quality, cost = np.array([[0.2, 0.6]]), np.array([[1.0, 10.0]])

    mix = cascade_routing.route_within(quality, cost, 2.0)

    assert mix.lam == pytest.approx(0.4 / 9, abs=1e-8)
    assert mix.share == pytest.approx(1 / 9)
    assert mix.cost == pytest.approx(2.0)
    assert mix.code_cost == pytest.approx(9.0), "the authors' router swaps the probabilities"


def test_a_budget_below_or_above_every_choice_needs_no_mixture():
    quality, cost = np.array([[0.2, 0.6]]), np.array([[1.0, 10.0]])

    for budget, paid in ((0.5, 1.0), (50.0, 10.0)):
        mix = cascade_routing.route_within(quality, cost, budget)
        assert (mix.share, mix.cost) == (0.0, paid)


def test_equal_scores_tie():
    tied = cascade_routing.route(np.array([[0.3, 0.5, 0.1]]), np.array([[1.0, 3.0, 0.5]]), 0.1)

    assert (tied.cheapest.tolist(), tied.dearest.tolist()) == ([0], [1])


def test_the_expected_maximum_by_hand():
    normal = np.array([[1.0, -1.0], [-1.0, 1.0]])

    maximum = cascade_routing.expected_max(np.array([[0.5, 0.6]]), np.array([0.1, 0.3]), normal)

    assert maximum == pytest.approx((0.6 + 0.9) / 2)
    assert cascade_routing.expected_max(np.array([[0.5]]), np.array([9.0]), normal[:, :1]).tolist() == [0.5]


def estimates(before, after, deviation):
    normal = {1: np.zeros((1, 1)), 2: np.array([[1.0, -1.0], [-1.0, 1.0]])}
    return Estimates(
        np.array([before]), np.array([after]), np.array(deviation), np.zeros(2), np.array([[1.0, 2.0]]), normal
    )


def test_a_cascade_goes_on_only_while_the_next_model_is_worth_its_cost():
    # before any call: {0} .5, {1} .6, both ((.5 + .2) or (.6 + .3)) -> (.7 + .9) / 2 = .8; costs 1, 2, 3
    bad_first = CascadeRouting(estimates([0.5, 0.6], [0.1, 0.6], [0.2, 0.3]))
    good_first = CascadeRouting(estimates([0.5, 0.6], [0.9, 0.6], [0.2, 0.3]))

    # at .05: .45, .5, .65, so 0 runs first; then {0} .1 -.05 against both: max(.1, .3) and max(.1, .9) -> .6 - .15
    assert bad_first.paths(0.05) == [Path((0, 1), 1)]
    # after .9: {0} .85 against both (.9 + .9) / 2 - .15 = .75
    assert good_first.paths(0.05) == [Path((0,), 0)]
    assert good_first.paths(0.4) == [Path((0,), 0)]
    assert CascadeRouting(estimates([0.5, 0.6], [0.1, 0.6], [0.2, 0.3]), max_depth=1).paths(0.05) == [Path((1,), 1)]


def test_in_a_forced_order_no_earlier_model_follows():
    late = estimates([0.1, 0.6], [0.9, 0.2], [0.0, 0.0])

    assert CascadeRouting(late, forced_order=True).paths(0.01) == [Path((1,), 1)]


def test_one_model_is_always_called():
    one = Estimates(np.array([[0.1]]), np.array([[0.2]]), np.zeros(1), np.zeros(1), np.array([[9.0]]), {})

    assert CascadeRouting(one).paths(1.0) == [Path((0,), 0)]


def test_a_threshold_cascade_by_hand():
    after = np.array([[0.8, 0.1, 0.0], [0.79, 0.9, 0.0], [0.1, 0.1, 0.0]])

    assert cascade_routing.threshold_cascade(after, [0.2, 0.5]).tolist() == [1, 2, 3]
