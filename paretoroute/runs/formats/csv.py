"""CSV and TSV files, streamed in batches; lines are counted from 1 and include the header, as in a text editor.

Cells are separated by commas, semicolons or tabs: by the separator that finds the required columns in the header.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

import numpy as np

from paretoroute.errors import RunsError, name_some
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS, NUMBERS, Batch, BrokenLine
from paretoroute.runs.formats.base import MAX_LINE_BYTES, AbstractTextFile
from paretoroute.runs.formats.decimal_commas import DecimalCommas
from paretoroute.runs.formats.grouped_counts import GroupedCounts
from paretoroute.runs.formats.origin import Origin
from paretoroute.runs.written_numbers import COUNTS

SUFFIXES = (".csv", ".tsv")
SEPARATORS = (",", ";", "\t")
_OPEN_QUOTE = ("unexpected end of data", "field larger than field limit")  # errors of Python's reader
MOST_AHEAD = 2 * 2**20  # characters of a header that spans lines


class _Header(NamedTuple):
    """The names of the columns, what separates them, how many lines they take, and the lines read after them."""

    names: list[str]
    separator: str
    lines: int
    rest: list[str]


@dataclass
class Csv(AbstractTextFile):
    """A CSV file with a header, quotes doubled inside quotes; an empty cell is absent.

    Args:
        separators: what may separate its cells; the first one if none finds the required columns.
        as_written: whether numbers are left to the caller as they are written, with decimal commas or not.
    """

    separators: tuple[str, ...] = SEPARATORS
    as_written: bool = False

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; rows with too many or too few cells are listed as broken.

        Raises:
            RunsError: the header cannot be read, a line is too long, the rows of a gzipped file are too many, or the
                file writes decimals with a comma, or counts such as ``1.234``, and not every number of it can be read
                with certainty.
        """
        with self.origin.open_text() as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
            header = self._header(file, names)
            commas = None if header.separator == "," or self.as_written else DecimalCommas(self.name)
            grouped = GroupedCounts(self.name)
            reader = csv.reader(self._lines(file, header), delimiter=header.separator, strict=True)
            part = _Part(before=header.lines)
            rows = 0
            while not part.is_last:
                part = _read_part(reader, len(header.names), before=header.lines)
                self._check_open_quote(part, header.lines + reader.line_num)
                rows += len(part.rows)
                self.origin.check_rows(rows)
                if part.rows or part.broken:
                    yield self._batch(part, header, names, commas, grouped)
            if commas is not None:
                commas.finish()
            if not self.as_written:
                grouped.finish()

    def _lines(self, file: IO[str], header: _Header) -> Iterator[str]:
        """Yield the lines after the header.

        Raises:
            RunsError: a line is too long to hold.
        """
        lines = itertools.chain(header.rest, iter(lambda: file.readline(MAX_LINE_BYTES), ""))
        for number, line in enumerate(lines, start=header.lines + 1):
            if len(line) >= MAX_LINE_BYTES and not line.endswith(("\r", "\n")):
                raise RunsError(
                    f"{self.name}, line {number}: longer than {MAX_LINE_BYTES // 2**20} MiB; check that the file is CSV"
                )
            yield line

    def _check_open_quote(self, part: _Part, last_line: int) -> None:
        """Refuse a file with a quote that is never closed: the lines after it would be lost in one cell."""
        line = part.open_quote_line
        if line and last_line > line:
            raise RunsError(
                f"{self.name}, line {line}: a quote is opened there and never closed, so that the "
                f"{last_line - line} lines after it cannot be told apart; close it, or double quotes inside quotes"
            )

    def _batch(
        self,
        part: _Part,
        header: _Header,
        names: Mapping[str, str],
        commas: DecimalCommas | None,
        grouped: GroupedCounts,
    ) -> Batch:
        cells = dict(zip(header.names, zip(*part.rows, strict=True), strict=True)) if part.rows else {}
        columns: dict[str, Any] = {column: cells[name] for column, name in names.items() if name in cells}
        for column in sorted(columns.keys() & set(COUNTS)):
            grouped.note(column, columns[column], part.lines)
        if commas is not None:
            for column in sorted(columns.keys() & {"quality", *NUMBERS}):
                columns[column] = commas.read(columns[column], part.lines, are_counts=column in COUNTS)
        return Batch(columns, np.array(part.lines, np.int64), numbers_are_text=True, broken=part.broken)

    def _header(self, file: IO[str], names: Mapping[str, str]) -> _Header:
        ahead = _Ahead(file)
        start, separators = ahead.first_after(0), self.separators
        text = "".join(ahead.lines[start:])
        if text.casefold().startswith("sep=") and text.strip()[4:] in SEPARATORS:  # as Excel reads it
            separators = (text.strip("\r\n")[4:],)
            start = ahead.first_after(start + 1)
        rows = {separator: _first_row(ahead, start, separator) for separator in separators}
        separator = next((s for s, row in rows.items() if _has_required(row.cells, names)), None)
        if separator is None:  # the message is about an open quote, or names most columns of those there are
            separator = max(rows, key=lambda s: (rows[s].error.startswith(_OPEN_QUOTE), len(rows[s].cells)))
        row = rows[separator]
        if row.error:
            reason = "a quote is opened and never closed" if row.error.startswith(_OPEN_QUOTE) else row.error
            raise RunsError(f"{self.name}: the header cannot be read ({reason}); write it as one line")
        if twice := sorted(name for name, count in Counter(row.cells).items() if count > 1):
            raise RunsError(f"{self.name}: the header names {name_some(twice)} twice; rename one of them")
        self.seen |= set(row.cells)
        return _Header(row.cells, separator, row.end, ahead.lines[row.end :])


