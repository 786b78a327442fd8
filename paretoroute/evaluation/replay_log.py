"""A log prepared for off-policy estimates: outcomes, weights and clusters on the points of a policy's grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.calibration.off_policy.clusters import group_numbers
from paretoroute.calibration.off_policy.estimators import OffPolicyLog
from paretoroute.calibration.off_policy.recalibration import recalibrated_amount, recalibrated_quality
from paretoroute.evaluation.logged_cells import LoggedCells, logged_cells
from paretoroute.evaluation.planned_calls import PlannedCalls
from paretoroute.fitting.partial_logs.propensities import Propensities
from paretoroute.grid import Grid
from paretoroute.runs.align import grid_columns
from paretoroute.runs.folds import folds, groups_of
from paretoroute.runs.table import Runs

FOLDS = 5
LEAST_TENANTS = 20  # with fewer, an interval by tenants rests on too few numbers

Figure = Literal["quality", "cost_usd", "latency_s"]


@dataclass(frozen=True)
class ReplayLog:
    """A log beside a grid, ``(queries, points)`` each.

    Args:
        cells: mean logged outcomes, NaN where nothing was logged.
        weight: inverse chance of the logged cells, 0 elsewhere.
        chance: with which each cell was logged; 0 at points that the log does not have.
        supported: whether the log can speak for a point at a query.
        is_full: whether every query was logged at every point that the log has.
        fold: of the queries, for forecasts that have not seen them, ``(queries,)``.
        clusters: by tenant or conversation, numbered from 0, ``(queries,)``; None where neither was logged.
    """

    cells: LoggedCells
    weight: Floats
    chance: Floats
    supported: Mask
    is_full: bool
    fold: NDArray[np.int64]
    clusters: Indices | None

    @property
    def has_runs(self) -> Mask:
        """Which points of the grid have runs in the log, ``(points,)``."""
        return self.weight.sum(axis=0) > 0

    def take(self, rows: Indices) -> ReplayLog:
        """Keep some queries."""
        cells = LoggedCells(self.cells.quality[rows], self.cells.cost_usd[rows], self.cells.latency_s[rows])
        return replace(
            self,
            cells=cells,
            weight=self.weight[rows],
            chance=self.chance[rows],
            supported=self.supported[rows],
            fold=self.fold[rows],
            clusters=None if self.clusters is None else np.unique(self.clusters[rows], return_inverse=True)[1],
        )

    def beside(self, calls: PlannedCalls, figure: Figure = "quality") -> OffPolicyLog:
        """Return the log beside a policy's calls, with its forecasts recalibrated on the other folds.

        Where a figure was not logged in some cells, the others of the point weigh more.
        """
        outcome: Floats = getattr(self.cells, figure)
        logged, with_outcome = self.weight.sum(axis=0), np.where(np.isnan(outcome), 0.0, self.weight).sum(axis=0)
        rise = np.divide(logged, with_outcome, out=np.zeros_like(with_outcome), where=with_outcome > 0)
        recalibrated: Callable[[Floats, Floats, NDArray[np.int64]], Floats] = (
            recalibrated_quality if figure == "quality" else recalibrated_amount
        )
        forecast = np.nan_to_num(getattr(calls, figure))
        return OffPolicyLog(
            action=self.action(calls),
            weight=np.where(np.isnan(outcome), 0.0, self.weight * rise),
            outcome=outcome,
            forecast=recalibrated(forecast, outcome, self.fold),
            groups=self.clusters,
        )

    def action(self, calls: PlannedCalls) -> Floats:
        """Return the probabilities of a policy's calls; on a full log the calls that it draws for these ids."""
        if not self.is_full or calls.drawn is None:
            return calls.action
        rows, drawn = np.arange(len(calls.action)), np.zeros_like(calls.action)
        drawn[rows, calls.drawn] = calls.action[rows, calls.drawn] > 0
        return drawn


def replay_log(runs: Runs, grid: Grid, propensities: Propensities, *, features: Floats) -> ReplayLog:
    """Place a log's outcomes and weights on a grid.

    Args:
        runs: the log.
        grid: of the policy.
        propensities: of the log.
        features: of its queries, ``(queries, width)``.

    Raises:
        RunsError: none of the grid's points is in the log.
    """
    column = grid_columns(runs, grid)

    def by_grid(table: Floats) -> Floats:
        placed = np.zeros((len(table), len(grid.points)))
        placed[:, column[column >= 0]] = table[:, column >= 0]
        return placed

    supported = propensities.probability > 0
    if propensities.looks:
        labels = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
        chance = propensities.policy.probabilities(features, labels)
        supported = chance >= propensities.policy.least_chance
    return ReplayLog(
        cells=logged_cells(runs, grid),
        weight=by_grid(propensities.weight),
        chance=by_grid(propensities.probability),
        supported=by_grid(supported.astype(np.float64)) > 0,
        is_full=propensities.source == "full",
        fold=folds(groups_of(runs), FOLDS, seed=0),
        clusters=_clusters(runs),
    )


def _clusters(runs: Runs) -> Indices | None:
    """Return the clusters of queries: their tenants, or where those are few or not logged their conversations."""
    for column in (runs.tenants, runs.conversations):
        names = {name for name in column if name is not None}
        if names and (column is runs.conversations or len(names) >= LEAST_TENANTS):
            return group_numbers([f"id {i}" if name is None else f"in {name}" for i, name in enumerate(column)])
    return None
