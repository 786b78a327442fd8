"""Narrow a programme of many queries down to those whose choice its limits' prices still have to decide.

A sample gives prices, and how far off they may be: with U(l) what the chosen points use of every row at prices l, the
error of the sample's prices has the covariance J^-1 V J^-T, where J is the derivative of U (by differences on the
sample) and V the variance of a sample's sum. That is a box around the prices. In one pass over all queries each is
asked at its centre; if the lead of the winner over every other point is more than the whole box could take from it, the
query is settled, whatever the prices in the box. The rest, a few percent, is narrowed again or solved, with prices kept
inside the box. Nothing here is approximate: a box that turns out to be wrong is widened and the pass repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.coupled.cutting_planes import ColumnPool, minimise_dual
from paretoroute.solver.coupled.fixing_pass import reach_of, settle
from paretoroute.solver.coupled.lagrangian import Part, Problem, Totals, parts_of
from paretoroute.solver.coupled.master_problem import KEPT

_BOX_GAP = 1e-6  # of a sample's optimum: prices are off by the root of it, which the box does not know
_GAP = 1e-9  # of the whole, relative; the bound is exact, and so is the gap that is told
_SIGMAS = 4.0
_WIDER, _TRIES = 1.7, 4  # a box that missed is widened so much, so often
_STEP = 0.05  # first step of a difference, relative
_SEED = 0.25  # where in a box to start, in half-widths
_WORTHWHILE = 0.7  # a round that leaves more than this share of the queries open is the last


@dataclass(frozen=True)
class Sizes:
    """How many queries are narrowed, and by a sample of how many.

    Args:
        small: queries that are solved as they are.
        sample: rows of the sample.
    """

    small: int = 20_000
    sample: int = 10_000


SIZES = Sizes()


def narrow(
    problem: Problem, forecast: Tables, *, sizes: Sizes = SIZES
) -> tuple[ColumnPool, NDArray[np.int32], Indices] | None:
    """Solve a programme of many queries by settling most of them first.

    Args:
        problem: over all queries of the forecast, prices free.
        forecast: of all queries.
        sizes: of the sample, and of what is left to solve.

    Returns:
        The pool of the open queries' solution, the choice of the settled ones ``(queries,)``, and which rows are open;
        None where the sample does not tell enough.
    """
    wide = 1.0
    for _ in range(_TRIES):
        state, known = _State(problem, forecast, np.arange(0), np.zeros(0, np.int32), first=True), None
        while state.queries > sizes.small:
            box = _box(state.problem, _sample(state.problem, sizes.sample), wide, known)
            if box is None:
                return None
            centre, radius, known = box
            left = state.queries
            state = _settled(state, centre, radius)
            if state.queries > _WORTHWHILE * left:
                break
        pool = ColumnPool(_wide(state.problem))
        _seed(pool)
        violation = minimise_dual(pool, phase=1, gap=_GAP)
        inside = not (violation > KEPT).any() and not (pool.mixed.slack > KEPT).any()
        if inside and pool.bound - pool.mixed.value <= 2 * _GAP * abs(pool.bound):
            return pool, state.choice, state.rows
        wide *= _WIDER
    return None


@dataclass(frozen=True)
class _State:
    """The open queries' problem and forecast, their rows, and the choice of the settled ones."""

    problem: Problem
    forecast: Tables
    rows: Indices
    choice: NDArray[np.int32]
    first: bool = False

    @property
    def queries(self) -> int:
        return len(self.problem.group)


def _seed(pool: ColumnPool) -> None:
    """Start with the choices at the centre of a box of prices and on both sides of it along every price."""
    problem = pool.problem
    centre = _centre(problem)
    pool.add(problem.unscaled(1.0, centre))
    for k, reach in enumerate((problem.high - problem.low) / 2):
        for sign in (-_SEED, _SEED):
            moved = centre.copy()
            moved[k] += sign * reach
            if reach:
                pool.add(problem.unscaled(1.0, moved))


def _wide(problem: Problem) -> Problem:
    """Turn the open queries' figures into float64 once, and not at every choice."""
    return replace(problem, parts=tuple(Part(part.rows, _float64(part.forecast)) for part in problem.parts))


def _float64(tables: Tables) -> Tables:
    latency = tables.latency_s
    return Tables(
        tables.quality.astype(np.float64, copy=False),
        tables.cost_usd.astype(np.float64, copy=False),
        None if latency is None else latency.astype(np.float64, copy=False),
        tables.callable,
    )


def _centre(problem: Problem) -> Floats:
    """Give the middle of the box of prices; 0 where it has no end."""
    return np.where(np.isfinite(problem.high), (problem.low + problem.high) / 2, 0.0)


@dataclass(frozen=True)
class _Curvature:
    """How prices answer to the use of the rows that matter: the inverse of the derivative of U by the prices."""

    active: Indices
    inverse: Floats


