"""90% intervals: normal, Wilson score and cluster bootstrap. Their level is set here for the package."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

TAILS = (0.05, 0.95)  # quantiles at the ends of an interval
Z90 = NormalDist().inv_cdf(TAILS[1])  # half-width of a normal interval, in standard errors
RESAMPLES = 2000
LEAST_EFFECTIVE = 20.0  # effective runs; below, an interval is wider than anyone can use, and none is stated
QUALITY_VARIANCE = 0.2  # of an outcome of 0 or 1, as least errors assume it: that of a share of 28% or 72%
_LARGEST_LOG_RATIO = 50.0  # exp() of it is still far from overflow
_BLOCK = 2_000_000  # resampled counts held in memory at once


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 90% interval."""

    value: float
    low: float
    high: float


def normal_interval(values: Floats) -> Interval:
    """Compute the mean of independent values with its normal interval, mean +- z s / sqrt(n).

    Of fewer than 20 values it is too narrow: of five it holds the mean 78 times of 100.

    Args:
        values: ``(queries,)``; of none, the mean and both ends are NaN.

    Example:
        >>> interval = normal_interval(np.array([0.0, 1.0, 0.0, 1.0]))
        >>> interval.value, round(interval.low, 3), round(interval.high, 3)
        (0.5, 0.089, 0.911)
    """
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    mean, margin = float(values.mean()), Z90 * float(values.std()) / len(values) ** 0.5
    return Interval(mean, mean - margin, mean + margin)


def factor_of(margin: float) -> float:
    """Return the factor between a positive amount and an end of its interval, from the margin of its logarithm.

    Example:
        >>> round(factor_of(0.1), 4), factor_of(np.inf) < np.inf
        (1.1052, True)
    """
    return math.exp(min(margin, _LARGEST_LOG_RATIO))


def resampled(values: Floats, groups: NDArray[np.intp], *, seed: int) -> list[Interval]:
    """Compute the percentile bootstrap interval of each column's mean, resampling groups of queries.

    Percentile bootstrap: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1), 1979,
    doi:10.1214/aos/1176344552.

    Args:
        values: ``(queries, columns)``; columns are resampled together.
        groups: the group of every query, numbered from 0, ``(queries,)``; queries of one group are drawn together.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    size = np.bincount(groups)
    total = np.stack([np.bincount(groups, column) for column in values.T], axis=1)
    block = max(1, _BLOCK // len(size))
    means: list[Floats] = []
    for start in range(0, RESAMPLES, block):
        draws = min(block, RESAMPLES - start)
        times = rng.multinomial(len(size), np.full(len(size), 1 / len(size)), size=draws).astype(np.float64)
        means.append((times @ total) / (times @ size)[:, None])
    low, high = np.quantile(np.concatenate(means), TAILS, axis=0)
    return [Interval(*map(float, ends)) for ends in zip(values.mean(0), low, high, strict=True)]


class IntervalEnds(NamedTuple):
    """The ends of several intervals, of one shape."""

    low: Floats
    high: Floats


def wilson(share: Floats, count: Floats) -> IntervalEnds:
    """Compute the ends of the score interval of a share observed in ``count`` independent trials.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American Statistical
    Association 22(158), 1927, doi:10.1080/01621459.1927.10502953.

    Args:
        share: in [0, 1], of any shape.
        count: number of trials, of the same shape; may be fractional, an effective number.

    Example:
        >>> low, high = wilson(np.array([0.5, 1.0]), np.array([100.0, 20.0]))
        >>> [round(float(end), 3) for end in (*low, *high)]
        [0.419, 0.881, 0.581, 1.0]
    """
    pull = Z90**2 / count
    middle = (share + pull / 2) / (1 + pull)
    reach = np.sqrt(pull * share * (1 - share) + pull**2 / 4) / (1 + pull)
    return IntervalEnds(np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0))
