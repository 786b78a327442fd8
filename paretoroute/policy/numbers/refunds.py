"""Refunds among the logged bills of a calibration sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_refunds(arrays: Mapping[str, NDArray[Any]], bills: Sequence[int]) -> Mapping[str, NDArray[Any]]:
    """Replace the refunds among logged bills by 0 for the check of all other numbers; none exceeds the dearest call."""
    name = "traffic.logged_amount"
    logged = arrays.get(name)
    if logged is None or logged.ndim != 2 or logged.dtype != np.float32 or not len(logged):
        return arrays
    columns = [j for j in bills if j < logged.shape[1]]
    amounts = np.nan_to_num(logged[:, columns], neginf=-np.inf, posinf=np.inf)
    is_refund = (amounts < 0) & (-amounts <= amounts.max(axis=0, initial=0))
    if not is_refund.any():
        return arrays
    logged = logged.copy()
    logged[:, columns] = np.where(is_refund, np.float32(0), logged[:, columns])
    return {**arrays, name: logged}
