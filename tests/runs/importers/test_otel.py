"""OpenTelemetry spans: OpenLLMetry and OpenInference give the same runs, and v2 gives none."""

import base64
import json
from dataclasses import replace

import pytest

from paretoroute.errors import RunsError
from paretoroute.grid import Budget, Point
from paretoroute.planner.planner import Planner
from tests.planner_cases import fitted
from tests.runs.importers import foreign_logs as make
from tests.runs.importers import foreign_spans as otel


def spans(folder, *exports, scores=None):
    scores = [otel.span_score(i) for i in range(1, 10)] if scores is None else scores
    return make.imported("otel", make.lines(folder / "spans.jsonl", exports), make.lines(folder / "s.jsonl", scores))


def test_openllmetry_is_read(tmp_path):
    (row,) = spans(tmp_path, otel.export(otel.span(1, otel.llmetry()))).rows

    assert row["query"] == make.user()
    assert (row["model"], row["budget_label"]) == ("gpt-5-mini", "low")  # the date of what answered is no other model
    assert (row["prompt_tokens"], row["completion_tokens"]) == (17, 36)
    assert (row["reasoning_tokens"], row["cached_prompt_tokens"]) == (30, 4)
    assert row["latency_s"] == pytest.approx(1.500000001, abs=1e-12)
    assert (row["quality"], row["time"]) == (1, "2026-11-26T11:18:53+00:00")
    assert "cost_usd" not in row


@pytest.mark.parametrize(
    "asked, answered, model",
    [
        ("gpt-5", "gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("gpt-5", "gpt-5-2025-08-07", "gpt-5"),
        ("claude-x-latest", "claude-x-20260101", "claude-x-latest"),
        ("router-alias", "gpt-5", "gpt-5"),
    ],
)
def test_the_model_that_answered_is_the_point(tmp_path, asked, answered, model):
    values = otel.llmetry(**{"gen_ai.request.model": asked, "gen_ai.response.model": answered})

    assert spans(tmp_path, otel.export(otel.span(1, values))).rows[0]["model"] == model


def test_openinference_is_read(tmp_path):
    (row,) = spans(tmp_path, otel.export(otel.span(1, otel.openinference(**{"llm.cost.total": 0.002})))).rows

    assert row["query"] == make.user()
    assert (row["model"], row["budget_label"], row["reasoning_tokens"]) == ("gpt-5-mini", "high", 30)
    assert row["cost_usd"] == 0.002


def test_samples_show_as_several_answers(tmp_path):
    plain = {"gen_ai.request.reasoning_effort": None, "gen_ai.response.finish_reasons": ["stop", "stop"]}
    answers = json.dumps({"choices": [{}, {}, {}]})
    parameters = json.dumps({"model": "gpt-5-mini"})
    exports = [
        otel.export(otel.span(1, otel.llmetry(**plain))),
        otel.export(
            otel.span(2, otel.openinference(**{"llm.invocation_parameters": parameters, "output.value": answers}))
        ),
    ]

    assert [row["budget"] for row in spans(tmp_path, *exports).rows] == [2, 3]


def test_spans_of_v2_make_no_run_and_the_reason_is_stated(tmp_path):
    bare = otel.llmetry(**{"gen_ai.input.messages": None, "gen_ai.request.reasoning_effort": None})

    with pytest.raises(RunsError, match="no query text on the span .*content is not captured on these spans"):
        spans(tmp_path, otel.export(otel.span(1, bare), scope="opentelemetry.instrumentation.openai_v2"))


@pytest.mark.parametrize(
    "changes, values, reason",
    [
        ({"status": {"code": "STATUS_CODE_ERROR"}}, otel.llmetry(), "failed call"),
        ({"status": {"code": 2}}, otel.llmetry(), "failed call"),
        ({}, otel.llmetry(**{"error.type": "Timeout"}), "failed call"),
        ({}, {"http.method": "GET"}, "not a model call"),
        ({}, otel.openinference(**{"openinference.span.kind": "CHAIN"}), "not a model call"),
        ({}, otel.llmetry(**{"gen_ai.operation.name": "embeddings"}), "not a generation of text"),
        ({}, otel.openinference(**{"llm.input_messages.0.message.content": "__REDACTED__"}), "query text redacted"),
    ],
)
def test_other_spans_are_set_aside(tmp_path, changes, values, reason):
    log = spans(tmp_path, otel.export(otel.span(1, otel.llmetry()), otel.span(2, values, **changes)))

    assert make.reasons(log) == [reason]
    assert "line 1, span 0000000000000002" in str(log.asides[0])


def test_a_framework_span_around_the_call_of_a_client_is_the_same_call(tmp_path):
    outer = otel.span(1, otel.openinference(), trace=9)
    middle = otel.span(2, {"name": "chain"}, trace=9, parentSpanId=outer["spanId"])
    inner = otel.span(3, otel.llmetry(), trace=9, parentSpanId=middle["spanId"])

    log = spans(tmp_path, otel.export(outer, middle, inner), scores=[otel.span_score(9, span_id=None)])

    assert len(log.rows) == 1
    assert "the same call is logged again inside it" in make.reasons(log)


def test_a_score_of_a_trace_judges_its_one_call_and_none_of_several(tmp_path):
    one = otel.export(otel.span(1, otel.llmetry()), otel.span(5, {}, trace=1))
    two = otel.export(otel.span(2, otel.llmetry(), trace=7), otel.span(3, otel.llmetry(), trace=7))
    scores = [otel.span_score(1, span_id=None), otel.span_score(7, 0, span_id=None)]

    log = spans(tmp_path, one, two, scores=scores)

    assert [row["quality"] for row in log.rows] == [1]
    assert make.reasons(log).count("no score") == 2
    assert "scores of a trace or an id with several calls" in make.notes(log)


def test_a_score_of_a_span_that_is_no_call_does_not_fall_to_the_trace(tmp_path):
    exports = otel.export(otel.span(1, otel.llmetry(), trace=4), otel.span(2, otel.llmetry()))
    scores = [otel.span_score(4, 0), otel.span_score(2)]  # span 4 of trace 4 is not in the log

    log = spans(tmp_path, exports, scores=scores)

    assert [row["quality"] for row in log.rows] == [1]
    assert "scores that name no usable call: 1" in make.notes(log)


def test_ids_in_base64_and_a_document_of_several_lines_are_read(tmp_path):
    span = otel.span(1, otel.llmetry())
    span["traceId"], span["spanId"] = (
        base64.b64encode(bytes.fromhex(span[name])).decode() for name in ("traceId", "spanId")
    )
    path = tmp_path / "traces.json"  # one export a line, as the collector writes into a file of any name
    path.write_text(
        f"{json.dumps(otel.export(span))}\n{json.dumps(otel.export(otel.span(2, otel.llmetry())))}\n", encoding="utf-8"
    )

    log = make.imported("otel", path, scores=make.lines(tmp_path / "s.jsonl", [otel.span_score(1), otel.span_score(2)]))

    assert len(log.rows) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.", "gen_ai.prompt.1.content": "Why?"},
        {
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}]),
        },
        {"input.value": json.dumps({"input": "Why?", "instructions": "Be brief."})},
    ],
)
def test_a_system_prompt_is_part_of_the_query_in_every_convention(tmp_path, values):
    base = otel.llmetry(**{"gen_ai.input.messages": None})

    (row,) = spans(tmp_path, otel.export(otel.span(1, base | values))).rows

    assert row["query"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]


