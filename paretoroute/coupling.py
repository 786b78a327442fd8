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

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute.choice import Floats, Indices, Weights, choose_weighted
from paretoroute.forecast import Forecast
from paretoroute.hull import CHUNK
from paretoroute.limit_rows import Row
from paretoroute.mixing import KEPT, Mixed, mix

MOST_ROUNDS = 400
GAP = 1e-11
_HALFWAY = 0.5


@dataclass(frozen=True)
class Prices:
    """Prices of the limits at which queries choose; ``objective`` is 0 where the choice only serves the limits.

    Args:
        objective: weight of the objective, 1 or 0.
        limits: objective per unit of each row, ``(rows,)``, not negative.
    """

    objective: float
    limits: Floats


@dataclass(frozen=True)
class Side:
    """One of the choices that are mixed.

    Args:
        prices: that lead to it.
        weight: probability with which a query takes this side, ``(kinds,)``.
        choice: the point of every query, ``(queries,)``.
    """

    prices: Prices
    weight: Floats
    choice: NDArray[np.int32]


@dataclass(frozen=True)
class Mixture:
    """The optimum: choices mixed so that every row is kept.

    Args:
        sides: what is mixed; for every kind the weights add up to 1.
        prices: at the optimum.
        kind: which rows apply to a query, as a row of ``member``, ``(queries,)``.
        member: whether a row applies to a kind, bool ``(kinds, rows)``.
        value: the objective, a sum over the queries.
        quality: sum over the queries.
        cost: sum over the queries, USD.
        bound: what no choice exceeds.
        shares: what each row's price makes of the objective's scale over the row's whole scale, ``(rows,)``; 0: it
            does not bind.
        used: what each row sums up to, ``(rows,)``.
        excess: by how much each row has to be exceeded, where they cannot all be kept, ``(rows,)``; else 0.
    """

    sides: tuple[Side, ...]
    prices: Prices
    kind: Indices
    member: NDArray[np.bool_]
    value: float
    quality: float
    cost: float
    bound: float
    shares: Floats
    used: Floats
    excess: Floats

    @property
    def feasible(self) -> bool:
        """Whether all rows are kept."""
        return not self.excess.any()


@dataclass(frozen=True)
class Objective:
    """What is maximised: quality x q - cost x c."""

    quality: float
    cost: float


def weights_at(objective: Objective, rows: Sequence[Row], prices: Prices, member: NDArray[np.bool_]) -> Weights:
    """Turn the prices of the rows that apply to a query into the weights of its score.

    Args:
        objective: what is maximised.
        rows: the limits.
        prices: theirs.
        member: which rows apply, ``(rows,)``.
    """
    price = np.where(member, prices.limits, 0.0).tolist()
    constants = [p * row.points for p, row in zip(price, rows, strict=True) if p and row.points is not None]
    return Weights(
        quality=prices.objective * objective.quality
        - math.fsum(p * r.quality for p, r in zip(price, rows, strict=True)),
        cost=prices.objective * objective.cost + math.fsum(p * r.cost for p, r in zip(price, rows, strict=True)),
        latency=math.fsum(p * r.latency for p, r in zip(price, rows, strict=True)),
        points=np.sum(constants, axis=0) if constants else None,
    )


def optimise(forecast: Forecast, objective: Objective, rows: Sequence[Row]) -> Mixture:
    """Find the mixture of choices with the highest objective that keeps every row.

    Where the rows cannot all be kept, the mixture exceeds them as little as possible, in units of their scale.

    Args:
        forecast: quality, cost and what else the rows weigh.
        objective: what is maximised.
        rows: the limits.
    """
    problem = _problem(forecast, objective, rows)
    pool = _Pool(problem)
    pool.add(problem.true(1.0, np.zeros(len(rows))))
    excess = _descend(pool, phase=0)
    if (excess > KEPT).any():
        return pool.mixture(0, excess)
    pool.allowance = excess
    _descend(pool, phase=1)
    return pool.mixture(1, np.zeros(len(rows)))


@dataclass(frozen=True)
class _Part:
    """The queries of one kind."""

    rows: Indices | slice
    forecast: Forecast


@dataclass(frozen=True)
class _Problem:
    """The programme in scaled units: every row's sum, and the objective, are of the order of 1."""

    objective: Objective
    rows: Sequence[Row]
    member: NDArray[np.bool_]
    kind: Indices
    parts: tuple[_Part, ...]
    scale: Floats
    objective_scale: float

    @property
    def totals(self) -> Floats:
        return np.array([row.total for row in self.rows]) / self.scale

    def true(self, objective: float, limits: Floats) -> Prices:
        """Turn scaled prices into prices per unit of the rows."""
        unit = self.objective_scale if objective else 1.0
        return Prices(objective, limits * unit / self.scale)


