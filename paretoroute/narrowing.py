"""Narrow a programme of many queries down to those whose choice its limits' prices still have to decide.

A sample gives prices, and how far off they may be: with U(l) what the chosen points use of every row at prices l, the
error of the sample's prices has the covariance J^-1 V J^-T, where J is the derivative of U (by differences on the
sample) and V the variance of a sample's sum. That is a box around the prices. In one pass over all queries each is
asked at its centre; if the lead of the winner over every other point is more than the whole box could take from it, the
query is settled, whatever the prices in the box. The rest, a few percent, is narrowed again or solved, with prices kept
inside the box. Nothing here is approximate: a box that turns out to be wrong is widened and the pass repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute.choice import Floats, Indices
from paretoroute.cutting_planes import Pool, descend
from paretoroute.forecast import Forecast
from paretoroute.limit_problem import Part, Problem, Sums, Totals, parts_of, taken
from paretoroute.mixing import KEPT

SMALL = 20_000
_SAMPLE = 10_000
_BOX_GAP = 1e-6
_GAP = 1e-9  # relative, of the whole; the bound is exact, and so is the gap that is told
_SIGMAS = 4.0
_WIDER = 1.7
_TRIES = 4
_PASS_ROWS = 2_048
_STEP = 0.05
_SEED = 0.25
_ROUNDING = 8.0  # units in the last place that a score may be off, in the larger of its parts


def narrow(problem: Problem, forecast: Forecast) -> tuple[Pool, NDArray[np.int32], Indices] | None:
    """Solve a programme of many queries by settling most of them first.

    Args:
        problem: over all queries of the forecast, prices free.
        forecast: of all queries.

    Returns:
        The pool of the open queries' solution, the choice of the settled ones ``(queries,)``, and which rows are open;
        None where the sample does not tell enough.
    """
    wide = 1.0
    for _ in range(_TRIES):
        state = _State(problem, forecast, np.arange(0), np.zeros(len(problem.kind), np.int32), first=True)
        while state.queries > SMALL:
            box = _box(state.problem, wide)
            if box is None:
                return None
            left = state.queries
            state = _settled(state, *box)
            if state.queries > 0.7 * left:
                break
        pool = Pool(_wide(state.problem))
        _seed(pool)
        excess = descend(pool, phase=1, gap=_GAP)
        if not (excess > KEPT).any() and not (pool.mixed.unused > KEPT).any():
            return pool, state.choice, state.rows
        wide *= _WIDER
    return None


@dataclass(frozen=True)
class _State:
    """The open queries' problem and forecast, their rows, and the choice of the settled ones."""

    problem: Problem
    forecast: Forecast
    rows: Indices
    choice: NDArray[np.int32]
    first: bool = False

    @property
    def queries(self) -> int:
        return len(self.problem.kind)


def _seed(pool: Pool) -> None:
    """Start with the choices at the centre of a box of prices and on both sides of it along every price."""
    problem = pool.problem
    centre = _centre(problem)
    pool.add(problem.true(1.0, centre))
    for k, reach in enumerate((problem.high - problem.low) / 2):
        for sign in (-_SEED, _SEED):
            moved = centre.copy()
            moved[k] += sign * reach
            if reach:
                pool.add(problem.true(1.0, moved))


def _wide(problem: Problem) -> Problem:
    """Turn the open queries' figures into float64 once, and not at every choice."""
    return replace(problem, parts=tuple(Part(part.rows, _float64(part.forecast)) for part in problem.parts))


def _float64(forecast: Forecast) -> Forecast:
    wide = object.__new__(Forecast)
    for name in ("quality", "cost_usd", "latency_s"):
        table = getattr(forecast, name)
        object.__setattr__(wide, name, None if table is None else table.astype(np.float64, copy=False))
    object.__setattr__(wide, "callable", forecast.callable)
    return wide


def _centre(problem: Problem) -> Floats:
    """Give the middle of the box of prices; 0 where it has no end."""
    return np.where(np.isfinite(problem.high), (problem.low + problem.high) / 2, 0.0)


