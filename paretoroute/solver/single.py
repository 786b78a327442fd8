"""Solve for one constraint on the mean, exactly.

One price p, in quality per USD, is optimal for either target: each query takes argmax_j q - p c. At the price where the
total passes the constraint's, tied queries take their costlier point with probability ``split``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights
from paretoroute.solver.block_argmax import BlockScores, CostQuality
from paretoroute.solver.constraints import amount
from paretoroute.solver.fixing import (
    CriticalPrice,
    Goal,
    Measure,
    PartlyFixed,
    all_free,
    choose_all,
    critical_price,
    fix_choices,
)
from paretoroute.solver.frontier import cheapest_points, values
from paretoroute.solver.solution import ROUNDING, Solution, Status, floor_of, nearest_quality
from paretoroute.targets import MaxCost, MinQuality, Target

_INSIDE = 1e-9


def solve_single(forecast: Tables, target: MaxCost | MinQuality, *, seed: int) -> Solution:
    """Meet a target on the mean at the optimum of the linear relaxation.

    Args:
        forecast: quality and cost.
        target: a relative one names its point by column.
        seed: of the draw ``choice`` among tied points.

    Raises:
        TargetError: a relative target names its point by text, or by a column that does not exist; or the USD of a
            target are below 1e-60.
    """
    answer = _within_cost(forecast, target) if isinstance(target, MaxCost) else _at_least(forecast, target)
    return _solution(answer, target, seed)


@dataclass(frozen=True)
class _Ties:
    """Both ends of all ties at a price: points of the free queries, and totals over all queries."""

    state: PartlyFixed
    price: float
    low_point: Indices
    high_point: Indices
    low: CostQuality[float]
    high: CostQuality[float]


@dataclass(frozen=True)
class _Answer:
    """The price of a target with its ties, and the probability of their costlier point."""

    status: Status
    nearest: Target | None
    ties: _Ties
    split: float


def _within_cost(forecast: Tables, target: MaxCost) -> _Answer:
    queries = forecast.quality.shape[0]
    goal = Goal(Measure.COST, queries * amount("the USD of MaxCost", target.usd))
    state, critical = _locate(forecast, goal)
    if state.interval.lower == 0:
        richest = _ties_at(state, 0.0)
        if goal.total >= richest.high.cost:
            return _Answer("slack", None, richest, 0.0)
    ties = _ties_at(state, critical.price)
    if goal.total < ties.low.cost - ROUNDING * abs(ties.low.cost):
        return _Answer("infeasible", MaxCost(usd=ties.low.cost / queries), ties, 0.0)
    return _Answer("met", None, ties, _split(goal, ties))


def _at_least(forecast: Tables, target: MinQuality) -> _Answer:
    queries = forecast.quality.shape[0]
    goal = Goal(Measure.QUALITY, queries * floor_of(target, forecast))
    state, critical = _locate(forecast, goal)
    ties = _ties_at(state, critical.price)
    if goal.total > ties.high.quality + ROUNDING * abs(ties.high.quality):
        return _Answer("infeasible", nearest_quality(target, forecast, ties.high.quality / queries), ties, 1.0)
    at_start = math.isinf(state.interval.upper) and critical.price >= critical.first_slope
    slack = at_start and goal.total <= ties.low.quality
    return _Answer("slack" if slack else "met", None, ties, _split(goal, ties))


def _locate(forecast: Tables, goal: Goal) -> tuple[PartlyFixed, CriticalPrice]:
    """Fix most queries and locate the price of the goal among the others."""
    state = fix_choices(forecast, goal)
    critical = critical_price(state, goal)
    inside = state.interval.lower * (1 + _INSIDE) < critical.price < state.interval.upper * (1 - _INSIDE)
    if state.rows is not None and not inside:
        # At an end of the interval, fixed queries may be tied: free them all again.
        state = all_free(forecast)
        critical = critical_price(state, goal)
    return state, critical


def _ties_at(state: PartlyFixed, price: float) -> _Ties:
    """Apply the decision rule at a price to the free queries and add the fixed ones."""
    points = choose_all(state.free, price)
    low, high = (
        CostQuality(
            math.fsum([state.fixed.cost, chosen.cost.sum()]), math.fsum([state.fixed.quality, chosen.quality.sum()])
        )
        for chosen in (values(state.free, point) for point in points)
    )
    return _Ties(state, price, *points, low, high)


def _split(goal: Goal, ties: _Ties) -> float:
    """Return the probability of the costlier points at which the goal is reached."""
    low, high = goal.of(ties.low), goal.of(ties.high)
    return 0.0 if high <= low else min(max((goal.total - low) / (high - low), 0.0), 1.0)


def _solution(answer: _Answer, target: MaxCost | MinQuality, seed: int) -> Solution:
    """Write the free queries' points beside the fixed ones, draw, and compute the expected figures."""
    ties, split = answer.ties, answer.split
    low = ties.state.choice.copy()
    rows = slice(None) if ties.state.rows is None else ties.state.rows
    low[rows] = ties.low_point
    high = low.copy()
    high[rows] = ties.high_point
    choice = low.copy()
    tied = np.flatnonzero(low != high)
    costlier = tied[np.random.default_rng(seed).random(tied.size) < split]
    choice[costlier] = high[costlier]
    mean = CostQuality(*(a + split * (b - a) for a, b in zip(ties.low, ties.high, strict=True)))
    limits_cost = isinstance(target, MaxCost)
    price = ties.price if limits_cost else 1 / ties.price if ties.price else 0
    return Solution(
        status=answer.status,
        target=target,
        nearest=answer.nearest,
        price=ties.price,
        split=split,
        low=low,
        high=high,
        choice=choice,
        expected_quality=mean.quality / low.size,
        expected_cost_usd=mean.cost / low.size,
        shadow_prices={"cost" if limits_cost else "quality": 0.0 if answer.status == "slack" else price},
        gap=_quality_gap(ties, mean) if limits_cost else _cost_gap(ties, mean, slack=answer.status == "slack"),
        is_best=_is_best(answer, mean.quality),
    )


