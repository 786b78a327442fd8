"""Forecast and target to solution: the exact optimum of the linear relaxation, with the proof of it.

Over queries i and points j, with x[i, :] in the simplex on the callable points:

    MaxCost:     maximise  mean_i sum_j q[i, j] x[i, j]   subject to  mean_i sum_j c[i, j] x[i, j] <= limit
    MinQuality:  minimise  mean_i sum_j c[i, j] x[i, j]   subject to  mean_i sum_j q[i, j] x[i, j] >= floor

One price p, in quality per USD, solves either: each query takes argmax_j q - p c, and at the price where the total
passes the limit the tied queries take their costlier side with probability ``split`` (see :mod:`paretoroute.choice`).
For every p, mean_i max_j (q - p c) bounds what any choice can reach; ``gap`` is the distance to that bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import NDArray

from paretoroute.bracket import Narrowed, choose_all, critical_price, narrow, start_at
from paretoroute.choice import Indices, Mask
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.hull import Steps, blocks, values
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

if TYPE_CHECKING:
    from paretoroute.limited import LimitedSolution
    from paretoroute.limits import PopulationLimit

Status = Literal["met", "slack", "infeasible"]
# Sums of many float64 terms agree to about this much; a target this close to what is reachable is met.
ROUNDING = 1e-12
_INSIDE = 1e-9
# Sums of money, and what they are in USD per query.
_AMOUNTS = (
    ("cent per 1,000,000 queries", 1e-8),
    ("cent per 1,000 queries", 1e-5),
    ("dollar per 1,000 queries", 1e-3),
)


@dataclass(frozen=True)
class Solution:
    """The solver's answer. Where the target is infeasible all of it is about ``nearest``.

    Args:
        status: ``met``; ``slack`` when the limit does not bind (more money would buy nothing that is forecast, or the
            cheapest choice already has the quality asked for); ``infeasible``.
        target: what was asked for.
        nearest: the target closest to it that can be met; None unless infeasible.
        price: quality per USD at which queries weigh cost, finite.
        split: probability with which a tied query takes ``high`` rather than ``low``.
        low: the cheapest of each query's tied best points, ``(queries,)``.
        high: the costliest of them, ``(queries,)``.
        choice: one draw, ``(queries,)``.
        expected_quality: mean quality of the relaxation.
        expected_cost_usd: mean cost per query of the relaxation.
        shadow_prices: by limit: ``cost`` in quality per USD, ``quality`` in USD per quality; 0 where it does not bind.
        gap: distance between the objective and its dual bound beyond rounding, relative to the objective.
    """

    status: Status
    target: Target
    nearest: Target | None
    price: float
    split: float
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    choice: NDArray[np.int32]
    expected_quality: float
    expected_cost_usd: float
    shadow_prices: dict[str, float]
    gap: float

    @property
    def tied(self) -> Mask:
        """Which queries take ``low`` or ``high`` by the coin, ``(queries,)``."""
        return self.low != self.high

    @property
    def shadow_price(self) -> float:
        """Quality that one more USD per query buys; 0 where no limit binds."""
        return self.price if self.binds else 0.0

    @property
    def binds(self) -> tuple[str, ...]:
        """Names of the limits that bind."""
        return tuple(name for name, value in self.shadow_prices.items() if value > 0)

    @property
    def meaning(self) -> str:
        """Say in a sentence what the price means."""
        return meaning(self.status, self.target, self.nearest, self.shadow_price)


def meaning(status: Status, target: Target, nearest: Target | None, shadow_price: float) -> str:
    """Say what a status and a shadow price mean.

    Args:
        status: of the solution.
        target: what was asked for.
        nearest: what can be met instead, where infeasible.
        shadow_price: quality per USD, 0 where nothing binds.

    Example:
        >>> meaning("met", MaxCost(0.004), None, 200.0)
        'one more cent per 1,000 queries buys 0.2 quality points (of 100)'
    """
    if isinstance(target, BestTrade):
        return f"money is spent wherever one more right answer costs less than ${target.usd_per_quality:.4g}"
    if status == "infeasible":
        return f"{target} cannot be met; the nearest that can is: {nearest}"
    if isinstance(target, MinQuality):
        if shadow_price <= 0:
            return "the cheapest choice already has the quality asked for"
        return f"one more quality point (of 100) costs ${10 / shadow_price:.2g} more per 1,000 queries"
    if shadow_price <= 0:
        return "more money would buy nothing that is forecast"
    # The smallest amount that buys something worth printing; a price so low that none does speaks per query.
    for amount, usd in _AMOUNTS:
        if 100 * shadow_price * usd >= 0.01:
            return f"one more {amount} buys {100 * shadow_price * usd:.2g} quality points (of 100)"
    return f"one more dollar per query buys {100 * shadow_price:.2g} quality points (of 100)"


@overload
def solve(forecast: Forecast, target: MaxCost | MinQuality, *, seed: int = 0) -> Solution: ...


@overload
def solve(
    forecast: Forecast, target: Target, limits: Sequence[PopulationLimit] = (), *, seed: int = 0
) -> Solution | LimitedSolution: ...


def solve(
    forecast: Forecast, target: Target, limits: Sequence[PopulationLimit] = (), *, seed: int = 0
) -> Solution | LimitedSolution:
    """Choose a point for every query so that the target is met, at the exact optimum of the linear relaxation.

    Args:
        forecast: quality and cost of every point at every query; higher quality is better.
        target: what to meet, over the mean of these queries. A relative one names its point by column.
        limits: side conditions on the population, such as :class:`~paretoroute.limits.MaxShare`. With any of them, or
            a :class:`~paretoroute.targets.BestTrade`, the answer is a :class:`~paretoroute.limited.LimitedSolution`.
        seed: of the draw ``choice`` among tied points.

    Returns:
        The solution. An infeasible target is an answer too, not an error.

    Raises:
        TargetError: a relative target names its point by text, or by a column that is not there.

    Example:
        >>> forecast = Forecast(quality=np.array([[0.2, 0.8], [0.4, 0.5]]), cost_usd=np.array([0.0, 1.0]))
        >>> solution = solve(forecast, MaxCost(usd=0.5))
        >>> solution.choice.tolist(), round(solution.expected_quality, 12)
        ([1, 0], 0.6)
    """
    if limits or isinstance(target, BestTrade):
        from paretoroute.limited import solve_limited

        return solve_limited(forecast, target, limits, seed=seed)
    measure, which = ("cost", 0) if isinstance(target, MaxCost) else ("quality", 1)
    queries = forecast.quality.shape[0]
    total = queries * (target.usd if isinstance(target, MaxCost) else floor_of(target, forecast))
    state, steps, price = _open_at(forecast, measure, total)
    if isinstance(target, MaxCost) and state.lower == 0:
        rich = _mix(state, 0.0)
        if total >= rich.high[0]:
            return _answer(state, rich, 0.0, "slack", target, None, seed)
    mix = _mix(state, price)
    low, high = mix.low[which], mix.high[which]
    split = 0.0 if high <= low else min(max((total - low) / (high - low), 0.0), 1.0)
    if isinstance(target, MaxCost):
        infeasible = total < low - ROUNDING * abs(low)
        nearest = MaxCost(usd=low / queries) if infeasible else None
        return _answer(state, mix, split, "infeasible" if infeasible else "met", target, nearest, seed)
    if total > high + ROUNDING * abs(high):
        return _answer(state, mix, 1.0, "infeasible", target, nearest_quality(target, forecast, high / queries), seed)
    at_start = state.upper == math.inf and (not steps.slope.size or price >= steps.slope[0])
    status: Status = "slack" if at_start and total <= low else "met"
    return _answer(state, mix, split, status, target, None, seed)


def floor_of(target: MinQuality, forecast: Forecast) -> float:
    """Compute the mean quality that a target asks for at these queries.

    Raises:
        TargetError: the reference point is given by text, or by a column that is not there.
    """
    if target.quality is not None:
        return target.quality
    points = forecast.quality.shape[1]
    if isinstance(target.of, str) or not 0 <= int(target.of or 0) < points:
        raise TargetError(
            f"MinQuality is relative to {target.of!r}; a bare forecast needs a column of 0 to {points - 1}: "
            "resolve the name first, grid.index(name)"
        )
    return float(target.ratio or 1.0) * float(forecast.quality[:, target.of].mean(dtype=np.float64))


def nearest_quality(target: MinQuality, forecast: Forecast, quality: float) -> MinQuality:
    """State the highest quality within reach in the terms of the target."""
    if target.quality is not None:
        return MinQuality(quality=min(max(quality, 0.0), 1.0))
    reference = floor_of(MinQuality(ratio=1.0, of=target.of), forecast)
    return MinQuality(ratio=quality / reference, of=target.of)


def _open_at(forecast: Forecast, measure: str, total: float) -> tuple[Narrowed, Steps, float]:
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


def _mix(state: Narrowed, price: float) -> _Mix:
    """Apply the decision rule at a price to the open queries and add the settled ones."""
    points = choose_all(state.forecast, price)
    low, high = (
        tuple(math.fsum([done, side.sum()]) for done, side in zip((state.cost, state.quality), both, strict=True))
        for both in (values(state.forecast, point) for point in points)
    )
    return _Mix(price, *points, low, high)  # pyright: ignore[reportArgumentType]  # pairs by construction


def _answer(
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


def _best_scores(forecast: Forecast, price: float) -> float:
    """Sum every query's highest score."""
    sums = []
    for _, (quality, cost, mask) in blocks(forecast):
        scores = quality - price * cost
        if mask is not None:
            scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
        sums.append(scores.max(axis=1).sum())
    return math.fsum(sums)