def open_file(origin: Origin) -> Csv:
    """Open a CSV or TSV file."""
    is_tsv = origin.name.lower().removesuffix(".gz").endswith(".tsv")
    return Csv(origin, separators=("\t", ",", ";") if is_tsv else SEPARATORS)


class _Ahead:
    """The first lines of a file, read as far as its header needs.

    Args:
        file: the file.
    """

    def __init__(self, file: IO[str]) -> None:
        self.lines: list[str] = []
        self._file = file

    def first_after(self, start: int) -> int:
        """Return the place of the next line that is not blank; at the end of the file, the number of lines."""
        for place, line in enumerate(self.after(start), start=start):
            if line.strip("\r\n"):
                return place
        return len(self.lines)

    def after(self, start: int) -> Iterator[str]:
        """Yield the lines from a place on, no more of them after 2 Mi characters."""
        yield from itertools.islice(self.lines, start, None)
        size = sum(map(len, itertools.islice(self.lines, start, None)))
        while size < MOST_AHEAD and (line := self._file.readline(MAX_LINE_BYTES)):
            self.lines.append(line)
            size += len(line)
            yield line


class _FirstRow(NamedTuple):
    """The first row of a file if its cells are separated in one way.

    Args:
        cells: the row; empty if it cannot be read.
        end: the place of the line after it.
        error: why it cannot be read, or ``""``.
    """

    cells: list[str]
    end: int
    error: str = ""


def _first_row(ahead: _Ahead, start: int, separator: str) -> _FirstRow:
    """Read the row that starts at a place; its quoted cells may span lines."""
    reader = csv.reader(ahead.after(start), delimiter=separator, strict=True)
    try:
        with _long_cells():
            cells = next(reader, [])
    except csv.Error as error:
        return _FirstRow([], start + reader.line_num, str(error))
    return _FirstRow([cell.strip() for cell in cells], start + reader.line_num)


def _has_required(header: list[str], names: Mapping[str, str]) -> bool:
    has_query = names["query"] in header or names["query_id"] in header
    return has_query and names["model"] in header and names["quality"] in header


@dataclass
class _Part:
    """Rows of a file up to the size of a batch.

    Args:
        before: lines of the header.
        rows: the rows.
        lines: line of each.
        broken: lines that are no rows.
        size: characters of the rows.
        is_last: whether the file ends with it.
        open_quote_line: line of a row that ended with the file, or was too long, inside quotes; 0: none.
    """

    before: int
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: list[BrokenLine] = field(default_factory=list)
    size: int = 0
    is_last: bool = False
    open_quote_line: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= BATCH_ROWS or len(self.broken) >= BATCH_ROWS or self.size >= BATCH_BYTES

    def add(self, line: int, row: list[str], width: int) -> None:
        """Take a row in; one with too few or too many cells is broken."""
        if len(row) == width:
            self.rows.append(row)
            self.lines.append(line)
            self.size += sum(map(len, row))
        elif row:
            self.broken.append(BrokenLine(line, *_misfit(len(row), width)))


@functools.lru_cache(maxsize=64)
def _misfit(cells: int, width: int) -> tuple[str, str]:
    """Return the reason and the detail of a row with too few or too many cells; a file may consist of them."""
    return f"too {'few' if cells < width else 'many'} cells", f"{cells} where the header has {width}"


def _read_part(reader: Any, width: int, *, before: int) -> _Part:
    part = _Part(before)
    with _long_cells():
        while not part.is_full:
            line = before + reader.line_num + 1
            try:
                part.add(line, next(reader), width)
            except StopIteration:
                part.is_last = True
                break
            except csv.Error as error:
                part.broken.append(BrokenLine(line, f"broken CSV: {error}"))
                if str(error).startswith(_OPEN_QUOTE):
                    part.open_quote_line = line
                    break
    return part


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as a line; the module's own limit is 128 kB, and is one for the whole process."""
    limit = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
