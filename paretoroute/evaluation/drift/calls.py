"""The calls to monitor: a log in the order of its calls, in which quality may be missing.

`Runs` has a canonical order and a quality in every row. The rows of a log are numbered before they are read as runs, so
that every check of a log applies here too, and the order, the times and the gaps are looked up by these numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import RunsError, expect
from paretoroute.runs.builder import Builder
from paretoroute.runs.checks.quality_scale import QualityCheck, QualityScale
from paretoroute.runs.columns import READ, Batch, Coded, Fault, uniform_numbers
from paretoroute.runs.columns.python_values import python_values
from paretoroute.runs.formats.base import Source
from paretoroute.runs.formats.open import open_source
from paretoroute.runs.table import Runs
from paretoroute.runs.values import is_absent_text

LOGGED_FORECASTS = ("expected_quality", "expected_cost_usd", "expected_latency_s")
EXTRA = (*LOGGED_FORECASTS, "policy_sha256", "time")
_LATEST = 1e11  # seconds: the year 5138; a larger number counts milliseconds or less


@dataclass(frozen=True)
class Calls:
    """Logged calls, in the order in which they are tested.

    Args:
        runs: the calls as runs; quality is meaningless where it is missing.
        order: positions of the runs in the order of the calls, ``(calls,)``.
        has_quality: which runs have a quality, bool ``(calls,)``.
        time: of each run, seconds since 1970, NaN where unknown, ``(calls,)``.
        policy_sha256: of the policy that decided, ``""`` where not logged, ``(calls,)``.
        forecasts: logged forecasts of each run by column, NaN where not logged, ``(calls,)`` each.
        is_ordered: whether the order is that of the calls.
        is_timed: whether it follows a time.
    """

    runs: Runs
    order: NDArray[np.int64]
    has_quality: Mask
    time: Floats
    policy_sha256: tuple[str, ...]
    forecasts: Mapping[str, Floats]
    is_ordered: bool
    is_timed: bool

    @staticmethod
    def of_runs(runs: Runs) -> Calls:
        """Take runs in an order that depends on a hash of their query's id and their point, since theirs is lost.

        In canonical order, ids that begin with a topic would look like a change at every new topic.
        """
        names = [point.name for point in runs.points]
        keys = [
            f"{runs.query_ids[q]}\0{names[p]}" for q, p in zip(runs.query.tolist(), runs.point.tolist(), strict=True)
        ]
        digests = [hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest() for key in keys]
        size = len(runs)
        return Calls(
            runs=runs,
            order=np.array(sorted(range(size), key=digests.__getitem__), np.int64),
            has_quality=np.ones(size, bool),
            time=np.full(size, np.nan),
            policy_sha256=("",) * size,
            forecasts={name: np.full(size, np.nan) for name in LOGGED_FORECASTS},
            is_ordered=False,
            is_timed=False,
        )


def read_calls(
    sources: Sequence[Any],
    *,
    columns: Mapping[str, str] | None = None,
    quality_scale: tuple[float, float] | None = None,
    join: str = "id",
) -> Calls:
    """Read logged calls from files and tables; the arguments are those of :func:`paretoroute.read_runs`.

    Raises:
        RunsError: a source cannot be read, has no usable row, or lacks a column that ``columns`` names.
    """
    from paretoroute.runs.queries import parse_join

    expect("columns", columns, (Mapping, type(None)), RunsError)
    scale = QualityScale() if quality_scale is None else QualityScale.of(quality_scale)
    builder = Builder(strict=False, scale=scale, by_text=parse_join(join))
    builder.quality = quality = _QualityWithGaps(scale)
    names, marks = _names(columns or {}), _Marks()
    for position, item in enumerate(sources, start=1):
        source = open_source(item, position)
        for batch in source.batches(names):
            builder.add(source, marks.numbered(batch))
        missing = [name for column, name in (columns or {}).items() if name not in source.seen]
        if missing:
            raise RunsError(f"{source.name} has no column {missing[0]!r}; it has {', '.join(sorted(source.seen))}")
    if not builder.rows:
        raise RunsError("the log is empty; give a file with at least one call")
    return marks.calls(builder.finish([]), quality.is_stated)


def _names(columns: Mapping[str, str]) -> dict[str, str]:
    allowed = (*READ, *EXTRA)
    for column, name in columns.items():
        expect(f"columns[{column!r}]", name, str, RunsError)
        if column not in allowed:
            raise RunsError(f"columns: {column!r} is no known column; use one of {', '.join(allowed)}")
    return {column: columns.get(column, column) for column in allowed}


class _QualityWithGaps(QualityCheck):
    """Reads quality where rows state it, and keeps the others, which a fit would set aside.

    Args:
        scale: the scale that numbers are on.
    """

    def __init__(self, scale: QualityScale) -> None:
        super().__init__(scale)
        self.is_stated: list[bool] = []

    def read(self, source: Source, batch: Batch, faults: list[Fault], *, trials: Floats, models: Coded) -> Floats:
        """Read the quality of a batch, ``(rows,)``; 0 stands where none is stated."""
        column = batch.columns.get("quality")
        values = [None] * len(batch.lines) if column is None else list(python_values(column))
        stated = np.array([not _is_gap(value) for value in values], bool)
        self.is_stated += stated.tolist()
        rows = np.flatnonzero(stated)
        own_faults: list[Fault] = []
        part = replace(batch, columns={"quality": [values[i] for i in rows.tolist()]}, lines=batch.lines[rows])
        quality = np.zeros(len(values))
        quality[rows] = super().read(
            source, part, own_faults, trials=trials[rows], models=replace(models, codes=models.codes[rows])
        )
        faults += [replace(fault, rows=rows[fault.rows]) for fault in own_faults]
        return quality


class _Marks:
    """The columns of a log beside those of runs, by the number of the row."""

    def __init__(self) -> None:
        self._size = 0
        self._columns: dict[str, list[Any]] = {name: [] for name in EXTRA}

    def numbered(self, batch: Batch) -> Batch:
        """Return a batch with the number of every row as its ``sample_index``."""
        size = len(batch.lines)
        numbers = range(self._size, self._size + size)
        self._size += size
        columns = dict(batch.columns)
        for name in EXTRA:
            convert = {"time": _time_column, "policy_sha256": _text_column}.get(name, _number_column)
            self._columns[name] += convert(columns.pop(name, None), batch)
        columns["sample_index"] = list(numbers)
        return replace(batch, columns=columns)

    def calls(self, runs: Runs, is_stated: list[bool]) -> Calls:
        """Put the runs back into the order of their rows, or of their times where every row has one."""
        row = runs.sample_index.astype(np.int64)
        time = np.array(self._columns["time"], float)[row]
        is_timed = bool(np.isfinite(time).all())
        return Calls(
            runs=runs,
            order=np.lexsort([row, time] if is_timed else [row]).astype(np.int64),
            has_quality=np.array(is_stated, bool)[row],
            time=time,
            policy_sha256=tuple(self._columns["policy_sha256"][i] for i in row.tolist()),
            forecasts={name: np.array(self._columns[name], float)[row] for name in LOGGED_FORECASTS},
            is_ordered=True,
            is_timed=is_timed,
        )


def _is_gap(value: object) -> bool:
    if isinstance(value, str):
        return is_absent_text(value)
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number_column(column: Any, batch: Batch) -> list[float]:
    """Read numbers; whatever is none counts as absent."""
    values = None if column is None else uniform_numbers(column)
    return [math.nan] * len(batch.lines) if values is None else values.tolist()


def _text_column(column: Any, batch: Batch) -> list[str]:
    if column is None:
        return [""] * len(batch.lines)
    return [value if isinstance(value, str) else "" for value in python_values(column)]


def _time_column(column: Any, batch: Batch) -> list[float]:
    if column is None:
        return [math.nan] * len(batch.lines)
    return [_seconds(value) for value in python_values(column)]


def _seconds(value: object) -> float:
    """Return a time in seconds since 1970: a date of ISO 8601, or a number of seconds, milliseconds or less.

    Text of eight digits is a date; any other number in text is one, although some read as dates with times, too.

    Example:
        >>> _seconds("1970-01-02T00:00:00Z"), _seconds("90"), _seconds("1711122312000"), _seconds("soon")
        (86400.0, 90.0, 1711122312.0, nan)
    """
    if isinstance(value, str):
        value = _time_in(value.strip())
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        seconds = float(value)
    except OverflowError:
        return math.nan
    while math.isfinite(seconds) and abs(seconds) > _LATEST:
        seconds /= 1000  # of milliseconds, microseconds or nanoseconds
    return seconds


def _time_in(text: str) -> datetime | float:
    if not (len(text) == len("20240101") and text.isdecimal()):
        try:
            return float(text)
        except ValueError:
            pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return float(text) if text.isdecimal() else math.nan
