"""The solver against exact fractions, brute force and HiGHS, and its properties."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.solver.solution import Facts, meaning
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost, MinQuality
from tests.reference import brute_force_quality, exact_best_quality, exact_least_cost, exact_line, highs
from tests.solver.instances import CLOSE, audit, instance, targets_of


@lru_cache(3000)
def exact(seed):
    """Draw an instance and two targets, and solve it for both in fractions."""
    quality, cost, mask, rng = instance(seed)
    usd, floor = targets_of(quality, cost, mask, rng)
    line = exact_line(quality, cost, mask)
    best, least = exact_best_quality(line, usd), exact_least_cost(line, floor)
    return quality, cost, mask, ((MaxCost(usd), best), (MinQuality(floor), least))


def failures(count, run=solve, first=0):
    """Compare ``count`` random instances, both targets each, with exact fractions; list the seeds that differ."""
    wrong = []
    for seed in range(first, first + count):
        quality, cost, mask, targets = exact(seed)
        forecast = Forecast(quality, cost, callable=mask)
        try:
            for target, expected in targets:
                solution = run(forecast, target)
                audit(quality, cost, mask, target, solution)
                if expected is None:
                    # A mean in float64 may be a hair beyond what is reachable; that is met.
                    reached = solution.expected_cost_usd if isinstance(target, MaxCost) else solution.expected_quality
                    asked = target.usd if isinstance(target, MaxCost) else target.quality
                    assert solution.status == "infeasible" or reached == pytest.approx(asked, rel=CLOSE)
                    continue
                got = solution.expected_quality if isinstance(target, MaxCost) else solution.expected_cost_usd
                assert solution.status != "infeasible"
                slack = 1e-9 * cost.max() if isinstance(target, MinQuality) else 1e-15
                assert got == pytest.approx(float(expected), rel=1e-9, abs=slack)
        except AssertionError as error:
            wrong.append((seed, str(error)[:300]))
    return wrong


def test_1500_small_instances_equal_exact_fractions():
    assert failures(1500) == []


def test_the_fraction_reference_equals_the_hull_of_all_assignments():
    for seed in range(60):
        quality, cost, _, rng = instance(seed, queries=int(1 + seed % 3), points=int(1 + seed % 4))
        usd = max(float(cost.min(axis=1).mean() + rng.random() * cost.mean()), 1e-15)
        assert brute_force_quality(quality, cost, usd) == exact_best_quality(exact_line(quality, cost), usd)


@pytest.mark.parametrize("seed", range(4))
def test_larger_instances_equal_highs(seed):
    rng = np.random.default_rng(seed)
    n, p = [(200, 12), (500, 8), (800, 6), (300, 20)][seed]
    quality, cost = rng.random((n, p)), rng.lognormal(size=(n, p))
    mask = rng.random((n, p)) < 0.8
    mask[:, 0] = True
    forecast = Forecast(quality, cost, callable=mask)
    usd = float(np.where(mask, cost, np.inf).min(axis=1).mean() * 1.7)

    rich, lean = solve(forecast, MaxCost(usd)), solve(forecast, MinQuality(0.8))

    assert highs(quality, cost, usd=usd, callable=mask) == pytest.approx(rich.expected_quality, rel=1e-6)
    assert highs(quality, cost, floor=0.8, callable=mask) == pytest.approx(lean.expected_cost_usd, rel=1e-6)
    audit(quality, cost, mask, rich.target, rich)
    audit(quality, cost, mask, lean.target, lean)


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_scaling_all_costs_and_the_limit_changes_no_choice(seed, scale):
    quality, cost, mask, rng = instance(seed)
    usd, _ = targets_of(quality, cost, mask, rng)
    scale = 2.0 ** round(np.log2(scale))  # a power of two is exact

    plain = solve(Forecast(quality, cost, callable=mask), MaxCost(usd))
    scaled = solve(Forecast(quality, cost * scale, callable=mask), MaxCost(usd * scale))

    assert (plain.status, plain.choice.tolist()) == (scaled.status, scaled.choice.tolist())
    assert scaled.price * scale == pytest.approx(plain.price, rel=CLOSE)


@settings(max_examples=150)
@given(st.integers(0, 10**6))
def test_a_dominated_point_or_another_order_changes_no_expectation(seed):
    quality, cost, _, rng = instance(seed)
    usd, floor = targets_of(quality, cost, None, rng)
    worse = Forecast(np.c_[quality, quality.min(axis=1) * 0.9], np.c_[cost, cost.max(axis=1) * 1.1 + 1])
    rows, points = rng.permutation(quality.shape[0]), rng.permutation(quality.shape[1])
    shuffled = Forecast(quality[rows][:, points], cost[rows][:, points])

    for target in (MaxCost(usd), MinQuality(floor)):
        base = solve(Forecast(quality, cost), target)
        for other in (solve(worse, target), solve(shuffled, target)):
            assert (other.expected_quality, other.expected_cost_usd) == pytest.approx(
                (base.expected_quality, base.expected_cost_usd), rel=1e-9, abs=1e-12 * cost.max()
            )
        assert (solve(worse, target).choice < quality.shape[1]).all()


@settings(max_examples=100)
@given(st.integers(0, 10**6))
def test_more_money_never_buys_less_and_a_higher_floor_never_costs_less(seed):
    quality, cost, mask, rng = instance(seed)
    forecast = Forecast(quality, cost, callable=mask)
    limits = np.sort(rng.random(6)) * cost.mean() + 1e-15
    floors = np.sort(rng.random(6))

    qualities = [solve(forecast, MaxCost(float(usd))).expected_quality for usd in limits]
    costs = [solve(forecast, MinQuality(float(floor))).expected_cost_usd for floor in floors]

    assert (np.diff(qualities) >= -1e-12).all()
    assert (np.diff(costs) >= -1e-12 * cost.max()).all()


def test_the_draw_follows_the_seed_and_the_split():
    forecast = Forecast(np.tile([0.2, 0.8], (4000, 1)), np.array([1.0, 2.0]))

    solution = solve(forecast, MaxCost(1.3), seed=7)

    assert solution.split == pytest.approx(0.3) and solution.tied.all()
    assert solution.choice.mean() == pytest.approx(0.3, abs=0.03)  # four standard errors
    assert np.array_equal(solution.choice, solve(forecast, MaxCost(1.3), seed=7).choice)
    assert not np.array_equal(solution.choice, solve(forecast, MaxCost(1.3), seed=8).choice)


def test_where_money_is_no_object_equal_quality_goes_to_the_cheaper_point():
    solution = solve(Forecast(np.array([[0.9, 0.9, 0.1]]), np.array([5.0, 2.0, 1.0])), MaxCost(100.0))

    assert (solution.status, solution.choice.tolist(), solution.price) == ("slack", [1], 0.0)
    assert solution.shadow_prices == {"cost": 0.0} and solution.binds == ()
    assert solution.meaning == "spending more would not raise forecast quality"


def test_an_infeasible_target_names_one_that_is_met():
    forecast = Forecast(np.array([[0.3, 0.6], [0.2, 0.7]]), np.array([1.0, 3.0]))

    poor, bold = solve(forecast, MaxCost(0.5)), solve(forecast, MinQuality(0.9))
    relative = solve(forecast, MinQuality(ratio=1.3, of=1))

    assert (poor.status, poor.nearest, poor.choice.tolist()) == ("infeasible", MaxCost(1.0), [0, 0])
    assert (bold.status, bold.nearest.quality, bold.choice.tolist()) == ("infeasible", pytest.approx(0.65), [1, 1])
    assert relative.nearest.ratio == pytest.approx(1.0) and relative.nearest.of == 1
    for answer in (poor, bold, relative):
        again = solve(forecast, answer.nearest)
        assert again.status == "met" and again.choice.tolist() == answer.choice.tolist()
        assert "cannot be met" in answer.meaning


def test_a_floor_that_the_cheapest_choice_exceeds_is_slack():
    solution = solve(Forecast(np.array([[0.6, 0.9]]), np.array([1.0, 2.0])), MinQuality(0.5))

    assert (solution.status, solution.choice.tolist(), solution.shadow_price) == ("slack", [0], 0.0)
    assert np.isfinite(solution.price)


def test_shadow_prices_have_units_and_a_meaning():
    forecast = Forecast(np.array([[0.5, 0.9]]), np.array([0.001, 0.003]))

    spend, reach = solve(forecast, MaxCost(0.002)), solve(forecast, MinQuality(0.7))

    assert spend.shadow_prices == {"cost": pytest.approx(200.0)} and spend.binds == ("cost",)
    assert spend.meaning == "one more cent per 1,000 queries buys 0.2 quality points (of 100), at the margin"
    assert reach.shadow_prices == {"quality": pytest.approx(0.005)}
    assert reach.meaning == "one more quality point (of 100) costs $0.05 more per 1,000 queries, at the margin"


@pytest.mark.parametrize("of", ["gpt@low", 2, -1])
def test_a_reference_point_that_is_no_column_is_refused(of):
    with pytest.raises(TargetError, match=r"column of 0 to 1.*grid\.index"):
        solve(Forecast(np.array([[0.5, 0.9]]), np.array([1.0, 2.0])), MinQuality(ratio=0.9, of=of))


def test_sums_of_float32_forecasts_are_taken_in_float64():
    rng = np.random.default_rng(0)
    quality, cost = rng.random((200_000, 3), dtype=np.float32), rng.random((200_000, 3), dtype=np.float32)

    solution = solve(Forecast(quality, cost), MaxCost(0.3))

    rows = np.arange(len(quality))
    low, high = (cost[rows, side].astype(float).mean() for side in (solution.low, solution.high))
    assert low + solution.split * (high - low) == pytest.approx(0.3, rel=1e-13)
    assert solution.expected_cost_usd == pytest.approx(0.3, rel=1e-13)


# Planted mistakes: solvers that are wrong in one way each, whose answers the comparison above has to refuse.


def mixed(forecast, solution, split):
    """The same two sides at another split, with the figures that belong to it."""
    rows = np.arange(len(solution.low))
    quality, cost = (
        float(((1 - split) * table[rows, solution.low] + split * table[rows, solution.high]).mean())
        for table in (forecast.quality, np.broadcast_to(forecast.cost_usd, forecast.quality.shape))
    )
    return replace(solution, split=split, expected_quality=quality, expected_cost_usd=cost)


def split_the_wrong_way(forecast, target):
    solution = solve(forecast, target)
    return mixed(forecast, solution, 1 - solution.split)


def never_split(forecast, target):
    return mixed(forecast, solve(forecast, target), 0.0)


def ignore_the_target(forecast, target):
    return replace(solve(forecast, MaxCost(1e300)), target=target)


def ignore_the_mask(forecast, target):
    return solve(replace(forecast, callable=None), target)


def lose_a_point(forecast, target):
    """As a hull that ends one point early would."""
    dearest = np.argmax(forecast.quality, axis=1)[:, None] == np.arange(forecast.quality.shape[1])
    return solve(replace(forecast, callable=~dearest if forecast.quality.shape[1] > 1 else None), target)


def draw_ties_only_where_equal(forecast, target):
    solution = solve(forecast, target)
    return replace(solution, low=solution.high)


def sum_in_float32(forecast, target):
    solution = solve(forecast, target)
    return replace(solution, expected_cost_usd=float(np.float32(solution.expected_cost_usd)))


@pytest.mark.parametrize(
    "wrong",
    [
        split_the_wrong_way,
        never_split,
        ignore_the_target,
        ignore_the_mask,
        lose_a_point,
        draw_ties_only_where_equal,
        sum_in_float32,
    ],
)
def test_planted_mistakes_are_caught(wrong):
    caught = failures(150, run=wrong)

    assert len(caught) > 10
    assert len(caught) < 150, "a solver that is wrong everywhere proves nothing"


def test_an_exact_optimum_in_fractions_is_reached_at_a_tie():
    quality, cost = np.array([[0.0, 0.3], [0.0, 0.6]]), np.array([[0.0, 0.7], [0.0, 1.4]])
    best = float(exact_best_quality(exact_line(quality, cost), 0.35))

    solution = solve(Forecast(quality, cost), MaxCost(0.35))

    assert best == pytest.approx(solution.expected_quality, rel=1e-14)
    assert solution.tied.all() and Fraction(solution.split).limit_denominator(100) == Fraction(1, 3)


def test_an_infeasible_cost_is_worded_per_1000_queries():
    text = meaning("infeasible", MaxCost(0.0001), MaxCost(0.000964317), Facts(shadow_price=0.0))

    assert text == (
        "mean cost at most $0.1 per 1,000 queries cannot be met; "
        "the nearest that can is: mean cost at most $0.964317 per 1,000 queries"
    )
