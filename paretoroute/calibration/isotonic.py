"""Isotonic regression, and the place where a noisy curve that should rise crosses a value.

Pool adjacent violators: Ayer et al., "An empirical distribution function for sampling with incomplete information",
Annals of Mathematical Statistics 26(4), 1955, doi:10.1214/aoms/1177728423.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.optimize import isotonic_regression

from paretoroute._arrays import Floats


def isotonic(values: Floats) -> Floats:
    """Fit the non-decreasing sequence with the least squared error.

    Args:
        values: ``(places,)``, at least one, finite.

    Example:
        >>> isotonic(np.array([1.0, 3.0, 2.0, 4.0])).tolist()
        [1.0, 2.5, 2.5, 4.0]
    """
    return np.asarray(isotonic_regression(values).x)


def meet(curve: Floats, value: float, side: Literal["left", "right"]) -> float:
    """Locate where a noisy curve crosses ``value``, in breakpoints with a fraction.

    The curve may cross several times. Its isotonic fit crosses once; the crossing of the curve nearest to that place is
    returned.

    Args:
        curve: ``(breakpoints + 1,)``.
        value: within the range of the curve's isotonic fit, so that the curve reaches it.
        side: the end to return if the isotonic fit is flat at ``value``.
    """
    rising = isotonic(curve)
    if rising.size == 1:
        return 0.0
    k = int(np.clip(np.searchsorted(rising, value, side=side), 1, rising.size - 1))
    step = rising[k] - rising[k - 1]
    aim = k - 1 + (min(max((value - rising[k - 1]) / step, 0.0), 1.0) if step > 0 else 0.0)
    before, after = curve[:-1], curve[1:]
    crossing = np.flatnonzero((np.minimum(before, after) <= value) & (value <= np.maximum(before, after)))
    if not crossing.size:  # rounding of a pooled mean at an end of the curve
        return float(np.abs(curve - value).argmin())
    rise = after[crossing] - before[crossing]
    place = crossing + np.divide(value - before[crossing], rise, out=np.zeros(crossing.size), where=rise != 0)
    return float(place[np.abs(place - aim).argmin()])
