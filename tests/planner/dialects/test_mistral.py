"""Mistral: no thinking tokens."""

from tests.planner.dialects.requests import point, refusal


def test_mistral_takes_no_thinking_tokens():
    assert "chat takes no number of thinking tokens" in refusal("mistral", point("thinking_tokens", "off", 0.0))
