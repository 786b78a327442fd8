"""Candidate choices and their totals, on the forecasts and on the log; mixtures of them by a linear program.

A candidate is the choice of every query at one set of multipliers. A mixture maximises the forecast objective, while
its constraints are summed on logged outcomes: noise in the log may decide whether a limit is kept, never which query is
worth more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.forecast import Tables
from paretoroute.solver.constraints import Constraint, Multipliers, Objective
from paretoroute.solver.coupled.master_problem import MasterSolution, solve_master
from paretoroute.solver.rules import MixtureComponent

TOLERANCE = 1e-7  # a constraint violated by less than this share of its scale is kept
ALL = slice(None)
_QUALITY = Constraint("", 0.0, 0, quality=1.0)
_COST = Constraint("", 0.0, 0, cost=1.0)


@dataclass(frozen=True)
class Candidate:
    """Totals of one choice of all queries; each is a sum over the queries of a group.

    Args:
        prices: the multipliers at which the queries choose so.
        value: objective on the forecasts, ``(groups,)``.
        quality: logged quality, ``(groups,)``.
        cost_usd: logged cost, ``(groups,)``.
        use: logged left-hand sides of the constraints, ``(groups, constraints)``.
        forecast_use: the same on the forecasts, ``(groups, constraints)``.
    """

    prices: Multipliers
    value: Floats
    quality: Floats
    cost_usd: Floats
    use: Floats
    forecast_use: Floats


@dataclass(frozen=True)
class CandidatePool:
    """Candidate choices, one per set of multipliers.

    Args:
        forecast: figures that queries choose by, and that choices are valued on.
        logged: figures that constraints are summed on.
        objective: the objective to maximise.
        constraints: the target's, if it has one, and the limits'.
        group: of every query, numbered from 0; queries of a group have the same constraints, ``(queries,)``.
        groups: the number of groups.
    """

    forecast: Tables
    logged: Tables
    objective: Objective
    constraints: Sequence[Constraint]
    group: Indices
    groups: int
    candidates: list[Candidate] = field(default_factory=list[Candidate], init=False)

    @property
    def value(self) -> Floats:
        """Objective of the candidates on the forecasts, ``(candidates, groups)``."""
        return np.stack([candidate.value for candidate in self.candidates])

    @property
    def quality(self) -> Floats:
        """Logged quality of the candidates, ``(candidates, groups)``."""
        return np.stack([candidate.quality for candidate in self.candidates])

    @property
    def cost_usd(self) -> Floats:
        """Logged cost of the candidates, ``(candidates, groups)``."""
        return np.stack([candidate.cost_usd for candidate in self.candidates])

    @property
    def use(self) -> Floats:
        """Logged left-hand sides of the candidates, ``(candidates, groups, constraints)``."""
        return np.stack([candidate.use for candidate in self.candidates])

    @property
    def forecast_use(self) -> Floats:
        """Forecast left-hand sides of the candidates, ``(candidates, groups, constraints)``."""
        return np.stack([candidate.forecast_use for candidate in self.candidates])

    @property
    def rhs(self) -> Floats:
        """Upper bounds of the constraints, ``(constraints,)``."""
        return np.array([constraint.rhs for constraint in self.constraints])

    @property
    def scale(self) -> Floats:
        """Magnitudes of the constraints' sums, ``(constraints,)``."""
        largest = np.abs(self.use).max(axis=0).sum(axis=0)
        return np.maximum(np.maximum(largest, np.abs(self.rhs)), 1e-300)

    def has(self, prices: Multipliers) -> bool:
        """Return whether the choice at these multipliers is a candidate already."""
        return self.place(prices) >= 0

    def place(self, prices: Multipliers) -> int:
        """Return the position of the candidate at these multipliers, -1 if there is none."""
        for place, own in enumerate(candidate.prices for candidate in self.candidates):
            if own.objective == prices.objective and np.array_equal(own.limits, prices.limits):
                return place
        return -1

    def add(self, prices: Multipliers, choice: NDArray[np.int32]) -> None:
        """Add the choice of every query ``(queries,)`` at some multipliers, unless it is there."""
        if not self.has(prices):
            self.candidates.append(self.candidate(prices, choice))

    def candidate(self, prices: Multipliers, choice: NDArray[np.int32]) -> Candidate:
        """Return the totals of a choice of every query ``(queries,)``, without adding it."""
        gain = Constraint("", 0.0, 0, quality=self.objective.quality, cost=-self.objective.cost)
        return Candidate(
            prices=prices,
            value=self._sums(gain, choice, self.forecast),
            quality=self._sums(_QUALITY, choice, self.logged),
            cost_usd=self._sums(_COST, choice, self.logged),
            use=self._uses(choice, self.logged),
            forecast_use=self._uses(choice, self.forecast),
        )

    def _uses(self, choice: NDArray[np.int32], tables: Tables) -> Floats:
        sums = [self._sums(constraint, choice, tables) for constraint in self.constraints]
        return np.array(sums).reshape(-1, self.groups).T

    def _sums(self, constraint: Constraint, choice: NDArray[np.int32], tables: Tables) -> Floats:
        return np.bincount(self.group, contributions(constraint, choice, tables), self.groups).astype(np.float64)

    def best(self, value: Floats, rhs: Floats, which: slice = ALL, *, drawn: Mask | None = None) -> MasterSolution:
        """Compute the mixture with the highest value that keeps some constraints, in scaled units.

        Args:
            value: of the candidates, ``(candidates, groups)``.
            rhs: upper bounds, ``(constraints,)``.
            which: the constraints that count.
            drawn: the groups that may draw from each candidate, ``(candidates, groups)``; None: all.
        """
        return self._solve(value.ravel() / magnitude(value), rhs, which, high=np.inf, drawn=drawn)

    def least_violation(self, rhs: Floats, which: slice = ALL, *, drawn: Mask | None = None) -> MasterSolution:
        """Compute the mixture that violates some constraints by as little as possible in total, in scaled units.

        Args:
            rhs: upper bounds, ``(constraints,)``.
            which: the constraints that count.
            drawn: the groups that may draw from each candidate, ``(candidates, groups)``; None: all.
        """
        return self._solve(np.zeros(len(self.candidates) * self.groups), rhs, which, high=1.0, drawn=drawn)

    def _solve(self, value: Floats, rhs: Floats, which: slice, *, high: float, drawn: Mask | None) -> MasterSolution:
        scale, free = self.scale, np.zeros(len(rhs[which]))
        rows = np.arange(len(value)) if drawn is None else np.flatnonzero(drawn)
        mixed = solve_master(
            value[rows],
            np.concatenate(self.use)[rows][:, which] / scale[which],
            rows % self.groups,
            (rhs / scale)[which],
            low=free,
            high=free + high,
        )
        weight = np.zeros(len(value))
        weight[rows] = mixed.weight
        return replace(mixed, weight=weight)

    def attainable_rhs(self) -> Floats:
        """Return the right-hand sides, raised to the least violation of the candidates, ``(constraints,)``."""
        return self.rhs + self.least_violation(self.rhs).violation * self.scale

    def nearness(self) -> Floats:
        """Return the figure that brings a mixture near the target: logged quality, or minus logged cost.

        Shape ``(candidates, groups)``.
        """
        return -self.cost_usd if self.constraints[0].cost else self.quality

    def feasible(self, which: slice = ALL) -> bool:
        """Return whether some mixture keeps these constraints."""
        return not (self.least_violation(self.rhs, which).violation > TOLERANCE).any()

    def weights(self, mixed: MasterSolution) -> Floats:
        """Return the weights of a mixture, ``(candidates, groups)``."""
        return mixed.weight.reshape(len(self.candidates), self.groups)

    def components(self, mixed: MasterSolution) -> list[MixtureComponent]:
        """Return multipliers and weights ``(groups,)`` of the candidates that a mixture draws from, heaviest first."""
        weight = self.weights(mixed)
        order = [int(t) for t in np.argsort(-weight.sum(axis=1), kind="stable") if (weight[t] > 0).any()]
        return [MixtureComponent(self.candidates[t].prices, weight[t]) for t in order]

    def total(self, mixed: MasterSolution, figure: Floats) -> Floats:
        """Sum a figure ``(candidates, groups, ...)`` over a mixture: ``(...)``."""
        return np.tensordot(self.weights(mixed), figure, axes=2)


def magnitude(value: Floats) -> float:
    """Return the scale of a figure ``(candidates, groups)``: the largest total that it may reach, at least not 0."""
    return float(np.abs(value).max(axis=0).sum()) or 1.0


def contributions(constraint: Constraint, choice: NDArray[np.int32], tables: Tables) -> Floats:
    """Compute each query's contribution to a constraint, ``(queries,)``; 0 for queries that it does not count."""
    at = np.arange(len(choice)), choice
    cost = np.broadcast_to(tables.cost_usd, tables.quality.shape)
    value = constraint.quality * tables.quality[at] + constraint.cost * cost[at]
    if constraint.latency and tables.latency_s is not None:
        value = value + constraint.latency * np.broadcast_to(tables.latency_s, tables.quality.shape)[at]
    if constraint.points is not None:
        value = value + constraint.points[choice]
    return value if constraint.queries is None else np.where(constraint.queries, value, 0.0)