def _problem(forecast: Forecast, objective: Objective, rows: Sequence[Row]) -> _Problem:
    queries = forecast.quality.shape[0]
    applies = np.ones((queries, len(rows)), dtype=bool)
    for k, row in enumerate(rows):
        if row.queries is not None:
            applies[:, k] = row.queries
    if applies.all():
        member, kind = np.ones((1, len(rows)), dtype=bool), np.zeros(queries, dtype=np.intp)
        parts = (_Part(slice(None), forecast),)
    else:
        member, kind = np.unique(applies, axis=0, return_inverse=True)
        kind = kind.ravel()
        parts = tuple(_Part(at, taken(forecast, at)) for at in (np.flatnonzero(kind == g) for g in range(len(member))))
    scale = np.array([max(_largest(parts, member[:, k], row), abs(row.total)) or 1.0 for k, row in enumerate(rows)])
    whole = Row("", 0.0, queries, quality=objective.quality, cost=objective.cost)
    return _Problem(
        objective, rows, member, kind, parts, scale, _largest(parts, np.ones(len(member), dtype=bool), whole) or 1.0
    )


def taken(forecast: Forecast, rows: Indices) -> Forecast:
    """Copy some rows of what the limits weigh (checked before, so not again)."""
    part = object.__new__(Forecast)
    for name in ("quality", "cost_usd", "latency_s", "callable"):
        array = getattr(forecast, name)
        object.__setattr__(part, name, array[rows] if array is not None and array.ndim == 2 else array)
    return part


