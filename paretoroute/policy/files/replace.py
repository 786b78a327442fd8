"""Replace the two files of a policy, so that at every moment one whole policy is there: the old or the new.

The side file's name holds its hash, so that the old policy keeps its own until nobody needs it. In order, and durably:

1. write the YAML, the side file and a copy of the old YAML under temporary names;
2. rename the side file;
3. rename the YAML: from here on readers see the new policy;
4. remove each side file that a temporary YAML names and no YAML of the folder does; then the temporary files.

A save that is killed leaves temporary files, whose YAML name the side files that it left. The next save removes both in
step 4, under a lock on the folder, by which it knows that nobody else is saving. No other file is ever removed: not a
side file that somebody copied into the folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

from paretoroute import _yaml
from paretoroute.policy.files.lock import locked, synchronise
from paretoroute.policy.schema_types import FILE_PATTERN

HASH_DIGITS = 12  # of the side file's SHA-256 in its name
SUFFIX = ".safetensors"
_YAML_NAME = re.compile(r".*\.ya?ml", re.DOTALL)  # also of copies such as policy.yaml.bak, and of temporary files


class NamedFile(NamedTuple):
    """The side file that a YAML file names.

    Args:
        name: bare file name.
        sha256: of its content, in hex.
    """

    name: str
    sha256: str


def side_file_name(stem: str, sha256: str) -> str:
    """Return the name of a side file: that of its policy, with the first digits of its hash."""
    return f"{stem}.{sha256[:HASH_DIGITS]}{SUFFIX}"


def replace_policy(path: Path, text: bytes, *, side: str, numbers: bytes) -> None:
    """Replace a policy's files.

    Args:
        path: the YAML file itself, not a link to it.
        text: its new content, which names the side file.
        side: name of the side file, which holds its hash.
        numbers: content of the side file.

    Raises:
        OSError: the files could not be written. The old policy is there then, and no temporary file is.
    """
    with locked(path.parent) as is_alone:
        leftovers = _temporary_files(path) if is_alone else []
        own: list[Path] = []
        try:
            _replace(path, text, own, side=side, numbers=numbers)
        finally:
            _tidy(path, [*leftovers, *own])


def replace_file(path: Path, content: bytes, *, check: Callable[[Path], None]) -> None:
    """Replace a file that stands alone, such as the state of a monitor; readers see the old content or the new.

    Args:
        path: the file itself, not a link to it; its permissions and owner are kept.
        content: its new content.
        check: called with the path while no other process may replace it; raises if this one may not either.

    Raises:
        OSError: it could not be written. The old content is there then.
    """
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.tmp", re.DOTALL)
    with locked(path.parent) as is_alone:
        leftovers = _matching(path, pattern) if is_alone else []
        own: list[Path] = []
        check(path)
        try:
            os.replace(_write_temporary(path, content, own, like=_status(path)), path)
            with suppress(OSError):
                synchronise(path.parent)
        finally:
            for file in (*leftovers, *own):
                with suppress(OSError):
                    file.unlink()


def side_file_of(content: bytes) -> NamedFile | None:
    """Return the side file that the content of a YAML file names; None if it names none, or is no whole policy."""
    try:
        data: Any = _yaml.loads_bytes(content, name="")
        surface = cast("dict[str, Any]", data["surface"])
        name, sha256 = surface["file"], surface["sha256"]
    except (_yaml.YamlError, KeyError, TypeError):
        return None
    if not isinstance(name, str) or not isinstance(sha256, str) or not re.fullmatch(FILE_PATTERN, name):
        return None
    return NamedFile(name, sha256) if name.endswith(SUFFIX) else None


def read_side_file_name(path: Path) -> str:
    """Return the name of the side file that a written policy names."""
    named = side_file_of(_content(path))
    return named.name if named else "its side file"


def _replace(path: Path, text: bytes, own: list[Path], *, side: str, numbers: bytes) -> None:
    """Take steps 1 to 3; every temporary file is put into ``own`` before it is written."""
    like, old = _status(path), _content(path)
    before = side_file_of(old)
    side_like = _status(path.with_name(before.name)) if before else None

    new_yaml = _write_temporary(path, text, own, like=like)
    if before is not None and before.name != side:
        _write_temporary(path, old, own, like=like)
    new_side = _write_temporary(path.with_name(side), numbers, own, like=side_like or like)
    os.replace(new_side, path.with_name(side))
    synchronise(path.parent)
    os.replace(new_yaml, path)
    with suppress(OSError):  # the new policy is there: an error would state that the old one is
        synchronise(path.parent)


def _content(path: Path) -> bytes:
    """Return the content of a YAML file; none if it is missing, unreadable or too large for a policy."""
    with suppress(OSError):
        if path.is_file() and path.stat().st_size <= _yaml.MAX_BYTES:
            return path.read_bytes()
    return b""


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a file, with its permissions and owner, or None if there is none.

    Raises:
        OSError: something other than a file has its name.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise IsADirectoryError(None, "a folder or device of this name exists")
    return status


def _write_temporary(path: Path, content: bytes, own: list[Path], *, like: os.stat_result | None) -> Path:
    """Write a file beside ``path`` durably, with the permissions and owner of another; None: those of a new file."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    own.append(temporary)
    with open(temporary, "xb") as file:
        if like is not None:  # before the content, which others may not be allowed to read
            _keep_owner(temporary, like)
            os.chmod(temporary, stat.S_IMODE(like.st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _keep_owner(file: Path, like: os.stat_result) -> None:
    """Leave a file to the owner of the one it replaces, who else could not read it: root may, and who is the owner."""
    if sys.platform != "win32" and (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
        for user, group in ((-1, like.st_gid), (like.st_uid, -1)):  # the group may be one's own even if the user is not
            with suppress(OSError):
                os.chown(file, user, group)


def _temporary_files(path: Path) -> list[Path]:
    """List what killed saves of this policy left."""
    name, stem, suffix = map(re.escape, (path.name, path.stem, SUFFIX))
    digits = f"[0-9a-f]{{{HASH_DIGITS}}}"
    pattern = re.compile(rf"\.(?:{name}|{stem}(?:\.{digits})?{suffix})\.[0-9a-f]{{16}}\.tmp", re.DOTALL)
    return _matching(path, pattern)


def _matching(path: Path, pattern: re.Pattern[str]) -> list[Path]:
    """List the files beside ``path`` whose names match."""
    return [path.with_name(entry) for entry in sorted(os.listdir(path.parent)) if pattern.fullmatch(entry)]


def _tidy(path: Path, temporary: Collection[Path]) -> None:
    """Take step 4. A file that cannot be removed stays: the policy is whole without that."""
    for file in temporary:
        with suppress(OSError):
            side = side_file_of(_content(file)) if file.name.startswith(f".{path.name}.") else None
            if side is not None and _is_its_own(path, side) and not _is_named(side, path.parent, besides=temporary):
                path.with_name(side.name).unlink()
        with suppress(OSError):
            file.unlink()


def _is_its_own(path: Path, side: NamedFile) -> bool:
    """Return whether a side file is the one that the policy named, and not another of the same name."""
    file = path.with_name(side.name)
    if file.is_symlink() or not file.is_file():
        return False
    if side.name == side_file_name(path.stem, side.sha256):
        return True
    return hashlib.sha256(file.read_bytes()).hexdigest() == side.sha256


def _is_named(side: NamedFile, folder: Path, *, besides: Collection[Path]) -> bool:
    """Return whether a YAML file in the folder names a side file."""
    marks = (side.name.encode(), side.sha256.encode())  # the hash too: a name may be written with escapes
    for file in folder.iterdir():
        if not _YAML_NAME.match(file.name) or file in besides:
            continue
        content = _content(file)
        if any(mark in content for mark in marks):
            named = side_file_of(content)
            if named is not None and named.name == side.name:
                return True
    return False
