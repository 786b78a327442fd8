"""Anthropic: effort with adaptive thinking, thinking budgets, and the cap that each call needs."""

import pytest

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import check, request_kwargs
from tests.planner.dialects.requests import point, refusal


@pytest.mark.parametrize("level", ["low", "medium", "high", "xhigh", "max"])
def test_an_effort_is_sent_with_adaptive_thinking(level: str):
    assert request_kwargs("anthropic", point("effort", level), output_cap_tokens=900) == {
        "model": "m",
        "max_tokens": 900,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": level},
    }


@pytest.mark.parametrize("label", ["none", "off", "minimal"])
def test_levels_of_other_clients_are_refused(label: str):
    assert f"effort {label!r} is not one of low, medium, high, xhigh, max, the levels" in refusal(
        "anthropic", point("effort", label), 900
    )


def test_a_thinking_budget_is_below_the_cap():
    eight = point("thinking_tokens", "8k", 8000.0)

    assert request_kwargs("anthropic", eight, output_cap_tokens=8001) == {
        "model": "m",
        "max_tokens": 8001,
        "thinking": {"type": "enabled", "budget_tokens": 8000},
    }
    assert "the output cap of 8000 tokens must be above the 8000 thinking" in refusal("anthropic", eight, 8000)
    assert "at least 1024, got 1023" in refusal("anthropic", point("thinking_tokens", "t", 1023.0), 8000)


@pytest.mark.parametrize(("label", "amount"), [("off", None), ("0", 0.0)])
def test_thinking_off_is_disabled(label: str, amount: float | None):
    sent = request_kwargs("anthropic", point("thinking_tokens", label, amount), output_cap_tokens=1)

    assert sent == {"model": "m", "max_tokens": 1, "thinking": {"type": "disabled"}}


@pytest.mark.parametrize(("model", "most"), [("claude-opus-4-6", 21_333), ("claude-opus-4-0", 8192)])
def test_a_call_without_a_cap_gets_the_largest_that_the_client_takes_without_streaming(model: str, most: int):
    plain = Point(model, Budget())

    assert request_kwargs("anthropic", plain, output_cap_tokens=None) == {"model": model, "max_tokens": most}
    assert request_kwargs("anthropic", plain, output_cap_tokens=most)["max_tokens"] == most
    with pytest.raises(DialectError, match=f"refuses a cap of {most + 1} output tokens without streaming"):
        request_kwargs("anthropic", plain, output_cap_tokens=most + 1)


@pytest.mark.parametrize("refused", [point("thinking_tokens", "32k", 32e3), point("max_tokens", "long", 3e4)])
def test_a_budget_above_the_largest_cap_is_refused_at_load(refused: Point):
    with pytest.raises(DialectError, match=f"{refused.name!r}: the "):
        check("anthropic", [refused])


def test_another_kind_of_budget_is_refused():
    assert "no argument for a budget of kind 'agents'" in refusal("anthropic", point("agents", "3", 3.0), 900)
