"""What is wrong with a policy file, in one line: the key, the reason, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from paretoroute.errors import close_names
from paretoroute.policy.schema import PATTERNS

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
    """Say the first problem that validation found, as ``key.path: reason (got value)``, and how many follow.

    Args:
        error: what pydantic raised.
        data: what was validated.
        schema: its JSON Schema, to suggest keys from.
    """
    problems = error.errors(include_url=False)
    # A misspelt key is reported as one that is missing and one that is unknown: the second says more.
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    path = _path(first["loc"], data, missing=first["type"] == "missing")
    paths = {_path(problem["loc"], data, missing=problem["type"] == "missing") for problem in problems}
    more = _more(path, paths)
    if first["type"] == "extra_forbidden":
        return f"{shown(path)}: unknown key{_near(str(first['loc'][-1]), schema)}{more}"
    if first["type"] == "missing":
        return f"{shown(path)}: is missing{more}"
    if first["type"] == "union_tag_not_found":
        return f"{shown(path)}.kind: is missing{more}"
    branches = {problem["type"] for problem in problems if _path(problem["loc"], data, missing=False) == path}
    if len(branches) > 1:  # a setting, which may be any scalar
        return f"{shown(path)}: must be a number, text, true or false (got {_got(first['input'])}){more}"
    if first["type"] == "union_tag_invalid":
        path, first["input"] = f"{path}.kind", first["input"].get("kind")
    return f"{shown(path) or 'the file'}: {_reason(first)}{more}"


def shown(value: object, limit: int = 120) -> str:
    """Text for one line of a message: no control characters, no endless names."""
    text = str(value)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _more(path: str, paths: set[str]) -> str:
    """How many other keys are wrong, without the sections that are wrong only for a key inside them."""
    sections = {path[:i] for path in paths for i, char in enumerate(path) if char == "."}
    count = len(paths - sections - {path})
    return f"; {count} more such key{'s' * (count > 1)}" if count else ""


def _reason(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return f"must be {PATTERNS[context['pattern']]} (got {_got(problem['input'])})"
    wanted = _WANTED.get(kind, str(problem["msg"]).lower()).format(**context)
    if kind == "value_error":  # raised by a model's own check, which names what it saw
        return shown(wanted, 300)
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
        return f"the text {shown(repr(value), 60)}"
    return shown(repr(value), 60)


def _path(location: Iterable[int | str], data: Any, *, missing: bool) -> str:
    """The key path in the file: pydantic's, without the names of union branches that it puts in between."""
    steps, node = list(location), data
    path: list[str] = []
    for i, step in enumerate(steps):
        if isinstance(node, Mapping) and step in node:
            node = node[step]
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif not (missing and i == len(steps) - 1):
            continue
        path.append(str(step))
    return ".".join(path)


def _near(key: str, schema: Mapping[str, Any]) -> str:
    sections = [schema, *schema.get("$defs", {}).values()]
    known = sorted({name for section in sections for name in section.get("properties", {})})
    near = close_names(key, known, most=3, cutoff=0.7)
    return f"; did you mean {' or '.join(near)}?" if near else "; remove it"
