"""What every file format of logged runs provides."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

from paretoroute.errors import RunsError
from paretoroute.runs.columns import Batch

MAX_LINE_BYTES = 16 * 2**20


@contextlib.contextmanager
def open_bytes(path: Path, zipped: bool) -> Iterator[IO[bytes]]:
    """Open a file, through gzip if it is zipped; read errors become :class:`RunsError`."""
    try:
        with gzip.open(path, "rb") if zipped else open(path, "rb") as file:
            yield file  # pyright: ignore[reportReturnType]  (gzip's file is one of bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RunsError(f"{path.name} is not a whole gzip file ({error}); compress it again") from None
    except OSError as error:
        raise RunsError(f"{path.name} cannot be read: {error.strerror or error}") from None


class Source(Protocol):
    """Something that runs are read from.

    Attributes:
        name: what messages call it.
        unit: what its positions count, ``line`` or ``row``.
        seen: names of all columns met so far; complete once ``batches`` is exhausted.
    """

    name: str
    unit: str
    seen: set[str]

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; ``names`` maps each known column to its name in the source."""
        ...
