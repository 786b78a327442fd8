"""Policies without hindsight: solved for cost targets before the queries come, and judged at what they spent.

The opponent is the mixture of single points that was best on the training runs; of the new queries it is told only how
much the policy spent, and spends as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.evaluation.tradeoff_curves import cost_range, single_points
from paretoroute.forecast import Forecast
from paretoroute.policy.policy import Policy
from paretoroute.solver.argmax import choose
from paretoroute.targets import MaxCost

TARGETS = 8


@dataclass(frozen=True)
class Outcomes:
    """Quality and cost of some queries at every point, without holes: ``(queries, points)`` each."""

    quality: Floats
    cost_usd: Floats


def gains_over_static_mixture(
    policy: Policy, forecast: Forecast, train: Outcomes, test: Outcomes
) -> tuple[Floats, Floats]:
    """Judge a policy, solved for several cost targets, on queries that it never saw.

    Where two points tie the planner tosses a coin; here its mean counts, which is the same but for luck.

    Args:
        policy: fitted on the training queries.
        forecast: what the policy's surface says of the test queries.
        train: what the policy and the blind mixture may know.
        test: what came of the test queries.

    Returns:
        What each query adds to the mean gain in quality over all targets, ``(queries,)``, noise of spending included,
        and realised over asked mean cost of every target, ``(targets,)``.
    """
    static = single_points(train.quality, train.cost_usd)
    targets = cost_range(static, TARGETS)
    path = static.vertex[np.argsort(test.cost_usd[:, static.vertex].mean(0), kind="stable")]
    rows = np.arange(len(test.quality))
    gains, spending = np.zeros(len(rows)), np.zeros(TARGETS)
    for k, target in enumerate(targets):
        solution = policy.solve(MaxCost(usd=float(target))).document.solution
        low, high = choose(forecast.quality, forecast.cost_usd, solution.quality_per_usd)
        got, paid = (
            (1 - solution.split) * table[rows, low] + solution.split * table[rows, high]
            for table in (test.quality, test.cost_usd)
        )
        gains += (got - _blind_at(path, test, paid)) / TARGETS
        spending[k] = paid.mean() / target
    return gains, spending


def _blind_at(path: NDArray[np.intp], test: Outcomes, paid: Floats) -> Floats:
    """Give each query's quality under the blind mixture that spends as much, less what spending's noise is worth."""
    cost, quality = test.cost_usd[:, path].mean(0), test.quality[:, path].mean(0)
    spent = float(paid.mean())
    step = int(np.clip(np.searchsorted(cost, spent, side="right") - 1, 0, max(len(path) - 2, 0)))
    above = min(step + 1, len(path) - 1)
    run = float(cost[above] - cost[step])
    share = float(np.clip((spent - cost[step]) / run, 0.0, 1.0)) if run > 0 else 0.0
    slope = float(quality[above] - quality[step]) / run if run > 0 and 0 < share < 1 else 0.0
    mixed_quality = (1 - share) * test.quality[:, path[step]] + share * test.quality[:, path[above]]
    mixed_cost = (1 - share) * test.cost_usd[:, path[step]] + share * test.cost_usd[:, path[above]]
    return mixed_quality + slope * (paid - mixed_cost)
