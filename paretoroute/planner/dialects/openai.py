"""OpenAI's chat completions: ``client.chat.completions.create(messages=..., **kwargs)``.

The cap is ``max_completion_tokens``, which counts hidden reasoning: a low one can be used up before the first word
of the answer, and is billed all the same. Cap at a high quantile of the forecast tokens, and treat
``finish_reason == "length"`` as an outcome of its own.

Reference: openai 3.57.0, ``types/chat/completion_create_params.py`` and ``types/shared/reasoning_effort.py``.
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import DialectError
from paretoroute.grid import Point
from paretoroute.planner.dialects.base import EFFORT_LEVELS, Dialect, chat_kwargs


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` with ``reasoning_effort`` or ``n``, and ``max_completion_tokens``.

    Raises:
        DialectError: a thinking-token budget, or a label or amount that these arguments do not take.
    """
    if point.budget.kind == "thinking_tokens":
        raise DialectError(
            "chat completions takes no number of thinking tokens, only levels of reasoning_effort; "
            "use the dialect litellm, or leave the point out of the grid"
        )
    return chat_kwargs(point, output_cap_tokens, cap_name="max_completion_tokens")


DIALECT = Dialect(express=request_kwargs, levels=EFFORT_LEVELS)
