"""The interface of a file format of logged runs: a source that yields batches of rows.

A format's module has ``SUFFIXES``, the file extensions that it reads, and ``open_file``.
"""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from paretoroute.errors import RunsError
from paretoroute.runs.columns import Batch

MAX_LINE_BYTES = 16 * 2**20


class Source(Protocol):
    """A file or table that runs are read from.

    Attributes:
        unit: what its positions count, ``line`` or ``row``.
        seen: names of all columns met so far; complete once ``batches`` is exhausted.
    """

    unit: str
    seen: set[str]

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; ``names`` maps each known column to its name in the source."""
        ...


@dataclass
class AbstractTextFile:
    """A text file whose positions are lines, counted from 1.

    Args:
        path: the file.
        zipped: whether it is gzipped.
        unit: what positions count.
        seen: names of the columns met so far.
    """

    path: Path
    zipped: bool = False
    unit: str = "line"
    seen: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Name of the file, without its folder."""
        return self.path.name


class Format(Protocol):
    """The module of a file format."""

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Extensions of its files, in lower case."""
        ...

    @property
    def ZIPPED(self) -> bool:
        """Whether files of this format may be gzipped."""
        ...

    def open_file(self, path: Path, *, zipped: bool) -> Source:
        """Open a file of this format.

        Raises:
            RunsError: the file cannot be read.
        """
        ...


@contextlib.contextmanager
def open_bytes(path: Path, *, zipped: bool) -> Iterator[IO[bytes]]:
    """Open a file, through gzip if it is zipped.

    Raises:
        RunsError: the file cannot be read, or is not a whole gzip file.
    """
    try:
        with gzip.open(path, "rb") if zipped else open(path, "rb") as file:
            yield file  # pyright: ignore[reportReturnType]  # gzip's file is one of bytes
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RunsError(f"{path.name} is not a whole gzip file ({error}); compress it again") from None
    except OSError as error:
        raise RunsError(f"{path.name} cannot be read: {error.strerror or error}") from None
