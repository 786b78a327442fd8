"""The detector against a plain version of its formulas, its guarantee by simulation, and its state."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.evaluation.drift.detector import (
    BOTH_WAYS,
    DROPS,
    LEAST_FACTOR,
    Detector,
    Mean,
    Moment,
    Score,
    Totals,
)


def make(*, cells: float = 200.0, mean: float = 0.0, unit: float = 0.2, threshold: float = 1e9, bets=DROPS) -> Detector:
    return Detector(
        unit=unit,
        spread=Mean(50.0, 1.0),
        threshold=threshold,
        bets=bets,
        means={"a": Mean(cells, mean)} if cells else {},
        reference=cells,
    )


def feed(detector: Detector, values, *, bound: float = 3.0, first: int = 0) -> Detector:
    for i, value in enumerate(values):
        detector.see(Score("a", float(value), -bound, bound, float(value)), Moment(first + i, None))
    return detector


def peak_by_definition(values, *, cells: float, unit: float, bound: float) -> float:
    """Sum over all starts the product of the factors since, for each size of bet, and take the largest mixture."""
    means, squares = [0.0], [1.0]
    for t, value in enumerate(values):
        means.append((means[-1] * (cells + t) + value) / (cells + t + 1))
        squares.append((squares[-1] * (50 + t) + value**2) / (51 + t))
    factors = []
    for t, value in enumerate(values):
        root = math.sqrt((cells + t) / (cells + t + 1))
        row = []
        for size in DROPS.sizes:
            bet = size * unit / squares[t]
            worst = (bound - means[t]) * root if bet < 0 else (means[t] + bound) * root
            bet = math.copysign(min(abs(bet), (1 - LEAST_FACTOR) / worst), bet)
            row.append(1 + bet * (value - means[t]) * root)
        factors.append(row)
    table = np.array(factors)
    peaks = [
        sum(np.prod(table[start : end + 1], axis=0) @ np.array(DROPS.shares) for start in range(end + 1))
        for end in range(len(values))
    ]
    return max(peaks)


def test_the_peak_is_that_of_the_definition():
    values = np.random.default_rng(3).uniform(-2, 2, 40)

    detector = feed(make(cells=30, unit=0.4), values)

    assert detector.peak == pytest.approx(peak_by_definition(values, cells=30, unit=0.4, bound=3.0), rel=1e-9)


def test_bets_share_the_whole_capital():
    assert sum(DROPS.shares) == pytest.approx(1.0)
    assert sum(BOTH_WAYS.shares) == pytest.approx(1.0)


@pytest.mark.parametrize("mean", [-0.5, 0.0, 0.3])
def test_stable_streams_stay_under_the_threshold_whatever_their_mean(mean):
    # P(alarm within T calls) <= T / c = 0.1; the mean of the sample is as uncertain as that of 60 cells.
    chance, alarms, streams, calls = np.random.default_rng(5), 0, 150, 600
    for _ in range(streams):
        sample = chance.choice([-1.5, 0.5], 60, p=[0.25, 0.75]) + mean
        detector = make(cells=60, mean=float(sample.mean()), threshold=calls / 0.1)
        feed(detector, chance.choice([-1.5, 0.5], calls, p=[0.25, 0.75]) + mean)
        alarms += detector.alarm is not None

    assert alarms <= 0.1 * streams + 3 * math.sqrt(0.1 * 0.9 * streams)


def test_a_known_mean_in_place_of_a_sampled_one_alarms_on_stable_streams():
    """A planted fault: the sample's mean taken for the truth, by giving it a great many cells."""
    chance, alarms = np.random.default_rng(6), 0
    for _ in range(40):
        sample = chance.standard_normal(60).clip(-2.9, 2.9)
        detector = make(cells=1e9, mean=float(sample.mean()), threshold=6000.0)
        feed(detector, chance.standard_normal(3000).clip(-2.9, 2.9))
        alarms += detector.alarm is not None

    assert alarms > 0.1 * 40 + 3 * math.sqrt(0.1 * 0.9 * 40)


@pytest.mark.parametrize(("bets", "shift"), [(DROPS, -0.5), (BOTH_WAYS, 0.6), (BOTH_WAYS, -0.6)])
def test_a_shift_is_detected_and_dated(bets, shift):
    chance = np.random.default_rng(8)
    detector = feed(make(threshold=1e6, bets=bets), chance.standard_normal(2000).clip(-2, 2))
    assert detector.alarm is None

    feed(detector, (chance.standard_normal(600) + shift).clip(-2.9, 2.9), first=2000)

    assert detector.alarm is not None
    assert 2000 < detector.alarm.call < 2400
    assert abs(detector.alarm.start.call - 2000) < 60
    before = detector.alarm.start.before
    assert detector.totals.minus(before).mean == pytest.approx(shift, abs=0.2)
    assert abs(before.mean) < 0.1


def test_a_wider_spread_than_that_of_the_sample_is_no_shift():
    """The sample of a log with repeats has means of several runs, which spread less than single calls."""
    chance, alarms = np.random.default_rng(9), 0
    for _ in range(40):
        detector = Detector(0.25, Mean(50.0, 0.04), 3000 / 0.1, DROPS, {"a": Mean(500.0, 0.0)}, 500.0)
        feed(detector, chance.choice([-2.0, 0.5], 3000, p=[0.2, 0.8]), bound=2.5)
        alarms += detector.alarm is not None

    assert alarms <= 0.1 * 40 + 3 * math.sqrt(0.1 * 0.9 * 40)


def test_a_group_without_a_sample_learns_its_mean_from_its_calls():
    detector = make(cells=0)

    feed(detector, [2.5] * 300)

    assert detector.peak < 301
    assert detector.means["a"].value == pytest.approx(2.5)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=60))
def test_capital_is_never_negative_and_a_state_goes_on_as_if_nothing_had_happened(values):
    straight, cut = make(unit=2.0), make(unit=2.0)
    half = len(values) // 2
    feed(straight, values)
    feed(cut, values[:half])

    resumed = make(unit=2.0)
    resumed.restore(json.loads(json.dumps(cut.to_state())))
    feed(resumed, values[half:], first=half)

    assert resumed.to_state() == straight.to_state()
    assert min(straight.to_state()["capital"]) >= 0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=50))
def test_totals_have_the_mean_and_variance_of_numpy(values):
    totals = Totals()
    for value in values:
        totals.add(value)

    assert totals.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert totals.variance == pytest.approx(np.var(values, ddof=1), abs=1e-6)
