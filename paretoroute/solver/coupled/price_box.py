"""Estimate a box of multipliers around the optimum from a sample of the queries.

With U(l) the use of every constraint by the points chosen at prices l, the error of a sample's optimal prices has the
covariance J^-1 V J^-T, where J is the derivative of U (by differences on the sample) and V the variance of a sample's
sum (delta method). The box extends a few standard errors to both sides of the sample's prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.solver.coupled.cutting_planes import ColumnPool, minimise_dual
from paretoroute.solver.coupled.lagrangian import Part, Problem, Totals
from paretoroute.solver.coupled.master_problem import KEPT

_BOX_GAP = 1e-6  # of a sample's optimum; it leaves prices off by its root, which the box does not include
_SIGMAS = 4.0
_STEP = 0.05  # first step of a difference, relative
_SEED = 0.25  # where in a box to start, in half-widths


@dataclass(frozen=True)
class Curvature:
    """Response of the active constraints' prices to their use: the inverse of the derivative of U by the prices."""

    active: Indices
    inverse: Floats


@dataclass(frozen=True)
class PriceBox:
    """Scaled prices of a sample and the half-widths of the box around them, ``(constraints,)`` each."""

    centre: Floats
    radius: Floats
    curvature: Curvature


def estimate_box(problem: Problem, sample: Problem, *, width: float, curvature: Curvature | None) -> PriceBox | None:
    """Estimate scaled prices and their error from a sample; None where the sample is not informative enough.

    Args:
        problem: of all free queries.
        sample: of them.
        width: factor on the standard errors.
        curvature: of the first round, or None. Fixed queries respond to no price in the box, so that the derivative of
            the first round holds in the next.
    """
    pool = _sample_optimum(problem, sample)
    if pool is None:
        return None
    column = sample.choose(sample.unscaled(1.0, pool.best))
    variance = _variance(sample, column.choice)
    if curvature is None:
        slack = sample.rhs - column.totals.use.sum(axis=0)
        active = (pool.best > KEPT) | (slack < 3 * width**2 * _SIGMAS * np.sqrt(np.diag(variance)))
        curvature = _curvature(sample, pool.best, np.flatnonzero(active), variance)
        if curvature is None:
            return None
    radius = np.zeros(len(pool.best))
    radius[curvature.active] = width * _SIGMAS * _standard_errors(curvature, variance)
    return PriceBox(np.clip(pool.best, problem.low, problem.high), radius, curvature)


def _sample_optimum(problem: Problem, sample: Problem) -> ColumnPool | None:
    pool = ColumnPool(sample)
    if np.isfinite(problem.high).all():
        seed(pool)
    else:
        pool.add(sample.unscaled(1.0, np.zeros(len(problem.constraints))))
        if (minimise_dual(pool, phase=0) > KEPT).any():
            return None
    minimise_dual(pool, phase=1, gap=_BOX_GAP)
    return pool


def seed(pool: ColumnPool) -> None:
    """Add the columns at the centre of a problem's box of prices and on both sides of it along every price."""
    problem = pool.problem
    centre = np.where(np.isfinite(problem.high), (problem.low + problem.high) / 2, 0.0)
    pool.add(problem.unscaled(1.0, centre))
    for k, reach in enumerate((problem.high - problem.low) / 2):
        for sign in (-_SEED, _SEED):
            moved = centre.copy()
            moved[k] += sign * reach
            if reach:
                pool.add(problem.unscaled(1.0, moved))


def sample_of(problem: Problem, size: int) -> Problem:
    """Sample the free queries; sums are in units of the sample, so that the prices stay the same."""
    queries = len(problem.group)
    rows = np.sort(np.random.default_rng(0).choice(queries, min(size, queries), replace=False))
    share = len(rows) / queries
    group = problem.group[rows]
    parts: list[Part] = []
    for g, part in enumerate(problem.parts):
        own = np.flatnonzero(group == g)
        place = rows[own] if isinstance(part.rows, slice) else np.searchsorted(part.rows, rows[own])
        parts.append(Part(own, part.tables.take(place).astype(np.float64)))
    return replace(
        problem,
        group=group,
        parts=tuple(parts),
        rhs=problem.rhs - problem.fixed.use.sum(axis=0),
        scale=problem.scale * share,
        objective_scale=problem.objective_scale * share,
        fixed=Totals(0 * problem.fixed.figures, 0 * problem.fixed.use),
    )


def _variance(sample: Problem, choice: NDArray[np.int32]) -> Floats:
    """Estimate the covariance of the sample's scaled sums, ``(constraints, constraints)``."""
    use = np.zeros((len(sample.group), len(sample.constraints)))
    for g, part in enumerate(sample.parts):
        for k, constraint in enumerate(sample.constraints):
            if sample.applies[g, k]:
                use[part.rows, k] = constraint.chosen(part.tables, choice[part.rows])
    return np.atleast_2d(np.cov(use / sample.scale, rowvar=False)) * len(use)


def _standard_errors(curvature: Curvature, variance: Floats) -> Floats:
    """Return the standard errors of the active constraints' prices."""
    active = curvature.active
    covariance = curvature.inverse @ variance[np.ix_(active, active)] @ curvature.inverse.T
    return np.sqrt(np.maximum(np.diag(covariance), 0.0))


def _curvature(sample: Problem, prices: Floats, active: Indices, variance: Floats) -> Curvature | None:
    """Invert the derivative twice; the second difference spans the box, whose own slope is the one that counts."""
    step = _STEP * np.maximum(prices, 0.1 * np.max(prices, initial=1e-3))
    curvature = None
    for _ in range(4):
        slope = _slope(sample, prices, active, step)
        if not active.size or np.linalg.matrix_rank(slope) < len(active):
            step = 4 * step  # too short to move a single query
            continue
        last, curvature = curvature, Curvature(active, np.linalg.inv(slope).astype(np.float64))
        if last is not None:
            break
        step[active] = np.maximum(2 * _standard_errors(curvature, variance), 1e-9)
    return curvature


def _slope(sample: Problem, prices: Floats, active: Indices, step: Floats) -> Floats:
    """Differentiate the scaled sums by the prices of the active constraints, by differences: ``(active, active)``."""
    columns: list[Floats] = []
    for k in active:
        below, above = prices.copy(), prices.copy()
        below[k], above[k] = max(prices[k] - step[k], 0.0), max(prices[k] + step[k], 0.0)
        used = [sample.choose(sample.unscaled(1.0, at)).totals.use.sum(axis=0)[active] for at in (below, above)]
        columns.append((used[1] - used[0]) / (above[k] - below[k]))
    return np.stack(columns, axis=1)
