"""Whether the intervals of the points' mean qualities hold the truth as often as they say.

The log is the population, so the truth is known: a point's mean over all of its queries. Four ways to see less of it:

- a random half of the queries. A half of a finite population is off by sqrt(1 - 1/2) of what it would be off from an
  endless one, for which the interval is made, so its ends are drawn to the estimate by as much;
- 30 or 200 queries drawn with replacement, as from endless traffic: nothing is corrected;
- 300 queries with 10% of the cells logged, fitted as a user would: the interval stands in the policy's file, and leans
  on the surface's forecasts in the holes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled  # noqa: E402

import paretoroute as pr  # noqa: E402
from paretoroute.calibration.outcomes import LoggedOutcomes  # noqa: E402
from paretoroute.calibration.point_means import mean_qualities  # noqa: E402

SPLITS = 200
DRAWN = (30, 200)
REFITS, REFIT_QUERIES, REFIT_SHARE, REFIT_POINTS = 60, 300, 0.1, 10
REFIT_LOG = "mmlu_pro"


def intervals(quality):
    """Give estimates and ends ``(3, points)`` of fully logged queries; forecasts matter only in holes."""
    means = np.broadcast_to(quality.mean(0), quality.shape)
    nothing = np.ones(quality.shape)
    found = mean_qualities(LoggedOutcomes(pr.Forecast(means, nothing), quality, nothing, quality, nothing))
    return np.array([(one.value, one.low, one.high) for one in found]).T


def held(quality, chance, size, *, replace):
    """Tell, for some draws of queries, whether each point's interval holds its mean: ``(splits, points)``."""
    truth, found = quality.mean(0), []
    kept = 1.0 if replace else (1 - size / len(quality)) ** 0.5
    for _ in range(SPLITS):
        value, low, high = intervals(quality[chance.choice(len(quality), size, replace=replace)])
        found.append((value - kept * (value - low) <= truth) & (truth <= value + kept * (high - value)))
    return np.array(found)


def held_by_fits(runs, seed):
    """Fit sparse logs and tell whether the intervals in the policies' files hold the whole log's means."""
    chance, found, widths = np.random.default_rng(seed), [], []
    columns = np.linspace(0, len(runs.points) - 1, REFIT_POINTS).astype(int)
    truth = dict(zip((p.name for p in runs.points), filled(runs, "quality").mean(0), strict=True))
    for _ in range(REFITS):
        queries = np.zeros(len(runs.query_ids), bool)
        queries[chance.choice(len(queries), REFIT_QUERIES, replace=False)] = True
        some = runs.select(queries)
        rows = np.isin(some.point, columns) & (chance.random(len(some)) < REFIT_SHARE)
        document = pr.fit(sparse(some, rows), seed=0).document
        for entry in document.grid:
            for point in entry.points:
                mean = truth[f"{entry.model}@{point.label}"]
                found.append(point.quality_low <= mean <= point.quality_high)
                widths.append(point.quality_high - point.quality_low)
    return np.array(found), float(np.mean(widths))


def sparse(runs, rows):
    """Keep some rows of a log."""
    names = ("model", "budget_kind", "budget_label", "budget")
    about = [(p.model, p.budget.kind, p.budget.label, p.budget.amount) for p in runs.points]
    kept = [
        dict(zip(names, about[runs.point[i]], strict=True))
        | {"query_id": runs.query_ids[runs.query[i]], "query": runs.texts[runs.query[i]]}
        | {"quality": float(runs.quality[i]), "cost_usd": float(runs.cost_usd[i])}
        for i in np.flatnonzero(rows)
    ]
    import pyarrow as pa

    return pr.read_runs(pa.Table.from_pylist(kept))


def coverage_table(logs):
    """Print how often 90% intervals of the points' means hold the truth."""
    print("\n| log | points | queries seen | splits | intervals that hold the truth | by point |")
    print("|---|---|---|---|---|---|")
    for name, runs in logs.items():
        quality, chance = filled(runs, "quality"), np.random.default_rng(0)
        half = len(quality) // 2
        sizes = [(half, False, f"a half, {half}"), *((size, True, f"{size}, drawn anew") for size in DRAWN)]
        for size, again, words in sizes:
            found = held(quality, chance, size, replace=again)
            ends = f"{found.mean(0).min():.3f} to {found.mean(0).max():.3f}"
            print(f"| {name} | {found.shape[1]} | {words} | {SPLITS} | **{found.mean():.3f}** | {ends} |", flush=True)
        if name == REFIT_LOG:
            found, width = held_by_fits(runs, 0)
            words = f"{REFIT_QUERIES}, {REFIT_SHARE:.0%} of the cells logged, fitted"
            print(f"| {name} | {REFIT_POINTS} | {words} | {REFITS} | **{found.mean():.3f}** | mean width {width:.3f} |")
