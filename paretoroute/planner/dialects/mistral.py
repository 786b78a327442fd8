"""Mistral's chat: ``client.chat.complete(messages=..., **kwargs)``.

The client drops a level of effort that it does not know without an error, and another point is called than was
planned: a level is refused here instead.

Reference: mistralai 3.7.0, ``client/chat.py`` and ``client/models/chatcompletionrequest.py``.
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import DialectError
from paretoroute.grid import Point
from paretoroute.planner.dialects.base import EFFORT_LEVELS, Dialect, chat_kwargs


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` with ``reasoning_effort`` or ``n``, and ``max_tokens``.

    Raises:
        DialectError: a thinking-token budget, or a label or amount that these arguments do not take.
    """
    if point.budget.kind == "thinking_tokens":
        raise DialectError(
            "chat takes no number of thinking tokens, only levels of reasoning_effort; leave the point out of the grid"
        )
    return chat_kwargs(point, output_cap_tokens, cap_name="max_tokens")


DIALECT = Dialect(express=request_kwargs, levels=EFFORT_LEVELS)