def _box(problem: Problem, wide: float) -> tuple[Floats, Floats] | None:
    """Find the scaled prices of a sample and how far off they may be, ``(rows,)`` each; None where it cannot tell."""
    sample = _sample(problem)
    pool = Pool(sample)
    if np.isfinite(problem.high).all():
        _seed(pool)
    else:
        pool.add(sample.true(1.0, np.zeros(len(problem.rows))))
        if (descend(pool, phase=0) > KEPT).any():
            return None
    descend(pool, phase=1, gap=_BOX_GAP)
    centre = pool.best
    spread = _variance(sample, centre)
    slack = sample.totals - sample.choose(sample.true(1.0, centre))[1].use.sum(axis=0)
    matters = (centre > KEPT) | (slack < 3 * wide**2 * _SIGMAS * np.sqrt(np.diag(spread)))
    if not matters.any():
        return None
    active = np.flatnonzero(matters)
    step = _STEP * np.maximum(centre, 0.1 * np.max(centre, initial=1e-3))
    error = None
    for _ in range(4):
        slope = _slope(sample, centre, active, step)
        if np.linalg.matrix_rank(slope) < len(active):
            step = 4 * step  # too short to move a single query
            continue
        inverse = np.linalg.inv(slope)
        done = error is not None
        error = np.sqrt(np.maximum(np.diag(inverse @ spread[np.ix_(active, active)] @ inverse.T), 0.0))
        if done:
            break
        # The slope that counts is the one over the box.
        step[active] = np.maximum(2 * error, 1e-9)
    if error is None:
        return None
    radius = np.zeros(len(centre))
    radius[active] = wide * _SIGMAS * error
    return np.clip(centre, problem.low, problem.high), radius


def _sample(problem: Problem) -> Problem:
    """Take some of the open queries for all of them: sums in units of the sample, so that prices stay the same."""
    queries = len(problem.kind)
    rows = np.sort(np.random.default_rng(0).choice(queries, min(_SAMPLE, queries), replace=False))
    share = len(rows) / queries
    kind = problem.kind[rows]
    parts = []
    for g, part in enumerate(problem.parts):
        mine = np.flatnonzero(kind == g)
        place = rows[mine] if isinstance(part.rows, slice) else np.searchsorted(part.rows, rows[mine])
        parts.append(Part(mine, _float64(taken(part.forecast, place))))
    return replace(
        problem,
        kind=kind,
        parts=tuple(parts),
        totals=problem.totals - problem.settled.use.sum(axis=0),
        scale=problem.scale * share,
        objective_scale=problem.objective_scale * share,
        settled=Totals(0 * problem.settled.figures, 0 * problem.settled.use),
    )


def _variance(sample: Problem, prices: Floats) -> Floats:
    """Estimate the covariance of the sample's scaled sums of all rows, ``(rows, rows)``."""
    choice, _ = sample.choose(sample.true(1.0, prices))
    use = np.zeros((len(sample.kind), len(sample.rows)))
    for g, part in enumerate(sample.parts):
        own = choice[part.rows]
        at = np.arange(len(own)), own
        table = part.forecast
        for k, row in enumerate(sample.rows):
            if sample.member[g, k]:
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
            ends.append((moved[k], sample.choose(sample.true(1.0, moved))[1].use.sum(axis=0)[active]))
        columns.append((ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0]))
    return np.stack(columns, axis=1)


def _settled(state: _State, centre: Floats, radius: Floats) -> _State:
    """Settle the queries whose choice is the same everywhere in a box of prices."""
    problem = state.problem
    unit = problem.objective_scale / problem.scale
    prices = problem.true(1.0, centre)
    keep, found = [], []
    choice = np.empty(len(problem.kind), np.int32)
    for g, part in enumerate(problem.parts):
        reach = np.where(problem.member[g], radius * unit, 0.0)
        own, unsure, sums = _pass(part.forecast, problem, prices, g, reach)
        choice[part.rows] = own
        keep.append(np.flatnonzero(unsure) if isinstance(part.rows, slice) else part.rows[unsure])
        found.append(sums)
    left = np.sort(np.concatenate(keep))
    kind = problem.kind[left]
    forecast = taken(state.forecast, left)
    whole = choice if state.first else state.choice.copy()
    if not state.first:
        whole[state.rows] = choice
    inside = replace(
        problem,
        kind=kind,
        parts=parts_of(forecast, kind, len(problem.member)),
        settled=problem.settled + problem.sums(found),
        low=np.maximum(centre - radius, problem.low),
        high=np.minimum(centre + radius, problem.high),
    )
    return _State(inside, forecast, left if state.first else state.rows[left], whole)


