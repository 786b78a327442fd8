"""Compare matrix completion with means on missing blocks: python experiments/blocks/run.py RUNS... [--models 6].

Some logs lack whole kinds of queries for a model. The queries that the least logged point lacks are hidden from one
other point at a time. The hidden cells are imputed by the point's mean and by matrix completion, and both are compared
with the logged outcomes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log

from paretoroute.fitting.methods import matrix_completion

LEAST_MISSING = 0.05  # share of the queries that the least logged point lacks
MOST_MISSING = 0.01  # share of the hidden queries that a compared point may lack


def compare(quality: np.ndarray, count: np.ndarray, points, hidden: np.ndarray, j: int) -> float:
    """Hide a block of one point, print both imputations, and return the reduction of the squared error."""
    cells, trials = quality.copy(), count.copy()
    rows = hidden & (count[:, j] > 0)
    cells[rows, j], trials[rows, j] = np.nan, 0.0
    completion = matrix_completion.complete(cells, trials, points, rising=True, seed=0)
    truth = quality[rows, j]
    imputed, mean = (completion.base + completion.residual)[rows, j], float(np.nanmean(cells[:, j]))
    error, error_of_mean = (imputed - truth) ** 2, (mean - truth) ** 2
    gain = error_of_mean - error
    reach = 1.645 * gain.std() / len(gain) ** 0.5
    print(
        f"  {points[j].name:44s} logged {truth.mean():.3f}, matrix completion {imputed.mean():.3f}, mean elsewhere "
        f"{mean:.3f}; squared error of a cell {error.mean():.3f} against {error_of_mean.mean():.3f}, lower by "
        f"{gain.mean():.4f} [{gain.mean() - reach:.4f}, {gain.mean() + reach:.4f}]",
        flush=True,
    )
    return float(gain.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "runs", nargs="+", help="Parquet files, or folders with an outcomes.parquet; several make one log"
    )
    parser.add_argument("--models", type=int, default=6, help="points to compare, evenly from the best to the worst")
    args = parser.parse_args()
    runs = read_log(*args.runs)
    quality, count = runs.means("quality")
    missing = (count == 0).mean(0)
    least = int(missing.argmax())
    if missing[least] < LEAST_MISSING:
        raise SystemExit("every point is logged for nearly all queries: there is no missing block to compare on")
    hidden = count[:, least] == 0
    logged = np.flatnonzero((count[hidden] > 0).mean(0) > 1 - MOST_MISSING)
    logged = logged[np.argsort(-np.nanmean(quality[:, logged], axis=0))]
    compared = logged[np.linspace(0, len(logged) - 1, min(args.models, len(logged))).astype(int)]
    print(f"{len(runs.query_ids)} queries, {len(runs.points)} points; {hidden.sum()} lack {runs.points[least].name}")
    gains = [compare(quality, count, runs.points, hidden, j) for j in compared]
    print(f"  matrix completion has the smaller squared error at {np.sum(np.array(gains) > 0)} of {len(gains)} points")


if __name__ == "__main__":
    main()
