"""Standard errors of means over queries that come in clusters: copies of a text, turns of a conversation, a tenant's.

Queries of one cluster may be alike, so that they tell less than as many independent ones. With clusters g and the sums
of their deviations, the error of the mean of n queries is

    se = sqrt( G / (G - 1) sum_g (sum_{i in g} (v_i - mean))^2 ) / n

(Liang and Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73(1), 1986,
doi:10.1093/biomet/73.1.13). With one query per cluster it is s / sqrt(n), and it is taken as no smaller than that: the
means of a few clusters may agree by luck, and queries of one cluster are not less alike than others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.intervals import Z90


def mean_error(values: Floats, groups: Indices | None = None) -> float:
    """Compute the standard error of the mean of values that come in groups.

    Args:
        values: ``(queries,)``.
        groups: the group of every query, numbered from 0, ``(queries,)``; None: each by itself.

    Returns:
        NaN if there are fewer than two groups: nothing tells how they differ.

    Example:
        >>> round(mean_error(np.array([0.0, 1.0, 0.0, 1.0])), 4)
        0.2887
        >>> round(mean_error(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1])), 4)
        0.5
    """
    if len(values) < 2:
        return math.nan
    apart = values - values.mean()
    error = _error_of_sum(apart)
    if groups is not None:
        sums: Floats = np.bincount(groups, apart).astype(np.float64)
        error = float(np.maximum(error, _error_of_sum(sums)))  # NaN stays
    return error / len(values)


def _error_of_sum(sums: Floats) -> float:
    count = len(sums)
    return math.sqrt(count / (count - 1) * float(sums @ sums)) if count > 1 else math.nan


def t90(degrees: float) -> float:
    """Return half the width of a 90% interval in standard errors, by Student's t, with at least one degree of freedom.

    The quantile is expanded in those of the normal distribution (Abramowitz and Stegun, "Handbook of mathematical
    functions", 1964, 26.7.5).

    Example:
        >>> round(t90(10.0), 3), round(t90(1e9), 3)
        (1.811, 1.645)
    """
    degrees = max(degrees, 1.0)
    return Z90 + (Z90**3 + Z90) / (4 * degrees) + (5 * Z90**5 + 16 * Z90**3 + 3 * Z90) / (96 * degrees**2)


def count_of(groups: Indices | None, queries: int) -> int:
    """Return the number of clusters; each query is its own where there are none."""
    return queries if groups is None else int(groups.max(initial=-1)) + 1


def group_numbers(names: Sequence[str]) -> Indices:
    """Number groups from 0, in the order of their first query, ``(queries,)``."""
    number = {name: g for g, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], np.intp)
