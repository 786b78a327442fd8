"""The known columns of a run log, and their check on a batch of rows, column by column.

A column comes as an Arrow array (Parquet, Arrow, data frames) or as a list of Python values (JSONL, CSV). Uniform
columns are checked as arrays, all others value by value (:mod:`paretoroute.runs.values`). No row is repaired: a value
that does not fit becomes a `Fault` with the rows that hold it.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute import query
from paretoroute.query import Misfit
from paretoroute.runs import values as single_values
from paretoroute.runs import written_numbers
from paretoroute.runs.columns.python_values import python_values


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a column may hold.

    Args:
        reason: why another number is refused.
        low: least number.
        high: largest number.
        above_low: whether ``low`` itself is refused.
        whole: whether only whole numbers are allowed.
    """

    reason: str = ""
    low: float = -np.inf
    high: float = np.inf
    above_low: bool = False
    whole: bool = False

    def violated(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which numbers are out of range, bool ``(rows,)``; NaN never is."""
        bad = (values < self.low) | (values > self.high)
        if self.above_low:
            bad |= values == self.low
        if self.whole:
            bad |= values != np.where(np.isnan(values), values, np.floor(values))
            bad &= ~np.isnan(values)
        return bad


_NOT_NEGATIVE = Range("negative", low=0.0)
NUMBERS = {
    "trials": Range("not a whole number of at least 1", low=1.0, whole=True),
    "cost_usd": Range(),  # refunds are below 0
    "prompt_tokens": _NOT_NEGATIVE,
    "completion_tokens": _NOT_NEGATIVE,
    "reasoning_tokens": _NOT_NEGATIVE,
    "cached_prompt_tokens": _NOT_NEGATIVE,
    "cache_write_tokens": _NOT_NEGATIVE,
    "latency_s": _NOT_NEGATIVE,
    "sample_index": Range(),
    "propensity": Range("not in (0, 1]", low=0.0, high=1.0, above_low=True),
    "score": Range(),
    "budget": Range(),
}
_AS_WRITTEN: dict[str, Callable[[object], float]] = {
    **dict.fromkeys(written_numbers.COUNTS, written_numbers.count),
    "cost_usd": written_numbers.usd,
    "latency_s": written_numbers.seconds,
}
TEXTS: dict[str, Callable[[object], str]] = {
    "query": query.query_text,
    "query_id": single_values.opaque,
    "model": single_values.name,
    "budget_kind": single_values.opaque,
    "budget_label": single_values.opaque,
    "cost_source": single_values.opaque,
    "tag": single_values.opaque,
    "benchmark": single_values.opaque,
    "conversation": single_values.opaque,
    "tenant": single_values.opaque,
    "step": single_values.opaque,
}
BATCH_ROWS = 8_192
BATCH_BYTES = 64 * 2**20
READ = ("quality", *NUMBERS, *TEXTS, "embedding")
ACCEPTED = ("time",)  # known columns from which nothing is computed yet
OF_DECISIONS = (  # further columns of a log of the planner's decisions, which only a log with the first two has
    "decision_id",
    "policy_sha256",
    "status",
    "expected_quality",
    "expected_cost_usd",
    "expected_latency_s",
    "output_cap_tokens",
    "failed_point",
    "fallback_quality",
)
_OPTIONAL = ("score",)  # read where it is a number; another value is absent, and sets no row aside


@dataclass(frozen=True, slots=True)
class Fault:
    """A defect that some rows of a batch share.

    Args:
        field: the column, or ``""`` for the row as a whole.
        reason: the defect, without the value.
        rows: positions of these rows in the batch, ``(rows,)``.
        value_at: returns the value of the i-th of ``rows``, or None if there is none to show.
    """

    field: str
    reason: str
    rows: NDArray[np.int64]
    value_at: Callable[[int], object] | None = None


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column: ``values[codes]``, where ``""`` is absent.

    Args:
        codes: position in ``values``, ``(rows,)``.
        values: the distinct texts.
    """

    codes: NDArray[np.int64]
    values: list[str]

    def rows_without(self) -> NDArray[np.bool_]:
        """Return which rows have no text, bool ``(rows,)``."""
        blank = np.array([not value for value in self.values], bool)
        return blank[self.codes]


class BrokenLine(NamedTuple):
    """A line of a file that is not a row.

    Args:
        line: its number, from 1.
        reason: why it is not a row.
        detail: what to add for this line alone, or ``""``.
    """

    line: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one source, as they were read.

    Args:
        columns: Arrow array or list by known name, ``(rows,)`` each.
        lines: line of the file, or row of the table, of each row, ``(rows,)``.
        numbers_are_text: whether every cell is text (CSV), so that decimal commas may stand in them.
        broken: lines that are not rows.
    """

    columns: dict[str, Any]
    lines: NDArray[np.int64]
    numbers_are_text: bool = False
    broken: list[BrokenLine] = field(default_factory=list)


def numbers(name: str, column: Any, batch: Batch, faults: list[Fault]) -> NDArray[np.float64]:
    """Read a column of numbers, ``(rows,)``, NaN where absent; append its defects to ``faults``."""
    size = len(batch.lines)
    if column is None:
        return np.full(size, np.nan)
    values = uniform_numbers(column)
    if values is None:
        defects = [] if name in _OPTIONAL else faults
        convert = _AS_WRITTEN.get(name, single_values.number)
        values = np.array(one_by_one(name, column, convert, absent=np.nan, faults=defects), float)
    if name in _OPTIONAL:
        return np.where(np.isfinite(values), values, np.nan)
    limits = NUMBERS[name]
    out_of_range = limits.violated(values) & np.isfinite(values)
    for reason, bad in (("not finite", np.isinf(values)), (limits.reason, out_of_range)):
        if bad.any():
            rows = np.flatnonzero(bad)
            faults.append(Fault(name, reason, rows, lambda i, rows=rows, values=values: float(values[rows[i]])))
    return values


def uniform_numbers(column: Any) -> NDArray[np.float64] | None:
    """Convert a column of numbers and gaps, or of texts that state such; return None if it holds anything else."""
    import pyarrow as pa

    try:
        if not isinstance(column, pa.Array):
            kinds = set(map(type, column)) - {type(None)}
            if not (kinds <= {int, float} or kinds == {str}):  # a bool would pass for a number below
                return None
            column = pa.array(column, pa.large_string() if kinds == {str} else pa.float64())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = _stated_numbers(column.cast(pa.large_string()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
        return None
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):  # of signalling NaN
        return values + 0.0  # a copy that does not hold on to the batch, and without negative zeros


def _stated_numbers(cells: Any) -> Any:
    """Return the numbers that texts state, as an Arrow array; words for an unknown number are gaps.

    Raises:
        pyarrow.ArrowInvalid: a text states none.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(cells)  # pyright: ignore  # pyarrow.compute has no stubs
    with contextlib.suppress(pa.ArrowInvalid):
        numbers = pc.if_else(pc.equal(cells, ""), None, cells).cast(pa.float64())  # pyright: ignore  # pyarrow.compute has no stubs
        if not pc.any(pc.is_nan(numbers)).as_py():  # pyright: ignore  # pyarrow.compute has no stubs
            return numbers
    words = pa.array(sorted(single_values.ABSENT), pa.large_string())
    is_absent = pc.is_in(pc.utf8_lower(cells), value_set=words)  # pyright: ignore  # pyarrow.compute has no stubs
    numbers = pc.if_else(is_absent, None, cells).cast(pa.float64())  # pyright: ignore  # pyarrow.compute has no stubs
    if pc.any(pc.is_nan(numbers)).as_py():  # pyright: ignore  # pyarrow.compute has no stubs
        raise pa.ArrowInvalid("Arrow takes nan(1) for a number")
    return numbers


def texts(
    name: str, column: Any, batch: Batch, faults: list[Fault], *, convert: Callable[[object], str] | None = None
) -> Coded:
    """Read a column of text; append its defects to ``faults``.

    Args:
        name: the column as `TEXTS` names it.
        column: its values, or None.
        batch: the rows.
        faults: of the batch.
        convert: returns the text of a value in place of the function in `TEXTS`.
    """
    if column is None:
        return Coded(np.zeros(len(batch.lines), np.int64), [""])
    convert = convert or TEXTS[name]
    coded = _uniform_texts(column)
    if coded is not None:
        return Coded(coded.codes, [convert(value) for value in coded.values])  # sound text, which no function refuses
    return _coded(one_by_one(name, column, convert, absent="", faults=faults))


def _coded(values: Sequence[str]) -> Coded:
    """Number texts in order of appearance; Arrow would copy one that many rows share into each of them."""
    codes: dict[str, int] = {}
    return Coded(np.array([codes.setdefault(value, len(codes)) for value in values], np.int64), list(codes))


def _uniform_texts(column: Any) -> Coded | None:
    """Convert a column of text and gaps alone; return None if it holds anything else."""
    import pyarrow as pa

    try:
        if not isinstance(column, pa.Array):
            if not set(map(type, column)) <= {str, type(None)}:
                return None
            column = pa.array(column, pa.large_string())
        elif pa.types.is_dictionary(column.type):
            return _dictionary_texts(column)
        if pa.types.is_null(column.type):
            return Coded(np.zeros(len(column), np.int64), [""])
        if not (pa.types.is_large_string(column.type) or pa.types.is_string(column.type)):
            if not pa.types.is_string_view(column.type):
                return None
            column = pa.array(column.to_pylist(), pa.large_string())  # a cast reads what absent texts point to
        encoded = column.fill_null("").dictionary_encode()
        return Coded(encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist())
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _dictionary_texts(column: Any) -> Coded | None:
    """Convert a dictionary of texts without repeating them; it may hold texts that no row uses, and one twice."""
    import pyarrow as pa

    indices = column.indices.cast("int64")
    used = indices.drop_null().unique()
    dictionary = column.dictionary
    if pa.types.is_string_view(dictionary.type):
        dictionary = pa.array(dictionary.to_pylist(), pa.large_string())  # Arrow 17 takes nothing from a view
    texts = _uniform_texts(dictionary.take(used))
    if texts is None:
        return None
    place = np.zeros(len(column.dictionary) + 1, np.int64)  # the last stands for an absent text
    place[used.to_numpy()] = texts.codes
    values = texts.values if "" in texts.values else [*texts.values, ""]
    place[-1] = values.index("")
    return Coded(place[indices.fill_null(len(column.dictionary)).to_numpy()], values)


def one_by_one(name: str, column: Any, convert: Callable[[object], Any], *, absent: Any, faults: list[Fault]) -> list:
    """Convert values singly; a value that does not fit becomes ``absent``, and its row part of a fault."""
    values = python_values(column)
    misfits: defaultdict[str, list[int]] = defaultdict(list)
    converted = []
    for row, value in enumerate(values):
        try:
            converted.append(convert(value))
        except Misfit as misfit:
            misfits[str(misfit)].append(row)
            converted.append(absent)
    for reason, rows in misfits.items():
        faults.append(Fault(name, reason, np.array(rows), lambda i, rows=rows: values[rows[i]]))
    return converted
