"""The programme of a target with limits: its queries by kind, in units in which every figure is of the order of 1.

Queries to which the same limits apply are of one kind. Sums over queries are kept per kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import Weights, choose_weighted
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, weights_at
from paretoroute.solver.frontier import CHUNK


@dataclass(frozen=True)
class Part:
    """The queries of one kind: their rows, and their forecast."""

    rows: Indices | slice
    forecast: Forecast


@dataclass(frozen=True)
class Totals:
    """Sums over the queries of each kind.

    Args:
        figures: of quality and of cost, ``(kinds, 2)``.
        use: of every row of the programme, in its scale, ``(kinds, rows)``.
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
        member: whether a row applies to a kind, bool ``(kinds, rows)``.
        kind: of every open query, ``(queries,)``.
        parts: the open queries of each kind.
        totals: what every row may sum up to over all queries, scaled, ``(rows,)``.
        scale: unit of each row's sum, ``(rows,)``.
        objective_scale: unit of the objective's sum.
        settled: sums over the settled queries.
        low, high: between which the scaled prices have to lie, ``(rows,)`` each.
    """

    objective: Objective
    rows: Sequence[Constraint]
    member: NDArray[np.bool_]
    kind: Indices
    parts: tuple[Part, ...]
    totals: Floats
    scale: Floats
    objective_scale: float
    settled: Totals
    low: Floats
    high: Floats

    def true(self, objective: float, limits: Floats) -> Multipliers:
        """Turn scaled prices into prices per unit of the rows."""
        unit = self.objective_scale if objective else 1.0
        return Multipliers(objective, limits * unit / self.scale)

    def weights(self, prices: Multipliers, kind: int) -> Weights:
        """Give the weights of a kind's scores."""
        return weights_at(self.objective, self.rows, prices, self.member[kind])

    def choose(self, prices: Multipliers) -> tuple[NDArray[np.int32], Totals]:
        """Choose for every open query ``(queries,)``; give the sums over all queries."""
        choice = np.empty(len(self.kind), dtype=np.int32)
        found = []
        for g, part in enumerate(self.parts):
            choice[part.rows], sums = choose_all(part.forecast, self.weights(prices, g))
            found.append(sums)
        return choice, self.settled + self.sums(found)

    def sums(self, found: Sequence[Sums]) -> Totals:
        """Turn the sums of each kind into those of the programme."""
        figures = np.array([(sums.quality, sums.cost) for sums in found])
        use = [
            [sums.of(row) if inside else 0.0 for row, inside in zip(self.rows, member, strict=True)]
            for sums, member in zip(found, self.member, strict=True)
        ]
        return Totals(figures, np.array(use).reshape(len(found), len(self.rows)) / self.scale)


def problem_of(forecast: Forecast, objective: Objective, rows: Sequence[Constraint]) -> Problem:
    """Set the programme up for all queries of a forecast."""
    queries = forecast.quality.shape[0]
    applies = np.ones((queries, len(rows)), dtype=bool) if any(row.queries is not None for row in rows) else None
    if applies is None:
        member, kind = np.ones((1, len(rows)), dtype=bool), np.zeros(queries, dtype=np.intp)
        parts = (Part(slice(None), forecast),)
    else:
        for k, row in enumerate(rows):
            if row.queries is not None:
                applies[:, k] = row.queries
        member, kind = np.unique(applies, axis=0, return_inverse=True)
        kind = kind.ravel()
        parts = parts_of(forecast, kind, len(member))
    scale = np.array([max(_largest(parts, member[:, k], row), abs(row.total)) or 1.0 for k, row in enumerate(rows)])
    whole = Constraint("", 0.0, queries, quality=objective.quality, cost=objective.cost)
    return Problem(
        objective,
        rows,
        member,
        kind,
        parts,
        np.array([row.total for row in rows]) / scale,
        scale,
        _largest(parts, np.ones(len(member), dtype=bool), whole) or 1.0,
        Totals(np.zeros((len(member), 2)), np.zeros(member.shape)),
        np.zeros(len(rows)),
        np.full(len(rows), np.inf),
    )


def parts_of(forecast: Forecast, kind: Indices, kinds: int) -> tuple[Part, ...]:
    """Sort queries by kind."""
    if kinds == 1:
        return (Part(slice(None), forecast),)
    return tuple(Part(at, taken(forecast, at)) for at in (np.flatnonzero(kind == g) for g in range(kinds)))


def taken(forecast: Forecast, rows: Indices) -> Forecast:
    """Copy some rows of what the limits weigh (checked before, so not again)."""
    part = object.__new__(Forecast)
    for name in ("quality", "cost_usd", "latency_s", "callable"):
        array = getattr(forecast, name)
        object.__setattr__(part, name, array[rows] if array is not None and array.ndim == 2 else array)
    return part


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


def choose_all(forecast: Forecast, weights: Weights) -> tuple[NDArray[np.int32], Sums]:
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
