"""The logged surface: mean quality and cost of every point, over all queries and over each kind of query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import Interval, normal_interval, wilson
from paretoroute.evaluation.details.budgets import budget_columns
from paretoroute.evaluation.details.kinds import QueryKind
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.data import LoggedMeans, logged_means


@dataclass(frozen=True)
class SurfacePoint:
    """One point of the surface.

    Args:
        name: ``model@budget_label``.
        model: its row.
        budget: its column, such as "effort low"; the label alone where all budgets are of one kind.
    """

    name: str
    model: str
    budget: str


@dataclass(frozen=True)
class SurfacePart:
    """Logged means over some queries, one per point; None where nothing was logged.

    Args:
        tag: of the queries; None: all of them.
        queries: their number.
        quality: in [0, 1], with the interval of the mean over queries.
        cost_usd: of one call.
    """

    tag: str | None
    queries: int
    quality: tuple[Interval | None, ...]
    cost_usd: tuple[float | None, ...]


@dataclass(frozen=True)
class LoggedSurface:
    """Quality and cost over model and compute.

    Args:
        models: the rows.
        budgets: the columns, less compute first within a kind.
        points: in the order of the grid.
        parts: all queries, then every kind.
    """

    models: tuple[str, ...]
    budgets: tuple[str, ...]
    points: tuple[SurfacePoint, ...]
    parts: tuple[SurfacePart, ...]


def surface_of(study: Study, kinds: Sequence[QueryKind]) -> LoggedSurface:
    """Average the logged outcomes at every point.

    Args:
        study: the log.
        kinds: of query, each a part of its own.
    """
    columns = budget_columns(point.budget for point in study.grid.points)
    points = tuple(
        SurfacePoint(point.name, point.model, columns[point.budget.kind, point.budget.label])
        for point in study.grid.points
    )
    logged = logged_means(study.runs, study.grid)
    everything = QueryKind("", np.ones(len(study.runs.query_ids), dtype=bool))
    parts = (_part(None, everything, logged), *(_part(kind.tag, kind, logged) for kind in kinds))
    models = tuple(dict.fromkeys(point.model for point in points))
    return LoggedSurface(models, tuple(columns.values()), points, parts)


def _part(tag: str | None, kind: QueryKind, logged: LoggedMeans) -> SurfacePart:
    quality, cost = logged.quality[kind.rows].T, logged.cost_usd[kind.rows].T
    return SurfacePart(tag, int(kind.rows.sum()), tuple(map(_interval, quality)), tuple(map(_mean, cost)))


def _interval(values: Floats) -> Interval | None:
    """Return the normal interval of a mean; where all values are equal, its width is that of the score interval."""
    logged = values[~np.isnan(values)]
    if not len(logged):
        return None
    normal = normal_interval(logged)
    if normal.high > normal.low:
        return normal
    ends = wilson(np.array(normal.value), np.array(float(len(logged))))
    return Interval(normal.value, float(ends.low), float(ends.high))


def _mean(values: Floats) -> float | None:
    logged = values[~np.isnan(values)]
    return float(logged.mean()) if len(logged) else None
