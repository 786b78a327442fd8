"""Intervals of the points' mean qualities: textbook cases, and whether they hold the truth as often as they say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from paretoroute.calibration.intervals import Z90
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.calibration.point_means import mean_qualities
from paretoroute.forecast import Forecast
from paretoroute.surface.traffic import LogSupport


def outcomes_of(logged, forecast=0.5):
    """Return outcomes of logged qualities, NaN where nothing was logged, at a constant cost."""
    logged = np.asarray(logged, float)
    quality = np.broadcast_to(np.asarray(forecast, float), logged.shape)
    return LoggedOutcomes(Forecast(quality, np.ones(logged.shape)), logged, np.ones(logged.shape), logged, logged)


def partly_logged(logged, forecast, weight):
    """Return outcomes of a partial log, with forecasts that saw no outcome of the query."""
    points = np.zeros(logged.shape[1], np.float32)
    support = LogSupport(
        weight=weight.astype(np.float32),
        is_supported=None,
        looks=False,
        is_estimated=False,
        quality_error=points,
        cost_error=points,
        fold=np.zeros(len(logged), np.int8),
        deployed_quality=forecast.astype(np.float32),
        deployed_amount=np.ones(logged.shape, np.float32),
    )
    return replace(outcomes_of(logged, forecast), support=support)


def test_where_all_is_logged_as_yes_or_no_it_is_the_textbook_interval():
    logged = np.array([[1.0, 0.0]] * 30 + [[0.0, 0.0]] * 10 + [[1.0, 1.0]] * 10)

    found = mean_qualities(outcomes_of(logged))

    for interval, share in zip(found, (0.8, 0.2), strict=True):
        # (p - q)^2 = z^2 q (1 - q) / 50 at both ends.
        assert interval.value == pytest.approx(share)
        for end in (interval.low, interval.high):
            assert (share - end) ** 2 == pytest.approx(Z90**2 * end * (1 - end) / 50)


def test_where_all_outcomes_are_alike_it_still_has_a_width():
    (always, never) = mean_qualities(outcomes_of(np.tile([1.0, 0.0], (20, 1))))

    # The exact one-sided bound of 20 right answers of 20.
    assert always.high == 1.0 and never.low == 0.0
    assert always.low == pytest.approx(beta.ppf(0.05, 20, 1), abs=0.03)
    assert never.high == pytest.approx(1 - always.low)


def test_repeats_of_a_query_count_by_how_far_they_disagree_and_not_as_queries():
    once = np.random.default_rng(0).integers(0, 2, (60, 1)).astype(float)
    halves = np.vstack([np.tile([0.5], (30, 1)), once[:30]])  # a query's repeats arrive as their mean

    single, repeated, twice = (mean_qualities(outcomes_of(t))[0] for t in (once, halves, np.vstack([once, once])))

    width, narrower, narrowest = (found.high - found.low for found in (single, repeated, twice))
    assert narrowest == pytest.approx(width / 2**0.5, rel=0.02)  # as 120 queries
    assert narrower == pytest.approx(width / 2**0.5, rel=0.1)  # half of the queries do not vary


def test_few_runs_are_drawn_to_the_forecast_and_many_are_not():
    few, many = np.full((400, 2), np.nan), np.full((400, 2), np.nan)
    few[:, 1] = many[:, 1] = np.arange(400) % 2
    few[:2, 0], many[:, 0] = 1.0, 1.0

    (two, _), (all_of_them, _) = mean_qualities(outcomes_of(few, 0.4)), mean_qualities(outcomes_of(many, 0.4))

    # Two of 400 count themselves; the others are moved by 2 / (2 + 4) of what the forecasts were off, 0.6.
    assert two.value == pytest.approx((2 * 1.0 + 398 * (0.4 + 0.2)) / 400)
    assert two.low < 0.4 and two.high > 0.8
    assert all_of_them.value == 1.0


def test_a_point_that_was_never_logged_rests_on_its_forecast():
    logged = np.column_stack([np.arange(100) % 2, np.full(100, np.nan)])

    (_, unknown) = mean_qualities(outcomes_of(logged, [[0.5, 0.7]]))

    assert unknown.value == pytest.approx(0.7)
    assert unknown.high - unknown.low > 0.5


def test_forecasts_that_tell_the_outcomes_narrow_the_interval_of_a_partly_logged_point():
    chance = np.random.default_rng(1)
    truth = chance.integers(0, 2, (1000, 1)).astype(float)
    logged = np.where(chance.random((1000, 1)) < 0.1, truth, np.nan)

    (told,) = mean_qualities(outcomes_of(logged, 0.1 + 0.8 * truth))
    (untold,) = mean_qualities(outcomes_of(logged, 0.5))

    assert told.high - told.low < 0.6 * (untold.high - untold.low)


def test_nine_in_ten_intervals_of_a_partial_log_hold_the_truth_where_queries_differ_much():
    chance, share = np.random.default_rng(3), np.array([0.7, 0.3])

    def drawn(queries):
        return np.clip(np.array([0.6, 0.5]) + chance.normal(0, 0.4, (queries, 1)), 0.02, 0.98)

    truth, held = drawn(400_000).mean(0), []
    for _ in range(600):
        odds = drawn(300)
        picked = np.arange(2) == (chance.random((300, 1)) < share[1])
        logged = np.where(picked, chance.random(odds.shape) < odds, np.nan)
        found = mean_qualities(partly_logged(logged, odds, np.where(picked, 1 / share, 0.0)))
        held.append([one.low <= mean <= one.high for one, mean in zip(found, truth, strict=True)])

    assert 0.87 <= np.mean(held) <= 0.93


CASES = [
    (30, 1.0, 1, (0.5, 0.9), 0.05), (30, 1.0, 1, (0.97, 0.8), 0.05), (200, 1.0, 1, (0.3, 0.6), 0.05),
    (60, 1.0, 4, (0.5, 0.9), 0.05), (400, 0.2, 1, (0.5, 0.9), 0.05), (400, 0.02, 1, (0.5, 0.7), 0.2),
]  # fmt: skip


@pytest.mark.parametrize(("queries", "share", "repeats", "truth", "off"), CASES)
def test_nine_in_ten_intervals_hold_the_truth(queries, share, repeats, truth, off):
    chance = np.random.default_rng(2)
    held = []
    for _ in range(600):
        # Queries differ in difficulty, and forecasts know a part of it but neither the level nor the outcome.
        easy = chance.normal(0, 0.05, (queries, 1))
        odds = np.clip(np.array(truth) + easy, 0, 1)
        quality = chance.binomial(repeats, odds) / repeats
        logged = np.where(chance.random(odds.shape) < share, quality, np.nan)
        table = outcomes_of(logged, np.clip(np.array(truth) + off + easy, 0, 1))
        held.append([found.low <= odd <= found.high for found, odd in zip(mean_qualities(table), truth, strict=True)])

    # 90% of 600, give or take what a yes or no leaves between its steps.
    assert 0.85 <= np.mean(held) <= 0.97
