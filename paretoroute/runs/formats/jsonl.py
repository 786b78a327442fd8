"""Text files of logged runs, JSONL and CSV, read in batches.

A source yields `Batch` objects of known columns and remembers the names of all columns it saw. Files are streamed:
what is held at a time is one batch. Lines are counted as a text editor does, from 1 and with the header of a CSV.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from paretoroute.query import NOT_UTF8
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS, Batch
from paretoroute.runs.formats.base import MAX_LINE_BYTES, open_bytes


@dataclass
class JsonLines:
    """A file with one JSON object a line; blank lines are skipped."""

    path: Path
    zipped: bool = False
    unit: str = "line"
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = self.path.name

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; lines that are no JSON object are listed as broken."""
        import orjson

        with open_bytes(self.path, self.zipped) as file:
            rows, lines, broken, held = [], [], [], 0
            for position, line in _lines(file):
                if line is None:
                    broken.append((position, f"longer than {MAX_LINE_BYTES // 2**20} MiB", ""))
                    continue
                try:
                    row = orjson.loads(line)
                except ValueError:
                    if not line.strip():
                        continue
                    row = _lenient_json(line)
                if isinstance(row, dict):
                    rows.append(row)
                    lines.append(position)
                    held += len(line)
                else:
                    broken.append((position, row if type(row) is _Reason else "no JSON object", ""))
                if len(rows) >= BATCH_ROWS or held >= BATCH_BYTES or len(broken) >= BATCH_ROWS:
                    yield self._batch(rows, lines, broken, names)
                    rows, lines, broken, held = [], [], [], 0
            if rows or broken:
                yield self._batch(rows, lines, broken, names)

    def _batch(self, rows: list[dict], lines: list[int], broken: list, names: Mapping[str, str]) -> Batch:
        seen: set[str] = set()
        for row in rows:
            seen.update(row)
        self.seen |= seen
        wanted = {known: name for known, name in names.items() if name in seen}
        if len(wanted) > 1 and all(len(row) == len(seen) for row in rows):  # every row has every key: the fast way
            values = zip(*map(operator.itemgetter(*wanted.values()), rows), strict=True)
            columns = dict(zip(wanted, values, strict=True))
        else:
            columns = {known: [row.get(name) for row in rows] for known, name in wanted.items()}
        return Batch(columns, np.array(lines, np.int64), broken=broken)


class _Reason(str):
    """Why a line is not JSON; a type of its own, since a line may also hold a JSON text."""


def _lenient_json(line: bytes) -> object:
    """Parse what the fast parser refuses: NaN and infinities, which other programs write; else give the reason."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return _Reason(NOT_UTF8)
    except RecursionError:
        return _Reason("JSON that is nested too deeply")
    except json.JSONDecodeError as error:
        return _Reason(f"broken JSON: {error.msg}")
    except ValueError:
        return _Reason("JSON with a number of too many digits")


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Number the lines; a line too long to hold is given as None and skipped over."""
    position = 1
    line = file.readline(MAX_LINE_BYTES).removeprefix(b"\xef\xbb\xbf")
    while line:
        if len(line) >= MAX_LINE_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
            yield position, None
        else:
            yield position, line
        position += 1
        line = file.readline(MAX_LINE_BYTES)
