"""The best integer choice for a few steps within one sum of money: equal to brute force, and exact at many steps."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.planner.knapsack import best_choice


def brute_force(quality, cost, money):
    """The best choice by trying all: its quality and cost, or None where nothing fits."""
    rows, best = np.arange(len(quality)), None
    for points in product(range(quality.shape[1]), repeat=len(quality)):
        spent, gained = cost[rows, points].sum(), quality[rows, points].sum()
        fits = spent <= money * (1 + 1e-12)
        if fits and (best is None or gained > best[0] + 1e-12 or (gained > best[0] - 1e-12 and spent < best[1])):
            best = float(gained), float(spent)
    return best


def test_600_small_knapsacks_equal_brute_force():
    rng = np.random.default_rng(0)
    for number in range(600):
        n, p = rng.integers(1, 6), rng.integers(1, 6)
        quality, cost = rng.random((n, p)), rng.random((n, p))
        if number % 3 == 0:
            quality, cost = np.round(quality * 4) / 4, np.round(cost * 4) / 4
        money = float(rng.random() * n)
        best, choice = brute_force(quality, cost, money), best_choice(quality, cost, money)
        assert choice.feasible == (best is not None)
        if best is not None:
            assert (choice.quality, choice.cost_usd) == pytest.approx(best, abs=1e-9)
            assert choice.bound == pytest.approx(choice.quality)
            rows = np.arange(n)
            assert quality[rows, choice.points].sum() == choice.quality


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.05, 3.0))
def test_more_money_never_buys_less_order_changes_nothing_and_what_was_planned_stays(seed, money):
    rng = np.random.default_rng(seed)
    quality, cost = rng.random((4, 5)), rng.random((4, 5))
    turn = rng.permutation(4)
    less, more, turned = (
        best_choice(quality, cost, money),
        best_choice(quality, cost, 1.2 * money),
        best_choice(quality[turn], cost[turn], money),
    )
    if less.feasible:
        assert less.cost_usd <= money * (1 + 1e-9) and more.quality >= less.quality - 1e-12
        assert turned.quality == pytest.approx(less.quality)
        rest = best_choice(quality[1:], cost[1:], less.cost_usd - cost[0, less.points[0]])
        assert rest.quality == pytest.approx(less.quality - quality[0, less.points[0]])


def test_points_that_may_not_be_called_are_not_and_many_steps_stay_exact():
    rng = np.random.default_rng(3)
    quality, cost = np.sort(rng.random((30, 12)), 1), np.sort(rng.lognormal(size=(30, 12)), 1)
    mask = rng.random((30, 12)) < 0.7
    mask[:, 0] = True
    choice = best_choice(quality, cost, 20.0, mask)
    assert mask[np.arange(30), choice.points].all() and choice.cost_usd <= 20.0
    assert choice.bound == pytest.approx(choice.quality)


def test_choices_dropped_for_their_number_leave_a_bound_in_place_of_a_proof():
    rng = np.random.default_rng(4)
    quality, cost = rng.random((12, 8)), rng.lognormal(size=(12, 8))
    exact = best_choice(quality, cost, 8.0)

    choice = best_choice(quality, cost, 8.0, most_states=2)

    assert choice.cost_usd <= 8.0
    assert choice.quality <= exact.quality <= choice.bound
