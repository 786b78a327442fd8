"""From an operating point to the arguments of a client call: one dialect per file, loaded when it is first used.

Pass the arguments to the client beside your own messages, keys and sampling parameters. They define the point: change
none of them, and switch off what would (``drop_params``, a router's own fallbacks), or the log names another point than
the one called.

A new dialect is one file here, whose ``DIALECT`` is a :class:`~paretoroute.planner.dialects.base.Dialect`, and its
name in ``DIALECTS``.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from paretoroute.errors import DialectError, shown
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects.base import MAX_TOKENS, Dialect, whole_amount, whole_cap

DIALECTS = (  # each the name of a module in this folder
    "anthropic",
    "gemini",
    "litellm",
    "mistral",
    "openai",
    "openai_responses",
    "vllm",
)


class CallSplit(NamedTuple):
    """The calls of a point.

    Args:
        calls: how many calls are made.
        point: the point of each of them.
    """

    calls: int
    point: Point


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
    loaded = load(dialect)
    cap = whole_cap(output_cap_tokens)
    try:
        return loaded.express(point, cap)
    except DialectError as reason:
        raise DialectError(f"dialect {dialect!r} cannot express point {point.name!r}: {reason}") from None


def check(dialect: str, points: Iterable[Point], *, repeat_calls: bool = False) -> None:
    """Check that a dialect can express every point, given a high enough output cap, and each by a request of its own.

    Args:
        dialect: one of ``DIALECTS``.
        points: the points of a grid.
        repeat_calls: whether the caller repeats calls for the samples that one call cannot hold.

    Raises:
        DialectError: the dialect is unknown, cannot express some points, or sends the same request for two of them;
            each of them is named, with the reason.
    """
    load(dialect)
    refused: list[str] = []
    by_body: dict[str, list[str]] = {}
    for point in points:
        try:
            body = _body(dialect, point, repeat_calls=repeat_calls)
        except DialectError as reason:
            refused.append(f"  {point.name!r}: {reason}")
        else:
            by_body.setdefault(json.dumps(body, sort_keys=True), []).append(repr(point.name))
    if refused:
        raise DialectError("\n".join([f"dialect {dialect!r} cannot express points of this grid:", *refused]))
    same = [f"  {', '.join(names)}" for names in by_body.values() if len(names) > 1]
    if same:
        opening = f"dialect {dialect!r} sends the same request for several points of this grid, which are one point:"
        advice = "give their runs one budget_kind and budget_label and fit again, or leave all but one out of the grid"
        raise DialectError("\n".join([opening, *same, advice]))


def load(dialect: str) -> Dialect:
    """Return a dialect by its name.

    Raises:
        DialectError: the dialect is unknown.
    """
    if not isinstance(dialect, str) or dialect not in DIALECTS:
        raise DialectError(f"dialect {shown(dialect)} is unknown; use one of {', '.join(DIALECTS)}")
    return importlib.import_module(f"{__name__}.{dialect}").DIALECT


def split(dialect: str, point: Point) -> CallSplit:
    """Divide the samples of a point among calls: all in one where the client can, else one in each.

    Raises:
        DialectError: the dialect is unknown, or the number of samples is missing or not whole.
    """
    loaded = load(dialect)
    if point.budget.kind != "samples":
        return CallSplit(1, point)
    samples = whole_amount(point.budget, least=1)
    if samples <= loaded.most_samples(point.model):
        return CallSplit(1, point)
    return CallSplit(samples, Point(point.model, Budget()))


def _body(dialect: str, point: Point, *, repeat_calls: bool) -> dict[str, Any]:
    """Return what tells the request of a point apart from those of others, at a high enough output cap."""
    loaded = load(dialect)
    calls, called = split(dialect, point) if repeat_calls else CallSplit(1, point)
    cap = loaded.most_output_tokens(point.model) or MAX_TOKENS + 1
    return {"calls": calls, **loaded.wire(called, loaded.express(called, cap))}
