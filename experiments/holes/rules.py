"""Compare five rules that interpolate the mean of a point between two others.

python experiments/holes/rules.py RUNS...
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log
from run import interior

import paretoroute as pr
from paretoroute.fitting.methods import matrix_completion
from paretoroute.fitting.points.interpolation import along
from paretoroute.fitting.points.unlogged import UnloggedPoint

PRIOR = 2.0  # weight of no curvature, in models


@dataclass(frozen=True)
class Error:
    """Absolute errors of the mean of one point: of quality, and of log tokens where the rule predicts them."""

    quality: float
    log_tokens: float = np.nan


def deviation(values: np.ndarray, gap: UnloggedPoint, place: dict, along: float) -> float:
    """Return a point's value minus the line between its neighbours at ``along``."""
    low, at, high = (values[place[point]] for point in (gap.below, gap.point, gap.above))
    return at - (1 - along) * low - along * high


def errors_of(runs: pr.Runs) -> list[dict[str, Error]]:
    """Return the errors of every rule at each interior point."""
    cells, count = runs.means("quality")
    quality = np.nanmean(cells, 0)
    tokens = np.log(np.nanmean(runs.means("completion_tokens")[0], 0))
    place, gaps, results = {point: j for j, point in enumerate(runs.points)}, interior(runs), []
    positions = [along(gap, *np.exp([tokens[place[gap.below]], tokens[place[gap.above]]])) for gap in gaps]
    for gap, position in zip(gaps, positions, strict=True):
        low, at, high = gap.places if gap.point.budget.kind == "effort" else np.log1p(gap.places)
        errors = {
            name: Error(abs(deviation(quality, gap, place, x)), abs(deviation(tokens, gap, place, x)))
            for name, x in (
                ("linear in log tokens", position),
                ("linear in log(1 + amount)", (at - low) / (high - low)),
                ("midpoint", 0.5),
            )
        }
        others = [
            (deviation(quality, other, place, x), 4 * x * (1 - x))
            for other, x in zip(gaps, positions, strict=True)
            if other.point.model != gap.point.model and other.point.budget.kind == gap.point.budget.kind
        ]
        curvature = sum(m * h for m, h in others) / (sum(h**2 for _, h in others) + PRIOR)
        curved = deviation(quality, gap, place, position) - curvature * 4 * position * (1 - position)
        errors["linear in log tokens, curved as other models are"] = Error(abs(curved))
        hidden, trials, j = cells.copy(), count.copy(), place[gap.point]
        hidden[:, j], trials[:, j] = np.nan, 0.0
        prior = matrix_completion.complete(hidden, trials, runs.points, rising=True, seed=0).base[j]
        errors["prior of the matrix completion alone"] = Error(abs(quality[j] - prior))
        results.append(errors)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="Parquet files or folders, one log each; 'demo' is the shipped log")
    for path in parser.parse_args().runs:
        errors = errors_of(pr.demo_runs() if path == "demo" else read_log(path))
        print(f"log {Path(path).name}: {len(errors)} points between two others")
        for name in errors[0]:
            quality = np.mean([one[name].quality for one in errors])
            log_tokens = np.mean([one[name].log_tokens for one in errors])
            print(f"  {name}: quality {quality:.4f}, log tokens {log_tokens:.3f}", flush=True)


if __name__ == "__main__":
    main()
