"""Fallbacks are ordered, keep the limits, and have request arguments of their own in every dialect."""

import itertools

import pytest

import paretoroute as pr
from paretoroute.errors import DialectError, GridError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import DIALECTS, request_kwargs
from paretoroute.planner.outputs.fallback_call import FallbackCall, answered_row
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, mask
from tests.planner_cases import fitted


def decided(query=HARD_QUERY, **limits) -> pr.Decision:
    return pr.Planner(fitted().policy).plan(query, query_id="1", **limits)


@pytest.mark.parametrize("limits", [{}, {"max_cost_usd": 0.002}, {"models": ["thinker", "small"]}])
@pytest.mark.parametrize("query", [EASY_QUERY, HARD_QUERY, None])
def test_each_fallback_is_the_call_that_the_planner_would_make_were_it_the_only_point(query, limits):
    decision = decided(query, **limits)

    assert [call.point.name for call in decision.fallback_calls] == list(decision.fallbacks)
    for call in decision.fallback_calls:
        alone = decided(query, callable=mask(call.point.name), **limits)
        assert (call.point, call.output_cap_tokens) == (alone.point, alone.output_cap_tokens)
        assert alone.keeps_limits


def test_a_cost_limit_lowers_the_caps_of_fallbacks_too():
    free, capped = decided(EASY_QUERY), decided(EASY_QUERY, max_cost_usd=0.001)
    tokens = {call.point: call.output_cap_tokens for call in free.fallback_calls}

    lowered = [
        call.point.name
        for call in capped.fallback_calls
        if (call.output_cap_tokens or 0) < (tokens.get(call.point) or 0)
    ]

    assert lowered, "the case shows nothing"
    for call in capped.fallback_calls:
        price = fitted().policy.grid.prices[call.point.model]
        assert (call.output_cap_tokens or 0) * price.output_usd_per_mtok / 1e6 <= 0.001


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_arguments_are_those_of_the_dialect_and_hold_nothing_of_the_call_that_failed(dialect):
    points = [
        Point("gpt-5-mini", Budget("effort", "low")),
        Point("gpt-4.1-mini", Budget()),
        Point("gpt-5-mini", Budget("effort", "high")),
    ]

    for first, second in itertools.permutations(points, 2):
        kwargs = FallbackCall(second, 700).request_kwargs(dialect) if _takes(dialect, second) else {}
        assert kwargs == (request_kwargs(dialect, second, output_cap_tokens=700) if _takes(dialect, second) else {})
        assert first.budget.label not in str(kwargs.get("reasoning_effort", ""))


def _takes(dialect: str, point: Point) -> bool:
    try:
        request_kwargs(dialect, point, output_cap_tokens=700)
    except DialectError:
        return False
    return True


def test_a_fallback_that_the_client_cannot_express_is_named():
    decision = decided(models=["small", "thinker"])
    calls = {call.point.model: call for call in decision.fallback_calls}

    with pytest.raises(DialectError, match=r"dialect 'openai' cannot express point 'thinker@"):
        calls["thinker"].request_kwargs("openai")


def test_samples_of_a_fallback_are_repeated_calls_where_one_call_cannot_hold_them():
    call = FallbackCall(Point("claude-opus-4-6", Budget("samples", "maj@3", 3)), 3000)

    repeated = call.repeated_calls("anthropic")

    assert (repeated.calls, repeated.samples, repeated.kwargs["max_tokens"]) == (3, 3, 1000)


def test_the_row_of_a_call_that_a_fallback_answered_is_that_of_the_fallback_without_a_propensity():
    decision = decided()
    name = decision.fallbacks[1]

    row = decision.to_row(answered_by=name)

    assert set(row) == {*decision.to_row(), "failed_point"}
    assert f"{row['model']}@{row['budget_label']}" == name
    assert row["propensity"] is row["expected_quality"] is row["expected_cost_usd"] is None
    assert (row["status"], row["failed_point"]) == ("answered_by_fallback", decision.point.name)
    assert row["decision_id"] == decision.id


def test_the_decisions_own_point_is_no_fallback():
    decision = decided()

    assert decision.to_row(answered_by=decision.point.name) == decision.to_row()


def test_a_name_that_a_fallback_shares_with_the_decisions_own_point_is_refused():
    row, calls = decided().to_row(), decided().fallback_calls
    own = f"{row['model']}@{row['budget_label']}"
    twin = FallbackCall(Point(row["model"], Budget("thinking_tokens", row["budget_label"], 9)), None)

    with pytest.raises(
        GridError, match=f"'{own}' names several points, of kinds {row['budget_kind']}, thinking_tokens"
    ):
        answered_row(row, [*calls, twin], answered_by=own)


def test_a_point_that_is_no_fallback_is_refused_with_the_near_ones():
    decision = decided()

    with pytest.raises(GridError, match=r"'thinkr@2000' is no fallback of this decision; near: 'thinker@8000'"):
        decision.to_row(answered_by="thinkr@2000")
    with pytest.raises(GridError, match="it has none"):
        decided(models=["small"]).to_row(answered_by="thinker@2000")


def test_a_name_that_two_fallbacks_share_is_refused():
    calls = [FallbackCall(Point("m", Budget(kind, "low")), None) for kind in ("effort", "mode")]

    with pytest.raises(GridError, match="'m@low' names several points, of kinds effort, mode"):
        answered_row({"model": "a", "budget_label": "b"}, calls, answered_by="m@low")
