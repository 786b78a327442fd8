"""Attributes of a decision: names of the conventions where these have one, and plain values only."""

import pytest

import paretoroute as pr
from paretoroute.grid import Budget, Point
from paretoroute.planner.outputs.telemetry import attributes
from tests.planner.decisions import HARD_QUERY, mask
from tests.planner_cases import fitted


def decided(query=HARD_QUERY, **limits) -> pr.Decision:
    return pr.Planner(fitted().policy).plan(query, **limits)


@pytest.mark.parametrize("query", [HARD_QUERY, None])
@pytest.mark.parametrize("name", ["small@default", "thinker@8000", "org/模型@v1@maj@5", "metered@default"])
def test_every_value_is_plain_and_nothing_unknown_is_stated(query, name):
    stated = decided(query, callable=mask(name)).otel_attributes()

    assert {key.split(".")[0] for key in stated} == {"gen_ai", "paretoroute"}
    for value in stated.values():
        assert type(value) in (str, bool, int, float, list)
        assert value != "" and value is not None
        assert not isinstance(value, list) or all(type(item) is str for item in value)


def test_the_attributes_state_the_decision():
    decision = decided(query_id="q-1", callable=mask("thinker@8000") | mask("small@default"), min_quality=0.7)

    stated = decision.otel_attributes()

    assert decision.point.name == "thinker@8000"
    assert stated["gen_ai.request.model"] == stated["paretoroute.model"] == "thinker"
    assert stated["gen_ai.request.max_tokens"] == decision.output_cap_tokens
    assert stated["paretoroute.decision.id"] == decision.id
    assert stated["paretoroute.propensity"] == decision.propensity
    assert (stated["paretoroute.budget.kind"], stated["paretoroute.budget.label"]) == ("thinking_tokens", "8000")
    assert stated["paretoroute.budget.amount"] == 8000
    assert stated["paretoroute.query.id"] == "q-1"
    assert stated["paretoroute.expected.cost_usd"] == decision.expected_cost_usd
    assert stated["paretoroute.unfamiliar"] is False
    assert "paretoroute.fallbacks" not in stated


def test_an_effort_has_the_name_of_the_conventions():
    row = decided().to_row() | {"model": "m", "budget_kind": "effort", "budget_label": "high", "budget": None}

    stated = attributes(row, decided())

    assert stated["gen_ai.request.reasoning.level"] == "high"
    assert "paretoroute.budget.amount" not in stated


def test_a_call_that_a_fallback_answered_has_the_fallbacks_point_and_no_propensity():
    decision = decided()

    stated = decision.otel_attributes(answered_by=decision.fallbacks[0])

    assert stated["gen_ai.request.model"] == decision.fallback_calls[0].point.model
    assert "paretoroute.propensity" not in stated
    assert "paretoroute.expected.quality" not in stated
    assert stated["paretoroute.status"] == "answered_by_fallback"
    assert stated["paretoroute.failed_point"] == decision.point.name


def test_samples_state_neither_their_number_nor_a_cap_of_one_request():
    decision = decided(callable=mask("org/模型@v1@maj@5"))

    stated = decision.otel_attributes()

    assert decision.point == Point("org/模型@v1", Budget("samples", "maj@5", 5))
    assert "gen_ai.request.choice.count" not in stated and "gen_ai.request.max_tokens" not in stated
