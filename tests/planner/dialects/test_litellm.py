"""LiteLLM: thinking tokens, and the room above them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.planner.dialects import request_kwargs
from tests.planner.dialects.requests import point, refusal


@pytest.mark.parametrize(("thinking", "cap"), [(1024, 1025), (8000, 20_000)])
def test_litellm_thinks_within_its_budget(thinking: int, cap: int):
    kwargs = request_kwargs("litellm", point("thinking_tokens", "t", float(thinking)), output_cap_tokens=cap)

    assert kwargs == {"model": "m", "thinking": {"type": "enabled", "budget_tokens": thinking}, "max_tokens": cap}
    assert type(kwargs["thinking"]["budget_tokens"]) is int


@pytest.mark.parametrize(("label", "amount"), [("off", None), ("off", 0.0), ("0", 0.0), ("direct", -0.0)])
@pytest.mark.parametrize("cap", [None, 1, 500])
def test_litellm_switches_thinking_off(label: str, amount: float | None, cap: int | None):
    kwargs = request_kwargs("litellm", point("thinking_tokens", label, amount), output_cap_tokens=cap)

    assert kwargs == {"model": "m", "thinking": {"type": "disabled"}} | ({} if cap is None else {"max_tokens": cap})


@pytest.mark.parametrize("cap", [8000, 7999, 1])
def test_litellm_refuses_a_cap_that_thinking_would_eat(cap: int):
    message = refusal("litellm", point("thinking_tokens", "8k", 8000.0), cap=cap)

    assert message == (
        f"dialect 'litellm' cannot express point 'm@8k': the output cap of {cap} tokens must be above the 8000 "
        "thinking tokens, which count towards it; raise the cap or take a point that thinks less"
    )


def test_litellm_makes_up_no_cap_for_thinking():
    message = refusal("litellm", point("thinking_tokens", "8k", 8000.0), cap=None)

    assert message == (
        "dialect 'litellm' cannot express point 'm@8k': thinking needs an output cap; give output_cap_tokens above 8000"
    )


@pytest.mark.parametrize("amount", [1.0, 1023.0, 2048.5, -1.0, float("nan"), float("inf")])
def test_litellm_refuses_a_thinking_budget_that_cannot_be_sent(amount: float):
    message = refusal("litellm", point("thinking_tokens", "t", amount))

    assert message == (
        "dialect 'litellm' cannot express point 'm@t': its thinking_tokens budget must be a whole number of at least "
        f"1024, got {amount:.16g}; correct the column budget, or leave the point out of the grid"
    )


def test_litellm_parses_no_label_for_thinking_tokens():
    assert "has no amount, and the label '8000' is never parsed" in refusal("litellm", point("thinking_tokens", "8000"))


def test_litellm_refuses_a_budget_that_is_off_and_has_tokens():
    message = refusal("litellm", point("thinking_tokens", "off", 2048.0))

    assert message == (
        "dialect 'litellm' cannot express point 'm@off': its thinking_tokens budget is labelled off and has the "
        "amount 2048; correct either"
    )


@given(thinking=st.integers(1024, 200_000), cap=st.integers(1, 400_000))
def test_litellm_always_leaves_room_above_the_thinking(thinking: int, cap: int):
    drawn = point("thinking_tokens", "t", float(thinking))

    if cap <= thinking:
        assert "must be above" in refusal("litellm", drawn, cap=cap)
    else:
        kwargs = request_kwargs("litellm", drawn, output_cap_tokens=cap)
        assert kwargs["thinking"]["budget_tokens"] == thinking < kwargs["max_tokens"] == cap