def test_tool_messages_keep_their_text(tmp_path):
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "x", "name": "w", "arguments": {}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "x", "response": "rain"}]},
    ]

    (row,) = spans(
        tmp_path, otel.export(otel.span(1, otel.llmetry(**{"gen_ai.input.messages": json.dumps(messages)})))
    ).rows

    assert [message["content"] for message in row["query"]] == ["Weather?", None, "rain"]


def test_tokens_of_a_cache_that_the_prompt_leaves_out_are_added(tmp_path):
    values = otel.llmetry(**{"gen_ai.usage.cache_read.input_tokens": 100, "gen_ai.provider.name": "anthropic"})

    (row,) = spans(tmp_path, otel.export(otel.span(1, values))).rows

    assert (row["prompt_tokens"], row["cached_prompt_tokens"]) == (117, 100)
    assert "reasoning_tokens" not in row


def test_reasoning_beside_the_answer_is_added_where_the_total_has_it(tmp_path):
    values = otel.llmetry(**{"gen_ai.usage.output_tokens": 6, "gen_ai.usage.total_tokens": 53})

    assert spans(tmp_path, otel.export(otel.span(1, values))).rows[0]["completion_tokens"] == 36


def test_ids_that_are_whole_numbers_are_read(tmp_path):
    (row,) = spans(tmp_path, otel.export(otel.span(1, otel.llmetry(**{"user.id": 12, "session.id": 2**53 + 1})))).rows

    assert (row["tenant"], row["conversation"]) == ("12", str(2**53 + 1))


def planned_span(number=1, *, kind="thinking_tokens", label="8000", amount=8000.0, answered_by=None, **changes):
    """Return a span with the attributes of a decision, as ``Decision.otel_attributes`` writes them."""
    point = Point("gpt-5-mini", Budget(kind, label, amount))
    fallback = Point("gpt-5", Budget())
    decision = replace(
        Planner(fitted().policy).plan("apple"),
        point=point,
        propensity=0.25,
        fallbacks=(fallback.name,),
        fallback_points=(fallback,),
        fallback_caps_tokens=(500,),
    )
    stated = otel.llmetry(**{"gen_ai.request.reasoning_effort": None} | changes)
    return decision, otel.span(number, stated | decision.otel_attributes(answered_by=answered_by) | changes)


