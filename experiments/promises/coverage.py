"""Measure the coverage of the intervals of the points' mean qualities.

The log is the population, so the truth is known: a point's mean over all of its queries. There are three samples of it:

- a random half of the queries. In a finite population the error of a half is sqrt(1 - 1/2) of that in an infinite one,
  which the interval assumes, so that the interval is shortened by that factor;
- 30 or 200 queries drawn with replacement, without correction;
- 300 queries with 10% of the cells logged, fitted as a user would: the interval is that of the policy file, and relies
  on the surface's forecasts in missing cells.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled

import paretoroute as pr
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.calibration.point_means import mean_qualities

SPLITS = 200
DRAWN = (30, 200)
REFITS, REFIT_QUERIES, REFIT_SHARE, REFIT_POINTS = 60, 300, 0.1, 10
REFIT_LOG = "mmlu_pro"


def intervals(quality):
    """Return estimates and ends ``(3, points)`` of fully logged queries; forecasts matter only in missing cells."""
    means = np.broadcast_to(quality.mean(0), quality.shape)
    ones = np.ones(quality.shape)
    estimates = mean_qualities(LoggedOutcomes(pr.Forecast(means, ones), quality, ones, quality, ones))
    return np.array([(one.value, one.low, one.high) for one in estimates]).T


def covered(quality, rng, size, *, replace):
    """Draw samples and test whether each point's interval contains its mean: ``(splits, points)``."""
    truth, results = quality.mean(0), []
    scale = 1.0 if replace else (1 - size / len(quality)) ** 0.5
    for _ in range(SPLITS):
        value, low, high = intervals(quality[rng.choice(len(quality), size, replace=replace)])
        results.append((value - scale * (value - low) <= truth) & (truth <= value + scale * (high - value)))
    return np.array(results)


def covered_by_fits(runs, seed):
    """Fit sparse logs and test whether the policies' intervals contain the full log's means; also their mean width."""
    rng, results, widths = np.random.default_rng(seed), [], []
    columns = np.linspace(0, len(runs.points) - 1, REFIT_POINTS).astype(int)
    truth = dict(zip((p.name for p in runs.points), filled(runs, "quality").mean(0), strict=True))
    for _ in range(REFITS):
        queries = np.zeros(len(runs.query_ids), bool)
        queries[rng.choice(len(queries), REFIT_QUERIES, replace=False)] = True
        sample = runs.select(queries)
        rows = np.isin(sample.point, columns) & (rng.random(len(sample)) < REFIT_SHARE)
        document = pr.fit(sparse(sample, rows), seed=0).document
        for entry in document.grid:
            for point in entry.points:
                mean = truth[f"{entry.model}@{point.label}"]
                results.append(point.quality_low <= mean <= point.quality_high)
                widths.append(point.quality_high - point.quality_low)
    return np.array(results), float(np.mean(widths))


def sparse(runs, rows):
    """Keep some rows of a log."""
    columns = ("model", "budget_kind", "budget_label", "budget")
    points = [(p.model, p.budget.kind, p.budget.label, p.budget.amount) for p in runs.points]
    kept = [
        dict(zip(columns, points[runs.point[i]], strict=True))
        | {"query_id": runs.query_ids[runs.query[i]], "query": runs.texts[runs.query[i]]}
        | {"quality": float(runs.quality[i]), "cost_usd": float(runs.cost_usd[i])}
        for i in np.flatnonzero(rows)
    ]
    return pr.read_runs(pa.Table.from_pylist(kept))


def coverage_table(logs):
    """Print the coverage of the points' 90% intervals."""
    print("\n| log | points | queries drawn | splits | coverage of 90% intervals | by point |")
    print("|---|---|---|---|---|---|")
    for name, runs in logs.items():
        quality, rng = filled(runs, "quality"), np.random.default_rng(0)
        half = len(quality) // 2
        sizes = [(half, False, f"half, {half}"), *((size, True, f"{size}, with replacement") for size in DRAWN)]
        for size, replace, label in sizes:
            results = covered(quality, rng, size, replace=replace)
            ends = f"{results.mean(0).min():.3f} to {results.mean(0).max():.3f}"
            print(
                f"| {name} | {results.shape[1]} | {label} | {SPLITS} | **{results.mean():.3f}** | {ends} |", flush=True
            )
        if name == REFIT_LOG:
            results, width = covered_by_fits(runs, 0)
            label = f"{REFIT_QUERIES}, {REFIT_SHARE:.0%} of the cells logged, `fit`"
            print(
                f"| {name} | {REFIT_POINTS} | {label} | {REFITS} | **{results.mean():.3f}** | mean width {width:.3f} |"
            )
