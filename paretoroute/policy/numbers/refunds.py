"""Refunds among the logged bills of a calibration sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_USD = 1e24  # of a refund; keeps sums finite


def without_refunds(arrays: Mapping[str, NDArray[Any]], bills: Sequence[int]) -> Mapping[str, NDArray[Any]]:
    """Replace the refunds among logged bills by 0, for the check of all other numbers.

    A refund may exceed the dearest call of its point: the log accepts what some run of the model cost, which may be of
    another budget, and the sample holds means of repeats for some of the queries.
    """
    name = "traffic.logged_amount"
    logged = arrays.get(name)
    if logged is None or logged.ndim != 2 or logged.dtype != np.float32 or not len(logged):
        return arrays
    columns = [j for j in bills if j < logged.shape[1]]
    amounts = np.nan_to_num(logged[:, columns], neginf=-np.inf, posinf=np.inf)
    is_refund = (amounts < 0) & (amounts >= -MOST_USD)
    if not is_refund.any():
        return arrays
    logged = logged.copy()
    logged[:, columns] = np.where(is_refund, np.float32(0), logged[:, columns])
    return {**arrays, name: logged}
