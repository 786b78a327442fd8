"""The first rows of a log, by which its mapping is guessed."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError
from paretoroute.runs.checks import column_names
from paretoroute.runs.importers.calls import Aside
from paretoroute.runs.importers.mapping.decimals import decimal_of, pointed
from paretoroute.runs.importers.mapping.known_logs import source_of
from paretoroute.runs.importers.mapping.paths import MOST_FIELDS, beside_rows, fields
from paretoroute.runs.importers.mapping.wide import Wide, wide_table
from paretoroute.runs.importers.records import Record, read_records
from paretoroute.runs.importers.values import items

_ROWS = 500
_LISTS = 5  # depth to which lists of rows are searched for


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of a log.

    Args:
        rows: path of their list, or ``""``.
        values: some values by path.
        count: how many rows.
        source: the tool whose log it looks like, or None.
        wide: the wide table that it is, or None; its values of all models stand at the paths with ``{model}``.
        decimal: what stands before the decimals of its numbers, which have a point here, or ``""``.
    """

    rows: str
    values: Mapping[str, list[Any]]
    count: int
    source: str | None
    wide: Wide | None = None
    decimal: str = ""


def sample_of(path: Path, *, column_of: Callable[[str], str | None]) -> Sample:
    """Return the first rows of a file.

    Args:
        path: the file.
        column_of: the column of runs that a name may be, or None.

    Raises:
        RunsError: the file cannot be read, or holds no row.
    """
    records = list(
        itertools.islice((r for r in read_records(path, as_written=True) if not isinstance(r, Aside)), _ROWS)
    )
    if not records:
        raise RunsError(f"{path.name} holds no row to guess a mapping from")
    rows_path, rows = "", [record.value for record in records]
    if len(records) == 1 and not records[0].place.position:
        rows_path, rows = _longest_list(records[0])
    elif answers := _list_of_answers(rows[0]):
        rows_path = answers
        rows = [{**beside_rows(row, answers), **item} for row in rows for item in items(row.get(answers))]
    values: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows[:_ROWS]:
        for name, value in itertools.islice(fields(row), MOST_FIELDS):
            if value is not None and value != "" and (name in values or len(values) < MOST_FIELDS):
                values[name].append(value)
    source = source_of([*(record.value for record in records[:5]), *rows[:5]], name=path.name)
    decimal = decimal_of(values) if any(record.is_text for record in records) else ""
    stated = pointed(values, decimal) if decimal else values
    wide = None if _has_model(stated) else wide_table(stated, column_of)
    stated = stated if wide is None else wide.merged(stated)
    return Sample(rows_path, stated, len(rows[:_ROWS]), source, wide, decimal)


def _has_model(values: Mapping[str, Any]) -> bool:
    """Return whether a field names the model of a row."""
    return any(name == "model" or column_names.guess(name) == "model" for name in values)


def _list_of_answers(row: Mapping[str, Any]) -> str:
    """Return the field of a row that holds a list of answers, each by a model; ``""`` where the row names its model."""
    if _has_model(dict(fields(row))):
        return ""
    for name in row:
        inner = items(row.get(name))
        if inner and all(isinstance(item, dict) and _has_model(dict(fields(item))) for item in inner):
            return name
    return ""


def _longest_list(record: Record) -> tuple[str, list[dict[str, Any]]]:
    """Return the longest list of objects in a document, and its path."""
    best: tuple[str, list[dict[str, Any]]] = ("", [])
    queue: list[tuple[str, Any, int]] = [("", record.value, 0)]
    while queue:
        at, value, depth = queue.pop(0)
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            best = (at, value) if len(value) > len(best[1]) else best
        elif isinstance(value, dict) and depth < _LISTS:
            queue += [(f"{at}.{name}".lstrip("."), item, depth + 1) for name, item in value.items()]
    return best if best[1] else ("", [record.value])