def _largest(parts: Sequence[_Part], members: NDArray[np.bool_], row: Row) -> float:
    """Estimate what a row's sum can be at most, from a sample of the queries it applies to."""
    total = 0.0
    for part, inside in zip(parts, members, strict=True):
        queries = part.forecast.quality.shape[0]
        some = slice(0, queries, max(queries // 1000, 1))
        if inside:
            figure = np.zeros(part.forecast.quality[some].shape)
            for weight, table in (
                (row.quality, part.forecast.quality),
                (row.cost, part.forecast.cost_usd),
                (row.latency, part.forecast.latency_s),
            ):
                if weight and table is not None:
                    figure = figure + abs(weight) * (table[some] if table.ndim == 2 else table)
            if row.points is not None:
                figure = figure + np.abs(row.points)
            if part.forecast.callable is not None:
                mask = part.forecast.callable
                figure = np.where(mask[some] if mask.ndim == 2 else mask, figure, 0.0)
            total += queries * float(figure.max(axis=1).mean())
    return total


@dataclass
class _Pool:
    """The choices tried so far, with their sums: one column per kind and set of prices."""

    problem: _Problem
    prices: list[Prices] = field(default_factory=list)
    choices: list[NDArray[np.int32]] = field(default_factory=list)
    totals: list[Floats] = field(default_factory=list)  # sums of quality and cost, (kinds, 2) each
    values: list[Floats] = field(default_factory=list)  # scaled objective, (kinds,) each
    uses: list[Floats] = field(default_factory=list)  # scaled sums of the rows, (kinds, rows) each
    kinds: list[int] = field(default_factory=list)
    mixed: Mixed = field(init=False)
    bound: float = math.inf
    best: Floats = field(default_factory=lambda: np.empty(0))
    allowance: Floats | float = 0.0  # what rounding leaves a kept row over

    def add(self, prices: Prices) -> tuple[Floats, Floats]:
        """Choose at some prices and keep the choice as a column for every kind; give its values and uses."""
        choice, totals, use = _choose(self.problem, prices)
        objective = self.problem.objective
        value = (objective.quality * totals[:, 0] - objective.cost * totals[:, 1]) / self.problem.objective_scale
        self.prices.append(prices)
        self.choices.append(choice)
        self.totals.append(totals)
        self.values.append(value)
        self.uses.append(use)
        for g in range(len(value)):
            self.kinds.append(g)
        return value, use

    def mixture(self, phase: int, excess: Floats) -> Mixture:
        """Write the weights of the last programme down as a mixture."""
        problem = self.problem
        kinds = len(problem.member)
        weight = np.zeros((len(self.prices), kinds))  # what was tried after the last programme has none
        weight.ravel()[: self.mixed.weight.size] = self.mixed.weight
        totals, use = np.stack(self.totals), np.stack(self.uses)
        sides = [t for t in range(len(self.prices)) if (weight[t] > 0).any()]
        # Heavier first, so that a reader meets the usual choice before the exceptions.
        size = np.bincount(problem.kind, minlength=kinds)
        sides.sort(key=lambda t: -float(weight[t] @ size))
        return Mixture(
            sides=tuple(Side(self.prices[t], weight[t], self.choices[t]) for t in sides),
            prices=problem.true(phase, self.best),
            kind=problem.kind,
            member=problem.member,
            value=float((weight * (totals @ (problem.objective.quality, -problem.objective.cost))).sum()),
            quality=float((weight * totals[..., 0]).sum()),
            cost=float((weight * totals[..., 1]).sum()),
            shares=self.best if phase else np.zeros(len(problem.rows)),
            bound=self.bound * problem.objective_scale if phase else math.nan,
            used=np.einsum("tg,tgk->k", weight, use) * problem.scale,
            excess=np.where(excess > KEPT, excess, 0.0) * problem.scale,
        )


def _choose(problem: _Problem, prices: Prices) -> tuple[NDArray[np.int32], Floats, Floats]:
    """Choose for every query; sum up quality and cost ``(kinds, 2)`` and the scaled rows ``(kinds, rows)``."""
    choice = np.empty(len(problem.kind), dtype=np.int32)
    totals, use = np.zeros((len(problem.parts), 2)), np.zeros((len(problem.parts), len(problem.rows)))
    for g, part in enumerate(problem.parts):
        member = problem.member[g]
        weights = weights_at(problem.objective, problem.rows, prices, member)
        picked, sums = choose_all(part.forecast, weights)
        choice[part.rows] = picked
        totals[g] = sums.quality, sums.cost
        use[g] = [sums.of(row) if inside else 0.0 for row, inside in zip(problem.rows, member, strict=True)]
    return choice, totals, use / problem.scale


@dataclass(frozen=True)
class Sums:
    """Sums over the queries of the figures of the chosen points, and how often each point is chosen."""

    quality: float
    cost: float
    latency: float
    count: Floats

    def of(self, row: Row) -> float:
        """Give a row's sum."""
        constant = 0.0 if row.points is None else float(row.points @ self.count)
        return math.fsum((row.quality * self.quality, row.cost * self.cost, row.latency * self.latency, constant))


def choose_all(forecast: Forecast, weights: Weights) -> tuple[NDArray[np.int32], Sums]:
    """Choose a point for every query of a forecast, block by block, and sum up what was chosen."""
    queries, points = forecast.quality.shape
    choice = np.empty(queries, dtype=np.int32)
    parts: list[list[float]] = [[], [], []]
    tables = (forecast.quality, forecast.cost_usd, forecast.latency_s)
    for start in range(0, queries, CHUNK):
        part = slice(start, min(start + CHUNK, queries))
        quality, cost, latency = (_block(table, part) for table in tables)
        mask = forecast.callable
        mask = mask[part] if mask is not None and mask.ndim == 2 else mask
        chosen = choose_weighted(quality, cost, latency, weights, mask)  # pyright: ignore[reportArgumentType]
        choice[part] = chosen
        rows = np.arange(chosen.size)
        for sums, table in zip(parts, (quality, cost, latency), strict=True):
            if table is not None:
                sums.append(float((table[rows, chosen] if table.ndim == 2 else table[chosen]).sum()))
    quality, cost, latency = map(math.fsum, parts)
    return choice, Sums(quality, cost, latency, np.bincount(choice, minlength=points).astype(np.float64))


def _block(table: NDArray | None, part: slice) -> Floats | None:
    if table is None:
        return None
    return (table[part] if table.ndim == 2 else table).astype(np.float64, copy=False)


def _descend(pool: _Pool, *, phase: int) -> Floats:
    """Add choices until the mixture of those tried is proved optimal; give each row's excess, ``(rows,)``, scaled.

    In phase 0 the excess is minimised, in phase 1 the objective is maximised with none.
    """
    pool.bound, pool.best = math.inf, np.empty(0)
    mixed = _master(pool, phase)
    for _ in range(MOST_ROUNDS):
        if phase == 0 and mixed.value > -KEPT / 10:
            break
        if math.isfinite(pool.bound) and pool.bound - mixed.value <= GAP * max(abs(mixed.value), abs(pool.bound)):
            break
        trials = [mixed.prices]
        if pool.best.size:
            trials.insert(0, _HALFWAY * pool.best + (1 - _HALFWAY) * mixed.prices)
        if not any(_try(pool, phase, prices) for prices in trials):
            break
        mixed = _master(pool, phase)
    return mixed.excess


def _try(pool: _Pool, phase: int, prices: Floats) -> bool:
    """Choose at some prices; tell whether the choice improves on the mixture, at the mixture's own prices."""
    problem, mixed = pool.problem, pool.mixed
    value, use = pool.add(problem.true(float(phase), prices))
    bound = float((phase * value - use @ prices).sum() + prices @ problem.totals)
    if bound < pool.bound:
        pool.bound, pool.best = bound, prices
    reduced = phase * value - use @ mixed.prices - mixed.worth
    return bool((reduced > 1e-13 * np.maximum(np.abs(mixed.worth), 1e-3)).any())


def _master(pool: _Pool, phase: int) -> Mixed:
    """Mix the choices tried as well as possible, and keep how in the pool."""
    value, use = np.concatenate(pool.values), np.concatenate(pool.uses)
    totals = pool.problem.totals + pool.allowance
    pool.mixed = mix(value, use, np.array(pool.kinds), totals, may_exceed=phase == 0)
    return pool.mixed
