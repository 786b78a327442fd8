"""A policy on disk: a YAML file for review, and a safetensors file beside it with the numbers.

The YAML names its side file by bare file name and SHA-256, so the two can be moved together but not mixed up. The
same document and arrays give the same bytes; neither a path nor a time stamp is inside. Files are replaced atomically:
a reader sees the old file or the new one, never a part of either.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import ValidationError

from paretoroute import _yaml
from paretoroute.errors import PolicyChecksumError, PolicyError, PolicySchemaError, one_line
from paretoroute.policy.schema import SCHEMA_VERSION, PolicyDocument

Arrays: TypeAlias = dict[str, NDArray[Any]]

MAX_SIDE_BYTES = 2**30
SUFFIXES = (".yaml", ".yml")
HEADER = """\
# yaml-language-server: $schema=policy.schema.json
# (written by `paretoroute schema`)
# A paretoroute policy: which model to call at how much test-time compute, and what to expect of it.
# The numbers behind it lie beside this file in {side}; move and copy the two together.
"""
LEFT_OUT_IF_EMPTY = ("limits", "labels", "mixture", "never_logged")
COMMENTS = {
    "target": "The target asked for. Costs are USD per query, quality lies in [0, 1]: more is better.",
    "limits": "Limits on calls and on the population; the solution lists what each of them costs.",
    "labels": "Names of the tags, tenants and steps of the logged queries, by which limits group them.",
    "solution": "The answer: per query, the point with the highest quality - quality_per_usd x cost_usd is called.\n"
    "At a tie the costlier side is taken with probability split.",
    "expected": "Expected on traffic like the logged queries (out of fold; low and high are 90% intervals).",
    "grid": "The points the policy chooses from. Share is the share of calls; quality is the mean over traffic like\n"
    "the logged queries, with its 90% interval. Prices are USD per million tokens.",
    "features": "How a query becomes numbers. A planner whose features have another fingerprint is refused.",
    "surface": "The fitted functions from a query to quality and cost. Their numbers are in this file.",
    "fitted_on": "The log the policy was fitted on, and the findings of the fit.",
    "versions": "Versions of the packages that the fit depends on.",
    "trade_off": "Alternatives on this log: at a lower quality_per_usd, cost and quality are higher.",
    "coin_seed": "Seeds the draw at ties, so that the same query_id always gets the same answer.",
}
_DTYPES = {
    "F16": "<f2", "F32": "<f4", "F64": "<f8", "BOOL": "|b1",
    "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
    "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip
_deserialize = cast(
    "Callable[[bytes], list[tuple[str, dict[str, Any]]]]",
    safetensors.deserialize,  # pyright: ignore[reportUnknownMemberType]  # safetensors does not type it
)
_ARRAY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}", re.ASCII)


class PolicyFiles(NamedTuple):
    """The content of a policy's two files.

    Args:
        document: of the YAML file.
        arrays: of the side file, by name, read-only.
    """

    document: PolicyDocument
    arrays: Arrays


def write_policy(path: str | os.PathLike[str], document: PolicyDocument, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a policy: ``<stem>.safetensors`` first, then the YAML file that names it.

    Args:
        path: the YAML file; ends in .yaml or .yml.
        document: its content; ``surface.file`` and ``surface.sha256`` are filled in.
        arrays: the numbers by name: floats, integers and booleans of any shape, at most 1 GiB together.

    Raises:
        PolicyError: a wrong suffix, an array of another type, a document that could not be read back, or a folder
            that cannot be written to. Nothing has been replaced then, or only the side file.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise PolicyError(
            f"{one_line(path.name)}: a policy file ends in .yaml; rename it to {one_line(path.stem)}.yaml"
        )
    side = path.with_suffix(".safetensors")
    numbers = _packed(arrays, path.name)
    surface = document.surface.model_copy(update={"file": side.name, "sha256": hashlib.sha256(numbers).hexdigest()})
    text = _written(document.model_copy(update={"surface": surface}), path.name)
    try:
        _replace(side, numbers)
        _replace(path, text.encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PolicyError(f"{one_line(path.name)}: cannot be written: {reason}; check the folder") from None


def read_policy(path: str | os.PathLike[str]) -> PolicyFiles:
    """Read a policy and the numbers beside it; both are checked before they are used.

    Args:
        path: the YAML file. If it is a link, its side file has to lie beside the file that it points to.

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
    content = _side_bytes(path.resolve().parent, document, one_line(path.name))
    return PolicyFiles(document, _unpacked(content, document.surface.file))


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file, for editors and reviewers."""
    schema = PolicyDocument.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@functools.cache
def _schema() -> dict[str, Any]:
    """Build the schema once for error messages: that takes longer than to read a policy."""
    return policy_schema()


def _document(data: Any, name: str) -> PolicyDocument:
    if not isinstance(data, dict):
        raise PolicySchemaError(f"{one_line(name)}: is not a policy: must be a mapping; give the file that fit wrote")
    mapping = cast("dict[Any, Any]", data)
    version = mapping.get("schema")
    if isinstance(version, bool):  # to pydantic true is 1
        raise PolicySchemaError(f"{one_line(name)}: schema: must be {SCHEMA_VERSION} (got {str(version).lower()})")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise PolicySchemaError(
            f"{one_line(name)}: schema {version} was written by a newer paretoroute (this one reads schema "
            f"{SCHEMA_VERSION}); upgrade paretoroute"
        )
    try:
        return PolicyDocument.model_validate(data)
    except ValidationError as error:
        from paretoroute.policy.validation import first_problem  # only if there is an error to word

        raise PolicySchemaError(f"{one_line(name)}: {first_problem(error, data, _schema())}") from None


def _written(document: PolicyDocument, name: str) -> str:
    """Return the YAML text, read back once, so that a policy that could not be read is never written."""
    data = document.model_dump(mode="python", by_alias=True)
    for section in (data, data["solution"], *(point for entry in data["grid"] for point in entry["points"])):
        for key in LEFT_OUT_IF_EMPTY:
            if key in section and not section[key]:
                del section[key]
    try:
        text = HEADER.format(side=one_line(document.surface.file)) + _yaml.dumps(data, comments=COMMENTS)
        again = _document(_yaml.loads(text, name=name), name)
    except _yaml.YamlError as error:
        raise PolicyError(f"{one_line(name)}: cannot be written: {error}") from None
    if again != document:
        raise PolicyError(f"{one_line(name)}: cannot be written: it would read back differently; build it anew")
    return text


def _packed(arrays: Mapping[str, NDArray[Any]], name: str) -> bytes:
    """Return the bytes of the side file: little-endian arrays in order of name."""
    tensors: Arrays = {}
    for key in sorted(arrays):
        array = np.asarray(arrays[key])
        little = array.dtype.newbyteorder("<")
        if not _ARRAY_NAME.fullmatch(key):
            raise PolicyError(
                f"{one_line(name)}: array {one_line(key)} has no plain name; use letters, digits, _ . / -"
            )
        if little.str not in _DTYPES.values():
            raise PolicyError(f"{one_line(name)}: array {key} has type {array.dtype}; use floats, integers or booleans")
        tensors[key] = np.require(array, little, "C")
    if sum(array.nbytes for array in tensors.values()) > MAX_SIDE_BYTES - 2**20:  # leaves room for their names
        raise PolicyError(f"{one_line(name)}: its arrays exceed {_gib(MAX_SIDE_BYTES)}; use fewer queries or features")
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
    """Return the arrays of a side file, read-only; types that NumPy lacks are refused."""
    try:
        tensors = _deserialize(content)
    except safetensors.SafetensorError as error:
        problem = " ".join(str(error).split())
        raise PolicyError(f"{file}: is damaged: {problem}; fit or copy both files again") from None
    arrays: Arrays = {}
    for name, tensor in tensors:
        dtype = _DTYPES.get(tensor["dtype"])
        if dtype is None:
            raise PolicyError(f"{file}: array {one_line(name)} has type {tensor['dtype']}; fit the policy again")
        arrays[name] = np.frombuffer(tensor["data"], dtype).reshape(tensor["shape"])
        arrays[name].flags.writeable = False
    return dict(sorted(arrays.items()))


def _replace(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably: temporary file in the same folder, fsync, rename, fsync the folder."""
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
