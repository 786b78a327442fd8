"""Google's genai: ``client.models.generate_content(contents=..., **kwargs)``, all settings in ``config``.

An effort is a thinking level, which Gemini 3 and later take; a number of thinking tokens is a thinking budget, which
Gemini 2.5 takes: 0 switches thinking off, -1 leaves the number to the model. Both at once are an error of the provider;
a point never has both. ``max_output_tokens`` counts thinking.

Reference: google-genai 3.6.1, ``types.py`` (``GenerateContentConfig``, ``ThinkingConfig``, ``ThinkingLevel``), whose
client sends a level that it does not know with no more than a warning.
"""

from __future__ import annotations

from typing import Any

from paretoroute.grid import Point
from paretoroute.planner.dialects.base import (
    Dialect,
    cap_of_choice,
    check_room,
    effort_level,
    no_argument,
    thinking_tokens,
    whole_amount,
)

LEVELS = ("minimal", "low", "medium", "high", "xhigh")
MAX_CANDIDATES = 8  # Gemini API reference, `candidateCount`
AUTOMATIC = -1


def candidates(model: str) -> int:
    """Return the most candidates of one call."""
    return MAX_CANDIDATES


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model``, and ``config`` with ``thinking_config``, ``candidate_count``, ``max_output_tokens``.

    Raises:
        DialectError: a label or amount that these arguments do not take, or a cap that is not above the thinking
            budget.
    """
    config: dict[str, Any] = {}
    cap = cap_of_choice(point.budget, output_cap_tokens, most_samples=MAX_CANDIDATES)
    match point.budget.kind:
        case "effort":
            config["thinking_config"] = {"thinking_level": effort_level(point.budget, LEVELS).upper()}
        case "thinking_tokens":
            config["thinking_config"] = {"thinking_budget": _thinking_budget(point, cap)}
        case "samples":
            config["candidate_count"] = whole_amount(point.budget, least=1, most=MAX_CANDIDATES)
        case "none" | "max_tokens":
            pass
        case _:
            raise no_argument(point.budget)
    if cap is not None:
        config["max_output_tokens"] = cap
    return {"model": point.model, "config": config} if config else {"model": point.model}


def _thinking_budget(point: Point, cap: int | None) -> int:
    if point.budget.amount == AUTOMATIC:
        return AUTOMATIC
    tokens = thinking_tokens(point.budget, least=1)
    if tokens > 0:
        check_room(tokens, cap)
    return tokens


DIALECT = Dialect(express=request_kwargs, levels=LEVELS, most_samples=candidates)
