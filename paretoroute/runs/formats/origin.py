"""The bytes of a log: a file or standard input, through gzip, and as UTF-8 where they are UTF-16."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from paretoroute.errors import RunsError
from paretoroute.runs.formats.sizes import ROW_BYTES, ZIPPED_FREE_BYTES, ZIPPED_RATIO, check_size

GZIP_MAGIC = b"\x1f\x8b"
MOST_BYTES = 2**30  # of a file that is read whole
_CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class Origin:
    """Where the bytes of a log come from.

    Args:
        name: in messages; for a file its name without the folder.
        path: the file; None: the stream.
        zipped: whether the bytes are gzipped.
        stream: bytes that can be read once.
    """

    name: str
    path: Path | None = None
    zipped: bool = False
    stream: IO[bytes] | None = None

    @property
    def plain_file(self) -> Path | None:
        """The file, if it can be read in any order; None for a stream and a gzipped file."""
        return None if self.zipped else self.path

    @property
    def most_bytes(self) -> int:
        """How many bytes may be read whole, unzipped: 1 GiB, or less for a small gzipped file."""
        stored = self.path.stat().st_size if self.path is not None and self.zipped else MOST_BYTES
        return min(MOST_BYTES, 10 * stored + ZIPPED_FREE_BYTES)

    def check_rows(self, rows: int) -> None:
        """Refuse a small gzipped file with a huge number of rows.

        Raises:
            RunsError: they would take much more memory than the file.
        """
        if self.zipped and self.path is not None:
            stored = self.path.stat().st_size
            check_size(self.name, rows * ROW_BYTES, stored, what=f"{rows:,} rows", free=ZIPPED_FREE_BYTES)

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the bytes, through gzip if they are zipped.

        Raises:
            RunsError: the file cannot be read, or is not a whole gzip file.
        """
        try:
            with contextlib.ExitStack() as stack:
                raw = self.stream if self.path is None else stack.enter_context(open(self.path, "rb"))
                assert raw is not None  # an origin has a path or a stream
                yield self._unzipped(raw) if self.zipped else raw
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RunsError(f"{self.name} is not a whole gzip file ({error}); compress it again") from None
        except OSError as error:
            raise RunsError(f"{self.name} cannot be read: {error.strerror or error}") from None

    def _unzipped(self, raw: IO[bytes]) -> IO[bytes]:
        unzipped = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))  # gzip's file is one of bytes
        if self.path is None:
            return unzipped
        most = ZIPPED_RATIO * self.path.stat().st_size + ZIPPED_FREE_BYTES
        return io.BufferedReader(_Limited(unzipped, most, self.name), _CHUNK_BYTES)

    @contextlib.contextmanager
    def open_text(self) -> Iterator[IO[bytes]]:
        """Open text as UTF-8; UTF-16 is recognised by its byte order mark.

        Raises:
            RunsError: likewise, or the text is not whole UTF-16.
        """
        with self.open() as raw:
            head = raw.read(2)
            whole = io.BufferedReader(Replayed(head, raw), _CHUNK_BYTES)
            if head not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                yield whole
                return
            try:
                yield io.BufferedReader(_Utf8(whole), _CHUNK_BYTES)
            except UnicodeDecodeError as error:
                raise RunsError(f"{self.name} is not whole UTF-16 ({error.reason}); write it again as UTF-8") from None


class Replayed(io.RawIOBase):
    """A stream whose first bytes were already read.

    Args:
        head: these bytes.
        rest: the stream.
    """

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer; a memoryview is passed
        """Read the first bytes, then the stream."""
        part = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(part) :]
        buffer[: len(part)] = part
        return len(part)


class _Limited(io.RawIOBase):
    """An unzipped stream that is refused once it is much longer than its file."""

    def __init__(self, unzipped: IO[bytes], most: int, name: str) -> None:
        self._unzipped, self._left, self._most, self._name = unzipped, most, most, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer; a memoryview is passed
        part = self._unzipped.read(len(buffer))
        self._left -= len(part)
        if self._left < 0:
            raise RunsError(f"{self._name} unzips to more than {self._most / 1e6:,.0f} MB; unzip it first")
        buffer[: len(part)] = part
        return len(part)


class _Utf8(io.RawIOBase):
    """UTF-16 text as UTF-8; half a character becomes bytes that are not UTF-8, so that its row is set aside."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer; a memoryview is passed
        chunk = b"\0"
        while not self._rest and chunk:
            chunk = self._raw.read(_CHUNK_BYTES)
            self._rest = self._decoder.decode(chunk, not chunk).encode("utf-8", "surrogatepass")
        part = self._rest[: len(buffer)]
        self._rest = self._rest[len(part) :]
        buffer[: len(part)] = part
        return len(part)
