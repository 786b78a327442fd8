"""Solve for one limit on the mean, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.forecast import Tables
from paretoroute.solver.fixing import Narrowed, choose_all, critical_price, narrow, start_at
from paretoroute.solver.frontier import Steps, blocks, values
from paretoroute.solver.solution import Solution, Status
from paretoroute.targets import MaxCost, Target

_INSIDE = 1e-9


def open_at(forecast: Tables, measure: str, total: float) -> tuple[Narrowed, Steps, float]:
    """Narrow the queries down and find the price of the target."""
    state = narrow(forecast, measure, total)
    price, steps = critical_price(state, measure, total)
    inside = state.lower * (1 + _INSIDE) < price < state.upper * (1 - _INSIDE)
    if state.rows is not None and not inside:
        # On the edge, queries that the edge has settled may be tied: open them all again.
        state = Narrowed(None, forecast, state.settled, 0.0, 0.0, math.inf, 0.0)
        price, steps = critical_price(state, measure, total)
    return state, steps, price


@dataclass(frozen=True)
class _Mix:
    """Both sides of all ties at a price: points of the open queries; totals of cost and quality over all queries."""

    price: float
    low_point: Indices
    high_point: Indices
    low: tuple[float, float]
    high: tuple[float, float]


def mixture_between(state: Narrowed, price: float) -> _Mix:
    """Apply the decision rule at a price to the open queries and add the settled ones."""
    points = choose_all(state.forecast, price)
    low, high = (
        tuple(math.fsum([done, side.sum()]) for done, side in zip((state.cost, state.quality), both, strict=True))
        for both in (values(state.forecast, point) for point in points)
    )
    return _Mix(price, *points, low, high)  # pyright: ignore[reportArgumentType]  # pairs by construction


def solution_of(
    state: Narrowed, mix: _Mix, split: float, status: Status, target: Target, nearest: Target | None, seed: int
) -> Solution:
    """Write the open queries into the settled ones, draw, and compute what is expected."""
    low = state.settled.copy()
    rows = slice(None) if state.rows is None else state.rows
    low[rows] = mix.low_point
    high = low.copy()
    high[rows] = mix.high_point
    choice = low.copy()
    tied = np.flatnonzero(low != high)
    taken = tied[np.random.default_rng(seed).random(tied.size) < split]
    choice[taken] = high[taken]
    cost, quality = (a + split * (b - a) for a, b in zip(mix.low, mix.high, strict=True))
    name, price = ("cost", mix.price) if isinstance(target, MaxCost) else ("quality", 1 / mix.price if mix.price else 0)
    return Solution(
        status=status,
        target=target,
        nearest=nearest,
        price=mix.price,
        split=split,
        low=low,
        high=high,
        choice=choice,
        expected_quality=quality / low.size,
        expected_cost_usd=cost / low.size,
        shadow_prices={name: 0.0 if status == "slack" else price},
        gap=_gap(state, mix, status, isinstance(target, MaxCost), cost, quality),
    )


def _gap(state: Narrowed, mix: _Mix, status: Status, limits_cost: bool, cost: float, quality: float) -> float:
    """Compute the duality gap of totals, relative to the largest number in it.

    With S(p) = sum_i max_j (q - p c): quality <= S(p) + p cost, and cost >= (quality - S(p)) / p, for every p > 0. At
    p = 0 the first still holds; in place of the second, no choice costs less than the cheapest.
    """
    price = mix.price
    best = state.quality - price * state.cost + _best_scores(state.forecast, price)
    if limits_cost:
        bound = best + price * cost
        # Scores are differences of larger numbers: what their rounding explains is no gap.
        rounding = 8 * np.finfo(float).eps * (mix.high[1] + price * mix.high[0])
        away = max(abs(bound - quality) - rounding, 0.0)
        return away / max(abs(bound), abs(quality), price * cost, np.finfo(float).tiny)
    if price == 0 or status == "slack":
        bound, scale = state.cost + float(values(state.forecast, start_at(state.forecast, math.inf))[0].sum()), 0.0
    else:
        bound, scale = (quality - best) / price, abs(quality) / price
    return abs(cost - bound) / max(abs(cost), scale, np.finfo(float).tiny)


def _best_scores(forecast: Tables, price: float) -> float:
    """Sum every query's highest score."""
    sums = []
    for _, (quality, cost, mask) in blocks(forecast):
        scores = quality - price * cost
        if mask is not None:
            scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
        sums.append(scores.max(axis=1).sum())
    return math.fsum(sums)
