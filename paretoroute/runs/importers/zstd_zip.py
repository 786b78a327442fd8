"""Zip files whose members are compressed by Zstandard (method 93), which the standard library reads from 3.14 on.

The directory is read by ``zipfile``, the members are unpacked by Arrow, and each is checked against its CRC.

References:
    PKWARE, ".ZIP File Format Specification" (APPNOTE), 4.3.7 and 4.4.5.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from paretoroute.errors import RunsError, file_name
from paretoroute.runs.formats.sizes import ZIPPED_FREE_BYTES, ZIPPED_RATIO

ZSTANDARD = 93
MOST_MEMBER_BYTES = 2**30
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1


class ZipFile:
    """The members of a zip file.

    Args:
        path: the file.
        file: its bytes.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._name, self._file = file_name(path), file
        self._stored = path.stat().st_size
        self._zip = zipfile.ZipFile(file)
        self._unpacked = 0

    @property
    def names(self) -> list[str]:
        """Names of the members, in the order of the directory."""
        return [info.filename for info in self._zip.infolist() if not info.is_dir()]

    def read(self, name: str) -> bytes:
        """Return the bytes of a member.

        Raises:
            RunsError: it is encrypted, damaged, or would take much more memory than the file.
        """
        info = self._zip.getinfo(name)
        self._unpacked += info.file_size
        if info.file_size > MOST_MEMBER_BYTES or self._unpacked > ZIPPED_RATIO * self._stored + ZIPPED_FREE_BYTES:
            raise RunsError(f"{self._name}: {name} unpacks to {info.file_size / 1e6:,.0f} MB; write the log as .json")
        if info.flag_bits & _ENCRYPTED:
            raise RunsError(f"{self._name}: {name} is encrypted; write the log again without a password")
        if info.compress_type != ZSTANDARD:
            return self._zip.read(info)
        data = _unpacked(self._packed(info), info.file_size)
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise RunsError(f"{self._name}: {name} is damaged; copy the file again")
        return data

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        """Return the bytes of a member as they are stored, after its local header."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        self._file.seek(name_length + extra_length, 1)
        return self._file.read(info.compress_size)


def _unpacked(packed: bytes, size: int) -> bytes:
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
        parts = []
        left = size + 1
        while left > 0 and (part := stream.read(min(left, 2**24))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


@contextmanager
def open_zip(path: Path) -> Iterator[ZipFile]:
    """Open a zip file.

    Raises:
        RunsError: it is missing or damaged.
    """
    import pyarrow as pa

    name = file_name(path)
    try:
        with open(path, "rb") as file:
            yield ZipFile(path, file)
    except (zipfile.BadZipFile, zlib.error, struct.error, pa.ArrowException, EOFError, NotImplementedError) as error:
        raise RunsError(f"{name} is damaged, or no zip file ({error}); copy it again") from None
    except RunsError:
        raise
    except OSError as error:
        raise RunsError(f"{name} cannot be read: {error.strerror or error}") from None
