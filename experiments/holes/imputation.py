"""Compare covariances for the imputation of models with few runs, by the cells that were taken away.

python experiments/holes/imputation.py RUNS... [--kept 50 100] [--seeds 2] [--models 3] (Parquet files or folders, one
log each; ``demo`` is the shipped log). Per 70/30 split, each of the best models in turn keeps its runs, at all its
points, for a few training queries; the squared error is that of its other training cells.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from few_runs import thinned
from logs import filled, read_log, split

import paretoroute as pr
from paretoroute.fitting.methods import gaussian_process

WIDTHS = (0.05, 0.15, 0.5)
CONSTANT = 0.05  # beside the features: it makes queries without a text alike
COVARIANCES: dict[str, tuple[tuple[float, ...], Any]] = {  # widths to choose from, and the covariance but for 1
    "linear (in use)": ((1.0,), lambda line, near, others, s: (1 - s) * line + s * others),
    "linear, product": ((1.0,), lambda line, near, others, s: (1 - s) * line + s * others + line * others / 2),
    "near": (WIDTHS, lambda line, near, others, s: (1 - s) * near + s * others),
    "near, product": (WIDTHS, lambda line, near, others, s: (1 - s) * near + s * others + near * others / 2),
}


class _Captured(Exception):
    """Ends a fit where its quality is about to be imputed."""


def inputs_of(runs: pr.Runs) -> dict[str, Any]:
    """Return what a fit imputes the cells of quality from."""

    def capture(completed: Any, cells: Any, count: Any, features: Any, *, few: Any) -> None:
        raise _Captured({"completed": completed, "cells": cells, "count": count, "features": features, "few": few})

    own, gaussian_process.fill = gaussian_process.fill, capture
    try:
        pr.fit(runs)
    except _Captured as captured:
        return captured.args[0]
    finally:
        gaussian_process.fill = own
    raise SystemExit("the fit imputes nothing")


def kernel_of(features: np.ndarray, name: str) -> Any:
    """Return a covariance in place of the package's; its share is a pair, the share and the width."""
    wide = np.column_stack([features, np.full(len(features), CONSTANT)])
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)

    def kernel(blocks: Any, rows: Any, choice: tuple[float, float]) -> np.ndarray:
        near = np.exp((unit @ unit[rows].T - 1) / choice[1])
        line, others = blocks.text @ blocks.text[rows].T, blocks.others @ blocks.others[rows].T
        return 1.0 + COVARIANCES[name][1](line, near, others, choice[0])

    return kernel


def error(given: dict[str, Any], truth: np.ndarray, name: str) -> float:
    """Return the mean squared error of the cells without a run, by one covariance."""
    own = gaussian_process._Blocks.kernel, gaussian_process.SHARES
    gaussian_process.SHARES = tuple(itertools.product(gaussian_process.SHARES, COVARIANCES[name][0]))
    gaussian_process._Blocks.kernel = kernel_of(given["features"], name)
    found = gaussian_process.fill(**given)
    gaussian_process._Blocks.kernel, gaussian_process.SHARES = own
    missed = (found.base + found.residual - truth) ** 2
    return float(np.nanmean(missed[:, given["few"]][given["count"][:, given["few"]] == 0]))


def main() -> None:
    """Print a line per log and number of kept queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--kept", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--models", type=int, default=3)
    args = parser.parse_args()
    for path in args.runs:
        runs = pr.demo_runs() if path == "demo" else read_log(path, coverage=0.6)
        means = filled(runs, "quality").mean(0)
        models = list(dict.fromkeys(runs.points[j].model for j in np.argsort(-means)))[: args.models]
        for kept in args.kept:
            errors: dict[str, list[float]] = {name: [] for name in COVARIANCES}
            for seed in range(args.seeds):
                train, _ = split(runs, seed)
                truth = inputs_of(train)["cells"]
                for model in models:
                    given = inputs_of(thinned(train, model, kept, seed))
                    for name, own in errors.items() if given["few"].any() else ():
                        own.append(error(given, truth, name))
            shown = "; ".join(f"{name} {np.mean(own):.4f}" for name, own in errors.items() if own)
            print(f"{Path(path).name}, {kept} queries: {shown or 'nothing to impute'}", flush=True)


if __name__ == "__main__":
    main()
