"""Which point the arguments of a request make, whatever names they go by."""

from typing import Any

import pytest

from paretoroute.grid import Budget, Point
from paretoroute.serving.litellm.arguments import StandingCall, call_arguments, is_call_of, lowest_cap

EFFORT, THINKING = Budget("effort", "high"), Budget("thinking_tokens", "2048", 2048.0)
SAMPLES, CAP = Budget("samples", "3", 3.0), Budget("max_tokens", "500", 500.0)


def standing(budget: Budget, model: str = "gpt-5", cap: int | None = 4000) -> StandingCall:
    """Return the call of a point, whose decision is not read."""
    point, decision = Point(model, budget), object()
    arguments = call_arguments(point, None if budget.kind == "max_tokens" else cap)
    return StandingCall(point=point, output_cap_tokens=cap, arguments=arguments, decision=decision)  # type: ignore[arg-type]  # a stand-in


@pytest.mark.parametrize(
    ("call", "request_of_it"),
    [
        (standing(EFFORT), {"reasoning_effort": "high"}),
        (standing(EFFORT), {"reasoning_effort": {"effort": "high", "summary": "auto"}, "max_tokens": 7}),
        (standing(EFFORT), {"reasoning": {"effort": "HIGH"}, "max_completion_tokens": 7}),
        (standing(THINKING, "claude-sonnet-4-5"), {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (standing(THINKING, "claude-sonnet-4-5"), {"thinking_budget": 2048, "max_output_tokens": 9000}),
        (standing(SAMPLES, "gpt-4.1"), {"n": 3}),
        (standing(CAP, "gpt-4.1"), {"max_tokens": 500}),
        (standing(CAP, "gpt-4.1"), {"max_completion_tokens": 500}),
        (standing(CAP, "gpt-4.1"), {"max_output_tokens": 500}),
        (standing(Budget(), "gpt-4.1"), {"max_tokens": 12}),
    ],
)
def test_a_point_is_recognised_by_any_of_the_names_of_its_arguments(call, request_of_it):
    assert is_call_of(call, request_of_it)


@pytest.mark.parametrize(
    ("call", "other"),
    [
        (standing(EFFORT), {"reasoning_effort": "low"}),
        (standing(EFFORT), {}),
        (standing(EFFORT), {"reasoning_effort": "high", "n": 2}),
        (standing(THINKING, "claude-sonnet-4-5"), {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        (standing(SAMPLES, "gpt-4.1"), {"n": 2}),
        (standing(CAP, "gpt-4.1"), {"max_completion_tokens": 400}),
        (standing(CAP, "gpt-4.1"), {}),
        (standing(Budget(), "gpt-4.1"), {"reasoning": {"effort": "low"}}),
    ],
)
def test_another_point_is_not(call, other):
    assert not is_call_of(call, other)


@pytest.mark.parametrize(
    ("arguments", "cap"),
    [
        ({"max_tokens": 9, "max_completion_tokens": 5}, 5),
        ({"max_output_tokens": 4}, 4),
        ({"max_tokens": True, "max_output_tokens": "8"}, None),
        ({"max_tokens": 0}, None),
    ],
)
def test_the_lowest_cap_of_all_names_counts(arguments: dict[str, Any], cap: int | None):
    assert lowest_cap(arguments) == cap
