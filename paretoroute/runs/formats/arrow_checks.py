"""Checks of a record batch before its values are used: damaged offsets would end the process by a signal."""

from __future__ import annotations

from typing import Any


def check_batch(batch: Any) -> None:
    """Check every offset, length and index of a record batch against its buffers.

    Columns of text are checked as bytes: a text that is not UTF-8 is a defect of its row, not of the file.

    Raises:
        pyarrow.ArrowInvalid: the batch is damaged.
    """
    batch.validate()
    for column in batch.columns:
        kind = _with_bytes(column.type)
        (column if kind == column.type else column.view(kind)).validate(full=True)


def _with_bytes(kind: Any) -> Any:
    """Return an Arrow type with bytes in place of text, of the same layout."""
    import pyarrow as pa

    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return pa.binary() if types.is_string(kind) else pa.large_binary()
    if types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _with_bytes(kind.value_type), kind.ordered)
    if types.is_struct(kind):
        return pa.struct([field.with_type(_with_bytes(field.type)) for field in kind])
    for is_list, list_of in ((types.is_list, pa.list_), (types.is_large_list, pa.large_list)):
        if is_list(kind):
            return list_of(kind.value_field.with_type(_with_bytes(kind.value_type)))
    return kind