def _is_best(answer: _Answer, quality: float) -> bool:
    """Return whether no choice has a higher total quality; looked up only at the upper end of a tie."""
    if answer.split < 1 - _INSIDE and _has_ties(answer.ties):
        return False
    best = math.fsum([answer.ties.state.fixed.quality, *_best_qualities(answer.ties.state)])
    return quality >= best - _INSIDE * abs(best)


def _has_ties(ties: _Ties) -> bool:
    return bool((ties.low_point != ties.high_point).any())


def _best_qualities(state: PartlyFixed) -> list[float]:
    kernel = BlockScores(state.free)
    return [float(kernel.score(block, Weights(1.0, 0.0)).max(axis=1).sum()) for _, block in kernel]


def _quality_gap(ties: _Ties, total: CostQuality[float]) -> float:
    """Compute the duality gap where quality is maximised, relative to the largest number in it.

    With S(p) = sum_i max_j (q - p c): quality <= S(p) + p cost for every p >= 0.
    """
    price = ties.price
    bound = _best_scores(ties) + price * total.cost
    # Scores are differences of larger numbers: the rounding error of these is no gap.
    rounding = 8 * np.finfo(float).eps * (ties.high.quality + price * ties.high.cost)
    gap = max(abs(bound - total.quality) - rounding, 0.0)
    return gap / max(abs(bound), abs(total.quality), price * total.cost, np.finfo(float).tiny)


def _cost_gap(ties: _Ties, total: CostQuality[float], *, slack: bool) -> float:
    """Compute the duality gap where cost is minimised, relative to the largest number in it.

    With S(p) = sum_i max_j (q - p c): cost >= (quality - S(p)) / p for every p > 0. At p = 0, or where the floor is
    slack, the bound is the cheapest choice.
    """
    price = ties.price
    if price == 0 or slack:
        cheapest = values(ties.state.free, cheapest_points(ties.state.free)).cost
        bound, scale = ties.state.fixed.cost + float(cheapest.sum()), 0.0
    else:
        bound, scale = (total.quality - _best_scores(ties)) / price, abs(total.quality) / price
    return abs(total.cost - bound) / max(abs(total.cost), scale, np.finfo(float).tiny)


def _best_scores(ties: _Ties) -> float:
    """Sum the highest score of every query, fixed ones included."""
    state, kernel = ties.state, BlockScores(ties.state.free)
    free = [kernel.score(block, Weights(1.0, ties.price)).max(axis=1).sum() for _, block in kernel]
    return state.fixed.quality - ties.price * state.fixed.cost + math.fsum(free)
