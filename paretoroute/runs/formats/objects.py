"""Rows that are JSON objects, as columns."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paretoroute.runs.columns import Batch, BrokenLine


def object_batch(
    rows: Sequence[dict[str, Any]],
    positions: Sequence[int],
    *,
    names: Mapping[str, str],
    broken: list[BrokenLine],
    seen: set[str],
) -> Batch:
    """Turn objects into a batch, and add their keys to ``seen``.

    Args:
        rows: the objects.
        positions: line or row of each.
        names: the name in the log by known column.
        broken: positions that hold no object.
        seen: names of the columns met so far.
    """
    keys: set[str] = set()
    for row in rows:
        keys.update(row)
    seen |= keys
    wanted = {column: name for column, name in names.items() if name in keys}
    if len(wanted) > 1 and all(len(row) == len(keys) for row in rows):  # every row has every key: the fast way
        values = zip(*map(operator.itemgetter(*wanted.values()), rows), strict=True)
        columns: dict[str, Any] = dict(zip(wanted, values, strict=True))
    else:
        columns = {column: [row.get(name) for row in rows] for column, name in wanted.items()}
    return Batch(columns, np.array(positions, np.int64), broken=broken)
