"""Targets with limits where costs and latencies span many orders of magnitude, against HiGHS and exact fractions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, MinQualityOf
from paretoroute.solver.solve import solve
from paretoroute.targets import BestTrade, MaxCost, MinQuality
from tests.exact_program import exact_limited

CLOSE = 2e-6  # of the optimum; the solver refuses an answer that it does not know to 1e-6


def instance(seed, least, most):
    """Draw a small forecast with costs and latencies of 10**least to 10**most, a target, and some limits."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(1, 8)), int(rng.integers(2, 5))

    def spread():
        few = np.concatenate([[0.0], 10.0 ** np.linspace(least, most, 5)])
        return rng.choice(few, (n, p)) if rng.random() < 0.5 else 10.0 ** rng.uniform(least, most, (n, p))

    def amount(table, rows):
        if rng.random() < 0.4:
            return max(float(rng.choice(table[rows].ravel())), 10.0**least)
        return max(float(table[rows].min(axis=1).mean() * (1 + rng.random())), 10.0**least)

    cost, latency, tags = spread(), spread(), rng.choice(np.array(["a", "b"]), n)
    forecast = Forecast(rng.random((n, p)), cost, latency_s=latency, labels={"tag": tags})
    everyone = np.ones(n, bool)
    target = [
        MaxCost(amount(cost, everyone)),
        MinQuality(float(rng.random() * forecast.quality.max(axis=1).mean())),
        BestTrade(amount(cost, everyone)),
        MinQuality(ratio=0.9, of=0),
    ][rng.integers(4)]
    limits = [
        MaxShare(float(rng.random()), (int(rng.integers(p)),)),
        MaxMeanLatency(amount(latency, everyone)),
        MinQualityOf(float(0.9 * rng.random()), "a"),
        MaxCostOf(amount(cost, tags == "b" if "b" in tags else everyone), "b"),
    ]
    present = [limit for limit in limits if limit.group is None or limit.group.of in tags]
    return forecast, target, [limit for limit in present if rng.random() < 0.6] or [limits[0]]


def objective(target, solution):
    """The solution's objective as a mean, to maximise."""
    if isinstance(target, BestTrade):
        return solution.mixture.value / len(solution.choice)
    return solution.expected_quality if isinstance(target, MaxCost) else -solution.expected_cost_usd


def fault(forecast, target, limits, solution):
    """Compare a solution with the exact optimum; return what is wrong with it, or an empty text."""
    best = exact_limited(forecast, target, limits)
    if (best is None) != (solution.status == "infeasible"):
        return f"status {solution.status}, exact {best}"
    if best is not None and abs(objective(target, solution) - float(best)) > CLOSE * abs(float(best)):
        return f"objective {objective(target, solution)}, exact {float(best)}"
    return ""


@pytest.mark.parametrize("first", range(1_000_000, 1_000_100, 25))
def test_costs_of_1e_12_to_1e3_give_the_exact_optimum(first):
    for seed in range(first, first + 25):
        forecast, target, limits = instance(seed, -12, 3)

        assert fault(forecast, target, limits, solve(forecast, target, limits)) == "", seed


@settings(max_examples=80)
@given(st.integers(0, 10**9))
@example(6770641)  # refused: its optimum is known to 2e-6 only
def test_costs_of_1e_12_to_1e3_are_solved_exactly_or_refused(seed):
    forecast, target, limits = instance(seed, -12, 3)

    try:
        solution = solve(forecast, target, limits)
    except TargetError as error:
        assert "is known to" in str(error)
        return
    assert fault(forecast, target, limits, solution) == ""


@settings(max_examples=40)
@given(st.integers(0, 10**9), st.integers(-60, 40), st.integers(1, 100))
@example(953, 0, 36)  # a violation whose sum with the bound rounds down
def test_amounts_of_any_magnitude_are_solved_exactly_or_refused(seed, least, decades):
    forecast, target, limits = instance(seed, least, min(least + decades, 60))

    try:
        solution = solve(forecast, target, limits)
    except TargetError as error:
        assert "orders of magnitude" in str(error)
    else:
        assert fault(forecast, target, limits, solution) == ""


