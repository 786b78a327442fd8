"""OpenAI's responses: ``client.responses.create(input=..., **kwargs)``.

A response is one answer: there is no ``n``, and samples are repeated calls. The cap is ``max_output_tokens``, which
counts hidden reasoning.

Reference: openai 3.57.0, ``types/responses/response_create_params.py`` and ``types/shared_params/reasoning.py``.
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import DialectError
from paretoroute.grid import Point
from paretoroute.planner.dialects.base import (
    EFFORT_LEVELS,
    Dialect,
    cap_of_choice,
    effort_level,
    no_argument,
    one_sample,
)


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` with ``reasoning``, and ``max_output_tokens``.

    Raises:
        DialectError: more than one sample, a thinking-token budget, or a label or amount that these arguments do not
            take.
    """
    kwargs: dict[str, Any] = {"model": point.model}
    cap = cap_of_choice(point.budget, output_cap_tokens, most_samples=1)
    match point.budget.kind:
        case "effort":
            kwargs["reasoning"] = {"effort": effort_level(point.budget)}
        case "thinking_tokens":
            raise DialectError(
                "responses takes no number of thinking tokens, only levels of reasoning effort; "
                "use the dialect litellm, or leave the point out of the grid"
            )
        case "none" | "samples" | "max_tokens":
            pass
        case _:
            raise no_argument(point.budget)
    if cap is not None:
        kwargs["max_output_tokens"] = cap
    return kwargs


DIALECT = Dialect(express=request_kwargs, levels=EFFORT_LEVELS, most_samples=one_sample)
