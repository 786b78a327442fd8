"""JSONL files, streamed in batches; lines are counted from 1, as in a text editor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from paretoroute.query import NOT_UTF8
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS, Batch, BrokenLine
from paretoroute.runs.formats.base import MAX_LINE_BYTES, AbstractTextFile
from paretoroute.runs.formats.objects import object_batch
from paretoroute.runs.formats.origin import Origin
from paretoroute.runs.formats.sizes import parsed_bytes

SUFFIXES = (".jsonl", ".ndjson")
MOST_PARSED_BYTES = 128 * 2**20  # of one line


@dataclass
class JsonLines(AbstractTextFile):
    """A file with one JSON object per line; blank lines are skipped."""

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; lines that are not a JSON object are listed as broken.

        Raises:
            RunsError: the file cannot be read, or the rows of a gzipped file are too many.
        """
        for part in self.parts():
            yield object_batch(part.rows, part.lines, names=names, broken=part.broken, seen=self.seen)

    def parts(self) -> Iterator[Part]:
        """Yield the objects as they are, in parts of the size of a batch.

        Raises:
            RunsError: likewise.
        """
        with self.origin.open_text() as file:
            part = Part()
            rows = 0
            for position, line in _lines(file):
                part.add(position, line)
                if part.is_full:
                    rows += len(part.rows)
                    self.origin.check_rows(rows)
                    yield part
                    part = Part()
            if part.rows or part.broken:
                yield part


def open_file(origin: Origin) -> JsonLines:
    """Open a JSONL file."""
    return JsonLines(origin)


@dataclass
class Part:
    """Lines of a file up to the size of a batch.

    Args:
        rows: the objects.
        lines: line of each.
        broken: lines that hold none.
        size_bytes: of the lines.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: list[BrokenLine] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it has the size of a batch."""
        return max(len(self.rows), len(self.broken)) >= BATCH_ROWS or self.size_bytes >= BATCH_BYTES

    def add(self, position: int, line: bytes | None) -> None:
        """Take a line in; None is a line too long to hold."""
        if line is None:
            self.broken.append(BrokenLine(position, f"longer than {MAX_LINE_BYTES // 2**20} MiB"))
            return
        row = _Reason("too many values") if _is_too_rich(line) else _parsed(line)
        if isinstance(row, dict):
            self.rows.append(row)
            self.lines.append(position)
            self.size_bytes += max(len(line), parsed_bytes(line) // 4)
        elif row is not _BLANK:
            self.broken.append(BrokenLine(position, row if type(row) is _Reason else "no JSON object"))


class _Reason(str):
    """Why a line is not JSON; a type of its own, since a line may also hold a JSON text."""


_BLANK = object()


def _is_too_rich(line: bytes) -> bool:
    """Return whether a line of megabytes holds little but values, which take ten times as much and more when parsed."""
    return len(line) > 2**20 and parsed_bytes(line) > MOST_PARSED_BYTES


def _parsed(line: bytes) -> object:
    """Parse a line of JSON; return ``_BLANK`` or the reason if it holds none."""
    import orjson

    try:
        return orjson.loads(line)
    except ValueError:
        return _lenient_json(line) if line.strip() else _BLANK


def _lenient_json(line: bytes) -> object:
    """Parse the NaN and infinities that other programs write and the fast parser refuses; or return the reason."""
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
    """Number the lines; a line too long to hold comes as None."""
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
