"""Standard errors of means over queries that come in clusters: copies of a text, turns of a conversation, a tenant's.

Queries of one cluster may be alike, so that they tell less than as many independent ones. With clusters g and the sums
of their deviations, the error of the mean of n queries is

    se = sqrt( G / (G - 1) sum_g (sum_{i in g} (v_i - mean))^2 ) / n

(Liang and Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73(1), 1986,
doi:10.1093/biomet/73.1.13). With one query per cluster it is s / sqrt(n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from paretoroute._arrays import Floats, Indices


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
        >>> mean_error(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0, 0, 1, 1]))
        0.0
    """
    sums = values - values.mean() if len(values) else values
    if groups is not None:
        sums = np.bincount(groups, sums)
    count = len(sums)
    if count < 2:
        return math.nan
    return math.sqrt(count / (count - 1) * float(sums @ sums)) / len(values)


def group_numbers(names: Sequence[str]) -> Indices:
    """Number groups from 0, in the order of their first query, ``(queries,)``."""
    number = {name: g for g, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], np.intp)
