"""Where a budget lies between two others, by five rules, on the means of points: rules.py RUNS..."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log  # noqa: E402
from run import interior  # noqa: E402

import paretoroute as pr  # noqa: E402
from paretoroute.fitting.methods import matrix_completion  # noqa: E402
from paretoroute.fitting.points.interpolation import along  # noqa: E402

PRIOR = 2.0  # models that the absence of a bend is worth


def rules(runs: pr.Runs) -> list[dict[str, tuple[float, float]]]:
    """Errors of quality and of log tokens of every interior point by every rule."""
    cells, count = runs.means("quality")
    quality = np.nanmean(cells, 0)
    tokens = np.log(np.nanmean(runs.means("completion_tokens")[0], 0))
    place, gaps, found = {point: j for j, point in enumerate(runs.points)}, interior(runs), []

    def miss(values, gap, way):
        low, at, high = (values[place[p]] for p in (gap.below, gap.point, gap.above))
        return at - (1 - way) * low - way * high

    ways = [along(gap, *np.exp([tokens[place[gap.below]], tokens[place[gap.above]]])) for gap in gaps]
    for gap, way in zip(gaps, ways, strict=True):
        low, at, high = gap.places if gap.point.budget.kind == "effort" else np.log1p(gap.places)
        line = (at - low) / (high - low)
        errors = {
            name: (abs(miss(quality, gap, w)), abs(miss(tokens, gap, w)))
            for name, w in (("kept", way), ("straight over the log of the amount", line), ("halfway", 0.5))
        }
        alike = [
            (miss(quality, other, w), 4 * w * (1 - w))
            for other, w in zip(gaps, ways, strict=True)
            if other.point.model != gap.point.model and other.point.budget.kind == gap.point.budget.kind
        ]
        bend = sum(m * h for m, h in alike) / (sum(h**2 for _, h in alike) + PRIOR)
        errors["kept, bent as other models are"] = (abs(miss(quality, gap, way) - bend * 4 * way * (1 - way)), np.nan)
        without, known, j = cells.copy(), count.copy(), place[gap.point]
        without[:, j], known[:, j] = np.nan, 0.0
        pooled = matrix_completion.complete(without, known, runs.points, rising=True, seed=0).base[j]
        errors["the completion's prior"] = (abs(quality[j] - pooled), np.nan)
        found.append(errors)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", help="Parquet files or folders, one log each; 'demo' is the log that ships")
    for path in parser.parse_args().runs:
        errors = rules(pr.demo_runs() if path == "demo" else read_log(path))
        print(f"log {Path(path).name}: {len(errors)} points between two others")
        for name in errors[0]:
            mean = np.mean([one[name] for one in errors], axis=0)
            print(f"  {name}: quality {mean[0]:.4f}, log tokens {mean[1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
