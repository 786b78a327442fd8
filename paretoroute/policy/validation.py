"""Error messages of invalid policy files, in one line: the key, the reason, and the correction.

Loaded only if validation fails, so that planning does without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic import ValidationError

from paretoroute.errors import close_names, one_line
from paretoroute.policy.schema_types import PATTERNS

_WANTED = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "value_error": "{error}",
}
_NUMBERS = ("int_type", "float_type")


def first_problem(error: ValidationError, data: Any, schema: Mapping[str, Any]) -> str:
    """Word the first problem of a validation as ``key.path: reason (got value)``, with the number of further ones.

    Args:
        error: raised by pydantic.
        data: the data that failed.
        schema: their JSON Schema, to suggest keys from.
    """
    problems = error.errors(include_url=False)
    # A misspelt key is reported as one missing and one unknown key; the second message helps more.
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    path = _path(first["loc"], data, missing=first["type"] == "missing")
    paths = {_path(problem["loc"], data, missing=problem["type"] == "missing") for problem in problems}
    more = _more(path, paths)
    if first["type"] == "extra_forbidden":
        return f"{one_line(path)}: unknown key{_near(str(first['loc'][-1]), schema)}{more}"
    if first["type"] == "missing":
        return f"{one_line(path)}: is missing{more}"
    if first["type"] == "union_tag_not_found":
        return f"{one_line(path)}.kind: is missing{more}"
    branches = {problem["type"] for problem in problems if _path(problem["loc"], data, missing=False) == path}
    if len(branches) > 1:  # a setting, which may be any scalar
        return f"{one_line(path)}: must be a number, text, true or false (got {_got(first['input'])}){more}"
    if first["type"] == "union_tag_invalid":
        path, first["input"] = f"{path}.kind", first["input"].get("kind")
    return f"{one_line(path) or 'the file'}: {_reason(first)}{more}"


def _more(path: str, paths: set[str]) -> str:
    """Count the other wrong keys, without the sections that are wrong only because of a key inside them."""
    sections = {path[:i] for path in paths for i, char in enumerate(path) if char == "."}
    count = len(paths - sections - {path})
    return f"; {count} more such key{'s' * (count > 1)}" if count else ""


def _reason(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return f"must be {PATTERNS[context['pattern']]} (got {_got(problem['input'])})"
    wanted = _WANTED.get(kind, str(problem["msg"]).lower()).format(**context)
    if kind == "value_error":  # raised by a model's own check, which names what it saw
        return one_line(wanted, 300)
    hint = (
        "; write it as a plain decimal, such as 0.5" if kind in _NUMBERS and isinstance(problem["input"], str) else ""
    )
    return f"{wanted} (got {_got(problem['input'])}{hint})"


def _got(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the text {one_line(repr(value), 60)}"
    return one_line(repr(value), 60)


def _path(location: Iterable[int | str], data: Any, *, missing: bool) -> str:
    """Return the key path in the file: pydantic's, without the names of union branches."""
    steps, node = list(location), data
    path: list[str] = []
    for i, step in enumerate(steps):
        if isinstance(node, Mapping) and step in node:
            node = cast("Mapping[Any, Any]", node)[step]
        elif isinstance(node, list) and isinstance(step, int) and step < len(cast("list[Any]", node)):
            node = cast("list[Any]", node)[step]
        elif not (missing and i == len(steps) - 1):
            continue
        path.append(str(step))
    return ".".join(path)


def _near(key: str, schema: Mapping[str, Any]) -> str:
    sections = [schema, *schema.get("$defs", {}).values()]
    keys = sorted({name for section in sections for name in section.get("properties", {})})
    near = close_names(key, keys, most=3, cutoff=0.7)
    return f"; did you mean {' or '.join(near)}?" if near else "; remove it"
