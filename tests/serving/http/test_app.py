"""The service: its decisions are those of the command ``plan``, and its refusals are errors in JSON."""

import json
import re

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
pytest.importorskip("httpx2", reason="httpx2, with which Starlette tests, is not installed")


from paretoroute import report
from paretoroute.planner.planner import Planner
from paretoroute.serving.http.body import MOST_DEPTH
from tests.planner_cases import command, fitted
from tests.serving.cases import MAX_COST, QUESTION, SAME_QUALITY, policy_in, replace
from tests.serving.http.running import error_of, service

OWN = {"decision_id"}  # drawn anew for each decision


@pytest.fixture(scope="module")
def client():
    with service() as made:
        yield made


def planned(*arguments):
    """Return what the command prints for the same question."""
    return json.loads(command("plan", *arguments, "--format", "json").out)


def same(answer, expected):
    return {name: value for name, value in answer.items() if name not in OWN} == {
        name: value for name, value in expected.items() if name not in OWN
    }


def test_a_decision_is_that_of_the_command():
    path = fitted().policy_path
    options = {"max_cost_usd": 0.01, "min_quality": 0.2, "max_latency_s": 60, "models": ["small", "thinker"]}
    expected = planned(
        path, QUESTION, "--query-id", "7", "--max-cost", "0.01", "--min-quality", "0.2", "--max-latency", "60",
        "--models", "small,thinker", "--tag", "math", "--tenant", "acme", "--step", "draft",
    )  # fmt: skip
    with service(path) as client:
        labels = {"tag": "math", "tenant": "acme", "step": "draft"}
        answer = client.post("/plan", json={"query": QUESTION, "query_id": 7, **options, **labels})

    assert answer.status_code == 200
    assert same(answer.json(), expected)


def test_the_arguments_of_a_client_are_those_of_the_command(client):
    expected = planned(MAX_COST, QUESTION, "--request", "openai")

    assert same(client.post("/plan", json={"query": QUESTION, "request": "openai"}).json(), expected)
    with service(dialect="openai") as other:
        assert same(other.post("/plan", json={"query": QUESTION}).json(), expected)


def test_a_service_that_explores_reports_it_as_the_command():
    with service(explore=0.05) as client:
        answer = client.post("/plan", json={"query": QUESTION, "query_id": "1"}).json()

    assert same(answer, planned(MAX_COST, QUESTION, "--query-id", "1", "--explore", "0.05"))
    assert "explores" in answer


def test_a_batch_is_planned_in_order_and_each_query_as_if_it_came_alone(client):
    queries = [{"query": f"{QUESTION} {i}", "query_id": i} for i in range(30)]
    queries[3] = {"query": [{"role": "user", "content": "Why?"}], "min_quality": 0.99}

    answer = client.post("/plan_batch", json={"queries": queries, "min_quality": 0.1}).json()

    assert list(answer) == ["decisions"]
    assert len(answer["decisions"]) == 30
    for query, decision in zip(queries, answer["decisions"], strict=True):
        assert same(decision, client.post("/plan", json={"min_quality": 0.1} | query).json())
    assert answer["decisions"][3]["keeps_limits"] is False  # as exit code 3: an answer, and no error


def test_an_empty_batch_has_no_decisions(client):
    assert client.post("/plan_batch", json={"queries": []}).json() == {"decisions": []}


def test_long_queries_are_planned_too(client):
    text = "lemma and theorem " * 5000

    alone = client.post("/plan", json={"query": text}).json()
    batch = client.post("/plan_batch", json={"queries": [{"query": "Why?"}, {"query": text}]}).json()

    assert same(batch["decisions"][1], alone)


