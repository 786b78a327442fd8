"""A file of LiteLLM's standard logging payloads, a JSON object per line, which ``paretoroute import litellm`` reads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class CallLog:
    """Appends payloads to a file that several processes may share.

    A line is written under the system's lock of the file, so that lines of several workers do not mix. One that a
    killed process left unfinished is ended first. The file holds prompts and answers, and only its owner may read it.

    Args:
        path: the file; made if it is missing.

    Raises:
        OSError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        os.close(self._open())

    def append(self, payload: Mapping[str, Any]) -> None:
        """Append a payload.

        Raises:
            OSError: the file cannot be written.
        """
        line = json.dumps(payload, default=str).encode() + b"\n"
        descriptor = self._open()
        try:
            _lock(descriptor)
            if os.fstat(descriptor).st_size:
                os.lseek(descriptor, -1, os.SEEK_END)
                line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
            while line:  # a disk that is nearly full takes a part, and refuses the rest
                line = line[os.write(descriptor, line) :]
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
