"""Amounts from 1e-320 to 1e308: solved exactly, or refused with the value and what is allowed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare
from paretoroute.solver.frontier import frontier
from paretoroute.solver.solve import solve
from paretoroute.targets import BestTrade, MaxCost, MinQuality
from tests.reference import exact_best_quality, exact_least_cost, exact_line

QUALITY = np.array([[0.2, 0.5, 0.9], [0.1, 0.6, 0.7]])
COST = np.array([[1.0, 2.0, 4.0], [1.0, 3.0, 5.0]])
TAGS = {"tag": np.array(["a", "b"])}
TARGETS = (MaxCost(2.5), MinQuality(0.6), MinQuality(ratio=0.9, of=2), BestTrade(5.0))


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@settings(max_examples=300)
@given(st.integers(0, 10**9), st.integers(-60, 60), st.integers(0, 120), st.booleans())
def test_costs_of_1e_60_to_1e60_give_the_exact_optimum(seed, least, decades, limits_cost):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, 7)), int(rng.integers(1, 6))
    cost = 10.0 ** rng.uniform(least, min(least + decades, 60), (n, p)) * rng.choice([0, 1, 1, 1], (n, p))
    cost[(cost > 0) & (cost < 1e-60)] = 1e-60
    quality = rng.random((n, p)) if rng.random() < 0.7 else rng.choice([0, 1e-100, 1e-12, 0.5, 1.0], (n, p))
    line = exact_line(quality, cost)
    usd = max(float(cost.min(axis=1).mean() * (1 + rng.random())), 1e-60)
    target = MaxCost(usd) if limits_cost else MinQuality(float(rng.random() * quality.max(axis=1).mean()))

    solution = solve(Forecast(quality, cost), target)

    best = exact_best_quality(line, usd) if limits_cost else exact_least_cost(line, target.quality)
    got = solution.expected_quality if limits_cost else solution.expected_cost_usd
    if best is None:  # by a rounding of the mean
        assert solution.status == "infeasible" or solution.expected_cost_usd == pytest.approx(usd, rel=1e-10)
    else:
        assert got == pytest.approx(float(best), rel=1e-9, abs=0)
    assert 0 <= solution.gap <= 1e-6


def everything(cost, latency=None, mask=None):
    """Solve a forecast for every kind of target, alone and with limits, and draw its frontier."""
    forecast = Forecast(QUALITY, cost, latency_s=latency, callable=mask, labels=TAGS)
    limits = [MaxShare(0.6, (2,))] + ([] if latency is None else [MaxMeanLatency(2.0)])
    yield lambda: frontier(forecast)
    for target in TARGETS:
        yield lambda target=target: solve(forecast, target)
        yield lambda target=target: solve(forecast, target, limits)


@pytest.mark.parametrize("usd", [1e300, 1e61, 9e-61, 1e-300, 5e-324])
@pytest.mark.parametrize("shared", [False, True])
def test_a_cost_beyond_what_can_be_priced_is_refused_with_its_place(usd, shared):
    cost = COST.copy()
    cost[1, 2] = usd

    for call in everything(cost[1] if shared else cost):
        with pytest.raises(TargetError) as raised:
            call()
        place = "query 0, column 2" if shared else "query 1, column 2"
        assert f"cost_usd must be 0 or lie in 1e-60 to 1e+60, got {usd:g} at {place}; rescale it, or" in str(
            raised.value
        )


@pytest.mark.parametrize("usd", [1e300, 1e-300, 0.0])
def test_a_point_that_is_not_callable_may_cost_any_number(usd):
    cost, mask, latency = COST.copy(), np.ones(COST.shape, bool), COST.copy()
    mask[1, 2], cost[1, 2], latency[1, 2] = False, usd, usd
    plain = everything(COST, COST, mask)

    for call, usual in zip(everything(cost, latency, mask), plain, strict=True):
        given, expected = call(), usual()
        if hasattr(given, "status"):
            assert given.status == expected.status and given.choice.tolist() == expected.choice.tolist()
            assert given.expected_cost_usd == expected.expected_cost_usd


@pytest.mark.parametrize("seconds", [1e300, 1e-300, -1.0])
def test_a_latency_counts_only_where_it_is_limited(seconds):
    latency = COST.copy()
    latency[0, 1] = seconds
    forecast = Forecast(QUALITY, COST, latency_s=latency)

    assert solve(forecast, MaxCost(2.5), [MaxShare(0.6, (2,))]).status == "met"
    with pytest.raises(
        TargetError, match=r"latency_s must be 0 or lie in 1e-60 to 1e\+60, got .* at query 0, column 1"
    ):
        solve(forecast, MaxCost(2.5), [MaxMeanLatency(2.0)])


@pytest.mark.parametrize("usd", [1e60, 1e300, 1.7e308])
def test_a_limit_above_every_cost_does_not_bind(usd):
    forecast = Forecast(QUALITY, COST, latency_s=COST, labels=TAGS)

    for limits in ([], [MaxShare(1.0, (0,))], [MaxCostOf(usd, "a"), MaxMeanLatency(usd)]):
        solution = solve(forecast, MaxCost(usd), limits)
        assert (solution.status, solution.choice.tolist(), solution.binds) == ("slack", [2, 2], ())
    with pytest.raises(
        TargetError, match=r"1e\+61 USD per quality is too large an amount to be priced; give at most 1e"
    ):
        solve(forecast, BestTrade(1e61))


@pytest.mark.parametrize("amount", [1e-61, 1e-300, 5e-324])
def test_an_amount_below_1e_60_is_refused_with_its_name(amount):
    forecast = Forecast(QUALITY, COST, latency_s=COST, labels=TAGS)

    for target, limits, name in [
        (MaxCost(amount), [], "the USD of MaxCost"),
        (MaxCost(amount), [MaxShare(0.5, (0,))], "the USD of MaxCost"),
        (BestTrade(amount), [], "the USD per quality of BestTrade"),
        (MaxCost(1.0), [MaxCostOf(amount, "a")], "mean cost of tag a"),
        (MaxCost(1.0), [MaxMeanLatency(amount)], "mean latency"),
    ]:
        with pytest.raises(
            TargetError, match=f"{name}.*: {amount:g} is too small an amount to be priced; give at least"
        ):
            solve(forecast, target, limits)


def test_qualities_whose_price_would_underflow_are_refused():
    forecast = Forecast(np.array([[1e-300, 0.0], [0.5, 1e-300]]), np.array([[1e60, 1.0], [1e-60, 1e60]]))

    with pytest.raises(TargetError, match="rises by less than 1e-290 per USD between two points, which has no price"):
        solve(forecast, MinQuality(0.2))


@pytest.mark.parametrize("ratio", [1e-300, 1e-12, 1.6, 10])
def test_any_ratio_is_met_or_infeasible(ratio):
    for limits in ([], [MaxShare(0.9, (0,))]):
        solution = solve(Forecast(QUALITY, COST), MinQuality(ratio=ratio, of=1), limits)
        assert solution.status == ("infeasible" if ratio > 1 else "slack")
        assert ratio < 1 or solution.nearest.ratio == pytest.approx(0.8 / 0.55, rel=1e-6)


def test_a_reference_without_quality_has_a_nearest_target_in_plain_quality():
    mask = np.array([[False, True], [True, True]])
    forecast = Forecast(np.array([[0.5, 0.0], [0.0, 0.0]]), np.ones(2), callable=mask)

    assert solve(forecast, MinQuality(ratio=1.0, of=0)).nearest == MinQuality(quality=0.0)


def test_a_point_at_the_limit_of_what_is_priced_is_not_tied_with_the_best():
    forecast = Forecast(np.array([[0.2, 0.9, 1.0], [0.2, 0.9, 1.0]]), np.array([[1e-60, 2e-60, 1e60]] * 2))

    solution = solve(forecast, MaxCost(1.5e-60))

    assert (solution.low.tolist(), solution.high.tolist()) == ([0, 0], [1, 1])
    assert solution.expected_quality == pytest.approx(0.55)
