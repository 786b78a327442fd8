"""CSV files of logged runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS, Batch
from paretoroute.runs.formats.base import MAX_LINE_BYTES, open_bytes


@dataclass
class Csv:
    """A CSV file with a header, comma-separated, quotes doubled inside quotes; an empty cell is absent."""

    path: Path
    zipped: bool = False
    unit: str = "line"
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = self.path.name

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; rows with too many or too few cells are listed as broken."""
        with open_bytes(self.path, self.zipped) as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(file, strict=True)
            header = self._header(reader)
            while True:
                rows, lines, broken, more = self._read_some(reader, len(header))
                if rows or broken:
                    cells = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
                    columns = {known: cells[name] for known, name in names.items() if name in cells}
                    yield Batch(columns, np.array(lines, np.int64), numbers_are_text=True, broken=broken)
                if not more:
                    return

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

    def _read_some(self, reader: Any, width: int) -> tuple[list[list[str]], list[int], list, bool]:
        rows, lines, broken, held = [], [], [], 0
        limit = csv.field_size_limit(MAX_LINE_BYTES)  # the module's own is 128 kB, and is one for the whole process
        try:
            while len(rows) < BATCH_ROWS and len(broken) < BATCH_ROWS and held < BATCH_BYTES:
                line = reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
                    return rows, lines, broken, False
                except csv.Error as error:
                    broken.append((line, f"broken CSV: {error}", ""))
                    continue
                if len(row) == width:
                    rows.append(row)
                    lines.append(line)
                    held += sum(map(len, row))
                elif row:
                    few = "few" if len(row) < width else "many"
                    broken.append((line, f"too {few} cells", f"{len(row)} where the header has {width}"))
        finally:
            csv.field_size_limit(limit)
        return rows, lines, broken, True
