"""Gemini: levels for Gemini 3, budgets for Gemini 2.5, candidates."""

import pytest

from paretoroute.planner.dialects import request_kwargs
from tests.planner.dialects.requests import point, refusal


@pytest.mark.parametrize("level", ["minimal", "low", "medium", "high", "xhigh"])
def test_an_effort_is_a_thinking_level(level: str):
    assert request_kwargs("gemini", point("effort", level), output_cap_tokens=900) == {
        "model": "m",
        "config": {"thinking_config": {"thinking_level": level.upper()}, "max_output_tokens": 900},
    }


@pytest.mark.parametrize("label", ["none", "off", "max"])
def test_levels_of_other_clients_are_refused(label: str):
    assert f"effort {label!r} is not one of minimal, low, medium, high, xhigh, the levels" in refusal(
        "gemini", point("effort", label)
    )


@pytest.mark.parametrize(
    ("label", "amount", "sent"), [("off", None, 0), ("0", 0.0, 0), ("auto", -1.0, -1), ("t", 1, 1)]
)
def test_a_thinking_budget_is_a_number(label: str, amount: float | None, sent: int):
    kwargs = request_kwargs("gemini", point("thinking_tokens", label, amount), output_cap_tokens=None)

    assert kwargs == {"model": "m", "config": {"thinking_config": {"thinking_budget": sent}}}
    assert type(kwargs["config"]["thinking_config"]["thinking_budget"]) is int


def test_a_thinking_budget_is_below_the_cap_where_there_is_one():
    assert "must be above the 900 thinking tokens" in refusal("gemini", point("thinking_tokens", "t", 900.0), 900)
    assert "at least 1, got -7" in refusal("gemini", point("thinking_tokens", "t", -7.0), 900)


def test_at_most_eight_candidates():
    eight = request_kwargs("gemini", point("samples", "8", 8.0), output_cap_tokens=80)

    assert eight == {"model": "m", "config": {"candidate_count": 8, "max_output_tokens": 10}}
    assert "a whole number from 1 to 8, got 9" in refusal("gemini", point("samples", "9", 9.0))


def test_a_call_without_settings_has_no_config():
    assert request_kwargs("gemini", point(), output_cap_tokens=None) == {"model": "m"}
    assert "no argument for a budget of kind 'agents'" in refusal("gemini", point("agents", "3", 3.0))
