"""The JSON Schema of a section class, for editors; in the form that pydantic gave it, which files refer to."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from paretoroute.policy.checked import Section
from paretoroute.policy.checked.checks import Field, Named, fields_of

_NAMES = {int: "integer", float: "number", bool: "boolean", str: "string"}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "pattern": "pattern"}


def json_schema(section: type[Section]) -> dict[str, Any]:
    """Return the schema of a section, with those of the sections in it under ``$defs``, by name."""
    inner = {one.__name__: _of_section(one) for one in _inside(section)}
    return {"$defs": dict(sorted(inner.items())), **_of_section(section)}


def _inside(section: type[Section]) -> Iterator[type[Section]]:
    """Yield the sections in a section, some of them more than once."""
    waiting = [field.hint for field in fields_of(section)]
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, type) and issubclass(hint, Section):
            yield hint
            waiting += [field.hint for field in fields_of(hint)]
        elif get_origin(hint) is not Literal:
            waiting += get_args(hint)


def _of_section(section: type[Section]) -> dict[str, Any]:
    fields = fields_of(section)
    return {
        "additionalProperties": False,
        "description": inspect.getdoc(section),
        "properties": {field.key: _of_field(field) for field in fields},
        "required": [field.key for field in fields if field.default is ...],
        "title": section.__name__,
        "type": "object",
    }


def _of_field(field: Named) -> dict[str, Any]:
    content = _of_type(field.hint)
    if field.default is not ...:
        default: Any = field.default
        content["default"] = list(cast("tuple[Any, ...]", default)) if isinstance(default, tuple) else default
    if "$ref" not in content and not any("$ref" in one for one in content.get("anyOf", ())):
        content["title"] = field.key.replace("_", " ").title()
    return dict(sorted(content.items()))


def _of_type(hint: Any) -> dict[str, Any]:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        content = _of_type(parts[0])
        for mark in parts[1:]:
            if isinstance(mark, Field):
                _mark(content, mark)
        return dict(sorted(content.items()))
    if origin in (Union, UnionType):
        return _of_union(parts)
    if origin is Literal:
        words = {"const": parts[0]} if len(parts) == 1 else {"enum": list(parts)}
        return {**words, "type": _NAMES[type(parts[0])]}
    if origin is tuple:
        return {"items": _of_type(parts[0]), "type": "array"}
    if origin is dict:
        return {"additionalProperties": _of_type(parts[1]), "type": "object"}
    if issubclass(hint, Section):
        return _reference(hint)
    return {"type": _NAMES[hint]}


def _reference(section: type[Section]) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{section.__name__}"}


def _of_union(parts: tuple[Any, ...]) -> dict[str, Any]:
    kinds = [part for part in parts if part is not NoneType]
    inner: list[dict[str, Any]] = [_of_type(kind) for kind in kinds]
    if all("$ref" in one for one in inner) and len(kinds) > 1:
        mapping = {
            next(field.default for field in fields_of(kind) if field.name == "kind"): one["$ref"]
            for kind, one in zip(kinds, inner, strict=True)
        }
        inner = [{"discriminator": {"mapping": dict(sorted(mapping.items())), "propertyName": "kind"}, "oneOf": inner}]
    if len(kinds) < len(parts):
        inner.append({"type": "null"})
    return inner[0] if len(inner) == 1 else {"anyOf": inner}


def _mark(content: dict[str, Any], mark: Field) -> None:
    """Add a rule to the schema of a type, or of an optional one, and its description to the whole."""
    target = content["anyOf"][0] if "anyOf" in content else content
    rules = mark._asdict()
    unit = "Items" if target.get("type") == "array" else "Length"
    names = _BOUNDS | {"min_length": f"min{unit}", "max_length": f"max{unit}"}
    kept = {name: rules[rule] for rule, name in names.items() if rules[rule] is not None}
    for name, value in sorted({**target, **kept}.items()):
        target.pop(name, None)
        target[name] = value
    if mark.description:
        content["description"] = mark.description
