"""Estimates of a replay: of the policy, of every single point, and of the choices in the log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.calibration.intervals import LEAST_EFFECTIVE, Interval, wilson
from paretoroute.calibration.off_policy import estimators
from paretoroute.calibration.off_policy.clusters import count_of, mean_error, t90
from paretoroute.calibration.off_policy.estimators import (
    FLAGGED_EFFECTIVE,
    Balance,
    OffPolicyLog,
    balance,
    effective_size,
)
from paretoroute.evaluation.planned_calls import PlannedCalls
from paretoroute.evaluation.replay_log import ReplayLog
from paretoroute.evaluation.replay_result import CrossChecks, Estimated, Evidence, Status
from paretoroute.fitting.partial_logs.propensities import Propensities
from paretoroute.runs.table import Runs

KNOWN_WEIGHT = 0.05  # standard error of a mean weight that excludes propensities that are wrong by a fifth
UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Support:
    """Whether a log can speak for a policy.

    Args:
        status: as that of a replay.
        needed_queries: about how many of them would support it, if more of them would; else None.
    """

    status: Status
    needed_queries: int | None

    @property
    def is_supported(self) -> bool:
        """Whether estimates have an interval."""
        return self.status != "unsupported"


def support_of(log: ReplayLog, action: Floats) -> Support:
    """Judge whether a log can speak for a policy that calls points of it; a full one of several queries always can.

    A log cannot if its mean weight is off: propensities are wrong, or some calls had no chance to be logged at all. The
    queries that do match would then look like plenty, and leave the others to the forecasts. Nor does a log whose
    queries are all of one conversation or tenant, or a single query, since nothing tells how another would come out.
    """
    if log.clusters is not None and log.clusters.max(initial=0) == 0:
        return Support("unsupported", None)
    if len(action) == 1 and log.is_full:
        return Support("unsupported", math.ceil(LEAST_EFFECTIVE))
    effective = effective_size((action * log.weight).sum(axis=1))
    if not log.is_full and _is_known_off(balance(log.weight, action, groups=log.clusters), effective):
        return Support("unsupported", None)
    if log.is_full or effective >= LEAST_EFFECTIVE:
        count = min(effective, count_of(log.clusters, len(action)))
        return Support("supported" if count >= FLAGGED_EFFECTIVE else "few", None)
    squares = np.divide(action**2, log.chance, out=np.zeros_like(action), where=log.chance > 0).sum(axis=1).mean()
    needed = LEAST_EFFECTIVE * max(float(squares), len(action) / effective if effective else 0.0)
    return Support("unsupported", math.ceil(needed))


def _is_known_off(mean_weight: Balance, effective: float) -> bool:
    """Return whether a mean weight is off for certain; a few large weights that are missing are chance."""
    return mean_weight.is_off and (effective >= FLAGGED_EFFECTIVE or mean_weight.error <= KNOWN_WEIGHT)


def without_outcomes(log: OffPolicyLog) -> Mask:
    """Return the points whose outcome was logged at no query, so that forecasts stand for it, ``(points,)``."""
    return log.weight.sum(axis=0) == 0


def estimated(quality: OffPolicyLog, cost: OffPolicyLog, *, log: ReplayLog, is_supported: bool) -> Estimated:
    """Estimate the mean quality and cost of some calls.

    Args:
        quality: the log of qualities beside the calls.
        cost: the log of costs beside the calls.
        log: the log.
        is_supported: whether to give intervals; that of the cost is not given where some calls go to points without a
            known cost.
    """
    effective = effective_size(quality.policy_weight.sum(axis=1))
    if not is_supported and not log.is_full:
        quality, cost = estimators.tempered(quality), estimators.tempered(cost)
    of_quality = estimators.doubly_robust(quality)
    if log.is_full:
        of_quality = _widened(of_quality, quality.terms, log.clusters)
    of_cost = UNKNOWN
    if cost.policy_weight.any():
        is_known = log.is_full and log.clusters is None
        of_cost = _mean_of(cost.terms, None) if is_known else estimators.doubly_robust_amount(cost)
    has_cost_interval = is_supported and not cost.action[:, without_outcomes(cost)].any()
    return Estimated(
        quality=min(max(of_quality.value, 0.0), 1.0),
        quality_low=max(of_quality.low, 0.0) if is_supported else None,
        quality_high=min(of_quality.high, 1.0) if is_supported else None,
        cost_usd=max(of_cost.value, 0.0),
        cost_usd_low=max(of_cost.low, 0.0) if has_cost_interval else None,
        cost_usd_high=of_cost.high if has_cost_interval else None,
        effective_queries=effective,
    )


def of_points(log: ReplayLog, calls: PlannedCalls, names: Sequence[str]) -> dict[str, Estimated]:
    """Estimate every point that the log has, as if it answered every query."""
    quality, cost, points = log.beside(calls), log.beside(calls, "cost_usd"), {}
    for j in np.flatnonzero(log.has_runs).tolist():
        action = np.zeros_like(log.weight)
        action[:, j] = 1.0
        supported = support_of(log, action).is_supported
        points[names[j]] = estimated(quality.calling(action), cost.calling(action), log=log, is_supported=supported)
    return points


def of_logging(log: ReplayLog, runs: Runs, cost_usd: Floats) -> Estimated:
    """Average the outcomes of the choices in the log: of each query over its runs, and then over the queries.

    Args:
        log: the log.
        runs: the log.
        cost_usd: of every run, NaN where unknown, ``(runs,)``. The mean of its point stands for such a run: those whose
            cost is known need not be of the same points.
    """
    quality, cost = _mean_of_choices(runs, runs.quality, log), UNKNOWN
    is_known, points = ~np.isnan(cost_usd), len(runs.points)
    count = np.bincount(runs.point[is_known], minlength=points)
    if (count > 0)[runs.point].all():
        mean = np.bincount(runs.point[is_known], cost_usd[is_known], points) / np.maximum(count, 1)
        cost = _mean_of_choices(runs, np.where(is_known, cost_usd, mean[runs.point]), log)
        rise = math.sqrt(len(cost_usd) / is_known.sum())
        cost = Interval(cost.value, *(cost.value + rise * (end - cost.value) for end in (cost.low, cost.high)))
    quality = _widened(quality, runs.quality, log.clusters)
    return Estimated(
        quality=quality.value,
        quality_low=_finite(max(quality.low, 0.0)),
        quality_high=_finite(min(quality.high, 1.0)),
        cost_usd=cost.value,
        cost_usd_low=_finite(max(cost.low, 0.0)),
        cost_usd_high=_finite(cost.high),
        effective_queries=float(len(runs.query_ids)),
    )


def _finite(end: float) -> float | None:
    """Return the end of an interval, or None where one query or one cluster leaves it open."""
    return None if math.isnan(end) else end


def _mean_of_choices(runs: Runs, values: Floats, log: ReplayLog) -> Interval:
    queries = len(runs.query_ids)
    means = np.bincount(runs.query, values, queries) / np.bincount(runs.query, minlength=queries)
    return _mean_of(means, log.clusters)


def _mean_of(values: Floats, clusters: Indices | None) -> Interval:
    """Average a figure of every query, with its interval by Student's t; NaN at the ends where one cluster has all."""
    margin = t90(count_of(clusters, len(values)) - 1) * mean_error(values, clusters)
    mean = float(values.mean())
    return Interval(mean, mean - margin, mean + margin)


