"""A policy on disk: a YAML file to review, and the numbers it computes with in a safetensors file beside it.

The YAML names its side file by bare file name and SHA-256, so the two can be moved together but not mixed up. The
same document and arrays give the same bytes; no path and no time stamp is inside. Files are replaced whole: a reader
sees the old file or the new one, never half of either.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import ValidationError

from paretoroute import _yaml
from paretoroute.errors import PolicyChecksumError, PolicyError, PolicySchemaError
from paretoroute.policy.schema import COMMENTS, LEFT_OUT_IF_EMPTY, SCHEMA_VERSION, PolicyDocument
from paretoroute.policy.validation import first_problem, shown

Arrays: TypeAlias = dict[str, NDArray[Any]]

MAX_SIDE_BYTES = 2**30
SUFFIXES = (".yaml", ".yml")
HEADER = """\
# yaml-language-server: $schema=policy.schema.json
# (written by `paretoroute schema`)
# A paretoroute policy: which model to call at how much test-time compute, and what to expect of it.
# The numbers behind it lie beside this file in {side}; move and copy the two together.
"""
_DTYPES = {
    "F16": "<f2", "F32": "<f4", "F64": "<f8", "BOOL": "|b1",
    "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
    "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip
_ARRAY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}", re.ASCII)


def write_policy(path: str | os.PathLike[str], document: PolicyDocument, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a policy: ``<stem>.safetensors`` first, then the YAML file that names it.

    Args:
        path: the YAML file; ends in .yaml or .yml.
        document: what stands in it; ``surface.file`` and ``surface.sha256`` are filled in.
        arrays: the numbers by name: floats, integers and booleans of any shape, at most 1 GiB together.

    Raises:
        PolicyError: a wrong suffix, an array of another type, a document that could not be read back, or a folder
            that cannot be written to. Nothing has been replaced then, or only the side file.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise PolicyError(f"{shown(path.name)}: a policy file ends in .yaml; rename it to {shown(path.stem)}.yaml")
    side = path.with_suffix(".safetensors")
    numbers = _packed(arrays, path.name)
    surface = document.surface.model_copy(update={"file": side.name, "sha256": hashlib.sha256(numbers).hexdigest()})
    text = _written(document.model_copy(update={"surface": surface}), path.name)
    try:
        _replace(side, numbers)
        _replace(path, text.encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PolicyError(f"{shown(path.name)}: cannot be written: {reason}; check the folder") from None


def read_policy(path: str | os.PathLike[str]) -> tuple[PolicyDocument, Arrays]:
    """Read a policy and the numbers beside it, and trust neither before it is checked.

    Args:
        path: the YAML file. Where it is a link, its side file is looked for beside the file it points to.

    Returns:
        The document, and read-only arrays by name.

    Raises:
        PolicyError: the YAML file is missing, is not plain YAML, or its side file holds something unexpected.
        PolicySchemaError: an unknown key, a wrong type or value, or a newer schema.
        PolicyChecksumError: the side file is missing, elsewhere, or not the one that was written.
    """
    path = Path(path)
    try:
        data = _yaml.read(path)
    except _yaml.YamlError as error:
        raise PolicyError(str(error)) from None
    document = _document(data, path.name)
    return document, _unpacked(_side_bytes(path.resolve().parent, document, shown(path.name)), document.surface.file)


def policy_schema() -> dict[str, Any]:
    """Give the JSON Schema of a policy file, for editors and reviewers."""
    schema = PolicyDocument.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@functools.cache
def _schema() -> dict[str, Any]:
    """Build the schema once for error messages: that takes longer than to read a policy."""
    return policy_schema()


def _document(data: Any, name: str) -> PolicyDocument:
    if not isinstance(data, dict):
        raise PolicySchemaError(f"{shown(name)}: is not a policy: must be a mapping; give the file that fit wrote")
    version = data.get("schema")
    if isinstance(version, bool):  # to pydantic true is 1
        raise PolicySchemaError(f"{shown(name)}: schema: must be {SCHEMA_VERSION} (got {str(version).lower()})")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise PolicySchemaError(
            f"{shown(name)}: schema {version} was written by a newer paretoroute (this one reads schema "
            f"{SCHEMA_VERSION}); upgrade paretoroute"
        )
    try:
        return PolicyDocument.model_validate(data)
    except ValidationError as error:
        raise PolicySchemaError(f"{shown(name)}: {first_problem(error, data, _schema())}") from None


def _written(document: PolicyDocument, name: str) -> str:
    """The YAML text; read back once, so that a policy that could not be read is never written."""
    data = document.model_dump(mode="python", by_alias=True)
    for section in (data, data["solution"], *(point for entry in data["grid"] for point in entry["points"])):
        for key in LEFT_OUT_IF_EMPTY:
            if key in section and not section[key]:
                del section[key]
    try:
        text = HEADER.format(side=shown(document.surface.file)) + _yaml.dumps(data, comments=COMMENTS)
        again = _document(_yaml.loads(text, name=name), name)
    except _yaml.YamlError as error:
        raise PolicyError(f"{shown(name)}: cannot be written: {error}") from None
    if again != document:
        raise PolicyError(f"{shown(name)}: cannot be written: it would read back differently; build it anew")
    return text


def _packed(arrays: Mapping[str, NDArray[Any]], name: str) -> bytes:
    """The side file's bytes: little-endian, in order of name."""
    tensors = {}
    for key in sorted(arrays):
        array = np.asarray(arrays[key])
        little = array.dtype.newbyteorder("<")
        if not _ARRAY_NAME.fullmatch(key):
            raise PolicyError(f"{shown(name)}: array {shown(key)} has no plain name; use letters, digits, _ . / -")
        if little.str not in _DTYPES.values():
            raise PolicyError(f"{shown(name)}: array {key} has type {array.dtype}; use floats, integers or booleans")
        tensors[key] = np.require(array, little, "C")
    if sum(array.nbytes for array in tensors.values()) > MAX_SIDE_BYTES - 2**20:  # leaves room for their names
        raise PolicyError(f"{shown(name)}: its arrays exceed {_gib(MAX_SIDE_BYTES)}; use fewer queries or features")
    return safetensors.numpy.save(tensors)


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
        raise PolicyChecksumError(f"{name}: {file} is larger than {_gib(MAX_SIDE_BYTES)}; fit or copy both files again")
    if hashlib.sha256(content).hexdigest() != document.surface.sha256:
        raise PolicyChecksumError(
            f"{name}: {file} was changed after the policy was written; fit or copy both files again"
        )
    return content


def _unpacked(content: bytes, file: str) -> Arrays:
    """Arrays of a side file, none of them of a type that NumPy does not know."""
    try:
        tensors = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        problem = " ".join(str(error).split())
        raise PolicyError(f"{file}: is damaged: {problem}; fit or copy both files again") from None
    arrays: Arrays = {}
    for name, tensor in tensors:
        dtype = _DTYPES.get(tensor["dtype"])
        if dtype is None:
            raise PolicyError(f"{file}: array {shown(name)} has type {tensor['dtype']}; fit the policy again")
        arrays[name] = np.frombuffer(tensor["data"], dtype).reshape(tensor["shape"])
        arrays[name].flags.writeable = False
    return dict(sorted(arrays.items()))


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place whole and durably: temporary file in the same folder, fsync, rename, fsync the folder."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name != "nt":  # Windows has no way to open a folder for this
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _gib(size: int) -> str:
    return f"{size / 2**30:g} GiB"
