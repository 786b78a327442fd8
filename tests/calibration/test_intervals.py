"""Intervals: normal, Wilson score and bootstrap."""

import numpy as np
import pytest

from paretoroute.calibration.intervals import normal_interval, resampled, wilson


def test_queries_of_one_group_are_drawn_together():
    values = np.repeat(np.random.default_rng(0).standard_normal(50), 4)[:, None]

    apart, together = (resampled(values, g, seed=0)[0] for g in (np.arange(200), np.repeat(np.arange(50), 4)))

    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2.0, rel=0.1)


def test_a_normal_interval_has_the_textbook_width():
    values = np.random.default_rng(0).standard_normal(100)

    interval = normal_interval(values)

    assert interval.value == values.mean()
    assert interval.high - interval.low == pytest.approx(2 * 1.644853627 * values.std() / 10)


def test_the_interval_of_no_values_is_unknown():
    interval = normal_interval(np.array([]))

    assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_the_ends_of_a_score_interval_hold_the_share_and_keep_within_the_range():
    share = np.linspace(0, 1, 21)

    low, high = wilson(share, np.full(21, 3.0))

    assert (low >= 0).all() and (high <= 1).all()
    assert (low <= share).all() and (share <= high).all()
