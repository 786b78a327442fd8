"""The mean quality of every point over queries like the logged ones, with a 90% interval.

The unit is the query: y_i is the mean of the repeats of query i at the point, and n counts queries. Of n queries m were
logged at the point. The others count as their forecast f_i, corrected by the mean error of the logged ones, shrunk by
how many there are:

    estimate = mean_i (y_i where logged, else f_i + m / (m + 4) mean(y - f)).

The interval holds every mean q that the estimate does not contradict (Wilson, "Probable inference, the law of
succession, and statistical inference", Journal of the American Statistical Association 22(158), 1927,
doi:10.1080/01621459.1927.10502953). It lies within [0, 1], and has a width even if all outcomes are equal:

    (estimate - q)^2 <= z^2 q (1 - q) / N,     1 / N = d / n + (1 - m / n) e / (m + 4).

d is the variance of y_i between queries, relative to that of a binary outcome with the same mean: about 1 at most, and
less if repeats are averaged. e is the same for y_i - f_i. Both are shrunk towards the ratio over all points, with the
weight of four queries.

On a partial log all queries count as their forecasts, corrected by the weighted mean error; with d the variance of the
forecasts, relative to that of a binary outcome with their mean, 1 / N = d / n + e / (m + 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import Interval, wilson
from paretoroute.calibration.outcomes import LoggedOutcomes

PRIOR_QUERIES = 4.0
LEAST_RATIO = 1e-3  # forecasts without an error so far may still have one


def mean_qualities(outcomes: LoggedOutcomes) -> list[Interval]:
    """Estimate the mean quality of every point from logged outcomes and, in missing cells, from forecasts."""
    if outcomes.support is not None:
        return _on_partial_log(outcomes, outcomes.support.weight.astype(np.float64))
    logged, forecast = outcomes.logged_quality, outcomes.forecast.quality
    present = ~np.isnan(logged)
    queries, count = len(logged), present.sum(0)
    error = np.where(present, logged - forecast, 0.0)
    correction = error.sum(0) / (count + PRIOR_QUERIES)
    estimate = np.clip(np.where(present, logged, forecast + correction).mean(0), 0.0, 1.0)
    mean = np.where(present, logged, 0.0).sum(0) / np.maximum(count, 1)
    binary = count * mean * (1 - mean)
    between = _variance_ratio(np.where(present, (logged - mean) ** 2, 0.0).sum(0), binary, count)
    unexplained = _variance_ratio((error**2).sum(0), binary, count)
    inverse_size = between / queries + (1 - count / queries) * unexplained / (count + PRIOR_QUERIES)
    low, high = wilson(estimate, 1 / inverse_size)
    return [Interval(*map(float, ends)) for ends in zip(estimate, low, high, strict=True)]


def _on_partial_log(outcomes: LoggedOutcomes, weight: Floats) -> list[Interval]:
    """Weigh logged cells by their inverse chance; m is then an effective number of runs (Kish, 1965)."""
    logged, forecast = outcomes.logged_quality, outcomes.cross_fitted.quality
    weight = np.where(np.isnan(logged), 0.0, weight)
    total, error = weight.sum(0), np.where(weight > 0, np.nan_to_num(logged) - forecast, 0.0)
    count = np.divide(total**2, (weight**2).sum(0), out=np.zeros_like(total), where=total > 0)
    total = np.maximum(total, 1e-300)
    correction = (weight * error).sum(0) / total * count / (count + PRIOR_QUERIES)
    mean = (weight * np.nan_to_num(logged)).sum(0) / total
    estimate = np.clip((forecast + correction).mean(0), 0.0, 1.0)
    unexplained = _variance_ratio(count * (weight * error**2).sum(0) / total, count * mean * (1 - mean), count)
    binary = forecast.mean(0) * (1 - forecast.mean(0))
    between = np.divide(forecast.var(0), binary, out=np.zeros_like(binary), where=binary > 0)
    low, high = wilson(estimate, 1 / (between / len(forecast) + unexplained / (count + PRIOR_QUERIES)))
    return [Interval(*map(float, ends)) for ends in zip(estimate, low, high, strict=True)]


def _variance_ratio(squares: Floats, binary: Floats, count: NDArray[np.intp] | Floats) -> Floats:
    """Divide sums of squares by those of a binary outcome, shrunk towards the ratio over all points, ``(points,)``."""
    total = float(binary.sum())
    if not total > 0:  # all outcomes are equal, which leaves the ratio open: assume binary outcomes
        return np.ones(len(binary))
    common, prior = max(float(squares.sum()) / total, LEAST_RATIO), PRIOR_QUERIES * total / float(count.sum())
    return (squares + common * prior) / (binary + prior)
