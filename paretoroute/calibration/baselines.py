"""Baselines on the logged outcomes: the best single point, and the best static mixture of points.

The best static mixture is the best context-free policy: it calls two points with fixed probabilities, whatever the
query. At every mean cost it reaches the upper concave hull of the points' logged means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.calibration.estimate import PolicyValue
from paretoroute.calibration.intervals import Z90, Interval, normal_interval
from paretoroute.calibration.mixtures import hull, interpolate, quality_at_equal_cost
from paretoroute.calibration.off_policy.clusters import count_of, mean_error, t90
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.solver.rules import Rule

ROUNDING = 1e-12  # differences in quality below this come from sums of float64 numbers


def best_single(outcomes: LoggedOutcomes) -> int:
    """Return the column of the logged point with the highest mean quality; of equals, the cheaper one."""
    quality, cost = outcomes.quality.mean(0), outcomes.cost_usd.mean(0)
    quality[list(outcomes.unlogged)] = -np.inf
    return int(np.lexsort((cost, -quality))[0])


def cost_ratio(outcomes: LoggedOutcomes, rule: Rule, point: int) -> Interval:
    """Compute the mean cost of a rule over that of a single point; the interval is by the delta method on the log.

    Where either costs nothing the ratio has no interval: it is 0 of a free rule, infinite beside a free point, and 1 of
    two free ones.
    """
    cost, other = outcomes.chosen(rule).cost_usd, outcomes.cost_usd[:, point]
    is_free, is_point_free = not cost.mean() > 0, not other.mean() > 0
    if is_free or is_point_free:
        ratio = 0.0 if not is_point_free else 1.0 if is_free else math.inf
        return Interval(ratio, ratio, ratio)
    relative = cost / cost.mean() - other / other.mean()
    factor = np.exp(Z90 * relative.std() / np.sqrt(len(cost)))
    ratio = float(cost.mean() / other.mean())
    return Interval(ratio, float(ratio / factor), float(ratio * factor))


def gain_over_static_mixture(
    outcomes: LoggedOutcomes, rules: Sequence[Rule], groups: Indices | None = None
) -> Interval:
    """Compute the gain in quality over the best static mixture at equal cost, in quality points of 100.

    The mixture is chosen with the logged means of the same queries, which makes it a slightly optimistic baseline.

    Args:
        outcomes: of the calibration sample.
        rules: the rules to average over.
        groups: numbers of the queries' families, of copies or conversations, ``(queries,)``; the interval is no
            narrower than that of as many independent families tells. None: each query is its own.
    """
    mean_quality = np.clip(outcomes.quality.mean(0), 0.0, 1.0)
    vertices = hull(mean_quality, np.maximum(outcomes.cost_usd.mean(0), 0.0))
    quality, cost = outcomes.quality[:, vertices], outcomes.cost_usd[:, vertices]
    gain = np.zeros(len(outcomes.quality))
    for rule in rules:
        chosen = outcomes.chosen(rule)
        gain += chosen.quality - quality_at_equal_cost(chosen.cost_usd, quality=quality, cost_usd=cost)
    gain = np.where(np.abs(gain) > ROUNDING, gain, 0.0)  # a context-free policy gains nothing, and not 1e-17
    gain *= 100 / max(len(rules), 1)
    interval = normal_interval(gain)
    count = count_of(groups, len(gain))
    if groups is None or count == len(gain):
        return interval
    margin = t90(count - 1) * mean_error(gain, groups) if count > 1 else 100.0  # one family tells nothing of others
    margin = max(margin, interval.high - interval.value)
    return Interval(interval.value, interval.value - margin, interval.value + margin)


class Comparison(NamedTuple):
    """A policy against a single point.

    Args:
        cost_ratio: its mean cost over that of the point.
        gain: its mean quality over that of the point, in quality points of 100.
    """

    cost_ratio: Interval
    gain: Interval


def against_point(outcomes: LoggedOutcomes, value: PolicyValue[Rule], point: int) -> Comparison:
    """Compare the estimates of a rule on a partial log with those of a point; the error is that of the rule's.

    Args:
        outcomes: of the calibration sample.
        value: of the rule.
        point: column of a point that costs something, or is as free as the rule.

    Raises:
        ValueError: the log is too thin for intervals of the rule.
    """
    cost, quality = float(outcomes.cost_usd[:, point].mean()), float(outcomes.quality[:, point].mean())
    costs = _ends(value.cost_usd, value.cost_usd_low, value.cost_usd_high)
    qualities = _ends(value.quality, value.quality_low, value.quality_high)
    ratio = Interval(*(end / cost for end in costs)) if cost > 0 else Interval(1.0, 1.0, 1.0)
    return Comparison(ratio, Interval(*(100 * (end - quality) for end in qualities)))


def _ends(value: float, low: float | None, high: float | None) -> tuple[float, float, float]:
    if low is None or high is None:
        raise ValueError("an estimate without an interval cannot be compared; check quality_low first")
    return value, low, high


def gain_of_estimates(outcomes: LoggedOutcomes, values: Sequence[PolicyValue[Rule]]) -> Interval | None:
    """Compute the same gain on a partial log, from estimates; None if it is too thin for an interval of any.

    The error is that of the estimates: means of single points, and with them the mixture, have less of it.

    Args:
        outcomes: of the calibration sample.
        values: of the rules to average over.
    """
    mean_quality, mean_cost = np.clip(outcomes.quality.mean(0), 0.0, 1.0), np.maximum(outcomes.cost_usd.mean(0), 0.0)
    vertices = hull(mean_quality, mean_cost)
    paid, quality = np.array([value.cost_usd for value in values]), mean_quality[vertices]
    mix = interpolate(paid, cost_usd=mean_cost[vertices], quality=quality)
    static = (1 - mix.share) * quality[mix.below] + mix.share * quality[mix.above]
    gain = 100 * float((np.array([value.quality for value in values]) - static).mean())
    ends = [(value.quality, value.quality_low, value.quality_high) for value in values]
    reach = [max(middle - low, high - middle) for middle, low, high in ends if low is not None and high is not None]
    if not reach:
        return None
    margin = 100 * float(np.mean(reach))
    return Interval(gain, gain - margin, gain + margin)
