"""Arguments of the planner are checked, and refused with the reason."""

import math

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import QueryError, TargetError
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, same
from tests.planner_cases import fitted


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (7, "the query: a number where text or a list of chat messages belongs"),
        (b"bytes", "the query: bytes where text or a list of chat messages belongs"),
        ([{"content": "no role"}], "the query: chat message 1 has no role"),
        ([{"role": "user", "content": 3}], "the query: the content of chat message 1 is neither text nor a list"),
        ("half \ud83d", "the query: not valid UTF-8 text"),
    ],
)
def test_a_query_that_is_none_is_refused_with_the_reason(query, message):
    with pytest.raises(QueryError, match=message):
        pr.Planner(fitted().policy).plan(query)


def test_an_id_that_is_not_text_is_refused():
    with pytest.raises(QueryError, match=r"query_id must be text, got 7; write it as text"):
        pr.Planner(fitted().policy).plan(EASY_QUERY, query_id=7)  # pyright: ignore[reportArgumentType]  # refused


def test_queries_and_ids_of_different_number_are_refused():
    with pytest.raises(QueryError, match="2 queries came with 1 query_ids"):
        pr.Planner(fitted().policy).plan_batch(["a", "b"], query_ids=["1"])


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"max_cost_usd": 0.0}, "max_cost_usd must be a positive number, got 0"),
        ({"max_cost_usd": -1.0}, "max_cost_usd must be a positive number, got -1"),
        ({"max_cost_usd": math.nan}, "max_cost_usd must be a positive number, got nan"),
        ({"max_latency_s": math.inf}, "max_latency_s must be a positive number, got inf"),
        ({"min_quality": 97}, r"min_quality must lie in \[0, 1\], got 97. Percent\? Divide by 100."),
        ({"price": -1.0}, "price must be a finite number of at least 0, got -1"),
        ({"models": ["smal"]}, "unknown model 'smal'; near: 'small'"),
        ({"models": "small"}, r"models must be a list of names, got the text 'small'; write \['small'\]"),
        ({"models": []}, "no point is callable"),
        ({"callable": np.zeros(5, bool)}, "no point is callable"),
        ({"callable": np.ones(4, bool)}, r"callable must be bool of shape \(5,\), got bool \(4,\)"),
        ({"callable": np.ones(5)}, r"callable must be bool of shape \(5,\), got float64 \(5,\)"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(limit, message):
    with pytest.raises(TargetError, match=message):
        pr.Planner(fitted().policy).plan(EASY_QUERY, **limit)


def test_chat_messages_are_planned_as_the_text_they_are_logged_as():
    planner = pr.Planner(fitted().policy)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": HARD_QUERY}]

    decision = planner.plan(messages, query_id="a")

    assert same(decision) == same(planner.plan(f"system: Be brief.\nuser: {HARD_QUERY}", query_id="a"))
