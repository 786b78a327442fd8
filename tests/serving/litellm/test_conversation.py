"""The call before in a conversation, as a request through the proxy names it."""

import json
import logging

import pytest

import paretoroute as pr
from tests.planner.decisions import EASY_QUERY, HARD_QUERY
from tests.planner_cases import fitted
from tests.serving.litellm.cases import caller, record, request, rewriter

MODELS = ("small", "thinker", "org/模型@v1", "metered")
PREVIOUS = "thinker@2000"


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL + 1, logger="paretoroute.serving.litellm")


def rewritten(metadata, *, field="metadata", query=HARD_QUERY, **settings):
    """Return what is logged of the decision on a request with some metadata, and the counts."""
    ours = rewriter(fitted(), **settings)
    data = request(query) | {field: metadata}
    assert ours.rewrite(data, "acompletion", caller(*MODELS))
    logged = data[field]["spend_logs_metadata"]["paretoroute"]
    return logged, ours.counts


def planned(query=HARD_QUERY, **arguments):
    return pr.Planner(fitted().policy, dialect="litellm").plan(
        [{"role": "user", "content": query}], query_id="call-1", **arguments
    )


STATED = {"previous": PREVIOUS, "cached_tokens": 40}


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"paretoroute": STATED}, "metadata"),
        ({"paretoroute": json.dumps(STATED)}, "metadata"),
        ({"paretoroute": {**STATED, "cached_tokens": "40"}}, "metadata"),
        ({"requester_metadata": {"paretoroute": STATED}}, "metadata"),
        ({"paretoroute": STATED}, "litellm_metadata"),
    ],
)
def test_the_previous_call_and_its_cached_tokens_count_as_in_the_planner(metadata, field):
    expected = planned(previous=PREVIOUS, cached_tokens=40, cached_price_ratio=0.1)

    logged, counts = rewritten(metadata, field=field, cached_price_ratio=0.1)

    assert (logged["point"], logged["expected_cost_usd"]) == (expected.point.name, expected.expected_cost_usd)
    assert logged["propensity"] == expected.propensity
    assert counts == {"planned": 1}


def test_a_cache_lowers_the_expected_cost_of_its_model():
    logged, _ = rewritten({"paretoroute": STATED}, cached_price_ratio=0.1)
    alone, _ = rewritten({})

    assert logged["point"] == alone["point"] == PREVIOUS
    assert logged["expected_cost_usd"] < alone["expected_cost_usd"]


def test_the_model_of_a_previous_call_is_enough_for_its_cache():
    expected, _ = rewritten({"paretoroute": STATED}, cached_price_ratio=0.1)

    logged, _ = rewritten({"paretoroute": {**STATED, "previous": "thinker"}}, cached_price_ratio=0.1)

    assert {**logged, "decision_id": ""} == {**expected, "decision_id": ""}


def test_the_margin_is_the_operators_and_not_the_callers():
    stated = {"previous": "small@default", "switch_margin": 1.0, "cached_price_ratio": 0.0}
    expected = planned(previous="small@default", switch_margin=1.0)
    assert expected.stays and expected.point.name == "small@default"

    by_caller, _ = rewritten({"paretoroute": stated})
    by_operator, _ = rewritten({"paretoroute": stated}, switch_margin=1.0)

    assert by_caller["point"] == planned().point.name != "small@default"
    assert by_operator["point"] == "small@default"


@pytest.mark.parametrize(
    ("stated", "ignored"),
    [
        ({"previous": "nobody@low", "cached_tokens": 40}, True),
        ({"previous": {"model": "small"}}, True),
        ({"previous": ""}, True),
        ({"cached_tokens": 40}, False),
        ("no json", False),
        (["previous"], False),
        (None, False),
    ],
)
def test_a_previous_call_that_cannot_be_used_changes_nothing(stated, ignored):
    expected, _ = rewritten({})

    logged, counts = rewritten({"paretoroute": stated}, cached_price_ratio=0.1)

    assert {**logged, "decision_id": ""} == {**expected, "decision_id": ""}
    assert counts == {"planned": 1, **({"previous_ignored": 1} if ignored else {})}


@pytest.mark.parametrize("cached", [-1, 0, "many", float("nan"), True, None])
def test_cached_tokens_that_are_no_count_leave_the_previous_call(cached):
    stated = {"previous": "small@default", "cached_tokens": cached}

    logged, counts = rewritten({"paretoroute": stated}, switch_margin=1.0)

    assert logged["point"] == "small@default"
    assert counts == {"planned": 1}


def test_cached_tokens_at_an_unknown_price_leave_the_previous_call():
    stated = {"previous": "small@default", "cached_tokens": 40}  # the policy has no price of a cached token

    logged, counts = rewritten({"paretoroute": stated}, switch_margin=1.0)

    assert logged["point"] == "small@default"
    assert counts == {"planned": 1}


def test_a_request_of_another_query_is_planned_as_before():
    data = request(EASY_QUERY)
    rewriter(fitted()).rewrite(data, "acompletion", caller(*MODELS))

    assert record(data)["point"] == planned(EASY_QUERY).point.name