def _box(
    problem: Problem, sample: Problem, wide: float, known: _Curvature | None
) -> tuple[Floats, Floats, _Curvature] | None:
    """Find the scaled prices of a sample and how far off they may be, ``(rows,)`` each; None where it cannot tell.

    Settled queries answer to no price in the box, so that the derivative of the first round holds in the next.
    """
    pool = ColumnPool(sample)
    if np.isfinite(problem.high).all():
        _seed(pool)
    else:
        pool.add(sample.unscaled(1.0, np.zeros(len(problem.rows))))
        if (minimise_dual(pool, phase=0) > KEPT).any():
            return None
    minimise_dual(pool, phase=1, gap=_BOX_GAP)
    choice, totals = sample.choose(sample.unscaled(1.0, pool.best))
    spread = _variance(sample, choice)
    if known is None:
        slack = sample.rhs - totals.use.sum(axis=0)
        matters = (pool.best > KEPT) | (slack < 3 * wide**2 * _SIGMAS * np.sqrt(np.diag(spread)))
        known = _curvature(sample, pool.best, np.flatnonzero(matters), spread)
        if known is None:
            return None
    radius = np.zeros(len(pool.best))
    radius[known.active] = wide * _SIGMAS * _error(known, spread)
    return np.clip(pool.best, problem.low, problem.high), radius, known


def _error(known: _Curvature, spread: Floats) -> Floats:
    """Give the standard errors of the prices that matter."""
    inner = known.inverse @ spread[np.ix_(known.active, known.active)] @ known.inverse.T
    return np.sqrt(np.maximum(np.diag(inner), 0.0))


def _curvature(sample: Problem, prices: Floats, active: Indices, spread: Floats) -> _Curvature | None:
    """Differentiate by differences, the second time over steps as long as the box: its slope is the one that counts."""
    step = _STEP * np.maximum(prices, 0.1 * np.max(prices, initial=1e-3))
    found = None
    for _ in range(4):
        slope = _slope(sample, prices, active, step)
        if not active.size or np.linalg.matrix_rank(slope) < len(active):
            step = 4 * step  # too short to move a single query
            continue
        last, found = found, _Curvature(active, np.linalg.inv(slope).astype(np.float64))
        if last is not None:
            break
        step[active] = np.maximum(2 * _error(found, spread), 1e-9)
    return found


def _sample(problem: Problem, size: int) -> Problem:
    """Take some of the open queries for all of them: sums in units of the sample, so that prices stay the same."""
    queries = len(problem.group)
    rows = np.sort(np.random.default_rng(0).choice(queries, min(size, queries), replace=False))
    share = len(rows) / queries
    group = problem.group[rows]
    parts = []
    for g, part in enumerate(problem.parts):
        mine = np.flatnonzero(group == g)
        place = rows[mine] if isinstance(part.rows, slice) else np.searchsorted(part.rows, rows[mine])
        parts.append(Part(mine, _float64(part.forecast.take(place))))
    return replace(
        problem,
        group=group,
        parts=tuple(parts),
        rhs=problem.rhs - problem.settled.use.sum(axis=0),
        scale=problem.scale * share,
        objective_scale=problem.objective_scale * share,
        settled=Totals(0 * problem.settled.figures, 0 * problem.settled.use),
    )


def _variance(sample: Problem, choice: NDArray[np.int32]) -> Floats:
    """Estimate the covariance of the sample's scaled sums of all rows, ``(rows, rows)``."""
    use = np.zeros((len(sample.group), len(sample.rows)))
    for g, part in enumerate(sample.parts):
        own = choice[part.rows]
        at = np.arange(len(own)), own
        table = part.forecast
        for k, row in enumerate(sample.rows):
            if sample.applies[g, k]:
                figure = np.zeros(len(own))
                for weight, values in (
                    (row.quality, table.quality),
                    (row.cost, table.cost_usd),
                    (row.latency, table.latency_s),
                ):
                    if weight and values is not None:
                        figure += weight * (values[at] if values.ndim == 2 else values[own])
                use[part.rows, k] = figure if row.points is None else figure + row.points[own]
    return np.atleast_2d(np.cov(use / sample.scale, rowvar=False)) * len(use)


def _slope(sample: Problem, prices: Floats, active: Indices, step: Floats) -> Floats:
    """Differentiate the scaled sums by the prices of the active rows, by differences: ``(active, active)``."""
    columns = []
    for k in active:
        ends = []
        for sign in (-1.0, 1.0):
            moved = prices.copy()
            moved[k] = max(moved[k] + sign * step[k], 0.0)
            ends.append((moved[k], sample.choose(sample.unscaled(1.0, moved))[1].use.sum(axis=0)[active]))
        columns.append((ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0]))
    return np.stack(columns, axis=1)


def _settled(state: _State, centre: Floats, radius: Floats) -> _State:
    """Settle the queries whose choice is the same everywhere in a box of prices."""
    problem = state.problem
    unit = problem.objective_scale / problem.scale
    prices = problem.unscaled(1.0, centre)
    keep, found = [], []
    choice = np.empty(len(problem.group), np.int32)
    for g, part in enumerate(problem.parts):
        reach = np.where(problem.applies[g], radius * unit, 0.0)
        own, unsure, sums = settle(
            part.forecast, problem.weights(prices, g), reach_of(problem.rows, reach, part.forecast)
        )
        choice[part.rows] = own
        keep.append(np.flatnonzero(unsure) if isinstance(part.rows, slice) else part.rows[unsure])
        found.append(sums)
    left = np.sort(np.concatenate(keep))
    group = problem.group[left]
    forecast = state.forecast.take(left)
    whole = choice if state.first else state.choice.copy()
    if not state.first:
        whole[state.rows] = choice
    inside = replace(
        problem,
        group=group,
        parts=parts_of(forecast, group, len(problem.applies)),
        settled=problem.settled + problem.sums(found),
        low=np.maximum(centre - radius, problem.low),
        high=np.minimum(centre + radius, problem.high),
    )
    return _State(inside, forecast, left if state.first else state.rows[left], whole)
