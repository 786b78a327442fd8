"""CSV files, streamed in batches; lines are counted from 1 and include the header, as in a text editor."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS, Batch, BrokenLine
from paretoroute.runs.formats.base import MAX_LINE_BYTES, AbstractTextFile, open_bytes

SUFFIXES = (".csv",)
ZIPPED = True


@dataclass
class Csv(AbstractTextFile):
    """A CSV file with a header, comma-separated, quotes doubled inside quotes; an empty cell is absent."""

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; rows with too many or too few cells are listed as broken."""
        with open_bytes(self.path, zipped=self.zipped) as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(file, strict=True)
            header = self._header(reader)
            part = _Part()
            while not part.is_last:
                part = _read_part(reader, len(header))
                if part.rows or part.broken:
                    cells = dict(zip(header, zip(*part.rows, strict=True), strict=True)) if part.rows else {}
                    columns = {column: cells[name] for column, name in names.items() if name in cells}
                    yield Batch(columns, np.array(part.lines, np.int64), numbers_are_text=True, broken=part.broken)

    def _header(self, reader: Any) -> list[str]:
        try:
            header = next((row for row in reader if row), [])
        except csv.Error as error:
            raise RunsError(f"{self.name}: the header cannot be read ({error}); write it as one line") from None
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise RunsError(f"{self.name}: the header names {', '.join(map(repr, twice))} twice; rename one of them")
        self.seen |= set(header)
        return header


def open_file(path: Path, *, zipped: bool = False) -> Csv:
    """Open a CSV file."""
    return Csv(path, zipped)


@dataclass
class _Part:
    """Rows of a file up to the size of a batch."""

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


def _read_part(reader: Any, width: int) -> _Part:
    part = _Part()
    limit = csv.field_size_limit(MAX_LINE_BYTES)  # the module's own is 128 kB, and is one for the whole process
    try:
        while not part.is_full:
            line = reader.line_num + 1
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
