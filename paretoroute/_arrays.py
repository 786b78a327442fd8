"""Array aliases, and the rounding to float32 that makes a saved policy forecast as the fitted one did."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


def single(values: Floats) -> Floats:
    """Round to float32, the precision in which a policy is saved, and return float64.

    Example:
        >>> single(np.array([0.5, 0.1])).tolist()
        [0.5, 0.10000000149011612]
    """
    return values.astype(np.float32).astype(np.float64)


def given_array(values: object) -> NDArray[Any]:
    """Return an argument as an array; one that is none, such as rows of different lengths, as an array of an object."""
    if isinstance(values, range):  # which may be without end, and would be listed first
        return np.array(None)
    try:
        return np.asarray(values)
    except Exception:  # also of an object's own conversion
        return np.array(None)
