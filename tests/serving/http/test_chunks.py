"""Chunks of a batch: which queries are decided together, and that nobody can tell from the answers."""

import json

import pytest

from paretoroute.serving.http.chunks import MOST, chunks_of
from paretoroute.serving.http.fields import PlanCall
from paretoroute.serving.http.turns import LONG
from tests.serving.http.test_app import error_of, same, service


def sizes(*fields: dict) -> list[int]:
    return [len(chunk) for chunk in chunks_of([PlanCall.read({"query": "x"} | one) for one in fields])]


def test_neighbours_with_the_same_arguments_are_together():
    assert sizes({}, {"query_id": "a"}, {"min_quality": 0.5}, {"min_quality": 0.5}, {}) == [2, 2, 1]
    assert sizes(*[{}] * (2 * MOST + 1)) == [MOST, MOST, 1]
    assert sizes({"request": "openai"}, {"request": "litellm"}, {"request": "litellm"}) == [1, 2]


def test_true_is_not_the_number_one():
    assert sizes({"max_cost_usd": 1}, {"max_cost_usd": True}, {"max_cost_usd": 1.0}) == [1, 1, 1]


def test_long_queries_are_not_together_with_others():
    half = "a" * (LONG // 2)

    assert sizes({"query": "a" * (LONG + 1)}, {}, {}, {"query": half}, {"query": half}) == [1, 3, 1]


@pytest.mark.parametrize("limits", [{}, {"min_quality": 0.45}, {"max_cost_usd": 4e-6}, {"request": "litellm"}])
def test_a_batch_of_many_kinds_gets_what_its_queries_get_alone(limits):
    queries = [{"query": f"What is {i} + {i}?", "query_id": i} for i in range(2 * MOST)]
    queries[2] |= {"tag": "x"}
    queries[5] |= {"query": "why " * 9000}
    queries[6] = {"query": [{"role": "user", "content": "Why?"}], "query_id": "b"}
    queries[9] |= {"max_cost_usd": 1e-9}
    with service() as client:
        together = client.post("/plan_batch", json={"queries": queries, **limits}).json()["decisions"]
        alone = [client.post("/plan", json=limits | query).json() for query in queries]
        counted = client.get("/metrics").text

    assert all(map(same, together, alone)), json.dumps(together)
    assert len(together) == len(queries)
    decisions = [line for line in counted.splitlines() if line.startswith("paretoroute_decisions_total")]
    assert sum(float(line.split()[-1]) for line in decisions) == 2 * len(queries)


def test_a_refused_query_inside_a_chunk_is_named():
    queries = [{"query": "fine"}] * 3 + [{"query": "\ud800"}] + [{"query": "fine"}]
    with service() as client:
        answer = client.post(
            "/plan_batch", content=json.dumps({"queries": queries}), headers={"Content-Type": "application/json"}
        )

    assert error_of(answer, 422)["where"] == "queries[3]"
