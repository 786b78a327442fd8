"""A lock on a folder, so that one process at a time replaces the files of its policies.

The lock is the system's (``flock`` on the folder itself): it leaves no file behind, and ends with the process that
holds it, even if that is killed. Where it cannot be had policies stay readable, and less is tidied up.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

WAIT_S = 10.0  # a save holds the lock for milliseconds; whoever holds it longer is stopped
POLL_S = 0.005


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Generator[bool]:
    """Hold a lock on a folder.

    Args:
        folder: the folder.
        shared: together with other readers; False: alone.

    Yields:
        Whether the lock is held: not if the system has none, or if another process has held it for ten seconds.
    """
    descriptor = _opened(folder)
    if descriptor is None:
        yield False
        return
    try:
        yield _is_obtained(descriptor, shared=shared)
    finally:
        _release(descriptor)


def synchronise(folder: Path) -> None:
    """Make renames in a folder durable, where the system can open folders."""
    descriptor = _opened(folder)
    if descriptor is not None:
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _opened(folder: Path) -> int | None:
    if sys.platform == "win32":  # has no way to open a folder
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # missing or unreadable: creating a file in it fails with the reason, or does not need the lock
        return None


def _is_obtained(descriptor: int, *, shared: bool) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl  # not on Windows

    end = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        except OSError:  # a file system without locks
            return False


def _release(descriptor: int) -> None:
    """Unlock before closing: a process forked meanwhile has the descriptor too, and would hold the lock on."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except OSError:
            pass  # a file system without locks
    os.close(descriptor)
