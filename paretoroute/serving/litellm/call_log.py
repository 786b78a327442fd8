"""A file of LiteLLM's standard logging payloads, a JSON object per line, which ``paretoroute import litellm`` reads."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class CallLog:
    """Appends payloads to a file that several processes may share.

    Each payload is one write to the end of the file, so that lines of several workers do not mix. A line that a killed
    process left unfinished is ended first. The file holds prompts and answers, and only its owner may read it.

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
            if os.fstat(descriptor).st_size:
                os.lseek(descriptor, -1, os.SEEK_END)
                line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
