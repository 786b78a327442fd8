"""How many bytes each row of an Arrow column takes as Python values, where rows share what the file holds once.

Dictionaries, runs of equal values and views of lists or texts are small in the file, whatever the rows show of them;
as Python values each row has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.int64]
NUMBER_BYTES = 8


def expanded_bytes(column: Any) -> int:
    """Return the bytes that a column takes as Python values: each row with a value of its own."""
    return int(_bytes_per_row(column).sum())


def _bytes_per_row(column: Any) -> Bytes:
    """Return the bytes of each row, ``(rows,)``."""
    import pyarrow as pa

    if isinstance(column, pa.ExtensionArray):
        return _bytes_per_row(column.storage)
    types, kind = pa.types, column.type
    if not len(column):
        return np.zeros(0, np.int64)
    for is_kind, measure in _MEASURES.items():
        if getattr(types, is_kind)(kind):
            return measure(column)
    return np.full(len(column), kind.byte_width if types.is_fixed_size_binary(kind) else NUMBER_BYTES, np.int64)


def _of_texts(column: Any) -> Bytes:
    import pyarrow.compute as pc

    lengths = pc.binary_length(column).fill_null(0)  # pyright: ignore  # pyarrow.compute has no stubs
    return lengths.to_numpy(zero_copy_only=False).astype(np.int64)


def _of_views(column: Any) -> Bytes:
    return np.array([len(text.as_buffer()) if text.is_valid else 0 for text in column], np.int64)


def _of_dictionary(column: Any) -> Bytes:
    """Measure the values that the rows use, once each."""
    indices = column.indices.cast("int64")
    bytes_of = np.zeros(len(column.dictionary) + 1, np.int64)  # the last stands for an absent value
    if "view" in str(column.dictionary.type):  # Arrow 17 takes nothing from a view
        bytes_of[:-1] = _bytes_per_row(column.dictionary)
    else:
        used = indices.drop_null().unique()
        bytes_of[used.to_numpy()] = _bytes_per_row(column.dictionary.take(used))
    return bytes_of[indices.fill_null(len(column.dictionary)).to_numpy()]


def _of_runs(column: Any) -> Bytes:
    """Measure a value of each run."""
    ends = column.run_ends.to_numpy().astype(np.int64)
    first = np.searchsorted(ends, column.offset, side="right")
    last = np.searchsorted(ends, column.offset + len(column) - 1, side="right") + 1
    lengths = np.diff(np.clip(ends[first:last], column.offset, column.offset + len(column)), prepend=column.offset)
    return np.repeat(_bytes_per_row(column.values.slice(first, last - first)), lengths)


def _of_lists(column: Any) -> Bytes:
    offsets = column.offsets.to_numpy().astype(np.int64)
    return _of_ranges(column.values, offsets[:-1], offsets[1:])


def _of_list_views(column: Any) -> Bytes:
    starts = column.offsets.to_numpy().astype(np.int64)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    sizes = np.where(valid, column.sizes.to_numpy().astype(np.int64), 0)
    starts = np.where(sizes > 0, starts, starts[np.argmax(sizes)])  # an empty one may begin anywhere
    return _of_ranges(column.values, starts, starts + sizes)


def _of_lists_of_one_size(column: Any) -> Bytes:
    starts = (column.offset + np.arange(len(column), dtype=np.int64)) * column.type.list_size
    return _of_ranges(column.values, starts, starts + column.type.list_size)


def _of_ranges(items: Any, starts: Bytes, ends: Bytes) -> Bytes:
    """Measure lists that are ranges of an array, ``(rows,)`` each."""
    first, last = int(starts.min()), int(ends.max())
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(_bytes_per_row(items.slice(first, last - first)))])
    return before[ends - first] - before[starts - first] + NUMBER_BYTES


def _of_structs(column: Any) -> Bytes:
    return sum(map(_bytes_per_row, column.flatten()), start=np.zeros(len(column), np.int64))


def _of_unions(column: Any) -> Bytes:
    """Take the largest value of any kind for every row."""
    kinds = [_bytes_per_row(column.field(i)) for i in range(column.type.num_fields)]
    return np.full(len(column), max((int(kind.max(initial=0)) for kind in kinds), default=0), np.int64)


_MEASURES: dict[str, Callable[[Any], Bytes]] = {
    "is_string": _of_texts,
    "is_large_string": _of_texts,
    "is_binary": _of_texts,
    "is_large_binary": _of_texts,
    "is_string_view": _of_views,
    "is_binary_view": _of_views,
    "is_dictionary": _of_dictionary,
    "is_run_end_encoded": _of_runs,
    "is_list": _of_lists,
    "is_large_list": _of_lists,
    "is_map": _of_lists,
    "is_list_view": _of_list_views,
    "is_large_list_view": _of_list_views,
    "is_fixed_size_list": _of_lists_of_one_size,
    "is_struct": _of_structs,
    "is_union": _of_unions,
}