@pytest.mark.parametrize(
    ("fields", "kind", "reason"),
    [
        ({}, "QueryError", "write {"),
        ({"query": 5}, "QueryError", "a number where text"),
        ({"query": "x", "max_cost": 1}, "QueryError", "unknown field 'max_cost'; near: 'max_cost_usd'"),
        ({"query": "x", "max_cost_usd": -1}, "TargetError", "max_cost_usd must be a positive number, got -1"),
        ({"query": "x", "max_cost_usd": True}, "TargetError", "max_cost_usd must be a number"),
        ({"query": "x", "max_cost_usd": "0.1"}, "TargetError", "max_cost_usd must be a number"),
        ({"query": "x", "max_cost_usd": 10**400}, "TargetError", "below 1e308"),
        ({"query": "x", "min_quality": 97}, "TargetError", "Percent"),
        ({"query": "x", "models": ["gpt"]}, "TargetError", "unknown model 'gpt'"),
        ({"query": "x", "models": "smollm2-135m"}, "TargetError", "must be a list"),
        ({"query": "x", "models": []}, "TargetError", "no point is callable"),
        ({"query": "x", "request": "no such"}, "DialectError", "unknown; use one of"),
        ({"query": "x", "request": "anthropic"}, "DialectError", "cannot express"),
        ({"query": "x", "request": 5}, "QueryError", "request must be"),
        ({"query": "x", "query_id": ["a"]}, "QueryError", "query_id: a list"),
        ({"query": "x", "query_id": "\ud800"}, "QueryError", "query_id: not valid UTF-8"),
        ({"query": "x", "tag": {"a": 1}}, "QueryError", "tag must be text"),
        ({"query": "\ud800"}, "QueryError", "UTF-8"),
        ({"query": [{"content": "no role"}]}, "QueryError", "no role"),
    ],
)
def test_a_refused_query_is_an_error_of_the_planner_with_its_place(client, fields, kind, reason):
    alone = error_of(
        client.post("/plan", content=json.dumps(fields), headers={"Content-Type": "application/json"}), 422
    )
    batch = {"queries": [{"query": "fine"}, fields]}
    inside = error_of(
        client.post("/plan_batch", content=json.dumps(batch), headers={"Content-Type": "application/json"}), 422
    )

    assert (alone["type"], alone["where"]) == (kind, "body")
    assert reason in alone["message"]
    assert (inside["type"], inside["where"]) == (kind, "queries[1]")
    assert inside["message"] == f"queries[1]: {alone['message']}"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "list of queries"),
        ({"queries": {"query": "x"}}, "list of queries"),
        ({"queries": ["x"]}, 'queries[0]: not an object with a query; write {"query": "..."}'),
        ({"queries": [], "query": "x"}, "unknown field 'query'"),
        ({"queries": [{"query": "x"}] * 4}, "4 queries in one batch; send at most 3"),
    ],
)
def test_a_batch_of_another_form_is_refused(fields, reason):
    with service(most_queries=3) as client:
        assert reason in error_of(client.post("/plan_batch", json=fields), 422)["message"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "no JSON object"),
        (b'"x"', "no JSON object"),
        (b'{"query": "a", "query": "b"}', "key 'query' stands twice"),
        (b'{"query": "a", "max_cost_usd": NaN}', "NaN is no number of JSON"),
        (b'{"query": "a", "max_cost_usd": Infinity}', "Infinity is no number"),
        (b'{"query": "\xff"}', "not valid UTF-8"),
        (b'{"query": "x", "max_cost_usd": ' + b"9" * 5000 + b"}", "not JSON (a number of thousands of digits)"),
        (b"[" * 200_000, "nested more than"),
        (b'{"a":' * 100_000, "nested more than"),
        (b'{"query": ' + b"[" * MOST_DEPTH + b"]" * MOST_DEPTH + b"}", "nested more than"),
    ],
)
def test_a_body_that_is_no_flat_json_object_is_refused(client, content, reason):
    answer = client.post("/plan", content=content, headers={"Content-Type": "application/json"})

    error = error_of(answer, 400)
    assert error["type"] == "RequestError" and error["where"] == "body"
    assert reason in error["message"]


