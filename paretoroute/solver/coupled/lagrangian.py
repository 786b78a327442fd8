"""The programme of a target with limits: its queries by group, in units in which every figure is of the order of 1.

Queries to which the same limits apply are of one group. Sums over queries are kept per group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights, choose_weighted
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, weights_at
from paretoroute.solver.frontier import CHUNK


@dataclass(frozen=True)
class Part:
    """The queries of one group: their rows, and their forecast."""

    rows: Indices | slice
    forecast: Tables


@dataclass(frozen=True)
class Totals:
    """Sums over the queries of each group.

    Args:
        figures: of quality and of cost, ``(groups, 2)``.
        use: of every row of the programme, in its scale, ``(groups, rows)``.
    """

    figures: Floats
    use: Floats

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.figures + other.figures, self.use + other.use)


@dataclass(frozen=True)
class Problem:
    """A target with limits over some queries; those that are settled only count by their sums.

    Args:
        objective: what is maximised.
        rows: the limits.
        applies: whether a row applies to a group, bool ``(groups, rows)``.
        group: of every open query, ``(queries,)``.
        parts: the open queries of each group.
        rhs: upper bound of every row's sum over all queries, scaled, ``(rows,)``.
        scale: unit of each row's sum, ``(rows,)``.
        objective_scale: unit of the objective's sum.
        settled: sums over the settled queries.
        low, high: between which the scaled prices have to lie, ``(rows,)`` each.
    """

    objective: Objective
    rows: Sequence[Constraint]
    applies: NDArray[np.bool_]
    group: Indices
    parts: tuple[Part, ...]
    rhs: Floats
    scale: Floats
    objective_scale: float
    settled: Totals
    low: Floats
    high: Floats

    def unscaled(self, objective: float, limits: Floats) -> Multipliers:
        """Turn scaled prices into prices per unit of the rows."""
        unit = self.objective_scale if objective else 1.0
        return Multipliers(objective, limits * unit / self.scale)

    def weights(self, prices: Multipliers, group: int) -> Weights:
        """Give the weights of a group's scores."""
        return weights_at(self.objective, self.rows, prices, self.applies[group])

    def choose(self, prices: Multipliers) -> tuple[NDArray[np.int32], Totals]:
        """Choose for every open query ``(queries,)``; give the sums over all queries."""
        choice = np.empty(len(self.group), dtype=np.int32)
        found = []
        for g, part in enumerate(self.parts):
            choice[part.rows], sums = choose_all(part.forecast, self.weights(prices, g))
            found.append(sums)
        return choice, self.settled + self.sums(found)

    def sums(self, found: Sequence[Sums]) -> Totals:
        """Turn the sums of each group into those of the programme."""
        figures = np.array([(sums.quality, sums.cost) for sums in found])
        use = [
            [sums.of(row) if inside else 0.0 for row, inside in zip(self.rows, applies, strict=True)]
            for sums, applies in zip(found, self.applies, strict=True)
        ]
        return Totals(figures, np.array(use).reshape(len(found), len(self.rows)) / self.scale)


def problem_of(forecast: Tables, objective: Objective, rows: Sequence[Constraint]) -> Problem:
    """Set the programme up for all queries of a forecast."""
    queries = forecast.quality.shape[0]
    counted = np.ones((queries, len(rows)), dtype=bool) if any(row.queries is not None for row in rows) else None
    if counted is None:
        applies, group = np.ones((1, len(rows)), dtype=bool), np.zeros(queries, dtype=np.intp)
        parts = (Part(slice(None), forecast),)
    else:
        for k, row in enumerate(rows):
            if row.queries is not None:
                counted[:, k] = row.queries
        applies, group = np.unique(counted, axis=0, return_inverse=True)
        group = group.ravel()
        parts = parts_of(forecast, group, len(applies))
    scale = np.array([max(_largest(parts, applies[:, k], row), abs(row.rhs)) or 1.0 for k, row in enumerate(rows)])
    whole = Constraint("", 0.0, queries, quality=objective.quality, cost=objective.cost)
    return Problem(
        objective,
        rows,
        applies,
        group,
        parts,
        np.array([row.rhs for row in rows]) / scale,
        scale,
        _largest(parts, np.ones(len(applies), dtype=bool), whole) or 1.0,
        Totals(np.zeros((len(applies), 2)), np.zeros(applies.shape)),
        np.zeros(len(rows)),
        np.full(len(rows), np.inf),
    )


def parts_of(forecast: Tables, group: Indices, groups: int) -> tuple[Part, ...]:
    """Sort queries by group."""
    if groups == 1:
        return (Part(slice(None), forecast),)
    return tuple(Part(at, forecast.take(at)) for at in (np.flatnonzero(group == g) for g in range(groups)))


def _largest(parts: Sequence[Part], members: NDArray[np.bool_], row: Constraint) -> float:
    """Estimate what a row's sum can be at most, from a sample of the queries it applies to."""
    total = 0.0
    for part, inside in zip(parts, members, strict=True):
        queries = part.forecast.quality.shape[0]
        some = slice(0, queries, max(queries // 1000, 1))
        if inside and queries:
            figure = np.zeros(part.forecast.quality[some].shape)
            for weight, table in (
                (row.quality, part.forecast.quality),
                (row.cost, part.forecast.cost_usd),
                (row.latency, part.forecast.latency_s),
            ):
                if weight and table is not None:
                    figure = figure + abs(weight) * (table[some] if table.ndim == 2 else table)
            if row.points is not None:
                figure = figure + np.abs(row.points)
            if part.forecast.callable is not None:
                mask = part.forecast.callable
                figure = np.where(mask[some] if mask.ndim == 2 else mask, figure, 0.0)
            total += queries * float(figure.max(axis=1).mean())
    return total


@dataclass(frozen=True)
class Sums:
    """Sums over the queries of the figures of the chosen points, and how often each point is chosen."""

    quality: float
    cost: float
    latency: float
    count: Floats

    def of(self, row: Constraint) -> float:
        """Give a row's sum."""
        constant = 0.0 if row.points is None else float(row.points @ self.count)
        return math.fsum((row.quality * self.quality, row.cost * self.cost, row.latency * self.latency, constant))


def choose_all(forecast: Tables, weights: Weights) -> tuple[NDArray[np.int32], Sums]:
    """Choose a point for every query of a forecast, block by block, and sum up what was chosen."""
    queries, points = forecast.quality.shape
    choice = np.empty(queries, dtype=np.int32)
    parts: list[list[float]] = [[], [], []]
    tables = (forecast.quality, forecast.cost_usd, forecast.latency_s)
    for start in range(0, queries, CHUNK):
        part = slice(start, min(start + CHUNK, queries))
        quality, cost, latency = (block_of(table, part) for table in tables)
        mask = forecast.callable
        mask = mask[part] if mask is not None and mask.ndim == 2 else mask
        chosen = choose_weighted(quality, cost, latency, weights, mask)  # pyright: ignore[reportArgumentType]
        choice[part] = chosen
        rows = np.arange(chosen.size)
        for sums, table in zip(parts, (quality, cost, latency), strict=True):
            if table is not None:
                sums.append(float((table[rows, chosen] if table.ndim == 2 else table[chosen]).sum()))
    quality, cost, latency = map(math.fsum, parts)
    return choice, Sums(quality, cost, latency, np.bincount(choice, minlength=points).astype(np.float64))


def block_of(table: NDArray | None, part: slice) -> Floats | None:
    """Give some rows of a table, or a figure per point as it is, in float64."""
    if table is None:
        return None
    return (table[part] if table.ndim == 2 else table).astype(np.float64, copy=False)
