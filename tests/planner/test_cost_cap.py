"""A hard limit on the cost of a call is kept for certain, by lowered output caps."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.planner.cost_cap import CostCap
from tests.fitting.points.bill_log import bill_runs, fee_on
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, mask, same
from tests.planner_cases import fitted
from tests.processes import ROOT


def largest_cost(planner: pr.Planner, decision: pr.Decision, text: str) -> float:
    """Return the largest cost: every byte of the prompt a token, and every token that the cap allows."""
    price = planner.policy.grid.prices[decision.model]
    column = planner.policy.grid.points.index(decision.point)
    overhead = max(planner.policy.surface.bounds.prompt_overhead_tokens[column], 0.0)
    prompt_tokens = len(text.encode("utf-8", "replace")) + overhead
    assert decision.output_cap_tokens is not None
    return (prompt_tokens * price.input_usd_per_mtok + decision.output_cap_tokens * price.output_usd_per_mtok) / 1e6


@given(
    words=st.integers(0, 3000),
    limit=st.floats(1e-7, 0.1),
    name=st.sampled_from([None, *range(5)]),
    character=st.sampled_from(["a", "é", "证", "😀", "\n", " lemma"]),
)
@settings(max_examples=300)
def test_the_bill_never_exceeds_a_hard_limit_whatever_the_prompt(words, limit, name, character):
    planner = pr.Planner(fitted().policy)
    text = character * words
    only = None if name is None else mask(planner.policy.grid.names[name])

    decision = planner.plan(text, max_cost_usd=limit, callable=only)

    if decision.status != "infeasible":
        assert largest_cost(planner, decision, text) <= limit
        assert decision.expected_cost_usd <= limit


@given(st.floats(1e-6, 0.1), st.text(max_size=300), st.sampled_from(["litellm"]))
@settings(max_examples=100)
def test_a_capped_request_can_always_be_written_and_carries_the_cap(limit, text, dialect):
    planner = pr.Planner(fitted().policy, dialect=dialect)

    decision = planner.plan(text, max_cost_usd=limit)
    kwargs = decision.request_kwargs(dialect)

    cap = kwargs["max_tokens"] * kwargs.get("n", 1)
    assert decision.output_cap_tokens is not None
    assert cap <= decision.output_cap_tokens


def test_a_limit_below_every_bill_is_infeasible_and_names_the_cheapest_point():
    decision = pr.Planner(fitted().policy).plan(EASY_QUERY, max_cost_usd=1e-9)

    assert decision.status == "infeasible"
    assert decision.point.name == "small@default"
    assert decision.why.startswith(
        "the cost of no point can be held under $0.000000001 for certain; small@default comes nearest, at $"
    )


def test_a_lowered_cap_shows_in_the_status():
    planner = pr.Planner(fitted().policy)
    free = planner.plan(HARD_QUERY, models=["small"])
    tight = planner.plan(HARD_QUERY, models=["small"], max_cost_usd=0.00018)

    assert free.output_cap_tokens is not None and tight.output_cap_tokens is not None
    assert tight.output_cap_tokens < free.output_cap_tokens
    assert (free.status, tight.status) == ("met", "capped")


def test_a_generous_limit_changes_nothing_but_drops_points_whose_bill_cannot_be_known():
    planner = pr.Planner(fitted().policy)

    assert same(planner.plan(EASY_QUERY, max_cost_usd=10.0)) == same(
        planner.plan(EASY_QUERY, callable=~mask("metered@default"))
    )
    unbounded = planner.plan(EASY_QUERY, models=["metered"], max_cost_usd=10.0)
    assert unbounded.status == "infeasible"
    assert "a hard limit on cost needs points that are priced by tokens, and none is" in unbounded.why


def test_a_hard_limit_without_a_text_is_infeasible_since_nothing_bounds_the_prompt():
    assert pr.Planner(fitted().policy).plan(None, max_cost_usd=10.0).status == "infeasible"


def test_a_thinking_budget_always_fits_under_the_cap():
    planner = pr.Planner(fitted().policy, dialect="litellm")

    for label, amount in (("2000", 2000), ("8000", 8000)):
        decision = planner.plan(EASY_QUERY, callable=mask(f"thinker@{label}"))
        kwargs = decision.request_kwargs("litellm")
        assert kwargs["thinking"] == {"type": "enabled", "budget_tokens": amount}
        assert kwargs["max_tokens"] == decision.output_cap_tokens > amount


def test_a_client_that_needs_a_cap_and_takes_none_above_a_limit_gets_one_within_it():
    policy = fitted().policy
    planner = pr.Planner(policy, dialect="anthropic", repeat_calls=True)

    for name in policy.grid.names:
        for limit in (None, 10.0):
            decision = planner.plan(EASY_QUERY, callable=mask(name), max_cost_usd=limit)
            repeated = decision.repeated_calls("anthropic")
            assert decision.output_cap_tokens is not None
            assert repeated.kwargs["max_tokens"] == decision.output_cap_tokens // repeated.calls <= 21_333


def effort_caps(dialect: str | None, label: str, forecast_tokens: float) -> float:
    """Return the usual cap of one Claude point whose forecast has these completion tokens."""
    grid = pr.Grid(
        (pr.Point("anthropic/claude-sonnet-4-5", pr.Budget("effort", label)),),
        {"anthropic/claude-sonnet-4-5": pr.Price(3.0, 15.0)},
    )
    surface = SimpleNamespace(
        amount=SimpleNamespace(at_quantile=lambda amount, quantile: amount),
        bounds=SimpleNamespace(most_completion_tokens=np.array([np.nan])),
    )
    cap = CostCap(grid, surface, dialect)  # type: ignore[arg-type]  # the two parts of a surface that caps read
    return float(cap.caps(SimpleNamespace(amount=np.array([forecast_tokens])))[0])  # type: ignore[arg-type]  # likewise


def test_the_thinking_tokens_that_an_effort_becomes_fit_under_the_cap():
    assert effort_caps(None, "high", 1000.0) == 2000
    assert effort_caps("litellm", "high", 1000.0) == 4096 + 256
    assert effort_caps("litellm", "high", 9000.0) == 18_000


def test_samples_that_one_call_cannot_hold_are_repeated_calls_where_the_caller_makes_them():
    policy = pr.Policy.load(ROOT / "policies" / "demo-max-cost.yaml")
    with pytest.raises(pr.DialectError, match="has no argument n for 2 samples in one call"):
        pr.Planner(policy, dialect="openai_responses")

    planner = pr.Planner(policy, dialect="openai_responses", repeat_calls=True)
    for j, point in enumerate(policy.grid.points):
        only = np.arange(len(policy.grid.points)) == j
        for limit in (None, 1e-4):
            decision = planner.plan("What is 2 + 2?", callable=only, max_cost_usd=limit)
            repeated = decision.repeated_calls("openai_responses")
            cap = decision.output_cap_tokens
            assert repeated.calls == repeated.samples == point.budget.amount
            assert cap is not None and repeated.kwargs["max_output_tokens"] == cap // repeated.calls


def test_every_repeated_call_is_billed_for_its_own_prompt():
    policy = pr.Policy.load(ROOT / "policies" / "demo-max-cost.yaml")
    planner = pr.Planner(policy, dialect="openai_responses", repeat_calls=True)
    j = max(range(len(policy.grid.points)), key=lambda j: policy.grid.points[j].budget.amount or 0)
    request, longer = (SimpleNamespace(text="x", prompt_bytes=size) for size in (1000, 1001))
    forecast = SimpleNamespace(amounts=SimpleNamespace(prompt_tokens=np.zeros(len(policy.grid.points))))

    tokens = [planner.cost_cap._most_prompt_tokens(one, forecast)[j] for one in (request, longer)]

    assert tokens[1] - tokens[0] == policy.grid.points[j].budget.amount > 1


def test_a_limit_that_a_thinking_budget_breaks_leaves_the_point_out():
    planner = pr.Planner(fitted().policy)

    # 8000 thinking tokens and an answer cost at least $0.032 at $4 per million, however few are used on the average.
    assert planner.plan(HARD_QUERY, callable=mask("thinker@8000"), max_cost_usd=0.031).status == "infeasible"
    assert planner.plan(HARD_QUERY, callable=mask("thinker@8000"), max_cost_usd=0.034).status != "infeasible"


@pytest.mark.parametrize("limit", [None, 0.0004])
def test_a_decision_states_the_most_that_its_call_costs(limit):
    planner = pr.Planner(fitted().policy)

    decision = planner.plan(HARD_QUERY, max_cost_usd=limit)

    assert decision.most_cost_usd == pytest.approx(largest_cost(planner, decision, HARD_QUERY), rel=1e-12)
    assert limit is None or decision.most_cost_usd <= limit


def test_nothing_bounds_a_call_of_a_point_without_a_price_or_a_query_without_a_text():
    planner = pr.Planner(fitted().policy)

    assert planner.plan(EASY_QUERY, models=["metered"]).most_cost_usd is None
    assert planner.plan(None, models=["small"]).most_cost_usd is None


TOOL_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"q": "' + "x" * 4000 + '"}'},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def with_tools(*calls):
    return [{"role": "user", "content": HARD_QUERY}, {"role": "assistant", "content": None, "tool_calls": list(calls)}]


@pytest.mark.parametrize("as_json", [False, True])
def test_calls_of_tools_among_the_messages_count_in_the_bound_of_the_prompt(as_json):
    planner, price = pr.Planner(fitted().policy), fitted().policy.grid.prices["small"]
    plain, called = with_tools(), with_tools(TOOL_CALL)

    def most(messages):
        query = json.dumps(messages) if as_json else messages
        return planner.plan(query, models=["small"]).most_cost_usd

    assert most(called) - most(plain) >= 4000 * price.input_usd_per_mtok / 1e6
    assert planner.plan(called, models=["small"], max_cost_usd=0.0008).keeps_limits is False
    assert planner.plan(plain, models=["small"], max_cost_usd=0.0008).keeps_limits is True


@pytest.mark.parametrize(
    "part",
    [
        IMAGE,
        {"type": "input_image", "image_url": "https://example.com/x.png"},
        {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com"}},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {"data": "A"}}]},
        {"type": "unknown"},
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_nothing_bounds_a_prompt_with_an_image_audio_or_a_file(part, batch):
    planner = pr.Planner(fitted().policy)
    messages = [{"role": "user", "content": [{"type": "text", "text": HARD_QUERY}, part]}]

    def plan(**limits):
        return planner.plan_batch([messages], **limits)[0] if batch else planner.plan(messages, **limits)

    assert plan(models=["small"]).most_cost_usd is None
    assert plan(models=["small"], max_cost_usd=1.0).status == "infeasible"
    assert planner.plan(HARD_QUERY, models=["small"], max_cost_usd=1.0).status != "infeasible"


def test_parts_that_are_text_are_bounded_as_their_text_is():
    planner = pr.Planner(fitted().policy)
    parts = [{"type": "text", "text": HARD_QUERY, "cache_control": {"type": "ephemeral"}}]

    plain = planner.plan([{"role": "user", "content": HARD_QUERY}], models=["small"]).most_cost_usd
    parted = planner.plan([{"role": "user", "content": parts}], models=["small"]).most_cost_usd

    assert plain <= parted <= 1.5 * plain


def test_a_call_costs_at_most_the_largest_fee_that_was_logged(tmp_path):
    runs = bill_runs(fee_on(0.01, 0.01))
    pr.fit(runs, seed=0).save(tmp_path / "p.yaml")
    planner = pr.Planner.load(tmp_path / "p.yaml")
    grid = planner.policy.grid
    point = max(grid.most_fees, key=lambda point: grid.most_fees[point])
    assert grid.most_fees[point] == pytest.approx(0.01, rel=1e-3)

    def plan(**limits):
        return planner.plan(HARD_QUERY, callable=np.array([one == point for one in grid.points]), **limits)

    most = plan().most_cost_usd

    assert most == pytest.approx(largest_cost(planner, plan(), HARD_QUERY) + grid.most_fees[point], rel=1e-9)
    capped = plan(max_cost_usd=0.5 * (most + 0.01))
    assert capped.most_cost_usd <= 0.5 * (most + 0.01)
    assert plan(max_cost_usd=0.0099).keeps_limits is False
