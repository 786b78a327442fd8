"""Several limits at once: the optimum of the linear relaxation by cutting planes, with the proof of it.

Over queries i and points j, with x[i, :] in the simplex on the callable points and every limit k a row of weights a_k:

    maximise  sum_ij f[i, j] x[i, j]   subject to   sum_ij a_k[i, j] x[i, j] <= b_k   for every k,

where f is the quality, minus the cost, or quality minus price x cost. For any prices l >= 0 of the limits

    D(l) = sum_i max_j (f[i, j] - sum_k l_k a_k[i, j]) + sum_k l_k b_k

is an upper bound, convex in l. Each set of prices tried gives a choice of all queries, hence one plane below D; a small
linear programme finds the lowest place of the planes, which is the next set to try. Its dual mixes the choices tried so
that all limits are kept: a feasible answer (Dantzig and Wolfe, "Decomposition principle for linear programs",
Operations Research 8(1), 1960, doi:10.1287/opre.8.1.101). The gap between the two is what is not proved. Queries to
which different limits apply are mixed separately, since that gives more planes for one pass over the queries. The next
prices are tried halfway to the best known, which needs fewer passes (Ben-Ameur and Neto, "Acceleration of cutting-plane
and column generation algorithms", Networks 49(1), 2007, doi:10.1002/net.20137).

Whether the limits can be kept together is found first, in the same way: f = 0, and every row may be exceeded at 1 per
unit of its scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.constraints import Constraint, Multipliers, Objective
from paretoroute.solver.coupled.cutting_planes import GAP, ColumnPool, minimise_dual
from paretoroute.solver.coupled.fixing import SIZES, Sizes, narrow
from paretoroute.solver.coupled.lagrangian import Problem, problem_of
from paretoroute.solver.coupled.master_problem import KEPT


@dataclass(frozen=True)
class Component:
    """One of the choices that are mixed.

    Args:
        prices: that lead to it.
        weight: probability with which a query takes this component, ``(groups,)``.
        choice: the point of every query, ``(queries,)``.
    """

    prices: Multipliers
    weight: Floats
    choice: NDArray[np.int32]


@dataclass(frozen=True)
class Mixture:
    """The optimum: choices mixed so that every row is kept.

    Args:
        components: what is mixed; for every group the weights add up to 1.
        prices: at the optimum.
        group: which rows apply to a query, as a row of ``applies``, ``(queries,)``.
        applies: whether a row applies to a group, bool ``(groups, rows)``.
        value: the objective, a sum over the queries.
        quality: sum over the queries.
        cost: sum over the queries, USD.
        bound: what no choice exceeds.
        scaled_prices: each row's price times the row's scale over the objective's scale, ``(rows,)``; 0: it is slack.
        used: what each row sums up to, ``(rows,)``.
        violation: by how much each row has to be exceeded, where they cannot all be kept, ``(rows,)``; else 0.
    """

    components: tuple[Component, ...]
    prices: Multipliers
    group: Indices
    applies: NDArray[np.bool_]
    value: float
    quality: float
    cost: float
    bound: float
    scaled_prices: Floats
    used: Floats
    violation: Floats

    @property
    def feasible(self) -> bool:
        """Whether all rows are kept."""
        return not self.violation.any()


def optimise(forecast: Tables, objective: Objective, rows: Sequence[Constraint], *, sizes: Sizes = SIZES) -> Mixture:
    """Find the mixture of choices with the highest objective that keeps every row.

    Where the rows cannot all be kept, the mixture exceeds them as little as possible, in units of their scale.

    Args:
        forecast: quality, cost and what else the rows weigh.
        objective: what is maximised.
        rows: the limits.
        sizes: from how many queries on they are narrowed first, and by which sample.
    """
    return CoupledProblem(forecast, objective, rows, sizes=sizes).optimum()


class CoupledProblem:
    """A target with limits that is solved more than once, for other totals each time.

    What the queries choose at some prices does not depend on the totals: what was tried for one is there for the next.

    Args:
        forecast: quality, cost and what else the rows weigh.
        objective: what is maximised.
        rows: the limits.
        sizes: from how many queries on they are narrowed first, and by which sample.
    """

    def __init__(
        self, forecast: Tables, objective: Objective, rows: Sequence[Constraint], *, sizes: Sizes = SIZES
    ) -> None:
        self._forecast, self._sizes = forecast, sizes
        self._problem = problem_of(forecast, objective, rows)
        self._pool = ColumnPool(self._problem)

    @property
    def group(self) -> Indices:
        """Which rows apply to a query, as a row of ``applies``, ``(queries,)``."""
        return self._problem.group

    @property
    def applies(self) -> NDArray[np.bool_]:
        """Whether a row applies to a group, bool ``(groups, rows)``."""
        return self._problem.applies

    def choose(self, prices: Multipliers) -> NDArray[np.int32]:
        """Give what every query chooses at some prices, ``(queries,)``."""
        return self._problem.choose(prices)[0]

    def optimum(self, rhs: Floats | None = None, *, gap: float = GAP) -> Mixture:
        """Find the best mixture, as :func:`optimise` does.

        Args:
            rhs: upper bounds of the rows' sums, ``(rows,)``; None: their own.
            gap: relative distance to the bound that is near enough.
        """
        problem, pool = self._problem, self._pool
        if rhs is not None:
            problem = replace(problem, rhs=rhs / problem.scale)
        if len(problem.group) > self._sizes.small and problem.rows:
            found = narrow(problem, self._forecast, sizes=self._sizes)
            if found is not None:
                return _mixture(problem, found[0], 1, found[1], found[2])
        pool.problem, pool.allowance = problem, 0.0
        if not pool.prices:
            pool.add(problem.unscaled(1.0, np.zeros(len(problem.rows))))
        violation = minimise_dual(pool, phase=0)
        if (violation > KEPT).any():
            return replace(
                _mixture(problem, pool, 0), violation=np.where(violation > KEPT, violation, 0.0) * problem.scale
            )
        pool.allowance = violation
        minimise_dual(pool, phase=1, gap=gap)
        return _mixture(problem, pool, 1)


def _mixture(
    problem: Problem,
    pool: ColumnPool,
    phase: int,
    settled: NDArray[np.int32] | None = None,
    open_rows: Indices | None = None,
) -> Mixture:
    """Write the weights of the pool's last programme down as a mixture of the choices of all queries."""
    groups = len(problem.applies)
    weight = np.zeros((len(pool.prices), groups))  # what was tried after the last programme has none
    weight.ravel()[: pool.mixed.weight.size] = pool.mixed.weight
    figures = np.einsum("tg,tgf->f", weight, np.stack([total.figures for total in pool.totals]))
    use = np.einsum("tg,tgk->k", weight, np.stack([total.use for total in pool.totals]))
    # Heavier first, so that a reader meets the usual choice before the exceptions.
    size = np.bincount(problem.group, minlength=groups)
    components = sorted(np.flatnonzero((weight > 0).any(axis=1)), key=lambda t: -float(weight[t] @ size))

    def everyone(choice: NDArray[np.int32]) -> NDArray[np.int32]:
        if settled is None:
            return choice
        whole = settled.copy()
        whole[open_rows] = choice
        return whole

    return Mixture(
        components=tuple(Component(pool.prices[t], weight[t], everyone(pool.choices[t])) for t in components),
        prices=problem.unscaled(phase, pool.best),
        group=problem.group,
        applies=problem.applies,
        value=float(figures @ (problem.objective.quality, -problem.objective.cost)),
        quality=float(figures[0]),
        cost=float(figures[1]),
        bound=pool.bound * problem.objective_scale if phase else np.nan,
        scaled_prices=pool.best if phase else np.zeros(len(problem.rows)),
        used=use * problem.scale,
        violation=np.zeros(len(problem.rows)),
    )
