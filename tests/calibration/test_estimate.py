"""The least standard error of a quality: sqrt(0.2 / effective queries) where outcomes are 0 or 1."""

import numpy as np
import pytest

from paretoroute.calibration.estimate import (
    CHOICE_ERROR,
    CHOICE_FACTOR,
    Evidence,
    estimate_value,
    least_variance,
)
from paretoroute.calibration.intervals import QUALITY_VARIANCE, Z90
from paretoroute.calibration.outcomes import Chosen
from paretoroute.calibration.single import calibrate, curve
from paretoroute.forecast import Forecast
from paretoroute.solver.rules import PriceRule
from paretoroute.targets import BestTrade, MaxCost, MinQuality


def value_of(quality, evidence):
    some = Chosen(np.asarray(quality, float), np.full(len(quality), 0.01))
    return estimate_value(
        PriceRule(0.0, 0.0),
        logged=some,
        forecast=some,
        mean_quality=float(np.mean(quality)),
        mean_cost_usd=0.01,
        evidence=evidence,
    )


@pytest.mark.parametrize("runs", [2, 5, 17])
def test_right_answers_alone_promise_no_certainty(runs):
    value = value_of(np.ones(runs), Evidence(np.array([float(runs)]), np.array([QUALITY_VARIANCE])))

    assert value.quality_high == 1.0
    assert value.quality_low == pytest.approx(max(1 - Z90 * (0.2 / runs) ** 0.5, 0.0))


def test_forecasts_of_what_was_never_logged_have_no_interval_narrower_than_all():
    value = value_of(np.full(500, 0.8), Evidence(np.zeros(2), np.full(2, QUALITY_VARIANCE)))

    assert (value.quality_low, value.quality_high) == (0.0, 1.0)


def test_a_spread_above_the_least_one_is_left_as_it_is():
    quality = np.tile([0.0, 1.0], 500)
    value = value_of(quality, Evidence(np.array([1000.0]), np.array([QUALITY_VARIANCE])))

    assert value.quality_high - value.quality == pytest.approx(Z90 * quality.std(ddof=1) / 1000**0.5)


def test_the_least_variance_is_that_of_0_or_1_whether_or_not_both_were_seen():
    table = np.array([[1.0, 1.0, np.nan], [1.0, 0.0, np.nan], [np.nan, 0.0, 1.0]])

    np.testing.assert_array_equal(least_variance(table), np.full(3, 0.2))
    np.testing.assert_array_equal(least_variance(np.full((3, 2), np.nan)), np.full(2, 0.2))


def test_graded_outcomes_have_their_share_of_it():
    rng = np.random.default_rng(0)
    trials = rng.binomial(4, 0.5, (2000, 1)) / 4
    mixed = np.hstack([rng.integers(0, 2, (2000, 1)), trials])

    np.testing.assert_allclose(least_variance(mixed), [0.2, 0.05], rtol=0.05)
    assert least_variance(np.array([[0.5, np.nan], [np.nan, 0.7]])) == pytest.approx([0.2, 0.2])  # nothing repeats


def thin_log(seed: int):
    """Draw forecasts and a log with one run, of 0 or 1, per query."""
    rng = np.random.default_rng(seed)
    queries, points = int(rng.integers(20, 80)), int(rng.integers(2, 9))
    logged = np.full((queries, points), np.nan)
    rows = np.arange(queries)
    logged[rows, rng.integers(points, size=queries)] = rng.random(queries) < rng.choice([0.5, 0.95, 1.0])
    cost = np.where(np.isnan(logged), np.nan, rng.random((queries, points)))
    return Forecast(rng.random((queries, points)), rng.random((queries, points))), logged, cost


@pytest.mark.parametrize("seed", range(30))
def test_no_value_on_a_thin_log_is_surer_than_its_effective_queries_allow(seed):
    forecast, logged, cost = thin_log(seed)
    values = [calibrate(forecast, logged, cost, target).estimate for target in (MinQuality(0.5), BestTrade(1.0))]
    values += [calibrate(forecast, logged, cost, MaxCost(usd)).estimate for usd in (0.2, 0.5)]
    values += curve(forecast, logged, cost)

    for value in values:
        effective = sum(
            float((weight * ~np.isnan(logged[np.arange(len(logged)), point])).sum())
            for weight, point in value.rule.action_probabilities(forecast)
        )
        least = Z90 * (0.2 / effective) ** 0.5 if effective else np.inf
        assert value.quality_low <= max(value.quality - least, 0.0) + 1e-9
        assert value.quality_high >= min(value.quality + least, 1.0) - 1e-9


@pytest.mark.parametrize("value", [0.75, 0.1 + 0.2, 1e-9, 0.999999])
def test_equal_graded_outcomes_promise_no_certainty(value):
    few, many = least_variance(np.full((25, 2), value)), least_variance(np.full((2500, 2), value))

    assert (few >= 0.05).all()
    assert (many <= few).all() and (many > 0).all()
    low = value_of(np.full(25, value), Evidence(np.array([25.0]), few[:1])).quality_low
    assert low < value - 0.05 or low == 0


def value_at_costs(cost, runs, *, forecast=None):
    cost = np.asarray(cost, float)
    some = np.full(len(cost), 0.5)
    return estimate_value(
        PriceRule(0.0, 0.0),
        logged=Chosen(some, cost),
        forecast=Chosen(some, cost if forecast is None else np.full(len(cost), forecast)),
        mean_quality=0.5,
        mean_cost_usd=float(cost.mean()),
        evidence=Evidence(np.asarray(runs, float), np.full(len(runs), QUALITY_VARIANCE)),
    )


def test_choices_by_the_query_widen_the_interval_of_cost():
    cost = np.tile([0.01, 0.03], 200)
    sampling = cost.std(ddof=1) / 400**0.5 / cost.mean()

    by_query = value_at_costs(cost, [200, 200])

    reach = Z90 * np.hypot(CHOICE_FACTOR * sampling, CHOICE_ERROR)
    assert np.log(by_query.cost_usd_high / 0.02) == pytest.approx(reach)
    assert np.log(0.02 / by_query.cost_usd_low) == pytest.approx(reach)
    for fixed in (value_at_costs(cost, [400, 0]), value_at_costs(cost, [200, 200], forecast=0.02)):
        assert np.log(fixed.cost_usd_high / 0.02) == pytest.approx(Z90 * sampling)