@pytest.mark.parametrize("embedding", ["abc", [], ["a"], [1, None], [[1.0]], [True], {"a": 1}, 7])
def test_an_embedding_that_is_no_list_of_numbers_is_refused_also_where_none_is_read(client, embedding):
    for query in ({}, {"query": "x"}):
        error = error_of(client.post("/plan", json=query | {"embedding": embedding}), 422)
        assert error["message"].startswith("embedding must be a list of numbers")
    batch = {"queries": [{"query": "x"}, {"query": "x", "embedding": embedding}]}
    assert error_of(client.post("/plan_batch", json=batch), 422)["where"] == "queries[1]"


def test_a_client_that_is_no_text_is_refused_in_words_of_the_service(client):
    error = error_of(client.post("/plan", json={"query": "x", "request": 7}), 422)

    assert error["message"] == "request must be the name of a client, such as openai, got 7"


def test_a_body_of_another_type_is_refused(client):
    for headers in ({"Content-Type": "text/plain"}, {}):  # as forms of other sites send, without asking first
        assert "send application/json" in error_of(client.post("/plan", content=b"{}", headers=headers), 415)["message"]
    typed = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/plan", content=b'{"query": "x"}', headers=typed).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not(chunked):
    def body(size):
        content = json.dumps({"query": "x"}).encode()
        return content + b" " * (size - len(content))

    def post(client, content):
        parts = (content[i : i + 64] for i in range(0, len(content), 64)) if chunked else content
        return client.post("/plan", content=parts, headers={"Content-Type": "application/json"})

    with service(most_body_bytes=1000) as client:
        assert post(client, body(1000)).status_code == 200
        error = error_of(post(client, body(1001)), 413)

    assert "larger than 1000 bytes" in error["message"] and "--max-body" in error["message"]


def test_unknown_paths_and_methods_are_errors_in_json(client):
    assert "/nope" in error_of(client.get("/nope"), 404)["message"]
    assert "/openapi.json" in error_of(client.get("/plan"), 405)["message"]


def test_a_defect_is_an_answer_without_a_trace(client, monkeypatch):
    monkeypatch.setattr(client.service.metrics, "decision", lambda decision: 1 / 0)

    error = error_of(client.post("/plan", json={"query": "a secret question"}), 500)

    assert error["type"] == "InternalError"
    assert "secret" not in error["message"] and "zero" not in error["message"]


def metric(client, name, **labels):
    """Return the value of a metric whose labels include these, or None."""
    for line in client.get("/metrics").text.splitlines():
        match = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if match and all(f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()):
            return float(match[2])
    return None


def test_metrics_count_decisions_costs_requests_and_latencies():
    with service() as client:
        answers = [client.post("/plan", json={"query": QUESTION}).json() for _ in range(3)]
        client.post("/plan", json={})
        client.get("/no/such/path")
        point = f"{answers[0]['model']}@{answers[0]['budget_label']}"

        assert metric(client, "paretoroute_decisions_total", point=point, status=answers[0]["status"]) == 3
        cost = metric(client, "paretoroute_expected_cost_usd_total", point=point)
        assert cost == pytest.approx(3 * answers[0]["expected_cost_usd"])
        assert metric(client, "paretoroute_requests_total", path="/plan", status="200") == 3
        assert metric(client, "paretoroute_requests_total", path="/plan", status="422") == 1
        assert metric(client, "paretoroute_requests_total", path="other", status="404") == 1
        assert metric(client, "paretoroute_request_seconds_count", path="/plan") == 4
        assert metric(client, "paretoroute_policy_info", sha256=answers[0]["policy_sha256"]) == 1
        assert metric(client, "paretoroute_policy_is_current") == 1
        assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_reload_is_counted_logged_and_answered_by_the_new_policy(tmp_path, caplog):
    caplog.set_level("INFO")
    path = policy_in(tmp_path)
    with service(path, reload_every_s=0.0) as client:

        def reload(content):
            replace(path, content)
            client.service.report(client.service.policy.refresh())
            return client.post("/plan", json={"query": QUESTION}).json()["policy_sha256"]

        old = client.post("/plan", json={"query": QUESTION}).json()["policy_sha256"]
        assert reload(b"schema: 99\n") == old
        assert metric(client, "paretoroute_policy_reloads_total", result="bad") == 1
        assert metric(client, "paretoroute_policy_is_current") == 0
        assert client.get("/healthz").json() == {"status": "ok", "policy_is_current": False}
        assert "the old policy" in caplog.text and "newer paretoroute" in caplog.text

        new = reload(SAME_QUALITY.read_bytes())
        assert new != old and new[:12] in caplog.text
        assert metric(client, "paretoroute_policy_reloads_total", result="ok") == 1
        assert metric(client, "paretoroute_policy_is_current") == 1
        assert metric(client, "paretoroute_policy_info", sha256=new) == 1
        assert metric(client, "paretoroute_policy_info", sha256=old) is None


