"""Solve a target on a forecast: the exact optimum of the linear relaxation, with its duality gap.

Over queries i and points j, with x[i, :] in the simplex on the callable points:

    MaxCost:     maximise  mean_i sum_j q[i, j] x[i, j]   subject to  mean_i sum_j c[i, j] x[i, j] <= limit
    MinQuality:  minimise  mean_i sum_j c[i, j] x[i, j]   subject to  mean_i sum_j q[i, j] x[i, j] >= floor

One price p, in quality per USD, solves either: each query takes argmax_j q - p c, and at the price where the total
passes the limit the tied queries take their costlier point with probability ``split`` (see
:mod:`paretoroute.solver.argmax`). For every p, mean_i max_j (q - p c) yields a dual bound; ``gap`` is the distance to
it. Several constraints are solved by :mod:`paretoroute.solver.coupled.solve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args, overload

from paretoroute.errors import TargetError, expect, expect_items, expect_seed, fit_extra
from paretoroute.forecast import Forecast, in_range
from paretoroute.solver.single import solve_single
from paretoroute.solver.solution import Solution
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
        target: to meet on the mean of these queries. A relative one names its point by column.
        limits: side conditions on the population, such as :class:`~paretoroute.limits.MaxShare`. With any of them, or
            a :class:`~paretoroute.targets.BestTrade`, the answer is a
            :class:`~paretoroute.solver.coupled.solve.LimitedSolution`.
        seed: of the draw ``choice`` among tied points.

    Returns:
        The solution. An infeasible target is a status, not an error.

    Raises:
        TargetError: a relative target names its point by text, or by a column that does not exist; or a cost, a limited
            latency, the target or a limit is an amount that cannot be priced in float64 (below 1e-60 and not 0, or a
            figure above 1e60).

    Example:
        >>> import numpy as np
        >>> forecast = Forecast(quality=np.array([[0.2, 0.8], [0.4, 0.5]]), cost_usd=np.array([0.0, 1.0]))
        >>> solution = solve(forecast, MaxCost(usd=0.5))
        >>> solution.choice.tolist(), round(solution.expected_quality, 12)
        ([1, 0], 0.6)
    """
    expect("the forecast", forecast, Forecast, TargetError)
    expect("the target", target, (MaxCost, MinQuality, BestTrade), TargetError)
    expect("limits", limits, Sequence, TargetError)
    expect_seed(seed, TargetError)
    if limits or isinstance(target, BestTrade):
        with fit_extra("solve with limits"):
            from paretoroute.limits import Limit
            from paretoroute.solver.coupled.solve import solve_limited

            expect_items("limits", limits, get_args(Limit), TargetError)

            return solve_limited(forecast, target, limits, seed=seed)
    return solve_single(in_range(forecast), target, seed=seed)
