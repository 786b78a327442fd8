"""Promises of full logs: each fold of queries is judged by choices whose points' means lack it."""

import dataclasses

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.calibration.left_out import PRIOR_QUERIES, LeftOut
from paretoroute.calibration.single import calibrate
from paretoroute.forecast import Forecast, Tables

QUERIES, POINTS, FOLDS = 100, 20, 5
FOLD = np.arange(QUERIES, dtype=np.int8) % FOLDS


def at_means(logged: Tables) -> Forecast:
    """Forecast every query at the points' means, as where no signal is found."""
    shape = logged.quality.shape
    return Forecast(
        quality=np.broadcast_to(logged.quality.mean(0), shape).copy(),
        cost_usd=np.broadcast_to(logged.cost_usd.mean(0), shape).copy(),
    )


def noise(seed: int, *, points: int = POINTS) -> tuple[Tables, np.ndarray]:
    """Draw outcomes that follow the point alone, and return them with the points' true means."""
    rng = np.random.default_rng(seed)
    level = np.arange(points) / (points - 1)
    truth = 1 / (1 + np.exp(-(level - 0.3 + 0.4 * rng.standard_normal(points))))
    cost = np.tile(1e-4 * 20**level, (QUERIES, 1))
    return Tables((rng.random((QUERIES, points)) < truth).astype(float), cost), truth


def test_the_means_without_a_fold_are_those_of_the_other_queries():
    rng = np.random.default_rng(0)
    logged = Tables(rng.random((QUERIES, 3)), rng.lognormal(size=(QUERIES, 3)))
    forecast = at_means(logged)

    left_out = LeftOut.of(forecast, logged, FOLD).forecast

    kept = QUERIES / (QUERIES + PRIOR_QUERIES)
    for i in (0, 1, 57):
        others = [k for k in range(QUERIES) if FOLD[k] != FOLD[i]]
        for j in range(3):
            mean = np.mean([logged.quality[k, j] for k in others])
            assert left_out.quality[i, j] == pytest.approx((1 - kept) * forecast.quality[i, j] + kept * mean)
            ratio = np.mean([logged.cost_usd[k, j] for k in others]) / forecast.cost_usd[i, j]
            assert left_out.cost_usd[i, j] == pytest.approx(forecast.cost_usd[i, j] * ratio**kept)


def test_a_mean_follows_the_runs_of_its_point_and_not_all_queries():
    logged, _ = noise(0, points=3)
    forecast, runs = at_means(logged), np.array([QUERIES, 20, 0])
    whole = LeftOut.of(forecast, logged, FOLD).forecast

    left_out = LeftOut.of(forecast, logged, FOLD, runs=runs).forecast

    share = runs / (runs + PRIOR_QUERIES) * (QUERIES + PRIOR_QUERIES) / QUERIES
    moved = whole.quality - forecast.quality
    np.testing.assert_allclose(left_out.quality - forecast.quality, share * moved, atol=1e-12)
    np.testing.assert_array_equal(left_out.quality[:, 0], whole.quality[:, 0])


def test_a_single_fold_and_free_points_change_nothing():
    logged, _ = noise(0, points=4)
    free = Tables(logged.quality, np.zeros_like(logged.cost_usd))
    forecast = at_means(free)

    one = LeftOut.of(forecast, free, np.zeros(QUERIES, np.int8)).forecast
    several = LeftOut.of(forecast, free, FOLD).forecast

    np.testing.assert_array_equal(one.quality, forecast.quality)
    np.testing.assert_array_equal(several.cost_usd, forecast.cost_usd)


def test_a_promise_on_noise_does_not_hold_the_luck_of_the_point_that_it_calls():
    bias = {"as logged": [], "left out": []}
    for seed in range(30):
        logged, truth = noise(seed)
        forecast = at_means(logged)
        for name, left_out in (("as logged", None), ("left out", LeftOut.of(forecast, logged, FOLD))):
            target = pr.MaxCost(usd=8e-4)
            answer = calibrate(forecast, logged.quality, logged.cost_usd, target, left_out=left_out)
            chances = np.zeros(POINTS)
            for share, point in answer.estimate.rule.action_probabilities(forecast):
                chances += np.bincount(point, np.broadcast_to(share, point.shape), POINTS) / QUERIES
            bias[name].append(100 * (answer.estimate.quality - chances @ truth))

    assert np.mean(bias["as logged"]) > 3.0
    assert abs(np.mean(bias["left out"])) < 1.5


@pytest.mark.parametrize("seed", range(6))
def test_the_price_meets_the_cost_as_before_and_no_more_quality_is_promised_than_was_logged(seed):
    logged, _ = noise(seed)
    forecast, target = at_means(logged), pr.MaxCost(usd=5e-4)
    tables = (forecast, logged.quality, logged.cost_usd, target)

    plain, honest = calibrate(*tables), calibrate(*tables, left_out=LeftOut.of(forecast, logged, FOLD))

    assert honest.estimate.rule == plain.estimate.rule
    assert honest.estimate.cost_usd == plain.estimate.cost_usd
    assert honest.estimate.quality <= plain.estimate.quality
    assert honest.estimate.quality_high == pytest.approx(plain.estimate.quality_high)


def test_where_the_points_differ_beyond_luck_the_promise_is_what_was_logged():
    quality = np.tile([0.2, 0.5, 0.9], (QUERIES, 1))
    logged = Tables(quality, np.tile([1e-4, 2e-4, 4e-4], (QUERIES, 1)))
    forecast = at_means(logged)

    for usd in (1.2e-4, 3e-4, 5e-4):
        tables = (forecast, logged.quality, logged.cost_usd, pr.MaxCost(usd=usd))
        honest = calibrate(*tables, left_out=LeftOut.of(forecast, logged, FOLD))
        assert honest.estimate.quality == pytest.approx(calibrate(*tables).estimate.quality, abs=1e-9)


def test_a_floor_is_met_by_what_is_promised():
    dearer = 0
    for seed in range(8):
        logged, _ = noise(seed)
        forecast = at_means(logged)
        left_out, means = LeftOut.of(forecast, logged, FOLD), forecast.quality[0]
        target = pr.MinQuality(float(0.4 * means[0] + 0.6 * means.max()))

        honest = calibrate(forecast, logged.quality, logged.cost_usd, target, left_out=left_out)
        plain = calibrate(forecast, logged.quality, logged.cost_usd, target)

        assert honest.estimate.quality == pytest.approx(target.quality)
        assert honest.estimate.cost_usd >= plain.estimate.cost_usd
        dearer += honest.estimate.cost_usd > plain.estimate.cost_usd
    assert dearer > 2


@pytest.mark.parametrize("target", [pr.MaxCost(usd=0.002), pr.MinQuality(0.8), pr.BestTrade(usd_per_quality=0.01)])
def test_a_limit_that_excludes_nothing_promises_the_same(signal_policy, target):
    free, limited = (signal_policy.solve(target, limits=limits) for limits in ([], [pr.MaxShare(1.0, "basso")]))

    assert limited.document.solution.status == free.document.solution.status
    assert limited.document.expected.quality == pytest.approx(free.document.expected.quality, abs=2e-4)
    assert limited.document.expected.cost_usd == pytest.approx(free.document.expected.cost_usd, rel=2e-3)


def test_a_policy_that_was_written_before_the_folds_were_kept_promises_what_was_logged(signal_policy):
    old = dataclasses.replace(signal_policy.calibration_sample, fold=None)
    outcomes = signal_policy.outcomes

    assert outcomes.judges is not None
    assert dataclasses.replace(outcomes, fold=old.fold).judges is None
