"""The runs of a comparison, at points whose cost is known in the training runs of every fold, and their folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.errors import RunsError, shown
from paretoroute.evaluation.routers.data import fill_missing, logged_means
from paretoroute.evaluation.tradeoff_curves import Outcomes
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.fitting.sample import LEAST_QUERIES
from paretoroute.grid import Grid, Price
from paretoroute.runs.align import on_grid
from paretoroute.runs.findings import Finding, texts
from paretoroute.runs.folds import folds as deal
from paretoroute.runs.folds import groups_of
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class Study:
    """The runs at the points that all routers choose from, and the fold of every query.

    Args:
        runs: at the grid's points, in its order.
        grid: points whose cost is known in the training runs of every fold.
        fold: ``(queries,)``.
        outcomes: of the runs; outcomes that were not logged are their point's mean.
        score: of the logged answers, NaN where there is none, ``(queries, points)``.
        latency_s: of the logged calls, NaN where it is unknown, ``(queries, points)``.
        seed: of folds, fits and draws.
        notices: findings about the log.
    """

    runs: Runs
    grid: Grid
    fold: NDArray[np.int64]
    outcomes: Outcomes
    score: Floats
    latency_s: Floats
    seed: int
    notices: tuple[Finding, ...]

    @cached_property
    def groups(self) -> Indices:
        """The group of every query, numbered from 0: queries of one group are resampled together, ``(queries,)``."""
        return np.unique(np.array(groups_of(self.runs)), return_inverse=True)[1].ravel()

    @property
    def folds(self) -> int:
        """The number of folds."""
        return int(self.fold.max()) + 1


def study_of(runs: Runs, grid: Grid | None, prices: Mapping[str, Price] | None, *, folds: int, seed: int) -> Study:
    """Restrict the runs to the points that every fold's training runs know the cost of.

    Raises:
        RunsError: there are too few queries for so many folds, or fewer than two points are left.
        GridError: no point has a known cost.
    """
    if folds < 2:
        raise RunsError(f"comparing needs at least 2 folds, got {folds}")
    if folds > len(runs.query_ids):
        raise RunsError(f"the log has {len(runs.query_ids)} queries, too few for {shown(folds)} folds; ask for fewer")
    read = runs.notices
    runs, counted = billed_totals(runs, {**(grid.prices if grid else {}), **(prices or {})})
    offered, notices = build_grid(runs, grid, prices)
    notices = (*read, *counted, *notices)
    used = on_grid(runs, offered)
    fold = deal(groups_of(used), folds, seed=seed)
    common = _common_points(used, offered, fold, folds)
    if len(common.points) < 2:
        about = f" ({'; '.join(texts(notices))})" if notices else ""
        raise RunsError(
            f"fewer than two points were logged often enough for {folds} folds{about}; log more, or ask for fewer folds"
        )
    if dropped := [point.name for point in offered.points if point not in common.points]:
        text = f"left out, since their cost is unknown in some fold's training runs: {', '.join(dropped[:10])}"
        notices += (Finding("grid", text),)
        used = on_grid(runs, common)
        fold = deal(groups_of(used), folds, seed=seed)
    logged = logged_means(used, common)
    outcomes = Outcomes(fill_missing(logged.quality), fill_missing(logged.cost_usd))
    if not outcomes.cost_usd.mean(0).max() > 0:
        raise RunsError("every call in the log is free, so there is no cost to weigh quality against")
    missing = 1 - float((~np.isnan(logged.quality) & ~np.isnan(logged.cost_usd)).mean())
    if missing > 0:
        text = (
            f"{missing:.0%} of the outcomes were not logged and count as their point's mean, "
            "which draws all differences towards 0"
        )
        notices += (Finding("note", text),)
    score, latency = (used.means(name).mean for name in ("score", "latency_s"))
    return Study(used, common, fold, outcomes, score, latency, seed, notices)


def _common_points(runs: Runs, grid: Grid, fold: NDArray[np.int64], folds: int) -> Grid:
    """Return the points whose cost is known in the training runs of every fold.

    Raises:
        RunsError: a fold is empty or leaves too few queries to learn from.
    """
    for number in range(folds):
        training = fold != number
        if training.all() or training.sum() < LEAST_QUERIES:
            raise RunsError(
                f"{len(runs.query_ids)} queries in {len(set(groups_of(runs)))} groups are too few for {folds} folds: "
                f"every fold needs a query, and the others together {LEAST_QUERIES}; log more, or ask for fewer folds"
            )
        grid, _ = build_grid(runs.select(training), grid)
    return grid
