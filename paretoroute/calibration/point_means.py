"""The mean quality of every point over traffic like the logged one, with a 90% interval.

Queries are drawn from the traffic, and what came of a query at a point is the mean y_i of its repeats there: repeats
tell more of a query and nothing of other queries, so that n counts queries. Of n queries m were logged at the point.
The others count as their forecast f_i, moved by what the logged ones were off on average, as far as m carries it:

    estimate = mean_i (y_i where logged, else f_i + m / (m + 4) mean(y - f)).

The interval holds every mean q that the estimate does not contradict (Wilson, "Probable inference", Journal of the
American Statistical Association 22(158), 1927, doi:10.1080/01621459.1927.10502953), so that it keeps within [0, 1] and
has a width where all outcomes are alike:

    (estimate - q)^2 <= z^2 q (1 - q) / N,     1 / N = d / n + (1 - m / n) e / (m + 4).

d is the variance of y_i between queries over that of a yes or no with the same mean, at most 1 or so and less where
repeats are averaged; e likewise of y_i - f_i. Both are drawn towards those of all points as if by four more queries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.calibration.intervals import Interval, wilson
from paretoroute.calibration.outcomes import LoggedOutcomes

PRIOR_QUERIES = 4.0
LEAST_RATIO = 1e-3  # forecasts that were never off may be yet


def mean_qualities(known: LoggedOutcomes) -> list[Interval]:
    """Estimate the mean quality of every point, from what was logged and, in its holes, from the forecasts."""
    logged, forecast = known.logged_quality, known.forecast.quality
    there = ~np.isnan(logged)
    queries, seen = len(logged), there.sum(0)
    off = np.where(there, logged - forecast, 0.0)
    moved = off.sum(0) / (seen + PRIOR_QUERIES)
    estimate = np.clip(np.where(there, logged, forecast + moved).mean(0), 0.0, 1.0)
    mean = np.where(there, logged, 0.0).sum(0) / np.maximum(seen, 1)
    binary = seen * mean * (1 - mean)
    between = _relative(np.where(there, (logged - mean) ** 2, 0.0).sum(0), binary, seen)
    unexplained = _relative((off**2).sum(0), binary, seen)
    weight = between / queries + (1 - seen / queries) * unexplained / (seen + PRIOR_QUERIES)
    low, high = wilson(estimate, 1 / weight)
    return [Interval(*map(float, ends)) for ends in zip(estimate, low, high, strict=True)]


def _relative(squares: Floats, binary: Floats, seen: NDArray[np.intp]) -> Floats:
    """Divide sums of squares by those of a yes or no, drawn to the ratio over all points: ``(points,)``."""
    total = float(binary.sum())
    if not total > 0:  # all outcomes alike: a yes or no is the least that can be said
        return np.ones(len(binary))
    common, prior = max(float(squares.sum()) / total, LEAST_RATIO), PRIOR_QUERIES * total / float(seen.sum())
    return (squares + common * prior) / (binary + prior)
