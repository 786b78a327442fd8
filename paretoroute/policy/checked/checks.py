"""The checks of values by their types, which sections are made with."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

Place: TypeAlias = tuple[str | int, ...]  # keys and list positions from the section that is made


class Problem(NamedTuple):
    """What is wrong with a value.

    Args:
        place: of the value.
        kind: of the problem, such as ``float_type``.
        value: the value; of a missing or an unknown key, that of the section or of the key.
        context: what the message names, such as a bound.
    """

    place: Place
    kind: str
    value: Any
    context: Mapping[str, Any] = {}


class Field(NamedTuple):
    """What a field has to be beside its type, as an annotation; None and empty: no rule."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    description: str = ""
    alias: str = ""


class After(NamedTuple):
    """A function that replaces a checked value, as an annotation; it raises ValueError for what it refuses."""

    function: Callable[[Any], Any]


class Named(NamedTuple):
    """A field of a section: its name, its key in the file, its type, and its default or ``...``."""

    name: str
    key: str
    hint: Any
    default: Any


class Checked:
    """What the checks know of a section class; :class:`~paretoroute.policy.checked.Section` has the rest."""

    _left_out: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def _before(cls, data: dict[str, Any]) -> dict[str, Any]:
        return data

    def _check(self) -> None:
        pass


_FIELDS: dict[type[Checked], tuple[Named, ...]] = {}


def fields_of(section: type[Checked]) -> tuple[Named, ...]:
    """Return the fields of a class, in order."""
    if section not in _FIELDS:
        _FIELDS[section] = tuple(_named(section))
    return _FIELDS[section]


def _named(section: type[Checked]) -> Iterator[Named]:
    for name, hint in get_type_hints(section, include_extras=True).items():
        if get_origin(hint) is ClassVar:
            continue
        marks = cast("tuple[Any, ...]", getattr(hint, "__metadata__", ()))
        alias = next((mark.alias for mark in marks if isinstance(mark, Field) and mark.alias), name)
        yield Named(name, alias, hint, getattr(section, name, ...))


INVALID: Any = object()  # in place of a value with a problem
SCALARS = (int, float, bool, str)

# Returns the value as the section keeps it, or adds to the problems and returns INVALID.
Check: TypeAlias = Callable[[Any, Place, list[Problem]], Any]

_CHECKS: dict[type[Checked], Check] = {}


def check_of(section: type[Checked]) -> Check:
    """Return the check of a section class, built once."""
    if section not in _CHECKS:
        _CHECKS[section] = _section(section)
    return _CHECKS[section]


