"""The interface of a file format of logged runs: a source that yields batches of rows.

A format's module has ``SUFFIXES``, the file extensions that it reads, and ``open_file``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from paretoroute.runs.columns import Batch
from paretoroute.runs.formats.origin import Origin

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
    """A text file.

    Args:
        origin: its bytes.
        unit: what positions count, from 1.
        seen: names of the columns met so far.
    """

    origin: Origin
    unit: str = "line"
    seen: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.origin.name


class Format(Protocol):
    """The module of a file format."""

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Extensions of its files, in lower case."""
        ...

    def open_file(self, origin: Origin) -> Source:
        """Open a file of this format.

        Raises:
            RunsError: the file cannot be read.
        """
        ...
