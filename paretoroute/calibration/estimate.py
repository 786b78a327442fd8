"""The value of a policy: its mean quality and cost on the logged queries, with 90% intervals.

Intervals are normal on per-query values; that of the cost is on the logarithm, because costs have a long right tail.
They are about the mean over queries like the logged ones.

On new queries a policy's choices spend other than on the logged ones: their price was found on these, and follows their
luck. Where choices differ between queries, the standard error s of the mean cost c is taken as
sqrt((1.5 s)^2 + (0.03 c)^2). With s alone the intervals of 13 logs of real runs held 77% of the costs on new queries.

Five right answers out of five have no spread, and neither have forecasts where nothing was logged. The standard error
of quality is therefore at least sqrt(v / N), with N the effective number of queries, those with a run at the chosen
point, and v = 0.2 for outcomes of 0 or 1: their variance where 28% or 72% are right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import LEAST_EFFECTIVE, QUALITY_VARIANCE, Z90, factor_of
from paretoroute.calibration.outcomes import Chosen
from paretoroute.calibration.partial_logs.corrected import CorrectedOutcomes
from paretoroute.solver.rules import Rule

RuleT = TypeVar("RuleT", bound=Rule, covariant=True)
CHOICE_FACTOR = 1.5  # of the standard error of a mean cost where choices differ between queries,
CHOICE_ERROR = 0.03  # and what is added to it, relative; experiments/cost_intervals
NO_SPREAD = 1e-12  # share of p (1 - p) that is rounding
POOL_RUNS = 2.0  # by which a point's share of that variance is shrunk, in units of p (1 - p): about ten runs


@dataclass(frozen=True)
class Evidence:
    """The logged outcomes behind an estimate.

    Args:
        runs: number of calls to each point that were logged for their query, ``(points,)``.
        variance: least variance of one outcome of each point, ``(points,)``.
    """

    runs: Floats
    variance: Floats

    @property
    def least_error(self) -> float:
        """The least standard error of a mean quality; infinite where nothing was logged."""
        effective = float(self.runs.sum())
        return math.sqrt(float(self.runs @ self.variance)) / effective if effective > 0 else math.inf


@dataclass(frozen=True)
class PolicyValue(Generic[RuleT]):
    """Quality and cost of one rule on the logged queries.

    Args:
        rule: applied to the forecasts.
        quality: mean quality, in [0, 1].
        quality_low: lower end of its 90% interval.
        quality_high: upper end.
        cost_usd: mean cost per query.
        cost_usd_low: lower end of its 90% interval.
        cost_usd_high: upper end.
        quality_shift: to add to the forecast quality of a chosen point; shrunk towards 0 if noise explains it.
        cost_ratio: to multiply the forecast cost of a chosen point by.
        effective: on a partial log, the effective number of runs that agree with the rule; below 20 there is no
            interval, and its ends are None. None on any other log that supports the rule.
    """

    rule: RuleT
    quality: float
    quality_low: float | None
    quality_high: float | None
    cost_usd: float
    cost_usd_low: float | None
    cost_usd_high: float | None
    quality_shift: float
    cost_ratio: float
    effective: float | None = None


def estimate_value(
    rule: RuleT,
    *,
    logged: Chosen,
    forecast: Chosen,
    mean_quality: float,
    mean_cost_usd: float,
    evidence: Evidence,
    luck: float = 0.0,
) -> PolicyValue[RuleT]:
    """Estimate the value of a rule from the logged outcomes of the points that it chooses.

    Args:
        rule: the rule that chose.
        logged: logged quality and cost of the chosen points.
        forecast: their forecasts.
        mean_quality: mean of the logged quality, less ``luck``.
        mean_cost_usd: mean of the logged cost.
        evidence: the logged outcomes at the chosen points.
        luck: what was taken off the mean of the logged quality; an estimate itself, so that the interval ends above it.
    """
    shift = mean_quality - float(forecast.quality.mean())
    noise = _standard_error(logged.quality - forecast.quality)
    margin = Z90 * max(_standard_error(logged.quality), evidence.least_error)
    factor = 1.0
    if mean_cost_usd > 0:
        cost_error = _standard_error(logged.cost_usd) / mean_cost_usd
        if _varies(forecast, evidence):
            cost_error = math.hypot(CHOICE_FACTOR * cost_error, CHOICE_ERROR)
        factor = factor_of(Z90 * cost_error)
    forecast_cost = float(forecast.cost_usd.mean())
    return PolicyValue(
        rule=rule,
        quality=mean_quality,
        quality_low=max(mean_quality - margin, 0.0),
        quality_high=min(mean_quality + luck + margin, 1.0),
        cost_usd=mean_cost_usd,
        cost_usd_low=mean_cost_usd / factor,
        cost_usd_high=mean_cost_usd * factor,
        quality_shift=shift * max(0.0, 1 - (noise / shift) ** 2) if shift else 0.0,
        cost_ratio=mean_cost_usd / forecast_cost if forecast_cost > 0 and mean_cost_usd > 0 else 1.0,
    )


def _varies(forecast: Chosen, evidence: Evidence) -> bool:
    """Return whether a rule calls several points, and by the query: forecasts differ."""
    return int(np.count_nonzero(evidence.runs)) > 1 and float(np.ptp(forecast.cost_usd)) > 0


def as_supported(value: PolicyValue[RuleT], queries: float) -> PolicyValue[RuleT]:
    """Return an estimate on a full log without its interval where too few logged queries are behind it.

    Args:
        value: the estimate.
        queries: with something logged at the point that the rule chooses.
    """
    if value.effective is not None or queries >= LEAST_EFFECTIVE:
        return value
    ends = dict.fromkeys(("quality_low", "quality_high", "cost_usd_low", "cost_usd_high"))
    return replace(value, **ends, effective=queries)


def least_variance(logged_quality: Floats) -> Floats:
    """Return the least variance of one outcome of each point, ``(points,)``: 0.2 where all outcomes are 0 or 1.

    A graded outcome, such as a mean of several trials, varies by a share of the p (1 - p) of an outcome of 0 or 1 with
    its mean. Its least variance is that share of 0.2; the share is a point's own, shrunk to that of all points, or to
    1 if no outcome of the log differs from another.

    Args:
        logged_quality: ``(queries, points)``, NaN where nothing was logged.
    """
    is_logged = ~np.isnan(logged_quality)
    values, count = np.where(is_logged, logged_quality, 0.0), is_logged.sum(axis=0)
    if np.isin(values, (0.0, 1.0)).all():
        return np.full(len(count), QUALITY_VARIANCE)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    observed = np.where(is_logged, values - mean, 0.0) ** 2
    own = np.where(count > 1, count * mean * (1 - mean), 0.0)  # what as many outcomes of 0 or 1 would come to
    is_constant = observed.sum() <= NO_SPREAD * own.sum()  # which leaves the share open: assume outcomes of 0 or 1
    pooled = 1.0 if is_constant else min(float(observed.sum() / own.sum()), 1.0)
    share = (observed.sum(axis=0) + POOL_RUNS * pooled) / (own + POOL_RUNS)
    return QUALITY_VARIANCE * np.minimum(share, 1.0)


def estimate_corrected(
    rule: RuleT,
    outcomes: CorrectedOutcomes,
    chance: Floats,
    *,
    forecast: Chosen,
    mean_quality: float,
    mean_cost_usd: float,
) -> PolicyValue[RuleT]:
    """Estimate the value of a rule on a partial log.

    Args:
        rule: the rule that chose.
        outcomes: of the log.
        chance: of each point to be called by the policies of the folds, ``(queries, points)``.
        forecast: of the rule's choices.
        mean_quality: the estimate of quality.
        mean_cost_usd: the estimate of cost.
    """
    quality, cost = outcomes.quality.of(chance), outcomes.cost_usd.of(chance)
    forecast_quality, forecast_cost = float(forecast.quality.mean()), float(forecast.cost_usd.mean())
    factor = factor_of(cost.reach)
    mean_quality, has_interval = min(max(mean_quality, 0.0), 1.0), quality.effective >= LEAST_EFFECTIVE
    return PolicyValue(
        rule=rule,
        quality=mean_quality,
        quality_low=max(mean_quality - quality.reach, 0.0) if has_interval else None,
        quality_high=min(mean_quality + quality.reach, 1.0) if has_interval else None,
        cost_usd=mean_cost_usd,
        cost_usd_low=mean_cost_usd / factor if has_interval else None,
        cost_usd_high=mean_cost_usd * factor if has_interval else None,
        quality_shift=mean_quality - forecast_quality,
        cost_ratio=mean_cost_usd / forecast_cost if forecast_cost > 0 and mean_cost_usd > 0 else 1.0,
        effective=quality.effective,
    )


def _standard_error(values: Floats) -> float:
    """Compute the standard error of a mean; a single value has an unknown spread, and its own size stands for it."""
    return float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else abs(float(values[0]))
