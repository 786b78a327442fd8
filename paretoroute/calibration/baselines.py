"""Baselines on the logged outcomes: the best single point and the best static mixture of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretoroute.calibration.intervals import Z90, Interval
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier
from paretoroute.solver.rules import Rule


def best_single(outcomes: LoggedOutcomes) -> int:
    """Find the logged point with the best mean quality; the cheaper one of equals."""
    quality, cost = outcomes.quality.mean(0), outcomes.cost_usd.mean(0)
    quality[list(outcomes.holes)] = -np.inf
    return int(np.lexsort((cost, -quality))[0])


def cost_ratio(outcomes: LoggedOutcomes, rule: Rule, point: int) -> Interval:
    """Compare the cost of a policy with that of a single point: their ratio, by the delta method on its logarithm."""
    _, cost, _ = outcomes.chosen(rule)
    other = outcomes.cost_usd[:, point]
    if not (cost.mean() > 0 and other.mean() > 0):
        return Interval(1.0, 1.0, 1.0)
    relative = cost / cost.mean() - other / other.mean()
    reach = np.exp(Z90 * relative.std() / np.sqrt(len(cost)))
    ratio = float(cost.mean() / other.mean())
    return Interval(ratio, float(ratio / reach), float(ratio * reach))


def gain_over_static_mixture(outcomes: LoggedOutcomes, rules: Sequence[Rule]) -> Interval:
    """Compare a policy with the best prompt-blind mixture of points at the same cost, in quality points of 100.

    The mixture is the frontier of the points' logged means on these very queries, known only afterwards: an opponent
    with a little hindsight.

    Args:
        outcomes: the traffic.
        rules: of the policies to average over.
    """
    means = Forecast(np.clip(outcomes.quality.mean(0), 0, 1)[None], np.maximum(outcomes.cost_usd.mean(0), 0.0)[None])
    blind = frontier(means)
    path = np.concatenate([blind.start[:1], blind.steps.target]).astype(int)
    where = blind.cost_usd
    differences = np.zeros(len(outcomes.quality))
    for rule in rules:
        quality, cost, _ = outcomes.chosen(rule)
        spent = float(np.clip(cost.mean(), where[0], where[-1]))
        step = int(np.clip(np.searchsorted(where, spent, side="right") - 1, 0, max(len(where) - 2, 0)))
        if len(where) > 1:
            share = (spent - where[step]) / (where[step + 1] - where[step])
            below, above = path[blind.first[step]], path[blind.first[step + 1]]
            slope = blind.price[step] if where[0] < cost.mean() < where[-1] else 0.0
        else:
            share, below, above, slope = 0.0, path[0], path[0], 0.0
        mixed_quality = (1 - share) * outcomes.quality[:, below] + share * outcomes.quality[:, above]
        mixed_cost = (1 - share) * outcomes.cost_usd[:, below] + share * outcomes.cost_usd[:, above]
        differences += quality - mixed_quality - slope * (cost - mixed_cost)
    differences *= 100 / max(len(rules), 1)
    reach = Z90 * differences.std() / np.sqrt(len(differences))
    mean = float(differences.mean())
    return Interval(mean, float(mean - reach), float(mean + reach))
