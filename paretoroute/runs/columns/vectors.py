"""A column of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute.query import Misfit
from paretoroute.runs.columns import Fault, one_by_one


def embeddings(column: Any, faults: list[Fault]) -> Sequence[NDArray[np.float32] | None]:
    """Read a column of vectors, one per row and ``(width,)`` each; a CSV cell holds a JSON list."""
    uniform = _uniform_vectors(column)
    return one_by_one("embedding", column, _vector, absent=None, faults=faults) if uniform is None else list(uniform)


def _uniform_vectors(column: Any) -> NDArray[np.float32] | None:
    """Convert a column of finite vectors of one width, ``(rows, width)``; return None if it holds anything else."""
    import pyarrow as pa

    if not isinstance(column, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray) or column.null_count:
        return None
    if pa.types.is_map(column.type):
        return None
    flat = column.flatten()
    widths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
    if len(widths) != 1 or widths[0] == 0 or flat.null_count or not pa.types.is_floating(flat.type):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        vectors = flat.to_numpy(zero_copy_only=False).astype(np.float32) + np.float32(0)
    return vectors.reshape(len(column), -1) if np.isfinite(vectors).all() else None


def _vector(value: object) -> NDArray[np.float32]:
    import orjson

    try:
        parsed = orjson.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        raise Misfit("not a list of numbers") from None
    if parsed is None or parsed == "":
        raise Misfit("missing")
    if not isinstance(parsed, Sequence) or isinstance(parsed, bytes) or not set(map(type, parsed)) <= {int, float}:
        raise Misfit("not a list of numbers")
    try:
        with np.errstate(over="ignore"):
            vector = np.array(parsed, np.float64).astype(np.float32) + np.float32(0)
    except OverflowError:
        raise Misfit("not a list of finite numbers") from None
    if not vector.size or not np.isfinite(vector).all():
        raise Misfit("not a list of finite numbers")
    return vector
