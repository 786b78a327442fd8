"""vLLM: its own fields travel in the extra body."""

import pytest

from paretoroute.planner.dialects import request_kwargs
from tests.planner.dialects.requests import point, refusal


def test_a_thinking_budget_is_a_field_of_the_server():
    assert request_kwargs("vllm", point("thinking_tokens", "512", 512.0), output_cap_tokens=900) == {
        "model": "m",
        "extra_body": {"chat_template_kwargs": {"enable_thinking": True}, "thinking_token_budget": 512},
        "max_tokens": 900,
    }
    assert "must be above the 512 thinking tokens" in refusal("vllm", point("thinking_tokens", "512", 512.0), 512)


@pytest.mark.parametrize(("label", "amount"), [("off", None), ("0", 0.0)])
def test_thinking_off_is_a_switch_of_the_template(label: str, amount: float | None):
    assert request_kwargs("vllm", point("thinking_tokens", label, amount), output_cap_tokens=None) == {
        "model": "m",
        "extra_body": {"chat_template_kwargs": {"enable_thinking": False}},
    }
