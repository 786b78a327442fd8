"""How the numbers of a table are written, told from those that can be read in one way alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from paretoroute.query import Misfit
from paretoroute.runs.written_numbers import with_point

_NUMBER = re.compile(r"[^\w]{0,3}\s*[+-]?[.,]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?\s*[^\s0-9]{0,12}", re.A)
_COMMA = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|(?:0|[0-9]{4,})?,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,}))")
_POINT = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|(?:0|[0-9]{4,})?\.[0-9]+|[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,}))")
_DIGITS = re.compile(r"[0-9.,]*[0-9]", re.A)


def decimal_of(values: Mapping[str, list[Any]]) -> str:
    """Return what stands before decimals in the texts that are numbers: ``,``, ``.``, or ``""`` where none is certain.

    Example:
        >>> decimal_of({"a": ["0,5", "1.234"]}), decimal_of({"a": ["0.5", "1,234"]}), decimal_of({"a": ["1.234"]})
        (',', '.', '')
    """
    written = [text for column in values.values() if _are_numbers(column) for text in column if isinstance(text, str)]
    numbers = [match.group() for text in written if (match := _DIGITS.search(text))]
    is_comma, is_point = (any(map(form.fullmatch, numbers)) for form in (_COMMA, _POINT))
    return "" if is_comma == is_point else "," if is_comma else "."


def pointed(values: Mapping[str, list[Any]], decimal: str) -> dict[str, list[Any]]:
    """Return values with a decimal point in the texts that are numbers."""
    return {
        name: [_pointed(value, decimal) for value in column] if _are_numbers(column) else column
        for name, column in values.items()
    }


def _are_numbers(column: list[Any]) -> bool:
    return all(not isinstance(value, str) or _NUMBER.fullmatch(value.strip()) for value in column)


def _pointed(value: object, decimal: str) -> object:
    try:
        return with_point(value, decimal) if isinstance(value, str) else value
    except Misfit:
        return value
