"""Forecast and target to solution: the exact optimum of the linear relaxation, with the proof of it.

Over queries i and points j, with x[i, :] in the simplex on the callable points:

    MaxCost:     maximise  mean_i sum_j q[i, j] x[i, j]   subject to  mean_i sum_j c[i, j] x[i, j] <= limit
    MinQuality:  minimise  mean_i sum_j c[i, j] x[i, j]   subject to  mean_i sum_j q[i, j] x[i, j] >= floor

One price p, in quality per USD, solves either: each query takes argmax_j q - p c, and at the price where the total
passes the limit the tied queries take their costlier side with probability ``split`` (see
:mod:`paretoroute.solver.argmax`).
For every p, mean_i max_j (q - p c) bounds what any choice can reach; ``gap`` is the distance to that bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from paretoroute.errors import fit_extra
from paretoroute.forecast import Forecast
from paretoroute.solver.single import mixture_between, open_at, solution_of
from paretoroute.solver.solution import ROUNDING, Solution, Status, floor_of, nearest_quality
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

if TYPE_CHECKING:
    from paretoroute.limits import PopulationLimit
    from paretoroute.solver.coupled.solve import LimitedSolution


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
            a :class:`~paretoroute.targets.BestTrade`, the answer is a
            :class:`~paretoroute.solver.coupled.solve.LimitedSolution`.
        seed: of the draw ``choice`` among tied points.

    Returns:
        The solution. An infeasible target is an answer too, not an error.

    Raises:
        TargetError: a relative target names its point by text, or by a column that is not there.

    Example:
        >>> import numpy as np
        >>> forecast = Forecast(quality=np.array([[0.2, 0.8], [0.4, 0.5]]), cost_usd=np.array([0.0, 1.0]))
        >>> solution = solve(forecast, MaxCost(usd=0.5))
        >>> solution.choice.tolist(), round(solution.expected_quality, 12)
        ([1, 0], 0.6)
    """
    if limits or isinstance(target, BestTrade):
        with fit_extra("solve with limits"):
            from paretoroute.solver.coupled.solve import solve_limited

            return solve_limited(forecast, target, limits, seed=seed)
    measure, which = ("cost", 0) if isinstance(target, MaxCost) else ("quality", 1)
    queries = forecast.quality.shape[0]
    total = queries * (target.usd if isinstance(target, MaxCost) else floor_of(target, forecast))
    state, steps, price = open_at(forecast, measure, total)
    if isinstance(target, MaxCost) and state.lower == 0:
        rich = mixture_between(state, 0.0)
        if total >= rich.high[0]:
            return solution_of(state, rich, 0.0, "slack", target, None, seed)
    mix = mixture_between(state, price)
    low, high = mix.low[which], mix.high[which]
    split = 0.0 if high <= low else min(max((total - low) / (high - low), 0.0), 1.0)
    if isinstance(target, MaxCost):
        infeasible = total < low - ROUNDING * abs(low)
        nearest = MaxCost(usd=low / queries) if infeasible else None
        return solution_of(state, mix, split, "infeasible" if infeasible else "met", target, nearest, seed)
    if total > high + ROUNDING * abs(high):
        return solution_of(
            state, mix, 1.0, "infeasible", target, nearest_quality(target, forecast, high / queries), seed
        )
    at_start = state.upper == math.inf and (not steps.slope.size or price >= steps.slope[0])
    status: Status = "slack" if at_start and total <= low else "met"
    return solution_of(state, mix, split, status, target, None, seed)
