"""Compare two policies on the same logged queries, with intervals of the paired differences.

With the terms of each policy's doubly robust estimate, a_i and b_i, the difference is mean_i (a_i - b_i). Queries at
which both call the same point differ by their forecasts alone. The standard error is that of the paired terms, and at
least the floor

    sqrt( variance sum_ij (pi_ij - rho_ij)^2 v_ij (v_ij - 1) ) / n

with the policies' probabilities pi and rho and the weights v of the logged cells: the noise that weighting adds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import LEAST_EFFECTIVE, QUALITY_VARIANCE, Z90, Interval
from paretoroute.calibration.off_policy.clusters import count_of, mean_error, t90
from paretoroute.calibration.off_policy.estimators import (
    OffPolicyLog,
    effective_size,
    residual_variance,
    tempered,
)
from paretoroute.evaluation import estimates
from paretoroute.evaluation.planned_calls import PlannedCalls
from paretoroute.evaluation.replay_log import Figure, ReplayLog
from paretoroute.evaluation.replay_result import Difference
from paretoroute.grid import Grid

SAME_OUTCOME = 1e-9  # relative


def difference(
    name: str, grids: Sequence[Grid], logs: Sequence[ReplayLog], calls: Sequence[PlannedCalls]
) -> Difference:
    """Compare the first of two policies with the second.

    Args:
        name: of the second policy.
        grids: of the two.
        logs: the log beside each of the two grids.
        calls: of the two, for the same queries.
    """
    quality, cost = (_paired(grids, logs, calls, figure) for figure in ("quality", "cost_usd"))
    differs = np.abs(quality[0].action - quality[1].action).sum(axis=1) / 2
    effective = min(effective_size(log.policy_weight.sum(axis=1)[differs > 0]) for log in quality)
    supports = [estimates.support_of(log, log.action(one)) for log, one in zip(logs, calls, strict=True)]
    is_supported = logs[0].is_full or effective >= LEAST_EFFECTIVE
    has_groups = (np.arange(len(differs)) if logs[0].clusters is None else logs[0].clusters).max(initial=0) > 0
    has_interval = (not differs.any() and has_groups) or (
        is_supported and all(support.is_supported for support in supports)
    )
    if not has_interval and not logs[0].is_full:
        quality, cost = tuple(map(tempered, quality)), tuple(map(tempered, cost))
    of_quality = _interval(quality[0], quality[1], variance=QUALITY_VARIANCE)
    is_known = all(log.policy_weight.any() for log in cost)
    moved = np.abs(cost[0].action - cost[1].action).any(axis=0)
    has_cost_interval = has_interval and not (moved & estimates.without_outcomes(cost[0])).any()
    of_cost = _interval(cost[0], cost[1], variance=residual_variance(cost[0])) if is_known else estimates.UNKNOWN
    other = [logs[1].beside(calls[1], figure) for figure in ("quality", "cost_usd")]
    return Difference(
        name=name,
        other=estimates.estimated(*other, log=logs[1], is_supported=supports[1].is_supported),
        quality=of_quality.value,
        quality_low=of_quality.low if has_interval else None,
        quality_high=of_quality.high if has_interval else None,
        cost_usd=of_cost.value,
        cost_usd_low=of_cost.low if has_cost_interval else None,
        cost_usd_high=of_cost.high if has_cost_interval else None,
        differing_share=float(differs.mean()),
        effective_queries=effective if differs.any() else float(len(differs)),
    )


def _paired(
    grids: Sequence[Grid], logs: Sequence[ReplayLog], calls: Sequence[PlannedCalls], figure: Figure
) -> tuple[OffPolicyLog, OffPolicyLog]:
    """Place both policies on the points of either grid, with the mean of their forecasts where both have one.

    Where the two have other prices, and tokens alone were logged, a run costs each policy something else: then each
    keeps its own outcomes and forecasts.
    """
    besides = [log.beside(one, figure) for log, one in zip(logs, calls, strict=True)]
    keys = list(dict.fromkeys(point.key for grid in grids for point in grid.points))
    places = [[keys.index(point.key) for point in grid.points] for grid in grids]

    def placed(tables: Sequence[Floats], empty: float) -> list[Floats]:
        wide = [np.full((len(table), len(keys)), empty) for table in tables]
        for table, place, own in zip(wide, places, tables, strict=True):
            table[:, place] = own
        return wide

    outcomes = _filled(placed([log.outcome for log in besides], np.nan))
    forecasts, actions = placed([log.forecast for log in besides], np.nan), placed([log.action for log in besides], 0.0)
    if np.allclose(*outcomes, rtol=SAME_OUTCOME, atol=0.0, equal_nan=True):
        forecasts = [np.nanmean(forecasts, axis=0)] * 2
    weight, groups = np.maximum(*placed([log.weight for log in besides], 0.0)), logs[0].clusters
    one, other = (
        OffPolicyLog(action=action, weight=weight, outcome=outcome, forecast=forecast, groups=groups)
        for action, outcome, forecast in zip(actions, outcomes, _filled(forecasts), strict=True)
    )
    return one, other


def _filled(tables: Sequence[Floats]) -> list[Floats]:
    """Fill the gaps of each of two tables from the other one."""
    one, other = tables
    return [np.where(np.isnan(one), other, one), np.where(np.isnan(other), one, other)]


def _interval(one: OffPolicyLog, other: OffPolicyLog, *, variance: float) -> Interval:
    """Return the difference of two DR estimates on one log, with its normal 90% interval."""
    terms, apart = one.terms - other.terms, one.action - other.action
    noise = float((apart**2 * one.weight * np.maximum(one.weight - 1, 0.0)).sum())
    floor = math.sqrt(variance * noise) / len(terms)
    margin = max(mean_error(terms, one.groups), floor) * (
        Z90 if one.groups is None else t90(count_of(one.groups, 0) - 1)
    )
    value = float(terms.mean())
    return Interval(value, value - margin, value + margin)
