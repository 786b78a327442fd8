"""From an operating point to the arguments of a client call: one dialect per file, loaded when it is first used.

Pass the arguments to the client beside your own messages, keys and sampling parameters. They define the point: change
none of them, and switch off what would (``drop_params``, a router's own fallbacks), or the log names another point than
the one called.

A new dialect is one file here, whose function ``request_kwargs`` is a
:class:`~paretoroute.planner.dialects.base.Dialect`, and its name in ``DIALECTS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from paretoroute.errors import DialectError, shown
from paretoroute.grid import Point
from paretoroute.planner.dialects.base import MAX_TOKENS, Dialect, whole_cap

DIALECTS = ("litellm", "openai")  # each the name of a module in this folder


def request_kwargs(dialect: str, point: Point, *, output_cap_tokens: int | None) -> dict[str, Any]:
    """Return the arguments with which a client calls exactly this point.

    Args:
        dialect: one of ``DIALECTS``.
        point: the point to call.
        output_cap_tokens: most completion tokens of the whole call, hidden reasoning included; at a samples point it
            is divided among the samples. None: no cap but the point's own.

    Returns:
        A new dictionary of plain values: the model, the compute setting and the cap, nothing else. At a samples point
        the answer has several choices; the vote is the caller's.

    Raises:
        DialectError: the dialect is unknown, the cap is no positive whole number, or the dialect cannot express the
            point under this cap.

    Example:
        >>> from paretoroute.grid import Budget
        >>> request_kwargs("openai", Point("gpt-5", Budget("effort", "low")), output_cap_tokens=2000)
        {'model': 'gpt-5', 'reasoning_effort': 'low', 'max_completion_tokens': 2000}
    """
    express = _load(dialect)
    cap = whole_cap(output_cap_tokens)
    try:
        return express(point, cap)
    except DialectError as reason:
        raise DialectError(f"dialect {dialect!r} cannot express point {point.name!r}: {reason}") from None


def check(dialect: str, points: Iterable[Point]) -> None:
    """Check that a dialect can express every point, given a high enough output cap.

    Raises:
        DialectError: the dialect is unknown, or cannot express some points; each of them is named, with the reason.
    """
    express = _load(dialect)
    refused: list[str] = []
    for point in points:
        try:
            express(point, MAX_TOKENS + 1)
        except DialectError as reason:
            refused.append(f"  {point.name!r}: {reason}")
    if refused:
        raise DialectError("\n".join([f"dialect {dialect!r} cannot express points of this grid:", *refused]))


def _load(dialect: str) -> Dialect:
    if not isinstance(dialect, str) or dialect not in DIALECTS:
        raise DialectError(f"dialect {shown(dialect)} is unknown; use one of {', '.join(DIALECTS)}")
    return importlib.import_module(f"{__name__}.{dialect}").request_kwargs
