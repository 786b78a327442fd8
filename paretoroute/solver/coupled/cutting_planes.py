"""Kelley's cutting-plane method: evaluate the dual, add a column, re-solve the master problem."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.solver.constraints import Multipliers
from paretoroute.solver.coupled.exact_master import solve_master_exactly
from paretoroute.solver.coupled.lagrangian import Column, Problem, Totals
from paretoroute.solver.coupled.master_problem import KEPT, MasterSolution, solve_master

MOST_ROUNDS = 400
GAP = 1e-11
_HALFWAY = 0.5
_STALL = 60  # rounds without any progress, after which rounding hides the rest of the gap
_PROGRESS = 1e-7  # of the gap


@dataclass
class ColumnPool:
    """The columns generated so far: one per group and set of prices.

    Args:
        problem: whose queries choose.
        columns: in the order in which they were generated.
        master: solution of the last master problem.
        bound: least upper bound on the scaled objective.
        best: the scaled prices at which it was reached, ``(constraints,)``.
        tolerated: violation of constraints that rounding leaves in the feasibility phase, scaled.
        is_exact: whether master problems are solved in whole numbers, and violations are small only beside the
            constraint's own bound.
    """

    problem: Problem
    columns: list[Column] = field(default_factory=list[Column])
    master: MasterSolution = field(init=False)
    bound: float = math.inf
    best: Floats = field(default_factory=lambda: np.empty(0))
    tolerated: Floats | float = 0.0
    is_exact: bool = False

    @property
    def kept(self) -> Floats:
        """Violation up to which a constraint counts as kept, scaled, ``(constraints,)``."""
        rhs = np.abs(self.problem.rhs)
        return KEPT * (np.where(rhs, np.minimum(rhs, 1.0), 1.0) if self.is_exact else np.ones(rhs.size))

    def add(self, prices: Multipliers) -> Totals:
        """Choose at some prices, keep the choice as a column of every group, and return its sums."""
        self.columns.append(self.problem.choose(prices))
        return self.columns[-1].totals

    def value(self, totals: Totals) -> Floats:
        """Compute the scaled objective of each group, ``(groups,)``."""
        objective = self.problem.objective
        return totals.figures @ (objective.quality, -objective.cost) / self.problem.objective_scale

    @property
    def _relaxed_rhs(self) -> Floats:
        """The bounds with the tolerated violation, rounded up: a sum that rounds down would leave no mixture."""
        relaxed = self.problem.rhs + self.tolerated * (1 + KEPT)
        return np.where(np.asarray(self.tolerated) > 0, np.nextafter(relaxed, np.inf), relaxed)

    def resolve_master(self, phase: int) -> MasterSolution:
        """Solve the master problem over the columns generated so far."""
        problem = self.problem
        group = np.tile(np.arange(len(problem.applies)), len(self.columns))
        value = np.concatenate([self.value(column.totals) for column in self.columns])
        use = np.concatenate([column.totals.use for column in self.columns])
        if self.is_exact:
            rhs = problem.rhs if phase == 0 else self._relaxed_rhs
            self.master = solve_master_exactly(value, use, group, rhs, is_elastic=phase == 0)
        elif phase == 0:
            low = np.zeros(len(problem.constraints))
            self.master = solve_master(0.0 * value, use, group, problem.rhs, low=low, high=low + 1.0)
        else:
            rhs = problem.rhs + self.tolerated
            self.master = solve_master(value, use, group, rhs, low=problem.low, high=problem.high)
        return self.master


def minimise_dual(pool: ColumnPool, *, phase: int, gap: float = GAP) -> Floats:
    """Add columns until the mixture is proved optimal; return the scaled violations, ``(constraints,)``.

    Phase 0 minimises the violation. Phase 1 maximises the objective without any, unless the problem bounds the prices.

    Args:
        pool: with at least one column.
        phase: 0 or 1.
        gap: relative duality gap at which to stop.
    """
    pool.bound, pool.best = math.inf, np.empty(0)
    master = pool.resolve_master(phase)
    least, stalled = math.inf, 0
    for _ in range(MOST_ROUNDS):
        if phase == 0 and master.value > -pool.kept.min(initial=KEPT) / 10:
            break
        if math.isfinite(pool.bound) and pool.bound - master.value <= gap * max(abs(master.value), abs(pool.bound)):
            break
        open_gap = pool.bound - master.value
        least, stalled = (open_gap, 0) if open_gap < (1 - _PROGRESS) * least else (least, stalled + 1)
        if stalled >= _STALL:
            break
        trials = [master.prices]
        if pool.best.size:
            trials.insert(0, _HALFWAY * pool.best + (1 - _HALFWAY) * master.prices)
        if not any(_improves(pool, phase, prices) for prices in trials):
            break
        master = pool.resolve_master(phase)
    if phase == 1 and pool.is_exact:
        _take_prices_of_master(pool, gap)
    return master.violation


def _take_prices_of_master(pool: ColumnPool, gap: float) -> None:
    """Prefer the master's own prices where their bound is as good: a constraint with slack has none in them."""
    bound, best = pool.bound, pool.best
    pool.bound, pool.best = math.inf, np.empty(0)
    _improves(pool, 1, pool.master.prices)
    if pool.bound > bound + gap * abs(bound):
        pool.bound, pool.best = bound, best


def _improves(pool: ColumnPool, phase: int, prices: Floats) -> bool:
    """Add the column of some prices; return whether its reduced cost, at the master's prices, is positive."""
    problem, master = pool.problem, pool.master
    totals = pool.add(problem.unscaled(float(phase), prices))
    value = phase * pool.value(totals)
    bound = float((value - totals.use @ prices).sum() + prices @ problem.rhs)
    if bound < pool.bound:
        pool.bound, pool.best = bound, prices
    reduced = value - totals.use @ master.prices - master.convexity_dual
    if pool.is_exact:
        rounding = np.abs(value) + np.abs(totals.use) @ master.prices + np.abs(master.convexity_dual)
        return bool((reduced > 1e-14 * rounding).any())
    return bool((reduced > 1e-13 * np.maximum(np.abs(master.convexity_dual), 1e-3)).any())
