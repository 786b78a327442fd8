"""CSV and TSV files, streamed in batches; lines are counted from 1 and include the header, as in a text editor.

Cells are separated by commas, semicolons or tabs: by the separator that finds the required columns in the header.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

import numpy as np

from paretoroute.errors import RunsError, name_some
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS, NUMBERS, Batch, BrokenLine
from paretoroute.runs.formats.base import MAX_LINE_BYTES, AbstractTextFile
from paretoroute.runs.formats.decimal_commas import DecimalCommas
from paretoroute.runs.formats.origin import Origin

SUFFIXES = (".csv", ".tsv")
SEPARATORS = (",", ";", "\t")


class _Header(NamedTuple):
    """The names of the columns, what separates them, and how many lines they take."""

    names: list[str]
    separator: str
    lines: int


@dataclass
class Csv(AbstractTextFile):
    """A CSV file with a header, quotes doubled inside quotes; an empty cell is absent.

    Args:
        separators: what may separate its cells; the first one if none finds the required columns.
    """

    separators: tuple[str, ...] = SEPARATORS

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; rows with too many or too few cells are listed as broken.

        Raises:
            RunsError: the header cannot be read, a line is too long, the rows of a gzipped file are too many, or the
                file writes decimals with a comma and not every number of it can be read with certainty.
        """
        with self.origin.open_text() as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
            header = self._header(file, names)
            commas = None if header.separator == "," else DecimalCommas(self.name)
            reader = csv.reader(self._lines(file, header.lines), delimiter=header.separator, strict=True)
            part = _Part(before=header.lines)
            rows = 0
            while not part.is_last:
                part = _read_part(reader, len(header.names), before=header.lines)
                rows += len(part.rows)
                self.origin.check_rows(rows)
                if part.rows or part.broken:
                    yield self._batch(part, header, names, commas)
            if commas is not None:
                commas.finish()

    def _lines(self, file: IO[str], before: int) -> Iterator[str]:
        """Yield the lines after the header.

        Raises:
            RunsError: a line is too long to hold.
        """
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), ""), start=before + 1):
            if len(line) >= MAX_LINE_BYTES and not line.endswith(("\r", "\n")):
                raise RunsError(
                    f"{self.name}, line {number}: longer than {MAX_LINE_BYTES // 2**20} MiB; check that the file is CSV"
                )
            yield line

    def _batch(self, part: _Part, header: _Header, names: Mapping[str, str], commas: DecimalCommas | None) -> Batch:
        cells = dict(zip(header.names, zip(*part.rows, strict=True), strict=True)) if part.rows else {}
        columns: dict[str, Any] = {column: cells[name] for column, name in names.items() if name in cells}
        if commas is not None:
            for column in sorted(columns.keys() & {"quality", *NUMBERS}):
                columns[column] = commas.read(columns[column], part.lines)
        return Batch(columns, np.array(part.lines, np.int64), numbers_are_text=True, broken=part.broken)

    def _header(self, file: IO[str], names: Mapping[str, str]) -> _Header:
        text, lines = _first_row(file)
        separators = self.separators
        if text.casefold().startswith("sep=") and text.strip()[4:] in SEPARATORS:  # as Excel reads it
            separators = (text.strip("\r\n")[4:],)
            text, more = _first_row(file)
            lines += more
        rows = {separator: self._cells(text, separator) for separator in separators}
        separator = next((s for s, row in rows.items() if _has_required(row, names)), None)
        if separator is None:
            separator = max(
                rows, key=lambda s: len(rows[s])
            )  # the message about the missing columns names most of them
        header = rows[separator]
        if twice := sorted(name for name, count in Counter(header).items() if count > 1):
            raise RunsError(f"{self.name}: the header names {name_some(twice)} twice; rename one of them")
        self.seen |= set(header)
        return _Header(header, separator, lines)

    def _cells(self, text: str, separator: str) -> list[str]:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [])
        except csv.Error as error:
            if separator != self.separators[0]:
                return []
            raise RunsError(f"{self.name}: the header cannot be read ({error}); write it as one line") from None
        return [cell.strip() for cell in cells]


def open_file(origin: Origin) -> Csv:
    """Open a CSV or TSV file."""
    is_tsv = origin.name.lower().removesuffix(".gz").endswith(".tsv")
    return Csv(origin, separators=("\t", ",", ";") if is_tsv else SEPARATORS)


def _first_row(file: IO[str]) -> tuple[str, int]:
    """Read the first row that is not blank, whose quoted cells may span lines, and count all lines read."""
    lines, size, quotes = 0, 0, 0
    parts: list[str] = []
    for line in iter(lambda: file.readline(MAX_LINE_BYTES), ""):
        lines += 1
        if not parts and not line.strip("\r\n"):
            continue
        parts.append(line)
        size, quotes = size + len(line), quotes + line.count('"')
        if quotes % 2 == 0 or size >= MAX_LINE_BYTES:
            break
    return "".join(parts), lines


def _has_required(header: list[str], names: Mapping[str, str]) -> bool:
    has_query = names["query"] in header or names["query_id"] in header
    return has_query and names["model"] in header and names["quality"] in header


@dataclass
class _Part:
    """Rows of a file up to the size of a batch.

    Args:
        before: lines of the header.
    """

    before: int
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: list[BrokenLine] = field(default_factory=list)
    size: int = 0
    is_last: bool = False

    @property
    def is_full(self) -> bool:
        return max(len(self.rows), len(self.broken)) >= BATCH_ROWS or self.size >= BATCH_BYTES

    def add(self, line: int, row: list[str], width: int) -> None:
        """Take a row in; one with too few or too many cells is broken."""
        if len(row) == width:
            self.rows.append(row)
            self.lines.append(line)
            self.size += sum(map(len, row))
        elif row:
            few = "few" if len(row) < width else "many"
            self.broken.append(BrokenLine(line, f"too {few} cells", f"{len(row)} where the header has {width}"))


def _read_part(reader: Any, width: int, *, before: int) -> _Part:
    part = _Part(before)
    limit = csv.field_size_limit(MAX_LINE_BYTES)  # the module's own is 128 kB, and is one for the whole process
    try:
        while not part.is_full:
            line = before + reader.line_num + 1
            try:
                part.add(line, next(reader), width)
            except StopIteration:
                part.is_last = True
                break
            except csv.Error as error:
                part.broken.append(BrokenLine(line, f"broken CSV: {error}"))
    finally:
        csv.field_size_limit(limit)
    return part
