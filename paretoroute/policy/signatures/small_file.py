"""Read a small file whose size and kind nobody vouches for: a key or a signature."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # to open a pipe, which is refused, does not wait for its writer


class NotPlain(Exception):
    """A path that leads to no plain file of the allowed size; the message is a predicate, as in "is a folder"."""


def read_small_file(path: Path, *, most: int, follow_links: bool = True) -> bytes:
    """Read a plain file.

    Args:
        path: the file.
        most: bytes that it may have.
        follow_links: whether the path may be a symbolic link.

    Raises:
        NotPlain: it is a folder, a pipe, a device, larger, or a link that is not followed.
        OSError: it cannot be opened or read.
        ValueError: the path holds a null character or half a character.
    """
    if not follow_links and path.is_symlink():
        raise NotPlain("is a link")
    descriptor = os.open(path, _FLAGS | _NO_WAIT)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotPlain("is not a plain file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise NotPlain(f"is larger than {most} bytes")
    return content
