"""The Lagrangian of a target with limits, scaled so that all coefficients are O(1).

Queries to which the same constraints apply form a group. At given prices of the constraints every query chooses for
itself; sums over the queries are kept per group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights, choose_weighted
from paretoroute.solver.block_argmax import Sums, SumsBuilder, float64_blocks
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, weights_at


@dataclass(frozen=True)
class Part:
    """The queries of one group: their rows, and their figures."""

    rows: Indices | slice
    tables: Tables


@dataclass(frozen=True)
class Totals:
    """Sums over the queries of each group.

    Args:
        figures: of quality and of cost, ``(groups, 2)``.
        use: of every constraint, scaled, ``(groups, constraints)``.
    """

    figures: Floats
    use: Floats

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.figures + other.figures, self.use + other.use)


@dataclass(frozen=True)
class Column:
    """The choice of every free query at some prices, ``(queries,)``, and the sums over all queries."""

    prices: Multipliers
    choice: NDArray[np.int32]
    totals: Totals


@dataclass(frozen=True)
class Problem:
    """A target with limits over some queries; those that are fixed count only by their sums.

    Args:
        objective: to maximise.
        constraints: the target's, if it has one, and the limits'.
        applies: whether a constraint applies to a group, bool ``(groups, constraints)``.
        group: of every free query, ``(queries,)``.
        parts: the free queries of each group.
        rhs: upper bound of every constraint's sum over all queries, scaled, ``(constraints,)``.
        scale: unit of each constraint's sum, ``(constraints,)``.
        objective_scale: unit of the objective's sum.
        fixed: sums over the fixed queries.
        low: least scaled prices, ``(constraints,)``.
        high: highest scaled prices, ``(constraints,)``.
    """

    objective: Objective
    constraints: Sequence[Constraint]
    applies: Mask
    group: Indices
    parts: tuple[Part, ...]
    rhs: Floats
    scale: Floats
    objective_scale: float
    fixed: Totals
    low: Floats
    high: Floats

    def unscaled(self, objective: float, limits: Floats) -> Multipliers:
        """Convert scaled prices ``(constraints,)`` to prices per unit of the constraints."""
        unit = self.objective_scale if objective else 1.0
        return Multipliers(objective, limits * unit / self.scale)

    def weights(self, prices: Multipliers, group: int) -> Weights:
        """Return the weights of the scores of a group."""
        return weights_at(self.objective, self.constraints, prices, self.applies[group])

    def choose(self, prices: Multipliers) -> Column:
        """Choose for every free query, and sum over all queries."""
        choice = np.empty(len(self.group), dtype=np.int32)
        sums: list[Sums] = []
        for g, part in enumerate(self.parts):
            choice[part.rows], own = _choose_all(part.tables, self.weights(prices, g))
            sums.append(own)
        return Column(prices, choice, self.fixed + self.totals(sums))

    def totals(self, sums: Sequence[Sums]) -> Totals:
        """Convert the sums of each group to scaled totals."""
        figures = np.array([(own.quality, own.cost) for own in sums])
        use = [
            [
                constraint.total(own) if inside else 0.0
                for constraint, inside in zip(self.constraints, applies, strict=True)
            ]
            for own, applies in zip(sums, self.applies, strict=True)
        ]
        return Totals(figures, np.array(use).reshape(len(sums), len(self.constraints)) / self.scale)


def problem_of(tables: Tables, objective: Objective, constraints: Sequence[Constraint]) -> Problem:
    """Set up the problem over all queries of a forecast, none of them fixed."""
    queries, rows = tables.quality.shape[0], len(constraints)
    applies, group = _groups(constraints, queries)
    parts = parts_of(tables, group, len(applies))
    scale = [
        max(_largest(parts, applies[:, k], constraint), abs(constraint.rhs)) or 1.0
        for k, constraint in enumerate(constraints)
    ]
    whole = Constraint("", 0.0, queries, quality=objective.quality, cost=objective.cost)
    return Problem(
        objective=objective,
        constraints=constraints,
        applies=applies,
        group=group,
        parts=parts,
        rhs=np.array([constraint.rhs for constraint in constraints]) / np.array(scale),
        scale=np.array(scale),
        objective_scale=_largest(parts, np.ones(len(applies), dtype=bool), whole) or 1.0,
        fixed=Totals(np.zeros((len(applies), 2)), np.zeros(applies.shape)),
        low=np.zeros(rows),
        high=np.full(rows, np.inf),
    )


def _groups(constraints: Sequence[Constraint], queries: int) -> tuple[Mask, Indices]:
    """Return which constraints apply to each group, and the group of every query."""
    if all(constraint.queries is None for constraint in constraints):
        return np.ones((1, len(constraints)), dtype=bool), np.zeros(queries, dtype=np.intp)
    counted = np.ones((queries, len(constraints)), dtype=bool)
    for k, constraint in enumerate(constraints):
        if constraint.queries is not None:
            counted[:, k] = constraint.queries
    applies, group = np.unique(counted, axis=0, return_inverse=True)
    return applies, group.ravel()


def parts_of(tables: Tables, group: Indices, groups: int) -> tuple[Part, ...]:
    """Sort queries by their group, ``(queries,)``, into one part per group."""
    if groups == 1:
        return (Part(slice(None), tables),)
    return tuple(Part(rows, tables.take(rows)) for rows in (np.flatnonzero(group == g) for g in range(groups)))


def _largest(parts: Sequence[Part], members: Mask, constraint: Constraint) -> float:
    """Estimate the largest sum of a constraint's figures from a sample of the queries to which it applies."""
    total = 0.0
    for part, inside in zip(parts, members, strict=True):
        queries = part.tables.quality.shape[0]
        if inside and queries:
            sample = part.tables.take(slice(0, queries, max(queries // 1000, 1)))
            figure = constraint.magnitude(sample)
            if sample.callable is not None:
                figure = np.where(sample.callable, figure, 0.0)
            total += queries * float(figure.max(axis=1).mean())
    return total


def _choose_all(tables: Tables, weights: Weights) -> tuple[NDArray[np.int32], Sums]:
    """Choose a point for every query, block by block, and sum the figures of the chosen points."""
    queries, points = tables.quality.shape
    choice, sums = np.empty(queries, dtype=np.int32), SumsBuilder(points)
    for part, block in float64_blocks(tables):
        chosen = choose_weighted(block, weights)
        choice[part] = chosen
        sums.add(block, np.arange(chosen.size), chosen)
    return choice, sums.sums()