@pytest.mark.parametrize(
    "kind, label, amount",
    [
        ("thinking_tokens", "8000", 8000.0),
        ("effort", "high", None),
        ("effort", "off", None),
        ("none", "default", None),
        ("strategy", "debate", None),
        ("max_tokens", "500", 500.0),
        ("samples", "maj@1", 1.0),
    ],
)
def test_the_attributes_of_a_decision_are_read_back(tmp_path, kind, label, amount):
    decision, span = planned_span(kind=kind, label=label, amount=amount)

    (row,) = spans(tmp_path, otel.export(span), scores=[{"decision_id": decision.id, "value": 0.5}]).rows

    assert row["model"] == "gpt-5-mini"
    assert (row.get("budget_kind", "none"), row.get("budget_label", "default")) == (kind, label)
    assert row.get("budget") == amount
    assert (row["propensity"], row["quality"]) == (0.25, 0.5)


def test_samples_that_were_planned_are_read_where_the_span_has_them_all(tmp_path):
    _, whole = planned_span(1, kind="samples", label="maj@3", amount=3.0, **{"gen_ai.request.choice.count": 3})
    _, part = planned_span(2, kind="samples", label="maj@3", amount=3.0)

    imported = spans(tmp_path, otel.export(whole, part))

    (row,) = imported.rows
    assert (row["budget_kind"], row["budget_label"], row["budget"], row["propensity"]) == ("samples", "maj@3", 3, 0.25)
    assert "a part of the samples that were planned as one run" in make.notes(imported)


@pytest.mark.parametrize(
    "changes, point",
    [
        ({"gen_ai.response.model": "gpt-5-2025-08-07"}, ("gpt-5", None)),
        ({"gen_ai.request.reasoning_effort": "low"}, ("gpt-5-mini", "low")),
        ({"gen_ai.request.reasoning.level": "low"}, ("gpt-5-mini", "low")),
    ],
    ids=["another model answered", "another effort was sent", "by its present name"],
)
def test_where_another_point_answered_than_was_planned_it_has_no_propensity(tmp_path, changes, point):
    _, span = planned_span(**changes)

    (row,) = spans(tmp_path, otel.export(span)).rows

    assert (row["model"], row.get("budget_label")) == point
    assert "propensity" not in row


def test_an_answer_of_a_fallback_is_a_run_of_the_fallback(tmp_path):
    answered = {"gen_ai.request.model": "gpt-5", "gen_ai.response.model": "gpt-5-2025-08-07"}
    _, span = planned_span(answered_by="gpt-5@default", **answered)

    (row,) = spans(tmp_path, otel.export(span)).rows

    assert (row["model"], row.get("budget_label"), row.get("propensity")) == ("gpt-5", None, None)


@pytest.mark.parametrize(
    "answers",
    [
        {
            f"gen_ai.completion.{i}.{name}": value
            for i in (0, 1)
            for name, value in (("role", "assistant"), ("content", "x"))
        },
        {f"llm.completions.{i}.content": "x" for i in (0, 1)},
        {"gen_ai.output.messages": json.dumps([{"role": "assistant", "finish_reason": "stop"}] * 2)},
    ],
    ids=["completion", "completions", "output.messages"],
)
def test_samples_are_counted_where_no_finish_reasons_are_logged(tmp_path, answers):
    bare = {"gen_ai.request.reasoning_effort": None, "gen_ai.response.finish_reasons": None}
    claude = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-x", "gen_ai.response.model": None}
    exports = [
        otel.export(otel.span(1, otel.llmetry(**bare, **answers))),
        otel.export(otel.span(2, otel.llmetry(**{**bare, **claude}, **answers))),  # parts of one answer
    ]

    rows = spans(tmp_path, *exports).rows

    assert [(row.get("budget_kind"), row.get("budget")) for row in rows] == [("samples", 2), (None, None)]


def test_the_names_of_early_versions_are_read(tmp_path):
    values = {
        "llm.request.type": "chat",
        "llm.request.model": "gpt-4",
        "llm.prompts.0.role": "user",
        "llm.prompts.0.content": make.QUESTION,
        "llm.usage.prompt_tokens": 17,
        "llm.usage.completion_tokens": 36,
    }

    (row,) = spans(tmp_path, otel.export(otel.span(1, values))).rows

    assert (row["model"], row["query"]) == ("gpt-4", make.user())
    assert (row["prompt_tokens"], row["completion_tokens"]) == (17, 36)


@pytest.mark.parametrize(
    "name, value",
    [
        (
            "events",
            [
                {"event.name": "gen_ai.user.message", "role": "user", "content": make.QUESTION},
                {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "seven"}},
            ],
        ),
        (
            "gcp.vertex.agent.llm_request",
            {"model": "gemini-2.5-flash", "contents": [{"role": "user", "parts": [{"text": make.QUESTION}]}]},
        ),
    ],
)
def test_queries_of_other_instrumentations_are_read(tmp_path, name, value):
    span = otel.span(1, otel.llmetry(**{"gen_ai.input.messages": None, name: json.dumps(value)}))

    (row,) = make.imported(
        "otel",
        make.lines(tmp_path / "spans.jsonl", [otel.export(span)]),
        scores=make.lines(tmp_path / "scores.jsonl", [otel.span_score(1)]),
    ).rows

    assert row["query"] == make.user()
