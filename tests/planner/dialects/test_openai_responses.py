"""OpenAI's responses: reasoning in a dictionary, and no n."""

from paretoroute.planner.dialects import request_kwargs
from tests.planner.dialects.requests import point, refusal


def test_an_effort_is_part_of_reasoning():
    assert request_kwargs("openai_responses", point("effort", "off"), output_cap_tokens=900) == {
        "model": "m",
        "reasoning": {"effort": "none"},
        "max_output_tokens": 900,
    }


def test_what_responses_lack_is_refused():
    assert "responses takes no number of thinking tokens" in refusal(
        "openai_responses", point("thinking_tokens", "8k", 8e3)
    )
    assert "no argument for a budget of kind 'agents'" in refusal("openai_responses", point("agents", "3", 3.0))
