"""Write a policy: the YAML text with its comments, and the bytes of the side file."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from paretoroute import _yaml
from paretoroute.errors import PolicyError, checked_path, file_name, one_line
from paretoroute.policy.files import DTYPES, MAX_SIDE_BYTES, Arrays, gib, parse_document, real_path
from paretoroute.policy.files.replace import replace_policy, side_file_name
from paretoroute.policy.schema import PolicyDocument

SUFFIXES = (".yaml", ".yml")
HEADER = """\
# yaml-language-server: $schema=policy.schema.json
# Its schema, for editors: write it beside this file with `paretoroute schema --out policy.schema.json`.
# A paretoroute policy: which model to call at how much test-time compute, and what to expect of it.
# The numbers behind it lie beside this file in {side}; move and copy the two together.
"""
LEFT_OUT_IF_EMPTY = ("points", "limits", "labels", "mixture", "never_logged", "certificate")
COMMENTS = {
    "target": "The target asked for. Costs are USD per query, quality lies in [0, 1]: more is better.",
    "limits": "Limits on calls and on the population; the solution lists what each of them costs.",
    "labels": "Names of the tags, tenants and steps of the logged queries, by which limits group them.",
    "solution": "The answer: per query, the point with the highest quality - quality_per_usd x cost_usd is called.\n"
    "At a tie the costlier side is taken with probability split.",
    "expected": "Expected on traffic like the logged queries (out of fold; low and high are 90% intervals).",
    "certificate": "Shown on queries that the fit never saw, by a test that holds at every sample size.\n"
    "`paretoroute verify` computes it again, and fails after any change of this file.",
    "grid": "The points the policy chooses from. Share is the share of calls; quality is the mean over traffic like\n"
    "the logged queries, with its 90% interval. Prices are USD per million tokens.",
    "features": "How a query becomes numbers. A planner whose features have another fingerprint is refused.",
    "surface": "The fitted functions from a query to quality and cost. Their numbers are in this file.",
    "fitted_on": "The log the policy was fitted on, and the findings of the fit.",
    "versions": "Versions of the packages that the fit depends on.",
    "trade_off": "Alternatives on this log: at a lower quality_per_usd, cost and quality are higher.",
    "coin_seed": "Seeds the draw at ties, so that the same query_id always gets the same answer.",
}
_ARRAY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}", re.ASCII)


def write_policy(path: str | os.PathLike[str], document: PolicyDocument, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a policy: the YAML file and, beside it, ``<stem>.<digits of its hash>.safetensors``.

    Readers see the old policy or the new one, whatever is killed and whoever else saves. The old side file is removed
    if no YAML file of the folder names it any more. A file that exists keeps its permissions.

    Args:
        path: the YAML file; ends in .yaml or .yml. If it is a link, the link stays, and both files are written where
            it points to.
        document: its content; ``surface.file`` and ``surface.sha256`` are filled in.
        arrays: the numbers by name: floats, integers and booleans of any shape, at most 1 GiB together.

    Raises:
        PolicyError: a wrong suffix, an array of another type, a document that could not be read back, or a folder
            that cannot be written to. The old policy is there then.
    """
    path = checked_path(path, PolicyError)
    if path.suffix not in SUFFIXES:
        raise PolicyError(f"{file_name(path)}: a policy file ends in .yaml; rename it to {one_line(path.stem)}.yaml")
    numbers = packed(arrays, path.name)
    sha256 = hashlib.sha256(numbers).hexdigest()
    real = real_path(path)
    side = side_file_name(real.stem, sha256)
    surface = document.surface.model_copy(update={"file": side, "sha256": sha256})
    text = _written(document.model_copy(update={"surface": surface}), path.name)
    try:
        replace_policy(real, text.encode(), side=side, numbers=numbers)
    except (OSError, ValueError) as error:  # a ValueError: the path holds a null character
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise PolicyError(f"{file_name(path)}: cannot be written: {reason}; check the folder") from None


def _written(document: PolicyDocument, name: str) -> str:
    """Return the YAML text, read back once, so that a policy that could not be read is never written."""
    data = document.model_dump(mode="python", by_alias=True)
    points = (point for entry in data["grid"] for point in entry["points"])
    for section in (data, data["solution"], data["surface"], *points):
        for key in LEFT_OUT_IF_EMPTY:
            if key in section and not section[key]:
                del section[key]
    try:
        text = HEADER.format(side=one_line(document.surface.file)) + _yaml.dumps(data, comments=COMMENTS)
        again = parse_document(_yaml.loads(text, name=name), name)
    except _yaml.YamlError as error:
        raise PolicyError(f"{one_line(name)}: cannot be written: {error}") from None
    if again != document:
        raise PolicyError(f"{one_line(name)}: cannot be written: it would read back differently; build it anew")
    return text


def packed(arrays: Mapping[str, NDArray[Any]], name: str) -> bytes:
    """Return the bytes of the side file: little-endian arrays in order of name."""
    tensors: Arrays = {}
    for key in sorted(arrays):
        array = np.asarray(arrays[key])
        little = array.dtype.newbyteorder("<")
        if not _ARRAY_NAME.fullmatch(key):
            raise PolicyError(
                f"{one_line(name)}: array {one_line(key)} has no plain name; use letters, digits, _ . / -"
            )
        if little.str not in DTYPES.values():
            raise PolicyError(f"{one_line(name)}: array {key} has type {array.dtype}; use floats, integers or booleans")
        tensors[key] = np.require(array, little, "C")
    if sum(array.nbytes for array in tensors.values()) > MAX_SIDE_BYTES - 2**20:  # leaves room for their names
        raise PolicyError(f"{one_line(name)}: its arrays exceed {gib(MAX_SIDE_BYTES)}; use fewer queries or features")
    return safetensors.numpy.save(tensors)
