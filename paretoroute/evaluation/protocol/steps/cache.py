"""Results of steps that are done, kept in a folder, so that an interrupted comparison goes on where it ended."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from paretoroute.evaluation.protocol.outer_fold import FoldResult, LeftOut
from paretoroute.evaluation.protocol.steps.codec import BadEntry, decoded, encoded, most_bytes

KEPT_DAYS = 30
_OURS = re.compile(r"[0-9a-f]{64}\.step|\.[0-9a-f]{64}\.[0-9]+\.partial")


class StepCache:
    """A folder with one file per result, named by its key.

    A file that is damaged, of another step or of another program counts as missing, and its step is computed again. A
    folder that cannot be written to is no error: results are then not kept, and ``failure`` has the reason.

    Args:
        folder: is made with the first result, open to its owner alone.

    Attributes:
        failure: why a result could not be written; None if all could.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.failure: str | None = None

    def load(self, key: str, *, queries: int, points: int) -> FoldResult | LeftOut | None:
        """Return the result under a key; None if there is none that can be trusted.

        Args:
            key: of the step.
            queries: number of queries in its fold.
            points: number of points.
        """
        path = self._path(key)
        try:
            if not path.is_file() or path.stat().st_size > most_bytes(queries, points):
                return None
            result = decoded(path.read_bytes(), key, queries=queries, points=points)
        except (OSError, BadEntry):
            return None
        with suppress(OSError):
            os.utime(path)  # a file that is in use is not old
        return result

    def store(self, key: str, result: FoldResult | LeftOut) -> None:
        """Keep a result; readers see all of the file or nothing."""
        path = self._path(key)
        partial = path.with_name(f".{key}.{os.getpid()}.partial")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.write_bytes(encoded(key, result))
            os.replace(partial, path)
        except OSError as error:
            self.failure = f"{error.strerror or error}: {self.folder}"
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def remove_old(self) -> None:
        """Delete results that no comparison has used for 30 days, and what interrupted writes have left behind."""
        oldest = time.time() - KEPT_DAYS * 24 * 3600
        with suppress(OSError):
            for path in self.folder.iterdir():
                with suppress(OSError):
                    if _OURS.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < oldest:
                        path.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.step"
