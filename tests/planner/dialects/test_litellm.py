"""LiteLLM: thinking tokens, and the room above them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import check, request_kwargs
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


def of(model: str, kind: str, label: str, amount: float | None = None) -> Point:
    return Point(model, Budget(kind, label, amount))


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ("openai/gpt-5-mini", "none"),
        ("gpt-5", "xhigh"),
        ("openai/gpt-5.1", "minimal"),
        ("openai/gpt-4.1-mini", "low"),
        ("anthropic/claude-opus-4-6", "xhigh"),
        ("gemini/gemini-2.5-flash", "max"),
        ("gemini/gemini-3-pro-preview", "xhigh"),
    ],
)
def test_a_level_that_litellm_refuses_for_the_model_is_refused_at_load(model: str, level: str):
    with pytest.raises(DialectError, match=f"'{model}@{level}': LiteLLM refuses effort '{level}' for this model: it"):
        check("litellm", [of(model, "effort", level)])


@pytest.mark.parametrize("model", ["openai/gpt-5", "anthropic/claude-opus-4-7", "gemini/gemini-3-pro-preview"])
def test_a_number_of_thinking_tokens_that_litellm_would_change_is_refused(model: str):
    with pytest.raises(DialectError, match="LiteLLM sends no number of thinking tokens to this model"):
        check("litellm", [of(model, "thinking_tokens", "2k", 2048.0)])


def test_thinking_off_for_gemini_2_5_is_a_budget_of_zero():
    off = of("gemini/gemini-2.5-flash", "thinking_tokens", "off")

    assert request_kwargs("litellm", off, output_cap_tokens=9) == {
        "model": "gemini/gemini-2.5-flash",
        "thinking": {"type": "enabled", "budget_tokens": 0},
        "max_tokens": 9,
    }


def test_the_thinking_tokens_of_an_effort_count_towards_the_cap():
    high = of("anthropic/claude-sonnet-4-5", "effort", "high")

    assert request_kwargs("litellm", high, output_cap_tokens=4097)["max_tokens"] == 4097
    with pytest.raises(DialectError, match="above the 4096 thinking tokens that LiteLLM sends for effort high"):
        request_kwargs("litellm", high, output_cap_tokens=4096)


def test_samples_of_claude_are_refused_by_name():
    with pytest.raises(DialectError, match="it has no argument n for 3 samples in one call"):
        check("litellm", [of("anthropic/claude-haiku-4-5", "samples", "maj@3", 3.0)])
    one = request_kwargs("litellm", of("anthropic/claude-haiku-4-5", "samples", "1", 1.0), output_cap_tokens=9)
    assert one == {"model": "anthropic/claude-haiku-4-5", "max_tokens": 9}


@pytest.mark.parametrize(
    ("model", "one", "other"),
    [
        ("anthropic/claude-sonnet-4-5", ("effort", "minimal"), ("effort", "low")),
        ("anthropic/claude-sonnet-4-5", ("effort", "medium"), ("thinking_tokens", "2048", 2048.0)),
        ("anthropic/claude-opus-4-6", ("effort", "none"), ("none", "default")),
        ("anthropic/claude-opus-4-6", ("effort", "minimal"), ("effort", "low")),
        ("gemini/gemini-3-pro-preview", ("effort", "none"), ("effort", "low")),
        ("gemini/gemini-2.5-flash", ("effort", "none"), ("thinking_tokens", "off")),
    ],
)
def test_points_that_litellm_sends_alike_are_named_at_load(model: str, one: tuple, other: tuple):
    points = [of(model, *one), of(model, *other), of(model, "effort", "high")]

    with pytest.raises(DialectError) as caught:
        check("litellm", points)

    assert f"  {points[0].name!r}, {points[1].name!r}" in str(caught.value).splitlines()
    check("litellm", points[1:])
