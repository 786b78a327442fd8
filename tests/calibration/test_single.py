"""Calibration of a single constraint against known truth and against the solver."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.calibration.single import calibrate, curve
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import choose
from paretoroute.solver.solve import solve
from paretoroute.targets import MaxCost, MinQuality


def world(rng, points, *, signal, sigma):
    """A world with known means; ``draw(n)`` gives forecasts, true means and logged values (heavy-tailed costs)."""
    base = np.sort(10 ** rng.uniform(-4, -1.5, points))
    ability = np.linspace(-0.5, 1.5, points)

    def draw(n):
        hardness, taste = rng.normal(size=(n, 1)), rng.normal(size=(n, points))
        cost = base * np.exp(signal * (0.6 * hardness + 0.4 * taste))
        logit = ability - signal * (1.2 * hardness + 0.5 * rng.normal(size=(n, points)))
        quality = 1 / (1 + np.exp(-logit))
        forecast = Forecast(
            1 / (1 + np.exp(-(logit + signal * rng.normal(size=(n, points))))),
            cost * np.exp(0.7 * signal * rng.normal(size=(n, points))),
        )
        logged_cost = cost * rng.lognormal(-(sigma**2) / 2, sigma, size=(n, points))
        return forecast, quality, cost, (rng.random((n, points)) < quality).astype(float), logged_cost

    return draw


def fresh_means(draw, price, split, queries=20_000):
    """True mean quality and cost of a price on fresh queries."""
    forecast, quality, cost, _, _ = draw(queries)
    low, high = choose(forecast.quality, forecast.cost_usd, price)
    rows = np.arange(queries)
    return [float(((1 - split) * m[rows, low] + split * m[rows, high]).mean()) for m in (quality, cost)]


def test_the_limit_holds_on_fresh_queries_where_the_forecasts_alone_overspend():
    naive, calibrated, inside = [], [], []
    for seed in range(24):
        draw = world(np.random.default_rng(seed), 8, signal=0.6, sigma=1.0)
        forecast, _, cost, logged_quality, logged_cost = draw(1500)
        usd = float(np.sqrt(cost.mean(axis=0).min() * np.quantile(cost.mean(axis=0), 0.8)))
        answer = calibrate(forecast, logged_quality, logged_cost, MaxCost(usd))
        bare = solve(forecast, MaxCost(usd))
        naive.append(fresh_means(draw, bare.price, bare.split)[1] / usd)
        quality, spent = fresh_means(draw, answer.estimate.rule.price, answer.estimate.rule.split)
        calibrated.append(spent / usd)
        inside.append(answer.estimate.cost_usd_low <= spent <= answer.estimate.cost_usd_high)
        inside.append(answer.estimate.quality_low <= quality <= answer.estimate.quality_high)
        assert answer.status == "met" and answer.estimate.cost_usd == pytest.approx(usd)
        assert answer.estimate.cost_ratio > 1

    assert np.mean(naive) > 1.2
    assert np.mean(calibrated) == pytest.approx(1.0, abs=3 * np.std(calibrated) / np.sqrt(24) + 0.02)
    assert np.mean(inside) > 0.75  # 90% nominal, 48 trials


def test_a_quality_floor_is_reached_on_fresh_queries_within_noise():
    missed, naive = [], []
    for seed in range(24):
        draw = world(np.random.default_rng(seed), 8, signal=0.6, sigma=1.0)
        forecast, _, _, logged_quality, logged_cost = draw(1500)
        best = int(logged_quality.mean(axis=0).argmax())
        target = MinQuality(ratio=0.9, of=best)
        answer = calibrate(forecast, logged_quality, logged_cost, target)
        bare = solve(forecast, target)
        floor = 0.9 * logged_quality[:, best].mean()
        missed.append(fresh_means(draw, answer.estimate.rule.price, answer.estimate.rule.split)[0] - floor)
        naive.append(fresh_means(draw, bare.price, bare.split)[0] - floor)
        assert answer.estimate.quality == pytest.approx(floor) and answer.binds == ("quality",)

    assert np.mean(naive) < -0.03
    assert abs(np.mean(missed)) < 3 * np.std(missed) / np.sqrt(24) + 0.005


def test_without_any_signal_the_mix_of_ties_meets_the_logged_cost_exactly():
    draw = world(np.random.default_rng(3), 5, signal=0.0, sigma=1.5)
    forecast, _, _, logged_quality, logged_cost = draw(800)

    for usd in np.geomspace(*np.sort(logged_cost.mean(axis=0))[[0, -1]], 7)[1:-1]:
        answer = calibrate(forecast, logged_quality, logged_cost, MaxCost(float(usd)))
        low, high = choose(forecast.quality, forecast.cost_usd, answer.estimate.rule.price)
        rows = np.arange(800)
        spent = (1 - answer.estimate.rule.split) * logged_cost[
            rows, low
        ].mean() + answer.estimate.rule.split * logged_cost[rows, high].mean()
        assert answer.status == "met" and (low != high).all()
        assert spent == pytest.approx(usd, rel=1e-12) and answer.estimate.cost_usd == pytest.approx(usd, rel=1e-12)


def test_perfect_forecasts_leave_the_solver_s_answer_as_it_is():
    rng = np.random.default_rng(5)
    quality, cost = rng.random((400, 6)), rng.lognormal(size=(400, 6))
    forecast = Forecast(quality, cost)

    for target in (MaxCost(0.6), MinQuality(0.8), MaxCost(0.01), MaxCost(1e3), MinQuality(0.999), MinQuality(0.1)):
        exact, answer = solve(forecast, target), calibrate(forecast, quality, cost, target)
        assert exact.status == answer.status
        assert (answer.estimate.quality, answer.estimate.cost_usd) == pytest.approx(
            (exact.expected_quality, exact.expected_cost_usd), rel=1e-9
        )
        assert (answer.estimate.quality_shift, answer.estimate.cost_ratio) == pytest.approx((0.0, 1.0), abs=1e-9)
        if exact.status == "met":
            assert (answer.estimate.rule.price, answer.estimate.rule.split) == pytest.approx(
                (exact.price, exact.split), rel=1e-6
            )
            assert answer.meaning == exact.meaning
        elif exact.status == "infeasible":
            assert str(answer.nearest) == str(exact.nearest)


def test_feasibility_is_judged_on_what_was_logged():
    rng = np.random.default_rng(0)
    forecast = Forecast(np.tile([0.5, 0.9], (300, 1)), np.array([1.0, 2.0]))
    logged_quality = np.tile([0.4, 0.7], (300, 1))
    logged_cost = np.tile([3.0, 4.0], (300, 1)) + rng.normal(size=(300, 2)) * 0.01

    poor = calibrate(forecast, logged_quality, logged_cost, MaxCost(1.5))
    bold = calibrate(forecast, logged_quality, logged_cost, MinQuality(0.8))
    rich = calibrate(forecast, logged_quality, logged_cost, MaxCost(4.5))
    lean = calibrate(forecast, logged_quality, logged_cost, MinQuality(0.3))

    assert poor.status == "infeasible" and poor.nearest.usd == pytest.approx(3.0, abs=0.01)
    assert bold.status == "infeasible" and bold.nearest.quality == pytest.approx(0.7)
    assert (rich.status, rich.estimate.rule.price, lean.status, lean.estimate.rule.split) == (
        "slack",
        0.0,
        "slack",
        0.0,
    )
    assert rich.estimate.quality_shift == pytest.approx(-0.2) and rich.estimate.cost_ratio == pytest.approx(
        2.0, rel=0.01
    )
    for answer in (poor, bold):
        assert calibrate(forecast, logged_quality, logged_cost, answer.nearest).status == "met"


def test_half_logged_cells_still_meet_the_limit():
    ratios = []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        draw = world(rng, 6, signal=0.6, sigma=1.0)
        forecast, _, cost, logged_quality, logged_cost = draw(3000)
        holes = rng.random(cost.shape) < 0.5
        logged_quality[holes] = logged_cost[holes] = np.nan
        usd = float(np.sqrt(cost.mean(axis=0).min() * cost.mean(axis=0).max()))
        answer = calibrate(forecast, logged_quality, logged_cost, MaxCost(usd))
        ratios.append(fresh_means(draw, answer.estimate.rule.price, answer.estimate.rule.split)[1] / usd)

    assert np.mean(ratios) == pytest.approx(1.0, abs=3 * np.std(ratios) / 4 + 0.02)


def test_the_curve_rises_from_the_cheapest_to_the_richest():
    draw = world(np.random.default_rng(1), 8, signal=0.6, sigma=1.0)
    forecast, _, _, logged_quality, logged_cost = draw(1000)

    rows = curve(forecast, logged_quality, logged_cost, n=8)

    costs, qualities = np.array([[row.cost_usd, row.quality] for row in rows]).T
    assert len(rows) == 8 and (np.diff(costs) > 0).all()
    assert (np.diff(qualities) >= -0.01).all()  # as logged: half a standard error
    assert np.diff(np.log(costs)) == pytest.approx(np.log(costs[-1] / costs[0]) / 7, rel=1e-6)
    assert (np.diff([row.rule.price for row in rows]) < 0).all() and rows[-1].rule.price == 0
    for row in rows[1:]:
        assert row.cost_usd_low < row.cost_usd < row.cost_usd_high
        assert row.quality_low <= row.quality <= row.quality_high
        again = calibrate(forecast, logged_quality, logged_cost, MaxCost(row.cost_usd))
        assert again.estimate.quality == pytest.approx(row.quality)


def test_a_single_point_or_query_has_a_curve_of_one_row():
    rows = curve(Forecast(np.array([[0.5]]), np.array([0.0])), np.array([[1.0]]), np.array([[0.0]]))

    assert len(rows) == 1 and rows[0].quality == 1.0 and rows[0].cost_ratio == 1.0


def test_what_cannot_be_calibrated_says_what_to_change():
    forecast = Forecast(np.array([[0.5, 0.6]]), np.array([1.0, 2.0]))
    with pytest.raises(TargetError, match=r"logged quality has shape \(1, 1\), the forecast \(1, 2\)"):
        calibrate(forecast, np.ones((1, 1)), np.ones((1, 2)), MaxCost(1))
    with pytest.raises(TargetError, match="cost_usd of query 0 at point 1 is infinite"):
        calibrate(forecast, np.ones((1, 2)), np.array([[1.0, np.inf]]), MaxCost(1))
    with pytest.raises(TargetError, match="resolve the name first"):
        calibrate(forecast, np.ones((1, 2)), np.ones((1, 2)), MinQuality(ratio=0.9, of="a@b"))
