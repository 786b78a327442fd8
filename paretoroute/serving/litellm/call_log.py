"""A file of LiteLLM's standard logging payloads, a JSON object per line, which ``paretoroute import litellm`` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paretoroute.serving.line_file import LineFile


class CallLog:
    """Appends payloads to a file that several processes may share. It holds prompts and answers.

    Args:
        path: the file; made if it is missing, and only its owner may read it.

    Raises:
        OSError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self._file = LineFile(path)

    def append(self, payload: Mapping[str, Any]) -> None:
        """Append a payload.

        Raises:
            OSError: the file cannot be written.
        """
        self._file.append(json.dumps(payload, default=str).encode())
