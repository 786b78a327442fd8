"""Values of a column as Python objects, also those of Arrow that Python lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def python_values(column: Any) -> Sequence[object]:
    """Return the values of a column as Python objects; text that is not UTF-8 has lone surrogates."""
    import pyarrow as pa

    if not isinstance(column, pa.Array):
        return column
    if pa.types.is_dictionary(column.type):
        values = python_values(column.dictionary)
        return [None if i is None else values[i] for i in column.indices.to_pylist()]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):  # some of it is not UTF-8
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in raw]
    try:
        return column.to_pylist()
    except (ValueError, KeyError, OverflowError, pa.ArrowException):  # KeyError: a zone that pytz does not know
        return [_python_value(item) for item in _plain_times(column)]


def _plain_times(column: Any) -> Any:
    """Return times in UTC and without nanoseconds, which Python lacks; the zone of a file may be none that it knows."""
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type):
        return column
    unit = "us" if column.type.unit == "ns" else column.type.unit
    return column.cast(pa.timestamp(unit, column.type.tz and "UTC"), safe=False)


class TimeOutOfRange:
    """A date, time or duration that Python cannot hold."""

    def __repr__(self) -> str:
        """Return a text for messages."""
        return "out of range"


def _python_value(item: Any) -> object:
    import pyarrow as pa

    try:
        return item.as_py()
    except UnicodeDecodeError:
        return "\udcff"  # not UTF-8 inside a list or struct: a lone surrogate, which the check of text refuses
    except (ValueError, OverflowError, pa.ArrowException):
        return TimeOutOfRange()
