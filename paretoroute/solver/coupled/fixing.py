"""Variable fixing: reduce a problem of many queries to those whose choice its prices still decide.

A sample yields a box of prices around the optimum (:mod:`paretoroute.solver.coupled.price_box`). One pass over all
queries fixes those that choose the same point everywhere in the box (:mod:`paretoroute.solver.coupled.fixing_pass`).
The others, a few percent, go through another round or are solved, with prices bounded by the box. The result is exact:
a box that misses the optimum is widened and the pass repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Indices
from paretoroute.forecast import Tables
from paretoroute.solver.block_argmax import Sums
from paretoroute.solver.coupled.cutting_planes import ColumnPool, minimise_dual
from paretoroute.solver.coupled.fixing_pass import fix_in_box, reach_of
from paretoroute.solver.coupled.lagrangian import Part, Problem, parts_of
from paretoroute.solver.coupled.master_problem import KEPT
from paretoroute.solver.coupled.price_box import PriceBox, estimate_box, sample_of, seed

_GAP = 1e-9  # duality gap of the whole, relative
_WIDER, _TRIES = 1.7, 4  # a box that misses is widened by this factor, at most so often
_WORTHWHILE = 0.7  # a round that leaves more than this share of the queries free is the last


@dataclass(frozen=True)
class Sizes:
    """From how many queries on choices are fixed, and the size of the sample.

    Args:
        small: queries that are solved without fixing.
        sample: rows of the sample.
    """

    small: int = 20_000
    sample: int = 10_000


SIZES = Sizes()


@dataclass(frozen=True)
class PartlyFixed:
    """Queries of which some are fixed at their point.

    Args:
        problem: of the free queries, with the sums of the fixed ones.
        tables: of the free queries.
        rows: the free queries, rows of all; None: all are free.
        choice: the point of every query, ``(queries,)``; meaningless at free ones.
    """

    problem: Problem
    tables: Tables
    rows: Indices | None
    choice: NDArray[np.int32]

    @property
    def free_count(self) -> int:
        """Number of free queries."""
        return len(self.problem.group)

    def complete(self, choice: NDArray[np.int32]) -> NDArray[np.int32]:
        """Write the free queries' points ``(free,)`` beside the fixed ones: ``(queries,)``."""
        if self.rows is None:
            return choice
        whole = self.choice.copy()
        whole[self.rows] = choice
        return whole


@dataclass(frozen=True)
class FixedSolution:
    """The columns of the free queries' optimum, and the fixed choices."""

    pool: ColumnPool
    state: PartlyFixed


def solve_by_fixing(problem: Problem, tables: Tables, *, sizes: Sizes = SIZES) -> FixedSolution | None:
    """Solve a problem of many queries by fixing most of them first.

    Args:
        problem: over all queries, prices not bounded.
        tables: of all queries.
        sizes: of the sample, and from how many queries on to fix.

    Returns:
        The solution; None where the sample is not informative enough.
    """
    width = 1.0
    for _ in range(_TRIES):
        state = _fix_most(PartlyFixed(problem, tables, None, np.zeros(0, np.int32)), width, sizes)
        if state is None:
            return None
        # Figures are converted once, and not for every column.
        parts = tuple(Part(part.rows, part.tables.astype(np.float64)) for part in state.problem.parts)
        pool = ColumnPool(replace(state.problem, parts=parts))
        seed(pool)
        violation = minimise_dual(pool, phase=1, gap=_GAP)
        inside = not (violation > KEPT).any() and not (pool.master.slack > KEPT).any()
        if inside and pool.bound - pool.master.value <= 2 * _GAP * abs(pool.bound):
            return FixedSolution(pool, state)
        width *= _WIDER
    return None


def _fix_most(state: PartlyFixed, width: float, sizes: Sizes) -> PartlyFixed | None:
    """Fix queries round by round, until few are free or a round is not worth its pass."""
    curvature = None
    while state.free_count > sizes.small:
        box = estimate_box(state.problem, sample_of(state.problem, sizes.sample), width=width, curvature=curvature)
        if box is None:
            return None
        before, curvature = state.free_count, box.curvature
        state = _fix(state, box)
        if state.free_count > _WORTHWHILE * before:
            break
    return state


def _fix(state: PartlyFixed, box: PriceBox) -> PartlyFixed:
    """Fix the queries whose choice is the same everywhere in a box of prices."""
    problem = state.problem
    half_width = box.radius * problem.objective_scale / problem.scale
    prices = problem.unscaled(1.0, box.centre)
    choice, free = np.empty(len(problem.group), np.int32), np.empty(len(problem.group), bool)
    fixed: list[Sums] = []
    for g, part in enumerate(problem.parts):
        reach = reach_of(problem.constraints, np.where(problem.applies[g], half_width, 0.0), part.tables)
        result = fix_in_box(part.tables, problem.weights(prices, g), reach)
        choice[part.rows], free[part.rows] = result.choice, result.free
        fixed.append(result.fixed)
    left = np.flatnonzero(free)
    group, tables = problem.group[left], state.tables.take(left)
    inside = replace(
        problem,
        group=group,
        parts=parts_of(tables, group, len(problem.applies)),
        fixed=problem.fixed + problem.totals(fixed),
        low=np.maximum(box.centre - box.radius, problem.low),
        high=np.minimum(box.centre + box.radius, problem.high),
    )
    return PartlyFixed(inside, tables, left if state.rows is None else state.rows[left], state.complete(choice))
