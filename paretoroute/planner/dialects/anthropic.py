"""Anthropic's messages: ``client.messages.create(messages=..., **kwargs)``.

An effort is sent with adaptive thinking, which Claude 4.6 and later take; a number of thinking tokens with thinking
enabled, which Claude 4.6 and earlier take. There is no ``n``: samples are repeated calls.

``max_tokens`` is required, and counts thinking. Without streaming, the client refuses a call that could take more than
ten minutes by its own estimate of an hour for 128,000 tokens: a cap above 21,333 tokens, or above 8,192 for the first
Claude 4 Opus models. The planner keeps its caps within that; where a point has no cap, the largest is sent.

Reference: anthropic 2.14.0, ``types/message_create_params.py``, ``types/output_config_param.py``, ``_constants.py`` and
``_base_client.py`` (``_calculate_nonstreaming_timeout``).
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import DialectError
from paretoroute.grid import Point
from paretoroute.planner.dialects.base import (
    Dialect,
    cap_of_choice,
    check_room,
    effort_level,
    no_argument,
    one_sample,
    thinking_tokens,
    whole_amount,
)

LEVELS = ("low", "medium", "high", "xhigh", "max")
MIN_THINKING_TOKENS = 1024  # Anthropic's API reference, `thinking.budget_tokens`
MOST_OUTPUT_TOKENS = 21_333  # 128,000 tokens an hour for ten minutes
MOST_OUTPUT_TOKENS_OF_OPUS_4 = 8192
_OPUS_4 = frozenset(  # MODEL_NONSTREAMING_TOKENS of the client, which looks names up as they stand
    {
        "claude-opus-4-20250514",
        "claude-opus-4-0",
        "claude-4-opus-20250514",
        "anthropic.claude-opus-4-20250514-v1:0",
        "claude-opus-4@20250514",
        "anthropic.claude-opus-4-1-20250805-v1:0",
        "claude-opus-4-1@20250805",
    }
)


def most_output_tokens(model: str) -> int:
    """Return the largest ``max_tokens`` that the client takes without streaming."""
    return MOST_OUTPUT_TOKENS_OF_OPUS_4 if model in _OPUS_4 else MOST_OUTPUT_TOKENS


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` and ``max_tokens``, with ``output_config`` and ``thinking``.

    Raises:
        DialectError: more than one sample, a label or amount that these arguments do not take, a cap that the client
            refuses without streaming, or one that is not above the thinking budget.
    """
    most = most_output_tokens(point.model)
    cap = cap_of_choice(point.budget, output_cap_tokens, most_samples=1) or most
    own = whole_amount(point.budget, least=1) if point.budget.kind == "max_tokens" else cap
    if max(cap, own) > most:
        raise DialectError(
            f"the client refuses a cap of {max(cap, own)} output tokens without streaming; cap at {most} or less"
        )
    kwargs: dict[str, Any] = {"model": point.model, "max_tokens": cap}
    match point.budget.kind:
        case "effort":
            effort = effort_level(point.budget, LEVELS)
            kwargs |= {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
        case "thinking_tokens":
            kwargs["thinking"] = _thinking(thinking_tokens(point.budget, least=MIN_THINKING_TOKENS), cap)
        case "none" | "samples" | "max_tokens":
            pass
        case _:
            raise no_argument(point.budget)
    return kwargs


def _thinking(tokens: int, cap: int) -> dict[str, Any]:
    if tokens == 0:
        return {"type": "disabled"}
    check_room(tokens, cap)
    return {"type": "enabled", "budget_tokens": tokens}


DIALECT = Dialect(express=request_kwargs, levels=LEVELS, most_samples=one_sample, most_output_tokens=most_output_tokens)
