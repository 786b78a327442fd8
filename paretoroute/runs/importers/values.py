"""Single values of foreign logs: nested fields, JSON inside text, numbers, times."""

from __future__ import annotations

import ast
import datetime
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from paretoroute.query import Misfit, sound
from paretoroute.runs.values import number_in_text

_STARS = re.compile(r"\s*((?:[★⭐]\ufe0f?)*)[☆\s\ufe0f]*")
_OUT_OF = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:/\s*[0-9]+|(?:out )?of [0-9]+|stars?|points?)?\s*", re.A | re.I)
_MISSING = ("", "none", "null", "nan", "n/a")
_YES = ("true", "1", "yes")
_NO = ("false", "0", "no")
_MOST_DIGITS = 4000  # Python writes no more than 4300
_LONGEST_LITERAL = 10**6  # characters
_MOST_SECONDS = 1e11  # a larger number of a time counts milliseconds, microseconds or nanoseconds


def dig(value: object, *keys: str) -> Any:
    """Return a nested field, through objects and through JSON text; None where it is missing."""
    for key in keys:
        value = parsed(value)
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def mapping(value: object, *keys: str) -> Mapping[str, Any]:
    """Return a nested object; an empty one where it is missing or no object."""
    inner = parsed(dig(value, *keys))
    return inner if isinstance(inner, Mapping) else {}


def items(value: object, *keys: str) -> list[Any]:
    """Return a nested list; an empty one where it is missing or no list."""
    inner = parsed(dig(value, *keys))
    return inner if isinstance(inner, list) else []


def parsed(value: object) -> object:
    """Return the object or list that a text is the JSON of, or the value itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def canonical(value: object) -> str:
    """Return a value as JSON, the same whatever the order of its keys; ``""`` for nothing, and for what is too deep."""
    try:
        return json.dumps(value, sort_keys=True, default=str) if value else ""
    except (RecursionError, TypeError, ValueError):
        return ""


def literal(value: object) -> object:
    """Return the object or list that a text is the Python literal of, or the value itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[") or len(value) > _LONGEST_LITERAL:
        return value
    if not isinstance(parsed(value), str):
        return value
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value


def first(*values: object) -> Any:
    """Return the first value that is neither None nor an empty text."""
    return next((value for value in values if value is not None and value != ""), None)


def number(value: object) -> float | None:
    """Return a finite number, or the one that a text holds; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        try:
            read = number_in_text(value)
        except Misfit:
            return None
    else:
        try:
            read = float(value)  # pyright: ignore[reportArgumentType]  # whatever is no number raises
        except (TypeError, ValueError, OverflowError):
            return None
    return read if math.isfinite(read) else None


def count(value: object) -> float | None:
    """Return a number of at least 0; None for anything else."""
    read = number(value)
    return read if read is not None and read >= 0 else None


def text(value: object) -> str:
    """Return a text or the digits of a whole number; ``""`` for anything else, and for words that mean nothing.

    A text with half a character, which no file can hold, is ``""`` too.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**_MOST_DIGITS else ""
    if not isinstance(value, str) or value.strip().casefold() in _MISSING:
        return ""
    try:
        return sound(value.strip())
    except Misfit:
        return ""


def is_true(value: object) -> bool:
    """Return whether a value means yes: True, 1, or such a word."""
    return str(value).strip().casefold() in _YES


def is_false(value: object) -> bool:
    """Return whether a value means no: False, 0, or such a word."""
    return str(value).strip().casefold() in _NO


def seconds(value: object) -> float | None:
    """Return a time in seconds since 1970; a time without a zone is UTC, and None stands for anything else.

    Example:
        >>> seconds("2026-11-26 11:26:43.5"), seconds("2026-11-26T11:26:43.5Z"), seconds(1795692403500)
        (1795692403.5, 1795692403.5, 1795692403.5)
    """
    if isinstance(value, str) and (value[:4].isdigit() and value[4:5] == "-"):
        try:
            value = datetime.datetime.fromisoformat(value.strip().removesuffix(" UTC"))
        except ValueError:
            return None
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).timestamp()
    read = number(value)
    while read is not None and read >= _MOST_SECONDS:
        read /= 1000
    return read


def between(start: object, end: object) -> float | None:
    """Return the seconds between two times; None if one is missing or the end is not later: no call takes no time."""
    first_s, last_s = seconds(start), seconds(end)
    return None if first_s is None or last_s is None or last_s <= first_s else last_s - first_s


def stars_in(text: str) -> float | None:
    """Return the number of a rating that is drawn or has words beside it; None if the text is none.

    Example:
        >>> stars_in("★★★☆☆"), stars_in("4/5"), stars_in("2 stars"), stars_in("good")
        (3.0, 4.0, 2.0, None)
    """
    drawn, written = _STARS.fullmatch(text), _OUT_OF.fullmatch(text)
    if drawn and drawn.group(1):
        return float(len(drawn.group(1).replace("\ufe0f", "")))
    return float(written.group(1)) if written else None
