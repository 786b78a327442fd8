"""Error messages of invalid policy files, in one line: the key, the reason, and the correction.

Loaded only if validation fails, so that planning does without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paretoroute.errors import close_names, one_line
from paretoroute.policy.checked.checks import Problem
from paretoroute.policy.schema_types import PATTERNS

_WANTED = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "scalar_type": "must be a number, text, true or false",
    "finite_number": "must be a finite number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_short": "must not be shorter than {min_length}",
    "too_long": "must not be longer than {max_length}",
    "literal_error": "must be {expected}",
    "unknown_kind": "must be one of {expected}",
    "value_error": "{error}",
}
_NUMBERS = ("int_type", "float_type")


def first_problem(problems: Sequence[Problem], schema: Mapping[str, Any]) -> str:
    """Word the first problem of a section as ``key.path: reason (got value)``, with the number of further ones.

    Args:
        problems: at least one.
        schema: the JSON Schema of the data, to suggest keys from.
    """
    # A misspelt key is reported as one missing and one unknown key; the second message helps more.
    first = next((problem for problem in problems if problem.kind == "unknown_key"), problems[0])
    path = _path(first)
    more = _more(path, {_path(problem) for problem in problems})
    if first.kind == "unknown_key":
        return f"{one_line(path)}: unknown key{_near(str(first.place[-1]), schema)}{more}"
    if first.kind == "missing":
        return f"{one_line(path)}: is missing{more}"
    return f"{one_line(path) or 'the file'}: {_reason(first)}{more}"


def _more(path: str, paths: set[str]) -> str:
    """Count the other wrong keys, without the sections that are wrong only because of a key inside them."""
    sections = {path[:i] for path in paths for i, char in enumerate(path) if char == "."}
    count = len(paths - sections - {path})
    return f"; {count} more such key{'s' * (count > 1)}" if count else ""


def _reason(problem: Problem) -> str:
    if problem.kind == "string_pattern_mismatch":
        return f"must be {PATTERNS[problem.context['pattern']]} (got {_got(problem.value)})"
    wanted = _WANTED[problem.kind].format(**problem.context)
    if problem.kind == "too_short" and problem.context["min_length"] == 1:
        wanted = "must not be empty"
    if problem.kind == "value_error":  # raised by a section's own check, which names what it saw
        return one_line(wanted, 300)
    hint = (
        "; write it as a plain decimal, such as 0.5"
        if problem.kind in _NUMBERS and isinstance(problem.value, str)
        else ""
    )
    return f"{wanted} (got {_got(problem.value)}{hint})"


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


def _path(problem: Problem) -> str:
    return ".".join(map(str, problem.place))


def _near(key: str, schema: Mapping[str, Any]) -> str:
    sections = [schema, *schema.get("$defs", {}).values()]
    keys = sorted({name for section in sections for name in section.get("properties", {})})
    near = close_names(key, keys, most=3, cutoff=0.7)
    return f"; did you mean {' or '.join(near)}?" if near else "; remove it"
