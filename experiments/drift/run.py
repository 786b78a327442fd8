"""Measure false alarms on stable streams and the delay until a drop of five points is found; see README.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import detectors
from worlds import DROP, WORLDS, Streams, draw

from paretoroute.evaluation.drift.monitor import FALSE_ALARMS, HORIZON_CALLS
from paretoroute.evaluation.drift.reference import quality_sd
from paretoroute.evaluation.drift.streams import SHARES

MODELS = 4
CALLS = HORIZON_CALLS // MODELS  # of one model in 20 months of 3,000 calls
CHANGE = 3_750  # after five months
AFTER = 3_000
NAMES = ("package", "fixed reference", "conformal", "windowed", "best possible")


def scores(streams: Streams) -> np.ndarray:
    """Return scores as the package has them."""
    return (streams.quality - streams.forecast) / quality_sd(streams.forecast)


def main() -> None:
    """Print a table per world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=400, help="stable streams, and streams with a drop, per world")
    parser.add_argument("--cells", type=int, default=1000, help="cells of the calibration sample per model")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    print("| world | detector | false alarms in 20 months, 4 models | found within 400 calls | median delay | 90% |")
    print("|---|---|---|---|---|---|")
    for world in WORLDS:
        for line in measured(world, options.streams, options.cells, np.random.default_rng(options.seed)):
            print(line, flush=True)


def measured(world: str, size: int, cells: int, chance: np.random.Generator) -> list[str]:
    """Measure every detector in one world."""
    samples = [scores(draw(world, (size, cells), chance)) for _ in range(2)]
    stable = draw(world, (size, CALLS), chance)
    unit = DROP * float(np.mean(1 / quality_sd(stable.forecast)))
    each = 1 - (1 - FALSE_ALARMS * SHARES["quality"]) ** (1 / MODELS)
    # Thresholds by simulation: of the windowed statistic on streams drawn from the reference itself.
    known = samples[0]
    resampled = np.take_along_axis(known, chance.integers(cells, size=stable.forecast.shape), axis=1)
    window = detectors.quantile_of_peaks(detectors.window_statistic(resampled, known), 1 - each)
    best = detectors.quantile_of_peaks(
        detectors.cusum_statistic(draw(world, stable.forecast.shape, chance).log_ratios), 1 - each
    )
    alarms = _reports(stable, samples[0], unit, window, best, chance)
    dropped = draw(world, (size, CHANGE + AFTER), chance, drop_at=CHANGE)
    found = _reports(dropped, samples[1], unit, window, best, chance)
    lines = []
    for name in NAMES:
        false = 1 - (1 - (alarms[name] >= 0).mean()) ** MODELS
        delay = np.asarray(detectors.delays(found[name], CHANGE))
        within, middle, late = (
            (delay <= 400).mean(),
            np.quantile(delay, 0.5, method="lower"),
            np.quantile(delay, 0.9, method="higher"),
        )
        lines.append(f"| {world} | {name} | {false:.3f} | {within:.0%} | {middle:.0f} | {late:.0f} |")
    return lines


def _reports(
    streams: Streams, reference: np.ndarray, unit: float, window: float, best: float, chance: np.random.Generator
) -> dict[str, np.ndarray]:
    score, threshold = scores(streams), HORIZON_CALLS / (FALSE_ALARMS * SHARES["quality"])
    bets = {"forecast": streams.forecast, "unit": unit, "threshold": threshold}
    return {
        "package": detectors.betting(score, reference, **bets),
        "fixed reference": detectors.betting(score, reference, **bets, tolerance=2.0),
        "conformal": detectors.conformal(score, reference, unit=unit, threshold=threshold, chance=chance),
        "windowed": detectors.windowed(score, reference, threshold=window),
        "best possible": detectors.first(detectors.cusum_statistic(streams.log_ratios) >= best),
    }


if __name__ == "__main__":
    main()