def _pass(
    forecast: Forecast, problem: Problem, prices, kind: int, reach: Floats
) -> tuple[NDArray[np.int32], NDArray[np.bool_], Sums]:
    """Ask the queries of one kind at the centre; tell which could choose otherwise in the box, and sum up the others.

    Scores may be computed in float32: a lead within their rounding error settles nothing.
    """
    queries, points = forecast.quality.shape
    weights = problem.weights(prices, kind)
    figures = _Reach.of(problem, reach, forecast, points)
    own, unsure = np.empty(queries, np.int32), np.empty(queries, bool)
    sums: list[list[float]] = [[], [], []]
    count = np.zeros(points)
    kind_of_float = np.result_type(forecast.quality.dtype, forecast.cost_usd.dtype, np.float32)
    constant = np.zeros(points) if weights.points is None else weights.points
    tables = (forecast.quality, forecast.cost_usd, forecast.latency_s)
    if forecast.cost_usd.ndim == 1:
        constant = constant + weights.cost * forecast.cost_usd
    if forecast.latency_s is not None and forecast.latency_s.ndim == 1:
        constant = constant + weights.latency * forecast.latency_s
    constant = constant.astype(kind_of_float)
    buffers = np.empty((2, _PASS_ROWS, points), kind_of_float)
    for start in range(0, queries, _PASS_ROWS):
        part = slice(start, min(start + _PASS_ROWS, queries))
        quality, cost, latency = (
            None if table is None else table[part].astype(kind_of_float, copy=False) if table.ndim == 2 else table
            for table in tables
        )
        scores, away = buffers[:, : part.stop - start]
        np.multiply(quality, kind_of_float.type(weights.quality), out=scores)
        scores -= constant
        for weight, table in ((weights.cost, cost), (weights.latency, latency)):
            if weight and table is not None and table.ndim == 2:
                scores -= np.multiply(table, kind_of_float.type(weight), out=away)
        mask = forecast.callable
        if mask is not None:
            scores[~np.broadcast_to(mask[part] if mask.ndim == 2 else mask, scores.shape)] = -np.inf
        rows = np.arange(scores.shape[0])
        chosen = scores.argmax(axis=1)
        best = scores[rows, chosen]
        if figures.most:
            scores += np.take(figures.table, chosen, axis=0, out=away, mode="clip")
        for coefficient, table in zip(figures.coefficients, (quality, cost, latency), strict=True):
            if coefficient and table is not None and table.ndim == 2:
                np.subtract(table, table[rows, chosen][:, None], out=away)
                np.abs(away, out=away)
                scores += np.multiply(away, kind_of_float.type(coefficient), out=away)
        scores[rows, chosen] = -np.inf
        gain = abs(weights.quality) * np.abs(quality[rows, chosen])
        error = _ROUNDING * np.finfo(kind_of_float).eps * (gain + np.abs(best) + figures.most)
        doubt = scores[rows, scores.argmax(axis=1)] >= best - error  # NumPy finds the place faster than the maximum
        own[part], unsure[part] = chosen, doubt
        sure = ~doubt
        count += np.bincount(chosen, sure, points)
        for total, table in zip(sums, tables, strict=True):
            if table is not None:
                values = table[part][rows, chosen] if table.ndim == 2 else table[chosen]
                total.append(float(values.astype(np.float64) @ sure))
    quality_sum, cost_sum, latency_sum = map(math.fsum, sums)
    return own, unsure, Sums(quality_sum, cost_sum, latency_sum, count)


@dataclass(frozen=True)
class _Reach:
    """How much a box of prices can take from the lead of one point over another.

    ``coefficients`` multiply |difference| in quality, cost and latency where these differ by query; ``table`` holds
    what does not, ``(points, points)``; ``most`` is the largest number in the table.
    """

    coefficients: tuple[float, float, float]
    table: NDArray
    most: float

    @staticmethod
    def of(problem: Problem, reach: Floats, forecast: Forecast, points: int) -> _Reach:
        """Add the rows up."""
        table = np.zeros((points, points))
        sums = [0.0, 0.0, 0.0]
        for row, far in zip(problem.rows, reach, strict=True):
            constant = np.zeros(points) if row.points is None else row.points.astype(np.float64)
            for i, (weight, values) in enumerate(
                ((row.quality, forecast.quality), (row.cost, forecast.cost_usd), (row.latency, forecast.latency_s))
            ):
                if weight and values is not None and values.ndim == 1:
                    constant = constant + weight * values
                elif weight:
                    sums[i] += far * abs(weight)
            table += far * np.abs(constant[None, :] - constant[:, None])
        dtype = np.result_type(forecast.quality.dtype, forecast.cost_usd.dtype, np.float32)
        return _Reach((sums[0], sums[1], sums[2]), table.astype(dtype), float(table.max(initial=0.0)))
