"""Cutting planes: try prices, keep what they make the queries choose, and mix until nothing better is left."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.solver.constraints import Multipliers
from paretoroute.solver.coupled.lagrangian import Problem, Totals
from paretoroute.solver.coupled.master_problem import KEPT, MasterSolution, solve_master

MOST_ROUNDS = 400
GAP = 1e-11
_HALFWAY = 0.5


@dataclass
class ColumnPool:
    """The choices tried so far, with their sums: one column per group and set of prices.

    ``bound`` is the least upper bound found on the scaled objective, and ``best`` the scaled prices that gave it;
    ``mixed`` is the answer of the last programme, and ``allowance`` what rounding leaves a kept row over.
    """

    problem: Problem
    prices: list[Multipliers] = field(default_factory=list)
    choices: list[NDArray[np.int32]] = field(default_factory=list)
    totals: list[Totals] = field(default_factory=list)
    mixed: MasterSolution = field(init=False)
    bound: float = math.inf
    best: Floats = field(default_factory=lambda: np.empty(0))
    allowance: Floats | float = 0.0

    def add(self, prices: Multipliers) -> Totals:
        """Choose at some prices and keep the choice as a column for every group; give its sums."""
        choice, totals = self.problem.choose(prices)
        self.prices.append(prices)
        self.choices.append(choice)
        self.totals.append(totals)
        return totals

    def value(self, totals: Totals) -> Floats:
        """Give the scaled objective of each group, ``(groups,)``."""
        objective = self.problem.objective
        return totals.figures @ (objective.quality, -objective.cost) / self.problem.objective_scale

    def resolve_master(self, phase: int) -> MasterSolution:
        """Mix the choices tried as well as possible."""
        problem = self.problem
        groups = np.tile(np.arange(len(problem.applies)), len(self.totals))
        value = np.concatenate([self.value(totals) for totals in self.totals])
        use = np.concatenate([totals.use for totals in self.totals])
        if phase == 0:
            free = np.zeros(len(problem.rows))
            self.mixed = solve_master(0.0 * value, use, groups, problem.rhs, low=free, high=free + 1.0)
        else:
            self.mixed = solve_master(
                value, use, groups, problem.rhs + self.allowance, low=problem.low, high=problem.high
            )
        return self.mixed


def minimise_dual(pool: ColumnPool, *, phase: int, gap: float = GAP) -> Floats:
    """Add choices until the mixture of those tried is proved optimal; give each row's violation, ``(rows,)``, scaled.

    In phase 0 the violation is minimised; in phase 1 the objective is maximised with none, unless the problem bounds
    the prices.

    Args:
        pool: with at least one choice.
        phase: 0 or 1.
        gap: relative distance to the bound at which to stop.
    """
    pool.bound, pool.best = math.inf, np.empty(0)
    mixed = pool.resolve_master(phase)
    for _ in range(MOST_ROUNDS):
        if phase == 0 and mixed.value > -KEPT / 10:
            break
        if math.isfinite(pool.bound) and pool.bound - mixed.value <= gap * max(abs(mixed.value), abs(pool.bound)):
            break
        trials = [mixed.prices]
        if pool.best.size:
            trials.insert(0, _HALFWAY * pool.best + (1 - _HALFWAY) * mixed.prices)
        if not any(_try(pool, phase, prices) for prices in trials):
            break
        mixed = pool.resolve_master(phase)
    return mixed.violation


def _try(pool: ColumnPool, phase: int, prices: Floats) -> bool:
    """Choose at some prices; tell whether the choice improves on the mixture, at the mixture's own prices."""
    problem, mixed = pool.problem, pool.mixed
    totals = pool.add(problem.unscaled(float(phase), prices))
    value = phase * pool.value(totals)
    bound = float((value - totals.use @ prices).sum() + prices @ problem.rhs)
    if bound < pool.bound:
        pool.bound, pool.best = bound, prices
    reduced = value - totals.use @ mixed.prices - mixed.convexity_dual
    return bool((reduced > 1e-13 * np.maximum(np.abs(mixed.convexity_dual), 1e-3)).any())
