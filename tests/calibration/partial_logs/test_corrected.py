"""Doubly robust corrections on partial logs, against known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.calibration.fold_policies import FoldPolicies
from paretoroute.calibration.partial_logs.corrected import ESTIMATED_ERROR, QUALITY_ERROR, Corrected
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier
from paretoroute.surface.traffic import LogSupport

QUERIES, POINTS = 400, 3


def partial_log(seed, *, queries=QUERIES, looks=False, bias=0.0):
    """True shares, forecasts with a bias, logged outcomes of one run per query, and the support."""
    rng = np.random.default_rng(seed)
    truth = np.clip(0.5 + 0.25 * rng.normal(size=(queries, POINTS)), 0.02, 0.98)
    chance = np.full((queries, POINTS), 1 / POINTS)
    if looks:
        chance = np.where(truth == truth.max(1, keepdims=True), 0.6, 0.2)
    choice = (rng.random((queries, 1)) > chance.cumsum(1)).sum(1)
    here = (np.arange(queries), choice)
    logged = np.full(truth.shape, np.nan)
    logged[here] = rng.random(queries) < truth[here]
    weight = np.zeros(truth.shape, np.float32)
    weight[here] = 1 / chance[here]
    error = np.full(POINTS, 0.01, np.float32)
    forecast = np.clip(truth + bias, 0.0, 1.0)
    support = LogSupport(
        weight=weight,
        is_supported=np.ones(truth.shape, bool) if looks else None,
        looks=looks,
        is_estimated=False,
        quality_error=error,
        cost_error=error,
        fold=(np.arange(queries) % 5).astype(np.int8),
        deployed_quality=forecast,
        deployed_amount=forecast,
    )
    return truth, forecast, logged, support


def at(column, queries=QUERIES):
    chance = np.zeros((queries, POINTS))
    chance[:, column] = 1.0
    return chance


def test_intervals_cover_where_forecasts_are_off_by_a_few_points():
    held, error = [], []
    for seed in range(200):
        truth, forecast, logged, support = partial_log(seed, bias=0.04 * np.sign(seed % 2 - 0.5))
        estimate = Corrected.quality(forecast, logged, support).of(at(0))
        error.append(estimate.value - truth[:, 0].mean())
        held.append(abs(error[-1]) <= estimate.reach)

    assert abs(np.mean(error)) < 0.01
    assert 0.86 <= np.mean(held)


def test_where_the_logger_looked_at_what_forecasts_do_not_tell_the_chances_correct_them():
    errors, by_shares = [], []
    for seed in range(60):
        truth, forecast, logged, support = partial_log(seed, queries=2000, looks=True)
        forecast = np.full_like(forecast, 0.4)
        errors.append(Corrected.quality(forecast, logged, support).of(at(0, 2000)).value - truth[:, 0].mean())
        marginal = np.where(np.isnan(logged), 0.0, 1 / np.maximum((~np.isnan(logged)).mean(0), 1e-9))
        wrong = replace(support, weight=marginal.astype(np.float32))
        by_shares.append(Corrected.quality(forecast, logged, wrong).of(at(0, 2000)).value - truth[:, 0].mean())

    assert abs(np.mean(errors)) < 0.015
    assert np.mean(by_shares) > 0.02  # the planted fault: marginal propensities


def test_holes_count_for_nothing():
    _, forecast, logged, support = partial_log(0)
    hole = Corrected.quality(forecast, logged, support)
    assert (hole.correction[np.isnan(logged)] == 0).all()
    assert (hole.weight[np.isnan(logged)] == 0).all()


def test_along_a_frontier_stand_the_estimates_of_its_choices():
    _, forecast, logged, support = partial_log(1)
    corrected = Corrected.quality(forecast, logged, support)
    tables = Forecast(forecast, np.array([1.0, 2.0, 3.0]))
    line = frontier(tables)
    policies = FoldPolicies.of(support.fold, tables, tables, line)
    curve = corrected.along(policies)

    for place in (0, len(line.price)):
        chance = np.zeros_like(forecast)
        chance[np.arange(QUERIES), line.choice(place)] = 1.0
        np.testing.assert_array_equal(policies.chance(place), chance)
        assert curve[place] == pytest.approx(corrected.of(chance).value, abs=1e-12)


def test_the_interval_widens_as_the_effective_runs_fall_and_has_a_floor():
    reaches, effective = [], []
    for queries in (50, 200, 800):
        _, forecast, logged, support = partial_log(2, queries=queries)
        logged = np.where(np.isnan(logged), np.nan, 1.0)  # all outcomes equal: their spread alone would be small
        estimate = Corrected.quality(forecast, logged, support).of(at(0, queries))
        reaches.append(estimate.reach)
        effective.append(estimate.effective)

    assert reaches[0] > reaches[1] > reaches[2] > 0.03
    assert effective == pytest.approx([np.array(n) / 3 for n in (50, 200, 800)], rel=0.3)


def test_without_any_agreeing_run_the_forecast_stays_and_nothing_is_effective():
    _, forecast, logged, support = partial_log(3)
    logged[:, 0] = np.nan

    estimate = Corrected.quality(forecast, logged, support).of(at(0))

    assert estimate.value == pytest.approx(forecast[:, 0].mean())
    assert estimate.effective == 0


def test_costs_are_corrected_relatively_and_stay_positive():
    rng = np.random.default_rng(4)
    _, _, logged, support = partial_log(4)
    cost = np.exp(rng.normal(size=logged.shape)) * np.array([1e-5, 1e-3, 1e-1])
    logged = np.where(np.isnan(logged), np.nan, cost * np.exp(0.3 * rng.normal(size=cost.shape)))

    corrected = Corrected.cost(cost, logged, support)

    for column in range(POINTS):
        estimate = corrected.of(at(column))
        assert 0.5 < estimate.value / cost[:, column].mean() < 2
        assert 0.05 < estimate.reach < 1


def test_estimated_chances_widen_the_interval_and_count_for_less():
    _, forecast, logged, support = partial_log(3, queries=5000, looks=True, bias=-0.1)
    by_logged = Corrected.quality(forecast, logged, support).of(at(0, 5000))
    by_estimated = Corrected.quality(forecast, logged, replace(support, is_estimated=True)).of(at(0, 5000))

    planned, whole = forecast[:, 0].mean(), support.weight[:, 0] @ np.nan_to_num(logged - forecast)[:, 0] / 5000
    prior, noise = QUALITY_ERROR**2 + 0.01, 0.2 / by_logged.effective
    for estimate, error in ((by_logged, noise), (by_estimated, noise + ESTIMATED_ERROR**2)):
        assert estimate.value == pytest.approx(planned + prior / (prior + error) * whole, abs=1e-4)
    assert by_estimated.reach > 2 * by_logged.reach
    assert planned + 0.05 < by_estimated.value < by_logged.value


def test_where_the_logger_did_not_look_no_chance_was_estimated():
    _, forecast, logged, support = partial_log(3)
    whole, estimated = (
        Corrected.quality(forecast, logged, replace(support, is_estimated=value)).of(at(0)) for value in (False, True)
    )

    assert whole == estimated


@pytest.mark.parametrize("looks", [False, True])
def test_a_point_that_is_free_in_every_run_stays_free(looks):
    _, cost, logged, support = partial_log(4, looks=looks)
    cost, logged = cost.copy(), logged.copy()
    cost[:, 1], logged[:, 1] = 0.0, np.where(np.isnan(logged[:, 1]), np.nan, 0.0)

    corrected = Corrected.cost(cost, logged, support)

    assert (corrected.table(cost)[:, 1] == 0).all()
    estimate = corrected.of(at(1))
    assert (estimate.value, estimate.reach) == (0.0, 0.0)


@pytest.mark.parametrize("share", [0.0, 0.05])
@pytest.mark.parametrize("figure", ["quality", "cost"])
def test_runs_with_tiny_chances_do_not_carry_a_points_mean_away(share, figure):
    truth, forecast, logged, support = partial_log(4, looks=True)
    weight, runs = support.weight.copy(), np.flatnonzero(support.weight[:, 1] > 0)
    weight[runs[: max(1, int(share * len(runs)))], 1] = 1e9 if share == 0 else 1e3
    tiny = replace(support, weight=weight)

    tables = [getattr(Corrected, figure)(forecast, logged, one).table(forecast) for one in (support, tiny)]

    assert np.abs(tables[1].mean(0) - truth.mean(0)).max() < 0.12
    assert (tables[1][:, [0, 2]] == tables[0][:, [0, 2]]).all()
