"""A policy on disk: a YAML file for review, and a safetensors file beside it with the numbers.

The YAML names its side file by bare file name and SHA-256, so the two can be moved together but not mixed up. The
same document and arrays give the same bytes; neither a path nor a time stamp is inside.

Reading is here, and is all that planning loads; ``write`` makes the two files, ``replace`` puts them in place of the
old ones, so that a reader sees the old policy or the new one and never a part of either; ``lock`` keeps writers apart.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import safetensors
from numpy.typing import NDArray

from paretoroute import _yaml
from paretoroute.errors import (
    PolicyChecksumError,
    PolicyError,
    PolicySchemaError,
    SignatureError,
    checked_path,
    file_name,
    one_line,
)
from paretoroute.policy.checked import SectionError
from paretoroute.policy.schema import SCHEMA_VERSION, PolicyDocument

Arrays: TypeAlias = dict[str, NDArray[Any]]

MAX_SIDE_BYTES = 2**30
UNLOCKED_TRIES, PAUSE_S = 20, 0.01  # to read both files of one policy, where the system has no locks
LINK_TRIES = 100  # while somebody points the link elsewhere
DTYPES = {
    "F16": "<f2", "F32": "<f4", "F64": "<f8", "BOOL": "|b1",
    "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
    "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip
_HASH = re.compile(r"\.[0-9a-f]{12}$", re.ASCII)  # at the end of the stem of a side file
_deserialize = cast(
    "Callable[[bytes], list[tuple[str, dict[str, Any]]]]",
    safetensors.deserialize,  # pyright: ignore[reportUnknownMemberType]  # safetensors does not type it
)


class PolicyBytes(NamedTuple):
    """A policy's YAML file as it was read, before anything in it is used.

    Args:
        content: its bytes, which are those that are parsed.
        file: the file itself, not a link to it.
        name: by which messages call it: that of the link, if it is one.
    """

    content: bytes
    file: Path
    name: str


Check: TypeAlias = Callable[[PolicyBytes], object]  # raises if the bytes may not be used


class PolicyFiles(NamedTuple):
    """The content of a policy's two files.

    Args:
        document: of the YAML file.
        arrays: of the side file, by name, read-only.
        sha256: of the YAML file as it was read, in hex.
    """

    document: PolicyDocument
    arrays: Arrays
    sha256: str


def read_policy(path: str | os.PathLike[str], *, check: Check | None = None) -> PolicyFiles:
    """Read a policy and the numbers beside it; both are checked before they are used.

    Between the reading of the YAML and of its side file another process may save: then both are read once more, while
    nobody may; likewise of the YAML and a signature that the check reads. If a link on the path is pointed elsewhere
    meanwhile, the policy that it leads to then is read.

    Args:
        path: the YAML file. If it is a link, its side file has to lie beside the file that it points to.
        check: called with the bytes of the YAML file before they are parsed, again if they are read again.

    Raises:
        PolicyError: the YAML file is missing, is not plain YAML, or its side file holds something unexpected.
        PolicySchemaError: an unknown key, a wrong type or value, or a newer schema.
        PolicyChecksumError: the side file is missing, elsewhere, or not the one that was written.
        SignatureError: of the check, if it requires a signature.
    """
    path = checked_path(path, PolicyError)
    if path.suffix == ".safetensors":
        policy = f"{_HASH.sub('', path.stem)}.yaml"
        raise PolicyError(f"{file_name(path)}: holds the numbers of a policy; name its YAML file, {one_line(policy)}")
    for _ in range(LINK_TRIES):
        real = real_path(path)
        try:
            return _read_unless_saved(path, real, check)
        except PolicyError:
            if real_path(path) == real:
                raise
    return _read_unless_saved(path, real_path(path), check)


def _read_unless_saved(path: Path, real: Path, check: Check | None) -> PolicyFiles:
    """Read both files; if they, or a signature, do not belong together, once more while nobody may save.

    Args:
        path: the YAML file, as messages name it.
        real: the file that the path led to, if it is a link or its folder is: a release is switched by such a link.
        check: of the bytes of the YAML file.
    """
    try:
        return _read(path, real, check)
    except (PolicyChecksumError, SignatureError):
        from paretoroute.policy.files.lock import locked  # only if a file is missing or another

        with locked(real.parent, shared=True) as is_locked:
            for _ in range(0 if is_locked else UNLOCKED_TRIES):
                with suppress(PolicyChecksumError, SignatureError):
                    return _read(path, real, check)
                time.sleep(PAUSE_S)
            return _read(path, real, check)


def _read(path: Path, real: Path, check: Check | None) -> PolicyFiles:
    """Read both files once."""
    try:
        content = _yaml.read_bytes(real, name=file_name(path))
        if check is not None:
            check(PolicyBytes(content, real, file_name(path)))
        data = _yaml.loads_bytes(content, name=path.name)
    except _yaml.YamlError as error:
        raise PolicyError(str(error)) from None
    document = parse_document(data, path.name)
    numbers = _side_bytes(real.parent, document, file_name(path))
    return PolicyFiles(document, _unpacked(numbers, document.surface.file), hashlib.sha256(content).hexdigest())


def real_path(path: Path) -> Path:
    """Return the file that a path leads to, through links; the path itself if that cannot be told."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # a ValueError: it holds a null character
        return path


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file, for editors and reviewers."""
    from paretoroute.policy.checked.json_schema import json_schema  # only for editors, and to word an error

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(PolicyDocument)}


def parse_document(data: Any, name: str) -> PolicyDocument:
    """Check the data of a YAML file, called ``name`` in errors.

    Raises:
        PolicySchemaError: an unknown key, a wrong type or value, or a newer schema.
    """
    if not isinstance(data, dict):
        raise PolicySchemaError(f"{one_line(name)}: is not a policy: must be a mapping; give the file that fit wrote")
    mapping = cast("dict[Any, Any]", data)
    version = mapping.get("schema")
    if isinstance(version, bool):  # True == 1
        raise PolicySchemaError(f"{one_line(name)}: schema: must be {SCHEMA_VERSION} (got {str(version).lower()})")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise PolicySchemaError(
            f"{one_line(name)}: schema {version} was written by a newer paretoroute (this one reads schema "
            f"{SCHEMA_VERSION}); upgrade paretoroute"
        )
    try:
        return PolicyDocument.model_validate(data)
    except SectionError as error:
        from paretoroute.policy.validation import first_problem  # only if there is an error to word

        raise PolicySchemaError(f"{one_line(name)}: {first_problem(error.problems, policy_schema())}") from None


def _side_bytes(folder: Path, document: PolicyDocument, name: str) -> bytes:
    file = document.surface.file
    if not (file and document.surface.sha256):  # both are left out only of documents that were never written
        raise PolicySchemaError(f"{name}: surface.file or surface.sha256: is missing; fit or copy both files again")
    path = folder / file
    try:
        if path.is_symlink() or not stat.S_ISREG(path.stat().st_mode):
            raise PolicyChecksumError(f"{name}: {file} is a link or no plain file; put the file itself beside {name}")
        with open(path, "rb") as side:
            content = side.read(MAX_SIDE_BYTES + 1) if path.stat().st_size <= MAX_SIDE_BYTES else None
    except FileNotFoundError:
        raise PolicyChecksumError(f"{name}: {file} is missing; copy it beside {name}") from None
    except OSError as error:
        raise PolicyChecksumError(f"{name}: {file} cannot be read: {error.strerror}; check its permissions") from None
    if content is None or len(content) > MAX_SIDE_BYTES:
        raise PolicyChecksumError(f"{name}: {file} is larger than {gib(MAX_SIDE_BYTES)}; fit or copy both files again")
    if hashlib.sha256(content).hexdigest() != document.surface.sha256:
        raise PolicyChecksumError(
            f"{name}: {file} was changed after the policy was written; fit or copy both files again"
        )
    return content


def _unpacked(content: bytes, file: str) -> Arrays:
    """Return the arrays of a side file, read-only; types that NumPy lacks are refused."""
    try:
        tensors = _deserialize(content)
    except safetensors.SafetensorError as error:
        problem = " ".join(str(error).split())
        raise PolicyError(f"{file}: is damaged: {problem}; fit or copy both files again") from None
    arrays: Arrays = {}
    for name, tensor in tensors:
        dtype = DTYPES.get(tensor["dtype"])
        if dtype is None:
            raise PolicyError(f"{file}: array {one_line(name)} has type {tensor['dtype']}; fit the policy again")
        arrays[name] = np.frombuffer(tensor["data"], dtype).reshape(tensor["shape"])
        arrays[name].flags.writeable = False
    return dict(sorted(arrays.items()))


def gib(size: int) -> str:
    """Write a size in GiB."""
    return f"{size / 2**30:g} GiB"
