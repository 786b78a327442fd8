"""A vLLM server, called by OpenAI's client: ``client.chat.completions.create(messages=..., **kwargs)``.

A thinking budget is vLLM's own field of the request, which the client passes through ``extra_body``, beside the switch
of the chat template; the server enforces the number only where it was started with ``--reasoning-config``. The switch
``enable_thinking`` is that of Qwen's templates: a template without it ignores it.

Reference: openai 3.57.0; vLLM, ``vllm/entrypoints/openai/chat_completion/protocol.py`` (``reasoning_effort``,
``thinking_token_budget``, ``chat_template_kwargs``). The server was not run.
"""

from __future__ import annotations

from typing import Any

from paretoroute.grid import Point
from paretoroute.planner.dialects.base import EFFORT_LEVELS, Dialect, chat_kwargs, check_room, thinking_tokens


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` with ``reasoning_effort``, ``extra_body`` or ``n``, and ``max_tokens``.

    Raises:
        DialectError: a label or amount that these arguments do not take, or a cap that is not above the thinking
            budget.
    """
    if point.budget.kind != "thinking_tokens":
        return chat_kwargs(point, output_cap_tokens, cap_name="max_tokens")
    tokens = thinking_tokens(point.budget, least=1)
    body: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": tokens > 0}}
    if tokens > 0:
        check_room(tokens, output_cap_tokens)
        body["thinking_token_budget"] = tokens
    kwargs: dict[str, Any] = {"model": point.model, "extra_body": body}
    if output_cap_tokens is not None:
        kwargs["max_tokens"] = output_cap_tokens
    return kwargs


DIALECT = Dialect(express=request_kwargs, levels=EFFORT_LEVELS)
