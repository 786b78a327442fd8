"""Points to express, and what a request may hold."""

import pytest

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import request_kwargs

CAP_NAMES = {"openai": "max_completion_tokens", "litellm": "max_tokens"}


ALLOWED_KEYS = {
    "openai": {"model", "reasoning_effort", "n", "max_completion_tokens"},
    "litellm": {"model", "reasoning_effort", "thinking", "n", "max_tokens"},
}


def point(kind: str = "none", label: str = "default", amount: float | None = None) -> Point:
    return Point("m", Budget(kind, label, amount))


def refusal(dialect: str, refused: Point, cap: int | None = 100_000) -> str:
    with pytest.raises(DialectError) as caught:
        request_kwargs(dialect, refused, output_cap_tokens=cap)
    return str(caught.value)
