"""Policies solved for cost targets before the queries arrive, judged at the cost that they realise.

The baseline is the mixture of single points that was best on the training runs, moved along its own line to the mean
cost that the policy realised on the test queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.mixtures import quality_at_equal_cost
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points
from paretoroute.forecast import Forecast
from paretoroute.policy.policy import Policy
from paretoroute.solver.argmax import choose
from paretoroute.targets import MaxCost

TARGETS = 8


@dataclass(frozen=True)
class EqualCostGain:
    """A policy's gain over the static mixture at equal cost, over several cost targets.

    Args:
        gain: each query's share in the mean gain in quality over all targets, noise of cost included, ``(queries,)``.
        cost_ratio: realised over target mean cost, ``(targets,)``.
    """

    gain: Floats
    cost_ratio: Floats


def gain_over_static_mixture(policy: Policy, forecast: Forecast, *, train: Outcomes, test: Outcomes) -> EqualCostGain:
    """Judge a policy, solved for several cost targets, on queries that were held out.

    Where two points tie, the planner draws one at random; here the expectation over the draw counts.

    Args:
        policy: fitted on the training queries.
        forecast: the policy's own, of the test queries.
        train: outcomes that policy and static mixture are chosen by.
        test: outcomes that both are judged by.
    """
    static = single_points(train)
    targets = cost_range(static, TARGETS)
    path = static.vertex[np.argsort(test.cost_usd[:, static.vertex].mean(0), kind="stable")]
    mixture = {"quality": test.quality[:, path], "cost_usd": test.cost_usd[:, path]}
    gain, cost_ratio = np.zeros(len(test.quality)), np.zeros(TARGETS)
    for k, target in enumerate(targets):
        solution = policy.solve(MaxCost(usd=float(target))).document.solution
        low, high = choose(forecast.quality, forecast.cost_usd, solution.quality_per_usd)
        (low_quality, low_cost), (high_quality, high_cost) = test.at(low), test.at(high)
        quality = (1 - solution.split) * low_quality + solution.split * high_quality
        paid = (1 - solution.split) * low_cost + solution.split * high_cost
        gain += (quality - quality_at_equal_cost(paid, **mixture)) / TARGETS
        cost_ratio[k] = paid.mean() / target
    return EqualCostGain(gain, cost_ratio)
