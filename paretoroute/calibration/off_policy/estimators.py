"""The value of a policy on a log that another policy wrote: estimators, their intervals, and diagnostics. NumPy only.

Query i was logged in cells (i, j) with weights v_ij, the inverse chance of the cell, 0 where nothing was logged. The
policy calls point j with probability pi_ij. With outcomes y_ij, forecasts q_ij of them, and the policy weights

    w_ij = pi_ij v_ij,    w_i = sum_j w_ij,

the estimators of its mean outcome are

    DR     mean_i [ sum_j pi_ij q_ij + sum_j w_ij (y_ij - q_ij) ]
    IPS    mean_i sum_j w_ij y_ij
    SNIPS  sum_ij w_ij y_ij / sum_ij w_ij
    matched rows: the mean of y_ij over logged cells, weighted by pi_ij alone.

DR (doubly robust: Dudik, Langford and Li, "Doubly robust policy evaluation and learning", ICML 2011, arXiv:1103.4601)
is unbiased if the chances are right, whatever the forecasts, as long as no query is scored by a forecast that saw it.
IPS (Horvitz and Thompson, 1952) and SNIPS (Swaminathan and Joachims, "The self-normalized estimator for counterfactual
learning", NeurIPS 2015) need no forecast. Matched rows are biased unless the log chose its points at random with equal
chances. Weights are never clipped: a bound on them biases every estimator towards what the log happened to call.

The effective sample size is (sum w_i)^2 / sum w_i^2 (Kish, "Survey sampling", 1965). Where few queries match, the
spread of the terms of DR says too little, since most of them are forecasts; the standard error is at least

    floor = sqrt( variance (1 / ESS - 1 / n) ),

with .2 as the variance of quality, near the .25 of a fair coin, and of cost the variance of the logged cells about
their forecasts. A full matrix has ESS = n and no floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.calibration.intervals import LEAST_EFFECTIVE, QUALITY_VARIANCE, Interval, factor_of
from paretoroute.calibration.off_policy.clusters import count_of, mean_error, t90

ALARM_SE = 3.5  # of skewed means; at 3, one alarm in 40 was false for a logger that explores 10%
FLAGGED_EFFECTIVE = 50.0  # below, the interval is reported with a flag
AMOUNT_WIDENING = 1.1  # with it, intervals of cost cover .87 and more; see experiments/replay_coverage
PRIOR_CELLS = 4.0
MOST_WEIGHT = 1.5  # mean weight, 1 by right chances, beyond which a few runs without an interval count for less
ROUNDING = 1e-9


@dataclass(frozen=True)
class Balance:
    """The weighted mean of a table over the logged cells, against its mean over all cells.

    They agree if the chances of the cells are right.

    Args:
        mean: over the queries, of the weighted logged cells.
        expected: over the queries, of all cells.
        error: standard error of the difference.
    """

    mean: float
    expected: float
    error: float

    @property
    def is_off(self) -> bool:
        """Whether they differ by more than 3.5 standard errors."""
        gap = abs(self.mean - self.expected)
        return gap > ROUNDING * max(1.0, abs(self.expected)) and not gap <= ALARM_SE * self.error


def balance(weight: Floats, table: Floats, *, groups: Indices | None = None) -> Balance:
    """Compare the weighted mean of a table over the logged cells with its mean over all cells.

    Args:
        weight: inverse chance of the logged cells, 0 elsewhere, ``(queries, points)``.
        table: any numbers that do not depend on what was logged, ``(queries, points)`` or ``(points,)``.
        groups: of the queries, for the standard error.

    Example:
        >>> balance(np.array([[2.0, 0.0], [0.0, 2.0]]), np.ones(2))
        Balance(mean=2.0, expected=2.0, error=0.0)
    """
    weighted, all_cells = (weight * table).sum(axis=1), np.broadcast_to(table, weight.shape).sum(axis=1)
    error = mean_error(weighted - all_cells, groups)
    return Balance(float(weighted.mean()), float(all_cells.mean()), error)


@dataclass(frozen=True)
class OffPolicyLog:
    """A policy's calls beside what another policy logged, ``(queries, points)`` each.

    Args:
        action: the probabilities with which the policy calls each point.
        weight: inverse chance of the logged cells, 0 where nothing was logged.
        outcome: mean over the repeats of a cell, NaN where unknown.
        forecast: of the outcome, by a model that has not seen the query's group.
        groups: of the queries, numbered from 0, ``(queries,)``; None: each by itself.
    """

    action: Floats
    weight: Floats
    outcome: Floats
    forecast: Floats
    groups: Indices | None = None

    @property
    def policy_weight(self) -> Floats:
        """The weights of the logged cells for this policy, ``(queries, points)``; 0 where the outcome is unknown."""
        return np.where(np.isnan(self.outcome), 0.0, self.action * self.weight)

    @property
    def terms(self) -> Floats:
        """The terms of DR, ``(queries,)``; their mean is the estimate."""
        forecast = (self.action * self.forecast).sum(axis=1)
        return forecast + (self.policy_weight * np.nan_to_num(self.outcome - self.forecast)).sum(axis=1)

    def calling(self, action: Floats) -> OffPolicyLog:
        """Return the same log beside the calls of another policy."""
        return replace(self, action=action)


@dataclass(frozen=True)
class Diagnostics:
    """How much a log tells about a policy.

    Args:
        queries: number of queries.
        matched: number of queries with a logged cell that the policy may call.
        effective: effective sample size.
        largest_weight: of a query.
        mean_weight: of the queries, against 1.
    """

    queries: int
    matched: int
    effective: float
    largest_weight: float
    mean_weight: Balance

    @property
    def is_supported(self) -> bool:
        """Whether the effective sample size reaches 20; below it, no interval can be believed."""
        return self.effective >= LEAST_EFFECTIVE


def tempered(log: OffPolicyLog) -> OffPolicyLog:
    """Scale the weights of a log without enough effective runs for an interval, where their mean is far above 1.

    A single run with a chance of 1e-9 would else decide the estimate, and take it out of any range. The correction is
    scaled to a mean weight of 1.5, and by N / (N + 20) with N effective runs; forecasts stand for the rest.
    """
    weight = log.policy_weight.sum(axis=1)
    excess, effective = float(weight.mean()) / MOST_WEIGHT, effective_size(weight)
    if excess <= 1:
        return log
    return replace(log, weight=log.weight * (effective / (effective + LEAST_EFFECTIVE) / excess))


def diagnose(log: OffPolicyLog) -> Diagnostics:
    """Compute the diagnostics of a log for a policy."""
    weight = log.policy_weight.sum(axis=1)
    share = balance(np.where(np.isnan(log.outcome), 0.0, log.weight), log.action, groups=log.groups)
    return Diagnostics(
        queries=len(weight),
        matched=int((weight > 0).sum()),
        effective=effective_size(weight),
        largest_weight=float(weight.max(initial=0.0)),
        mean_weight=share,
    )


def effective_size(weight: Floats) -> float:
    """Compute (sum w)^2 / sum w^2 of some weights; 0 if all are 0.

    Example:
        >>> effective_size(np.array([1.0, 1.0, 2.0]))
        2.6666666666666665
    """
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def doubly_robust(log: OffPolicyLog) -> Interval:
    """Estimate the mean quality of a policy by DR, with a 90% interval; infinitely wide if nothing matches."""
    value, margin = float(log.terms.mean()), _margin(log, variance=QUALITY_VARIANCE)
    return Interval(value, value - margin, value + margin)


def doubly_robust_amount(log: OffPolicyLog) -> Interval:
    """Estimate the mean cost or latency of a policy by DR, with a 90% interval on the logarithm.

    Costs have a long right tail, which few matching queries show too little of: the interval is a tenth wider, and the
    floor of the standard error takes the residual variance of the points that the policy calls.
    """
    value, margin = float(log.terms.mean()), AMOUNT_WIDENING * _margin(log, variance=residual_variance(log))
    if not value > 0:
        return Interval(value, value - margin, value + margin)
    factor = factor_of(margin / value)
    return Interval(value, value / factor, value * factor)


def _margin(log: OffPolicyLog, *, variance: float) -> float:
    """Return half the width of the 90% interval, by Student's t: as many degrees of freedom as effective queries.

    There are no more of them than clusters.
    """
    effective = effective_size(log.policy_weight.sum(axis=1))
    return t90(min(effective, count_of(log.groups, len(log.action))) - 1) * standard_error(log, variance=variance)


def residual_variance(log: OffPolicyLog) -> float:
    """Compute the variance of outcomes about their forecasts, averaged over the policy's calls.

    Each point's is shrunk towards the relative variance over all points, with the weight of four cells.
    """
    is_logged = ~np.isnan(log.outcome)
    squares = np.nan_to_num(log.outcome - log.forecast) ** 2
    size = np.where(is_logged, log.forecast**2, 0.0)
    relative = float(squares.sum()) / float(size.sum()) if size.sum() > 0 else 0.0
    prior = PRIOR_CELLS * relative * (log.forecast**2).mean(axis=0)
    return float(log.action.mean(axis=0) @ ((squares.sum(axis=0) + prior) / (is_logged.sum(axis=0) + PRIOR_CELLS)))


def standard_error(log: OffPolicyLog, *, variance: float) -> float:
    """Compute the standard error of DR: clustered by group, and at least the floor; infinite if nothing matches.

    Args:
        log: beside the policy's calls.
        variance: of the outcome about its forecast, for the floor.
    """
    effective = effective_size(log.policy_weight.sum(axis=1))
    if not effective:
        return math.inf
    floor = math.sqrt(variance * max(1 / effective - 1 / len(log.action), 0.0))
    spread = mean_error(log.terms, log.groups)
    return math.inf if math.isnan(spread) else max(spread, floor)


def inverse_propensity(log: OffPolicyLog) -> float:
    """Estimate the mean outcome of a policy by IPS."""
    return float((log.policy_weight * np.nan_to_num(log.outcome)).sum(axis=1).mean())


def self_normalised(log: OffPolicyLog) -> float:
    """Estimate the mean outcome of a policy by SNIPS; NaN if nothing matches."""
    total = float(log.policy_weight.sum())
    return float((log.policy_weight * np.nan_to_num(log.outcome)).sum()) / total if total > 0 else math.nan


def matched_rows(log: OffPolicyLog) -> float:
    """Average the outcomes of logged cells that the policy calls, whatever their chance; NaN if there are none."""
    matches: Mask = ~np.isnan(log.outcome) & (log.weight > 0)
    share = np.where(matches, log.action, 0.0)
    total = float(share.sum())
    return float((share * np.nan_to_num(log.outcome)).sum()) / total if total > 0 else math.nan
