"""OpenAI: no thinking tokens, and arguments that its client knows."""

from typing import get_args, get_type_hints

import pytest

from paretoroute.planner.dialects.base import EFFORT_LEVELS
from tests.planner.dialects.requests import ALLOWED_KEYS, point, refusal


@pytest.mark.parametrize(("label", "amount"), [("8000", 8000.0), ("off", 0.0), ("off", None), ("0", 0.0)])
def test_openai_takes_no_thinking_tokens_not_even_none_of_them(label: str, amount: float | None):
    message = refusal("openai", point("thinking_tokens", label, amount))

    assert message == (
        f"dialect 'openai' cannot express point 'm@{label}': chat completions takes no number of thinking tokens, "
        "only levels of reasoning_effort; use the dialect litellm, or leave the point out of the grid"
    )


def test_the_openai_client_knows_every_argument_and_level():
    pytest.importorskip("openai")
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
    from openai.types.shared.reasoning_effort import ReasoningEffort

    literal = next(kind for kind in get_args(ReasoningEffort) if kind is not type(None))

    assert ALLOWED_KEYS["openai"] <= get_type_hints(CompletionCreateParamsNonStreaming).keys()
    assert set(get_args(literal)) == set(EFFORT_LEVELS)
