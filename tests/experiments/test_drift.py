"""The detectors of experiments/drift: the package's own for many streams, and planted faults that alarm."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from paretoroute.evaluation.drift.detector import DROPS, SPREAD_WEIGHT, Detector, Mean, Moment, Score
from paretoroute.evaluation.drift.reference import quality_sd

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "drift"
NAMES = ("detectors", "worlds")
WORLD = "right or wrong, forecasts 0.5 to 0.95"


@pytest.fixture
def drift(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
    for name in NAMES:
        sys.modules.pop(name, None)


def drawn(drift, calls: int, *, streams: int, seed: int, **options):
    some = drift.worlds.draw(WORLD, (streams, calls), np.random.default_rng(seed), **options)
    return some, (some.quality - some.forecast) / quality_sd(some.forecast)


def test_many_streams_at_once_are_reported_when_the_package_reports_each(drift):
    _, reference = drawn(drift, 300, streams=6, seed=1)
    streams, score = drawn(drift, 1200, streams=6, seed=2, drop_at=0)
    score = score - 0.3 * (np.arange(6) > 1)[:, None]

    reported = drift.detectors.betting(score, reference, forecast=streams.forecast, unit=0.17, threshold=1e4)

    for row in range(6):
        square = float((reference[row] ** 2).mean())
        means = {"a": Mean(300.0, float(reference[row].mean()))}
        own = Detector(0.17, Mean(SPREAD_WEIGHT, square), 1e4, DROPS, means, 300.0)
        for t in range(1200):
            forecast = float(streams.forecast[row, t])
            sd = float(quality_sd(np.array(forecast)))
            value = float(score[row, t])
            own.see(Score("a", value, -forecast / sd, (1 - forecast) / sd, value), Moment(t, None))
        assert (own.alarm.call - 1 if own.alarm else -1) == reported[row]
    assert (reported >= 0).sum() >= 4


def test_a_peeked_test_fails_where_the_detector_holds(drift):
    _, reference = drawn(drift, 500, streams=200, seed=3)
    streams, score = drawn(drift, 3000, streams=200, seed=4)

    peeked = (drift.detectors.peeked_test(score, reference, every=50) >= 0).mean()
    held = drift.detectors.betting(score, reference, forecast=streams.forecast, unit=0.17, threshold=3000 / 0.05)

    assert peeked > 0.15
    assert (held >= 0).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_sample_that_spreads_less_fools_ranks_and_not_the_package(drift):
    chance = np.random.default_rng(23)
    quarters = drift.worlds.draw("graded in quarters (sd 0.20)", (20, 600), chance)
    streams = drift.worlds.draw("right or wrong, all queries at 0.8", (20, 5000), chance)
    score, reference = ((s.quality - s.forecast) / quality_sd(s.forecast) for s in (streams, quarters))
    bets = {"unit": 0.125, "threshold": 5000 / 0.05}

    ranks = drift.detectors.conformal(score, reference, **bets, chance=chance)
    own = drift.detectors.betting(score, reference, **bets, forecast=streams.forecast)

    assert (ranks >= 0).mean() > 0.3
    assert (own >= 0).mean() <= 0.1


def test_every_detector_finds_a_collapse(drift):
    _, reference = drawn(drift, 400, streams=20, seed=5)
    streams, score = drawn(drift, 1500, streams=20, seed=6)
    chance = np.random.default_rng(7)
    fails = (np.arange(1500) >= 500) & (chance.random(score.shape) < 0.5)
    score = np.where(fails, -streams.forecast / quality_sd(streams.forecast), score)
    bets = {"forecast": streams.forecast, "unit": 0.17, "threshold": 1e6}

    found = (
        drift.detectors.betting(score, reference, **bets),
        drift.detectors.betting(score, reference, **bets, tolerance=2.0),
        drift.detectors.conformal(score, reference, unit=0.17, threshold=1e6, chance=chance),
        drift.detectors.windowed(score, reference, threshold=6.0),
    )

    for reported in found:
        assert ((reported > 500) & (reported < 700)).all()


def test_log_ratios_have_mean_1_as_factors_where_nothing_changes(drift):
    for world in drift.worlds.WORLDS:
        stable = drift.worlds.draw(world, (100, 1000), np.random.default_rng(8))
        dropped = drift.worlds.draw(world, (100, 1000), np.random.default_rng(9), drop_at=500)

        assert np.exp(stable.log_ratios).mean() == pytest.approx(1.0, abs=0.01)
        means = (dropped.quality - dropped.forecast).mean(axis=0)
        assert means[:500].mean() == pytest.approx(0.0, abs=0.01)
        assert means[500:].mean() == pytest.approx(-0.05, abs=0.01)
