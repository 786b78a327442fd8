"""Array aliases, the rounding to float32 that makes a saved policy forecast as the fitted one did, and that of ends."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
SINGLE = 1e-7  # relative error of a number that was rounded to float32, and of means of such numbers


def single(values: Floats) -> Floats:
    """Round to float32, the precision in which a policy is saved, and return float64.

    Example:
        >>> single(np.array([0.5, 0.1])).tolist()
        [0.5, 0.10000000149011612]
    """
    return values.astype(np.float32).astype(np.float64)


def evenly_spaced(count: int, most: int) -> Indices:
    """Return at most so many of the rows 0 to count - 1, at about equal distances, in ascending order.

    The first rows of a log would be of one source, where ids begin with the source's name.

    Example:
        >>> evenly_spaced(9, 3).tolist(), evenly_spaced(2, 3).tolist()
        ([0, 4, 8], [0, 1])
    """
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)


def beyond(value: float, *, up: bool, digits: int = 6) -> float:
    """Round an end of a range to the digits that are printed, so that the printed number lies beyond the end.

    Args:
        value: finite; one that differs from a short number by the rounding to float32 alone is that number.
        up: whether what lies beyond is larger.
        digits: significant ones.

    Example:
        >>> beyond(0.00110008226, up=True), beyond(0.829827026, up=False), beyond(0.3 - 1e-17, up=True)
        (0.00110009, 0.829827, 0.3)
    """
    nearest = float(f"{value:.{digits}g}")
    if abs(nearest - value) <= SINGLE * abs(value):
        return nearest
    context = Context(prec=digits, rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return float(context.create_decimal_from_float(value))


def given_array(values: object) -> NDArray[Any]:
    """Return an argument as an array; one that is none, such as rows of different lengths, as an array of an object."""
    if isinstance(values, range):  # which may be without end, and would be listed first
        return np.array(None)
    try:
        return np.asarray(values)
    except Exception:  # also of an object's own conversion
        return np.array(None)
