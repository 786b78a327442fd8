"""How far to follow forecasts: the posterior mean of the factor on them that fits what was logged best.

Out of fold, a step s (forecasts minus what would be forecast otherwise) meets a rest r (what was logged minus the
latter). The factor that fits best is b = sum w r s / sum w s^2, and its standard error is over groups of queries, which
count once each: copies of a text, turns of a conversation. All b from 0 to 1 are taken to be equally likely before the
log was seen, and a step that points the wrong way is not made at all.
"""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats, Indices

LEAST_ERROR = 1e-4  # of a factor
LEAST_POWER = 1e-18  # of a step, mean square per unit of weight: below it there is only rounding
FACTORS = np.linspace(0.0, 1.0, 1001)


def factor(rest: Floats, step: Floats, weight: Floats, group: Indices) -> float:
    """Return how far to go a step, in [0, 1].

    Args:
        rest: what was logged minus the forecasts without the step, ``(queries, columns)``.
        step: what the step adds to them, out of fold, ``(queries, columns)``.
        weight: of the squared errors, ``(queries, columns)`` or ``(queries, 1)``.
        group: of each query, ``(queries,)``.
    """
    power = float((weight * step**2).sum())
    if power <= LEAST_POWER * float(weight.sum()):
        return 0.0
    slope = float((weight * rest * step).sum()) / power
    return posterior_factor(slope, error_of_sum((weight * step * (rest - slope * step)).sum(1), group) / power)


def posterior_factor(slope: float, error: float) -> float:
    """Return the mean of a factor in [0, 1], all equally likely before it was estimated.

    It is the mean of a normal distribution cut off at 0 and 1, summed over 1,001 factors. Forecasts that point the
    wrong way are not followed at all, so that half of the logs of noise keep to the means.

    Args:
        slope: the estimate.
        error: its standard error; infinite where nothing is known of it, and nothing is followed.

    Example:
        >>> [round(posterior_factor(slope, 0.2), 2) for slope in (-1.0, 0.0, 0.5, 1.0)]
        [0.0, 0.0, 0.5, 0.84]
    """
    if not np.isfinite(error) or slope <= 0:
        return 0.0
    log_density = -0.5 * ((FACTORS - slope) / max(error, LEAST_ERROR)) ** 2
    density = np.exp(log_density - log_density.max())
    return float((density * FACTORS).sum() / density.sum())


def error_of_sum(values: Floats, group: Indices) -> float:
    """Compute the standard error of a sum of values that are independent between groups; infinite for one group."""
    total = np.bincount(np.unique(group, return_inverse=True)[1], values)
    return float(total.std(ddof=1)) * len(total) ** 0.5 if len(total) > 1 else np.inf
