"""A file of lines that several threads and processes append to, and that a crash cannot damage."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


class LineFile:
    """Appends lines to a file, which only its owner may read.

    A line is written at once, at the end of the file and under the system's lock of it, so that lines of several
    writers do not mix. A line that a killed process left unfinished is ended first, and takes no other with it.

    Args:
        path: the file; made if it is missing.

    Raises:
        OSError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()  # the process may change its folder
        os.close(self._open())

    def append(self, line: bytes) -> None:
        """Append a line, given without its end.

        Raises:
            OSError: the file cannot be written.
        """
        rest = line + b"\n"
        descriptor = self._open()
        try:
            _lock(descriptor)
            if os.fstat(descriptor).st_size:
                os.lseek(descriptor, -1, os.SEEK_END)
                rest = rest if os.read(descriptor, 1) == b"\n" else b"\n" + rest
            while rest:  # a disk that is nearly full takes a part, and refuses the rest
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def _lock(descriptor: int) -> None:
    """Wait for the lock of a file, which closing the descriptor releases; some systems have none."""
    if sys.platform != "win32":
        import fcntl

        with suppress(OSError):  # of a network's file system
            fcntl.flock(descriptor, fcntl.LOCK_EX)
