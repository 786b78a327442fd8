"""Cover of the shift's interval, and the error of its date: python experiments/drift/intervals.py [--streams 100]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from worlds import DROP, WORLDS, draw

from paretoroute.evaluation.drift.detector import DROPS, SPREAD_WEIGHT, Detector, Mean, Moment, Score
from paretoroute.evaluation.drift.monitor import FALSE_ALARMS, HORIZON_CALLS
from paretoroute.evaluation.drift.reference import quality_sd
from paretoroute.evaluation.drift.report import shift_between
from paretoroute.evaluation.drift.streams import SHARES

CHANGE = 1_500
MOST = 4_000
LATER = 500
CELLS = 1_000


def main() -> None:
    """Print a row per world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    print("| world | detected | cover at the alarm | mean, points | cover 500 calls later | mean | date off by |")
    print("|---|---|---|---|---|---|---|")
    for world in WORLDS:
        print(measured(world, options.streams, np.random.default_rng(options.seed)), flush=True)


def measured(world: str, size: int, chance: np.random.Generator) -> str:
    """Follow streams with a drop until 500 calls after the alarm."""
    streams = draw(world, (size, CHANGE + MOST), chance, drop_at=CHANGE)
    sample = draw(world, (size, CELLS), chance)
    unit = DROP * float(np.mean(1 / quality_sd(sample.forecast)))
    at_alarm, later, dates = [], [], []
    for row in range(size):
        score = (sample.quality[row] - sample.forecast[row]) / quality_sd(sample.forecast[row])
        level = float((sample.quality[row] - sample.forecast[row]).mean())
        means = {"": Mean(CELLS, float(score.mean()))}
        threshold = HORIZON_CALLS / (FALSE_ALARMS * SHARES["quality"])
        detector = Detector(unit, Mean(SPREAD_WEIGHT, float((score**2).mean())), threshold, DROPS, means, CELLS)
        for t in range(CHANGE + MOST):
            forecast, quality = float(streams.forecast[row, t]), float(streams.quality[row, t])
            sd = float(quality_sd(np.array(forecast)))
            value, residual = (quality - forecast) / sd, quality - forecast - level
            detector.see(Score("", value, -forecast / sd, (1 - forecast) / sd, residual), Moment(t, None))
            if detector.alarm is None or detector.alarm.call <= CHANGE:
                continue
            if t + 1 in (detector.alarm.call, detector.alarm.call + LATER):
                before = detector.alarm.start.before
                shift = shift_between(before, detector.totals.minus(before), reference=CELLS)
                (at_alarm if t + 1 == detector.alarm.call else later).append(shift)
            if t + 1 == detector.alarm.call + LATER:
                dates.append(abs(detector.alarm.start.call - CHANGE))
                break
    found, off = len(at_alarm) / size, np.median(dates)
    figures = f"{cover(at_alarm):.2f} | {mean(at_alarm):+.1f} | {cover(later):.2f} | {mean(later):+.1f}"
    return f"| {world} | {found:.0%} | {figures} | {off:.0f} calls |"


def cover(shifts) -> float:
    """Return the share of intervals with the true drop."""
    return float(np.mean([shift.low <= -DROP <= shift.high for shift in shifts]))


def mean(shifts) -> float:
    """Return the mean estimate in points."""
    return 100 * float(np.mean([shift.value for shift in shifts]))


if __name__ == "__main__":
    main()
