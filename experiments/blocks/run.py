"""What would a model have scored where it was not run? python experiments/blocks/run.py RUNS [--models 6].

Some logs lack whole kinds of queries for a model. The queries that the least logged point lacks are hidden from one
other point at a time, which does have them; the hole is filled by the point's mean and by the fit's completion, and
both are compared with what was logged there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log  # noqa: E402

from paretoroute.fitting.methods import matrix_completion  # noqa: E402

LEAST_MISSING = 0.05
WHOLE = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "runs", nargs="+", help="Parquet files, or folders with an outcomes.parquet; several make one log"
    )
    parser.add_argument("--models", type=int, default=6, help="points to try, evenly from the best to the worst")
    args = parser.parse_args()
    runs = read_log(*args.runs)
    quality, count = runs.means("quality")
    missing = (count == 0).mean(0)
    lacks = int(missing.argmax())
    if missing[lacks] < LEAST_MISSING:
        raise SystemExit("every point was logged for nearly all queries: there is no block to try")
    hidden = count[:, lacks] == 0
    whole = np.flatnonzero((count[hidden] > 0).mean(0) > 1 - WHOLE)
    whole = whole[np.argsort(-np.nanmean(quality[:, whole], axis=0))]
    tried = whole[np.linspace(0, len(whole) - 1, min(args.models, len(whole))).astype(int)]
    print(f"{len(runs.query_ids)} queries, {len(runs.points)} points; {hidden.sum()} lack {runs.points[lacks].name}")
    gains = []
    for j in tried:
        cells, trials = quality.copy(), count.copy()
        rows = hidden & (count[:, j] > 0)
        cells[rows, j], trials[rows, j] = np.nan, 0.0
        full = matrix_completion.complete(cells, trials, runs.points, rising=True, seed=0)
        truth = quality[rows, j]
        fills = {
            "completion": (full.base + full.residual)[rows, j],
            "mean": np.full(len(truth), np.nanmean(cells[:, j])),
        }
        error = {name: (fill - truth) ** 2 for name, fill in fills.items()}
        gain = error["mean"] - error["completion"]
        gains.append(gain.mean())
        reach = 1.645 * gain.std() / len(gain) ** 0.5
        print(
            f"  {runs.points[j].name:44s} logged {truth.mean():.3f}, completion {fills['completion'].mean():.3f}, mean "
            f"{fills['mean'].mean():.3f}; squared error of a cell {error['completion'].mean():.3f} against "
            f"{error['mean'].mean():.3f}, less by {gain.mean():.4f} "
            f"[{gain.mean() - reach:.4f}, {gain.mean() + reach:.4f}]",
            flush=True,
        )
    print(f"  the completion's squared error is smaller for {np.sum(np.array(gains) > 0)} of {len(gains)} points")


if __name__ == "__main__":
    main()