def _widened(interval: Interval, outcomes: Floats, clusters: Indices | None) -> Interval:
    """Widen the interval of answers that are all wrong or all right, whose spread is 0, to the score interval.

    Args:
        interval: of their mean.
        outcomes: one of every query, ``(queries,)``.
        clusters: the conversation or tenant of every query; None: each query is its own.
    """
    if math.isnan(interval.low) or not (outcomes == outcomes[0]).all() or outcomes[0] not in (0.0, 1.0):
        return interval
    trials = len(outcomes) if clusters is None else len(np.unique(clusters))
    ends = wilson(np.array(interval.value), np.array(float(trials)))
    return Interval(interval.value, float(ends.low), float(ends.high))


def cross_checks(quality: OffPolicyLog, cost: OffPolicyLog) -> CrossChecks:
    """Estimate the same means by other estimators."""
    return CrossChecks(
        snips_quality=estimators.self_normalised(quality),
        snips_cost_usd=estimators.self_normalised(cost),
        matched_quality=estimators.matched_rows(quality),
        matched_cost_usd=estimators.matched_rows(cost),
        matched_queries=estimators.diagnose(quality).matched,
    )


def evidence(log: ReplayLog, beside: OffPolicyLog, propensities: Propensities, *, supported_share: float) -> Evidence:
    """Collect the diagnostics of a policy's estimates."""
    figures = estimators.diagnose(beside)
    return Evidence(
        propensities=propensities.source,
        looks=propensities.looks,
        largest_weight=figures.largest_weight,
        mean_weight=figures.mean_weight.mean,
        supported_share=supported_share,
        mean_inverse_propensity=propensities.mean_inverse.mean,
        points=round(propensities.mean_inverse.expected),
        alarm=_alarm(propensities, figures),
        clusters=None if log.clusters is None else int(log.clusters.max()) + 1,
    )


def _alarm(propensities: Propensities, figures: estimators.Diagnostics) -> str | None:
    """Return why the propensities cannot be right, or None."""
    checks = [("the mean of 1/p over the queries", propensities.mean_inverse)]
    if propensities.source == "logged":
        checks.append(("the mean of estimated over logged propensities", propensities.mean_ratio))
    if figures.effective >= FLAGGED_EFFECTIVE:
        checks.append(("the mean weight of the policy", figures.mean_weight))
    # A weight of 1 on the policy's own calls, known well, leaves another reason for too few inverse propensities: the
    # log's chooser had no choice for some queries, at which this policy agrees with it.
    own = figures.mean_weight
    agrees = figures.effective >= FLAGGED_EFFECTIVE and not own.is_off and own.error <= KNOWN_WEIGHT
    for name, check in checks:
        if check.is_off and not (agrees and check.mean < check.expected):
            off = f"{name} is {check.mean:.3g} and should be {check.expected:.3g} (standard error {check.error:.2g})"
            fix = {
                "logged": "they are not the chances with which the points were chosen, or some points had none",
                "estimated": "log propensities, or what the choice of the point looked at",
            }.get(propensities.source, "log propensities")
            return f"the {propensities.source} propensities do not fit the log: {off}; {fix}"
    return None
