"""Optimum of the linear relaxation under several constraints, by cutting planes, with its duality gap.

Over queries i and points j, with x[i, :] in the simplex on the callable points and weights a_k of every constraint k:

    maximise  sum_ij f[i, j] x[i, j]   subject to   sum_ij a_k[i, j] x[i, j] <= b_k   for every k,

where f is the quality, minus the cost, or quality minus price x cost. For any prices l >= 0 of the constraints

    D(l) = sum_i max_j (f[i, j] - sum_k l_k a_k[i, j]) + sum_k l_k b_k

is an upper bound, convex in l. Each set of prices yields a choice of all queries, hence a plane below D; a small linear
program minimises the maximum of the planes and yields the next prices. Its dual mixes the choices so that all
constraints are kept: a feasible solution (Dantzig and Wolfe, "Decomposition principle for linear programs", Operations
Research 8(1), 1960, doi:10.1287/opre.8.1.101). The difference between the two is the duality gap. Queries to which
different constraints apply are mixed separately, which yields more planes for one pass over the queries. Dual values
are smoothed: prices are evaluated halfway to the best so far, which needs fewer passes (Ben-Ameur and Neto,
"Acceleration of cutting-plane and column generation algorithms", Networks 49(1), 2007, doi:10.1002/net.20137).

A first phase decides feasibility in the same way: f = 0, and every constraint may be violated at 1 per unit of its
scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.forecast import Tables
from paretoroute.solver.constraints import Constraint, Multipliers, Objective
from paretoroute.solver.coupled.cutting_planes import GAP, ColumnPool, minimise_dual
from paretoroute.solver.coupled.fixing import SIZES, PartlyFixed, Sizes, solve_by_fixing
from paretoroute.solver.coupled.lagrangian import Problem, problem_of


@dataclass(frozen=True)
class Component:
    """One of the choices of a mixture.

    Args:
        prices: at which the queries choose.
        weight: probability with which a query takes this component, ``(groups,)``.
        choice: the point of every query, ``(queries,)``.
    """

    prices: Multipliers
    weight: Floats
    choice: NDArray[np.int32]


@dataclass(frozen=True)
class Mixture:
    """The optimum: choices mixed so that every constraint is kept.

    Args:
        components: the choices, the most probable first; for every group the weights add up to 1.
        prices: at the optimum.
        group: of every query, a row of ``applies``, ``(queries,)``.
        applies: whether a constraint applies to a group, bool ``(groups, constraints)``.
        value: the objective, a sum over the queries.
        quality: sum over the queries.
        cost: sum over the queries, USD.
        bound: upper bound on the objective of any choice.
        scaled_prices: each price times its constraint's scale over the objective's scale, ``(constraints,)``; 0 where
            the constraint does not bind.
        used: each constraint's sum, ``(constraints,)``.
        violation: of each constraint, the least possible where they cannot all be kept, ``(constraints,)``; else 0.
    """

    components: tuple[Component, ...]
    prices: Multipliers
    group: Indices
    applies: Mask
    value: float
    quality: float
    cost: float
    bound: float
    scaled_prices: Floats
    used: Floats
    violation: Floats

    @property
    def feasible(self) -> bool:
        """Whether all constraints are kept."""
        return not self.violation.any()


def optimise(
    tables: Tables,
    objective: Objective,
    constraints: Sequence[Constraint],
    *,
    sizes: Sizes = SIZES,
    is_exact: bool = False,
) -> Mixture:
    """Compute the mixture of choices of the highest objective that keeps every constraint.

    Where they cannot all be kept, the mixture violates them as little as possible, in units of their scale.

    Args:
        tables: quality, cost and the other figures that the constraints weigh.
        objective: to maximise.
        constraints: the target's and the limits'.
        sizes: from how many queries on most are fixed first, and by which sample.
        is_exact: whether the columns are mixed in exact arithmetic, for figures of very different magnitude.
    """
    return CoupledProblem(tables, objective, constraints, sizes=sizes, is_exact=is_exact).optimum()


class CoupledProblem:
    """A target with limits that is solved more than once, for different right-hand sides.

    The choices at some prices do not depend on the right-hand sides, so that the columns of one solve serve the next.

    Args:
        tables: quality, cost and the other figures that the constraints weigh.
        objective: to maximise.
        constraints: the target's and the limits'.
        sizes: from how many queries on most are fixed first, and by which sample.
        is_exact: whether the columns are mixed in exact arithmetic, which fixes nothing before.
    """

    def __init__(
        self,
        tables: Tables,
        objective: Objective,
        constraints: Sequence[Constraint],
        *,
        sizes: Sizes = SIZES,
        is_exact: bool = False,
    ) -> None:
        self._tables, self._sizes = tables, sizes
        self._problem = problem_of(tables, objective, constraints)
        self._pool = ColumnPool(self._problem, is_exact=is_exact)

    @property
    def group(self) -> Indices:
        """Group of every query, a row of ``applies``, ``(queries,)``."""
        return self._problem.group

    @property
    def applies(self) -> Mask:
        """Whether a constraint applies to a group, bool ``(groups, constraints)``."""
        return self._problem.applies

    def choose(self, prices: Multipliers) -> NDArray[np.int32]:
        """Return the choice of every query at some prices, ``(queries,)``."""
        return self._problem.choose(prices).choice

    def optimum(self, rhs: Floats | None = None, *, gap: float = GAP) -> Mixture:
        """Compute the optimal mixture, as :func:`optimise` does.

        Args:
            rhs: upper bounds of the constraints' sums, ``(constraints,)``; None: their own.
            gap: relative duality gap at which to stop.
        """
        problem = self._problem if rhs is None else replace(self._problem, rhs=rhs / self._problem.scale)
        if len(problem.group) > self._sizes.small and problem.constraints and not self._pool.is_exact:
            fixed = solve_by_fixing(problem, self._tables, sizes=self._sizes)
            if fixed is not None:
                return _mixture(problem, fixed.pool, phase=1, state=fixed.state)
        pool = self._pool
        pool.problem, pool.tolerated = problem, 0.0
        if not pool.columns:
            pool.add(problem.unscaled(1.0, np.zeros(len(problem.constraints))))
        violation = minimise_dual(pool, phase=0)
        if (violation > pool.kept).any():
            over = np.where(violation > pool.kept, violation, 0.0)
            return replace(_mixture(problem, pool, phase=0), violation=over * problem.scale)
        pool.tolerated = violation
        minimise_dual(pool, phase=1, gap=gap)
        return _mixture(problem, pool, phase=1)


def _mixture(problem: Problem, pool: ColumnPool, *, phase: int, state: PartlyFixed | None = None) -> Mixture:
    """Turn the weights of the last master problem into a mixture of the choices of all queries."""
    groups, constraints = len(problem.applies), len(problem.constraints)
    weight = np.zeros((len(pool.columns), groups))  # columns added after the last master problem have none
    weight.ravel()[: pool.master.weight.size] = pool.master.weight
    figures = np.einsum("tg,tgf->f", weight, np.stack([column.totals.figures for column in pool.columns]))
    use = np.einsum("tg,tgk->k", weight, np.stack([column.totals.use for column in pool.columns]))
    size = np.bincount(problem.group, minlength=groups)
    order = sorted(np.flatnonzero((weight > 0).any(axis=1)), key=lambda t: -float(weight[t] @ size))
    columns = [(pool.columns[t], weight[t]) for t in order]
    return Mixture(
        components=tuple(
            Component(column.prices, own, column.choice if state is None else state.complete(column.choice))
            for column, own in columns
        ),
        prices=problem.unscaled(phase, pool.best),
        group=problem.group,
        applies=problem.applies,
        value=float(figures @ (problem.objective.quality, -problem.objective.cost)),
        quality=float(figures[0]),
        cost=float(figures[1]),
        bound=pool.bound * problem.objective_scale if phase else np.nan,
        scaled_prices=_scaled_prices(pool) if phase else np.zeros(constraints),
        used=use * problem.scale,
        violation=np.zeros(constraints),
    )


def _scaled_prices(pool: ColumnPool) -> Floats:
    """Return the prices beside the objective's largest sum, or, where that says little, beside its bound."""
    return pool.best / abs(pool.bound) if pool.is_exact and pool.bound else pool.best