def test_the_forecast_of_every_point_holds_that_of_the_decision(client):
    points = client.post("/forecast", json={"query": QUESTION}).json()["points"]
    decision = client.post("/plan", json={"query": QUESTION}).json()

    chosen = [p for p in points if (p["model"], p["budget_label"]) == (decision["model"], decision["budget_label"])]
    assert len(points) == len(client.service.policy.current.policy.grid.points)
    assert [(p["expected_quality"], p["expected_cost_usd"]) for p in chosen] == [
        (decision["expected_quality"], decision["expected_cost_usd"])
    ]
    assert all(p["callable"] for p in points)
    assert not any(
        p["callable"] for p in client.post("/forecast", json={"query": "x", "max_cost_usd": 1e-12}).json()["points"]
    )
    assert "unknown field 'min_quality'" in error_of(client.post("/forecast", json={"min_quality": 1}), 422)["message"]


def test_the_policy_is_drawn_as_by_show(client):
    assert client.get("/policy").text == report.to_html(client.service.policy.current.document)


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_openapi_document_describes_the_service(client):
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    decision = client.post("/plan", json={"query": QUESTION}).json()

    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/plan", "/plan_batch", "/forecast", "/policy", "/metrics", "/healthz", "/openapi.json", "/",
    }  # fmt: skip
    assert all(name.rpartition("/")[2] in schemas for name in references(document))
    assert set(schemas["Decision"]["required"]) == set(decision)
    assert set(schemas["Decision"]["properties"]) == {*decision, "explores", "request", "fallback_requests"}
    assert decision["status"] in schemas["Decision"]["properties"]["status"]["enum"]
    point = client.post("/forecast", json={"query": "x"}).json()["points"][0]
    assert set(schemas["Forecast"]["properties"]["points"]["items"]["required"]) == set(point)
    assert set(schemas["Error"]["properties"]["error"]["properties"]) == {"type", "where", "message"}


def test_the_explorer_page_runs_its_own_script_alone(client):
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]

    assert (
        "script-src 'sha256-" in policy and "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    )
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", answer.text)  # it needs no other server


def test_a_call_stays_with_the_point_before_as_the_planner_does(client):
    planner, limits = Planner.load(MAX_COST), {"switch_margin": 0.3, "previous": "gemma3-270m@1"}

    answer = client.post("/plan", json={"query": QUESTION, "query_id": "1", **limits, "cached_tokens": None}).json()
    refused = client.post("/plan", json={"query": QUESTION, "previous": "smollm2@1"})

    alone, stays = planner.plan(QUESTION, query_id="1"), planner.plan(QUESTION, query_id="1", **limits)
    assert same(answer, stays.to_json())
    assert stays.stays and alone.point.name != "gemma3-270m@1", "the case shows nothing"
    assert "'smollm2@1' is not in the grid" in error_of(refused, 422)["message"]