def _built(hint: Any) -> Check:
    """Return the check of an annotated type."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        check = _built(parts[0])
        for mark in parts[1:]:
            check = _after(check, mark) if isinstance(mark, After) else _within(check, mark)
        return check
    if origin in (Union, UnionType):
        return _union(parts)
    if origin is Literal:
        return _literal(parts)
    if origin is tuple:
        return _tuple(_built(parts[0]))
    if origin is dict:
        return _dict(_built(parts[1]))
    if issubclass(hint, Checked):
        return lambda value, place, problems: check_of(hint)(value, place, problems)  # built when it is first met
    return {float: _float, int: _int, str: _typed(str, "string_type"), bool: _typed(bool, "bool_type")}[hint]


def _refuse(problems: list[Problem], *problem: Any) -> Any:
    problems.append(Problem(*problem))
    return INVALID


def _float(value: Any, place: Place, problems: list[Problem]) -> Any:
    if isinstance(value, bool) or not isinstance(value, float | int):
        return _refuse(problems, place, "float_type", value)
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    return number if math.isfinite(number) else _refuse(problems, place, "finite_number", value)


def _int(value: Any, place: Place, problems: list[Problem]) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return _refuse(problems, place, "int_type", value)
    return value


def _typed(kind: type[object], problem: str) -> Check:
    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        return value if isinstance(value, kind) else _refuse(problems, place, problem, value)

    return check


def _literal(words: tuple[Any, ...]) -> Check:
    *others, last = map(repr, words)
    expected = f"{', '.join(others)} or {last}" if others else last
    known: set[tuple[object, object]] = {(type(word), word) for word in words}

    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        if isinstance(value, SCALARS) and (type(value), value) in known:
            return value
        return _refuse(problems, place, "literal_error", value, {"expected": expected})

    return check


def _union(parts: tuple[Any, ...]) -> Check:
    """Return the check of an optional value, of any scalar, or of sections that their ``kind`` tells apart."""
    kinds = [part for part in parts if part is not NoneType]
    if all(kind in SCALARS for kind in kinds) and len(kinds) == len(SCALARS):
        inner = _scalar
    elif len(kinds) == 1:
        inner = _built(kinds[0])
    else:
        inner = _by_kind({_kind_of(kind): kind for kind in kinds})
    if len(kinds) == len(parts):
        return inner
    return lambda value, place, problems: None if value is None else inner(value, place, problems)


def _scalar(value: Any, place: Place, problems: list[Problem]) -> Any:
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return value if isinstance(value, SCALARS) and is_finite else _refuse(problems, place, "scalar_type", value)


def _kind_of(section: type[Checked]) -> str:
    return next(str(field.default) for field in fields_of(section) if field.name == "kind")


def _by_kind(sections: dict[str, type[Checked]]) -> Check:
    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        if isinstance(value, tuple(sections.values())):
            return value
        if not isinstance(value, dict):
            return _refuse(problems, place, "model_type", value)
        kind = cast("dict[str, Any]", value).get("kind", INVALID)
        if kind is INVALID:
            return _refuse(problems, (*place, "kind"), "missing", value)
        if not isinstance(kind, str) or kind not in sections:
            expected = ", ".join(map(repr, sections))
            return _refuse(problems, (*place, "kind"), "unknown_kind", kind, {"expected": expected})
        return check_of(sections[kind])(value, place, problems)

    return check


def _tuple(item: Check) -> Check:
    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        if not isinstance(value, list | tuple):
            return _refuse(problems, place, "tuple_type", value)
        count = len(problems)
        parts = cast("list[Any]", value)
        made = tuple(item(part, (*place, i), problems) for i, part in enumerate(parts))
        return made if len(problems) == count else INVALID

    return check


def _dict(item: Check) -> Check:
    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            return _refuse(problems, place, "dict_type", value)
        made: dict[str, Any] = {}
        count = len(problems)
        for key, part in cast("dict[Any, Any]", value).items():
            if not isinstance(key, str):
                _refuse(problems, (*place, str(key)), "string_type", key)
            made[key] = item(part, (*place, str(key)), problems)
        return made if len(problems) == count else INVALID

    return check


def _after(inner: Check, mark: After) -> Check:
    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        made = inner(value, place, problems)
        if made is INVALID or made is None:
            return made
        try:
            return mark.function(made)
        except ValueError as error:
            return _refuse(problems, place, "value_error", value, {"error": error})

    return check


def _within(inner: Check, mark: Field) -> Check:
    """Return a check that the bounds of a number, of a length and of the letters of a text are kept."""
    bounds = [(kind, name, bound) for kind, name, bound in _bounds(mark) if bound is not None]
    if not bounds and mark.pattern is None:
        return inner
    letters = None if mark.pattern is None else re.compile(mark.pattern)

    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        made = inner(value, place, problems)
        if made is INVALID or made is None:
            return made
        for kind, name, bound in bounds:
            if not _KEPT[name](made, bound):
                return _refuse(problems, place, kind, value, {name: bound})
        if letters is not None and not letters.fullmatch(made):
            return _refuse(problems, place, "string_pattern_mismatch", value, {"pattern": mark.pattern})
        return made

    return check


_KEPT: dict[str, Callable[[Any, Any], bool]] = {
    "ge": lambda value, bound: value >= bound,
    "gt": lambda value, bound: value > bound,
    "le": lambda value, bound: value <= bound,
    "lt": lambda value, bound: value < bound,
    "min_length": lambda value, bound: len(value) >= bound,
    "max_length": lambda value, bound: len(value) <= bound,
}


def _bounds(mark: Field) -> list[tuple[str, str, Any]]:
    return [
        ("greater_than_equal", "ge", mark.ge),
        ("greater_than", "gt", mark.gt),
        ("less_than_equal", "le", mark.le),
        ("less_than", "lt", mark.lt),
        ("too_short", "min_length", mark.min_length),
        ("too_long", "max_length", mark.max_length),
    ]


def _section(section: type[Checked]) -> Check:
    fields = [(field, _built(field.hint)) for field in fields_of(section)]
    keys = {field.key for field, _ in fields}

    def check(value: Any, place: Place, problems: list[Problem]) -> Any:
        if isinstance(value, section):
            return value
        if not isinstance(value, dict):
            return _refuse(problems, place, "model_type", value)
        count = len(problems)
        data = section._before(cast("dict[str, Any]", value))  # pyright: ignore[reportPrivateUsage]
        values = {field.name: _value(field, one, data, place, problems) for field, one in fields}
        for key in data:
            if key not in keys:
                _refuse(problems, (*place, str(key)), "unknown_key", data[key])
        if len(problems) > count:
            return INVALID
        made = object.__new__(section)
        made.__dict__.update(values)
        try:
            made._check()  # pyright: ignore[reportPrivateUsage]
        except ValueError as error:
            return _refuse(problems, place, "value_error", value, {"error": error})
        return made

    return check


def _value(field: Named, check: Check, data: dict[str, Any], place: Place, problems: list[Problem]) -> Any:
    """Return the checked value of a field, or its default."""
    if field.key in data:
        return check(data[field.key], (*place, field.key), problems)
    if field.default is ...:
        return _refuse(problems, (*place, field.key), "missing", data)
    default: Any = field.default
    return dict(cast("dict[str, Any]", default)) if isinstance(default, dict) else default
