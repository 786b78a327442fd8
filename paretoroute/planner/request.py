"""Check what a caller passes to the planner."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

from paretoroute.errors import QueryError, TargetError
from paretoroute.query import Misfit, Query, query_text


def text_of(query: Query | None) -> str | None:
    """Return the text of a query, None for None."""
    if query is None:
        return None
    try:
        return query_text(query)
    except Misfit as error:
        raise QueryError(f"the query: {error}") from None


def unknown_model(name: str, known: Sequence[str]) -> str:
    """Return the message for a model that is not in the grid."""
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.3) or known[:5]
    return f"unknown model {name!r}; near: {', '.join(repr(other) for other in near)}"


def check_id(query_id: object) -> None:
    """Refuse a query id that is not text."""
    if query_id is not None and not isinstance(query_id, str):
        raise QueryError(f"query_id must be text, got {query_id!r}; write str({query_id!r})")


def positive(name: str, value: float) -> float:
    """Return a number greater than 0, or refuse it."""
    if not (math.isfinite(value) and value > 0):
        raise TargetError(f"{name} must be a positive number, got {value}")
    return float(value)


def not_negative(name: str, value: float) -> float:
    """Return a number of at least 0, or refuse it."""
    if not (math.isfinite(value) and value >= 0):
        raise TargetError(f"{name} must not be negative, got {value}")
    return float(value)


def fraction(name: str, value: float) -> float:
    """Return a number in [0, 1], or refuse it."""
    if not 0 <= value <= 1:
        raise TargetError(f"{name} must lie in [0, 1], got {value}")
    return float(value)
