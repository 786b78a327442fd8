"""Arrays from the plain values of a golden case: null becomes NaN."""

from __future__ import annotations

import numpy as np


def array(values):
    return np.array(values, dtype=np.float64)