@pytest.mark.parametrize("seed", range(60))
def test_few_amounts_are_beyond_the_solver(seed):
    forecast, target, limits = instance(seed, -30, 30)

    solve(forecast, target, limits)  # not refused


def by_milp(forecast, target, limits):
    """The optimum of the relaxation by SciPy's ``milp`` without whole numbers; None where infeasible."""
    n, p = forecast.quality.shape
    unit = float(forecast.cost_usd.max()) or 1.0
    quality, cost, latency = forecast.quality, forecast.cost_usd / unit, forecast.latency_s
    rows, most = [], []

    def at_most(table, mean, members):
        rows.append(np.where(members[:, None], table, 0.0).ravel() / (scale := abs(mean) * members.sum() or 1.0))
        most.append(mean * members.sum() / scale)

    everyone = np.ones(n, bool)
    loss = -quality
    if isinstance(target, MaxCost):
        at_most(cost, target.usd / unit, everyone)
    elif isinstance(target, BestTrade):
        loss = cost * (unit / target.usd_per_quality) - quality
    else:
        floor = target.quality if target.quality is not None else target.ratio * quality[:, target.of].mean()
        at_most(-quality, -floor, everyone)
        loss = cost
    for limit in limits:
        members = everyone if limit.group is None else forecast.labels["tag"] == limit.group.of
        if isinstance(limit, MaxShare):
            at_most(np.tile(np.isin(np.arange(p), limit.of).astype(float), (n, 1)), limit.share, everyone)
        elif isinstance(limit, MaxMeanLatency):
            at_most(latency, limit.seconds, members)
        elif isinstance(limit, MaxCostOf):
            at_most(cost, limit.usd / unit, members)
        else:
            at_most(-quality, -limit.quality, members)
    each = LinearConstraint(np.kron(np.eye(n), np.ones(p)), 1, 1)
    answer = milp(loss.ravel(), constraints=[LinearConstraint(np.array(rows), ub=most), each], bounds=(0, 1))
    if answer.x is None:
        return None
    return -answer.fun / n * (unit if isinstance(target, MinQuality) else 1.0)


@settings(max_examples=80)
@given(st.integers(0, 10**9))
def test_costs_within_a_factor_of_10000_give_the_optimum_of_milp(seed):
    forecast, target, limits = instance(seed, -4, 0)

    solution, best = solve(forecast, target, limits), by_milp(forecast, target, limits)

    exact = exact_limited(forecast, target, limits)
    if (best is None) == (
        exact is None
    ):  # a limit may lie within the tolerance of HiGHS, 1e-7, of the last that can be kept
        assert (best is None) == (solution.status == "infeasible")
    if best is not None and exact is not None:
        assert objective(target, solution) == pytest.approx(best, rel=1e-5, abs=1e-6)


def test_the_nearest_target_is_the_last_that_can_be_met():
    compared = 0
    for seed in range(150):
        forecast, target, limits = instance(seed, -12, 3)
        solution = solve(forecast, target, limits)
        if solution.status != "infeasible" or solution.relaxed or not isinstance(solution.nearest, MaxCost):
            continue
        usd = solution.nearest.usd
        assert exact_limited(forecast, MaxCost(usd * (1 + CLOSE)), limits) is not None
        assert exact_limited(forecast, MaxCost(usd * (1 - CLOSE)), limits) is None
        compared += 1
    assert compared >= 5


def test_a_solver_with_the_tolerances_of_highs_alone_is_caught(monkeypatch):
    """Plant the former solver, which took an optimum of HiGHS as it was."""
    monkeypatch.setattr("paretoroute.solver.coupled.solve.MOST_GAP", np.inf)
    wrong = 0
    for seed in range(40):
        forecast, target, limits = instance(seed, -12, 3)
        try:
            wrong += fault(forecast, target, limits, solve(forecast, target, limits)) != ""
        except ZeroDivisionError:  # of an infinite gap that is printed
            wrong += 1

    assert wrong >= 3
