"""Paths to nested fields: ``request.messages``, ``choices[0].text``, and names that hold dots themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from paretoroute.runs.importers.values import parsed

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]", re.A)
DEEPEST = 8
MOST_FIELDS = 2000


def reach(value: object, path: str) -> Any:
    """Return what stands at a path, through objects, lists and JSON text; None where nothing does.

    Example:
        >>> row = {"usage": '{"in": 3}', "choices": [{"text": "yes"}], "a.b": {"c": 1}}
        >>> reach(row, "usage.in"), reach(row, "choices[0].text"), reach(row, "a.b.c"), reach(row, "c.d")
        (3, 'yes', 1, None)
    """
    value = parsed(value)
    if isinstance(value, Mapping) and path in value:
        return value[path]
    found = _walked(value, path)
    if found is None and isinstance(value, Mapping) and "." in path:
        for name in value:  # a name inside that holds dots
            if path.startswith(f"{name}.") and (found := reach(value[name], path[len(name) + 1 :])) is not None:
                break
    return found


def _walked(value: object, path: str) -> Any:
    for step in _STEP.findall(path):
        value = parsed(value)
        if step.startswith("["):
            place = int(step[1:-1])
            value = value[place] if isinstance(value, list) and place < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def fields(value: Mapping[str, Any], *, before: str = "", depth: int = DEEPEST) -> Iterator[tuple[str, Any]]:
    """Yield the paths and values of a row, those of objects and of the objects in them; lists are values."""
    for name, item in value.items():
        inner = parsed(item)
        path = f"{before}{name}"
        if isinstance(inner, Mapping) and inner and depth > 1:
            yield from fields(inner, before=f"{path}.", depth=depth - 1)
        else:
            yield path, inner


def beside_rows(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return what stands beside a list of rows, which holds for each of them: a prompt that several models answered.

    Example:
        >>> beside_rows({"prompt": "Why?", "data": {"answers": []}}, "data.answers")
        {'prompt': 'Why?'}
    """
    return {name: item for name, item in value.items() if path != name and not path.startswith(f"{name}.")}
