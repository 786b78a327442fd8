"""Exports of spans by Phoenix, Jaeger and Tempo give the runs that OTLP gives."""

import datetime
import json

import pandas as pd
import pytest

from tests.runs.importers import foreign_logs as make
from tests.runs.importers import foreign_spans as otel

START = datetime.datetime(2026, 11, 26, 11, 0, tzinfo=datetime.UTC)
END = START + datetime.timedelta(seconds=1.5)
IDS = {"trace_id": f"{1:032x}", "span_id": f"{1:016x}"}
EXPECTED = {
    "query": make.QUESTION,
    "model": "gpt-5-mini",
    "budget_kind": "effort",
    "budget_label": "high",
    "quality": 1,
    "prompt_tokens": 17,
    "completion_tokens": 36,
    "reasoning_tokens": 30,
    "latency_s": 1.5,
    "time": "2026-11-26T11:00:00+00:00",
}
PARAMETERS = json.dumps({"model": "gpt-5-mini", "reasoning_effort": "high"})


def imported(folder, path, *scores):
    log = make.imported("otel", path, scores=make.lines(folder / "s.jsonl", scores or [otel.span_score(1)]))
    assert not log.asides
    (row,) = log.rows
    query = row["query"]
    return {**row, "query": query if isinstance(query, str) else query[0]["content"]}


def phoenix_row():
    """Return a row of Phoenix's table of spans."""
    return {
        "name": "ChatCompletion",
        "span_kind": "LLM",
        "parent_id": None,
        "start_time": START,
        "end_time": END,
        "status_code": "OK",
        "status_message": "",
        "events": [],
        "context.span_id": IDS["span_id"],
        "context.trace_id": IDS["trace_id"],
        "attributes.openinference.span.kind": "LLM",
        "attributes.llm.model_name": "gpt-5-mini",
        "attributes.llm.invocation_parameters": PARAMETERS,
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": make.QUESTION}],
        "attributes.llm.output_messages": [{"message.role": "assistant", "message.content": "seven"}],
        "attributes.llm.token_count.prompt": 17,
        "attributes.llm.token_count.completion": 36,
        "attributes.llm.token_count.completion_details.reasoning": 30,
        "attributes.metadata": None,
    }


def phoenix_document(*, nested):
    """Return a span as Phoenix's interface writes it."""
    flat = {name.removeprefix("attributes."): v for name, v in phoenix_row().items() if name.startswith("attributes.")}
    message = {"message": {"role": "user", "content": make.QUESTION}}
    tree = {
        "openinference": {"span": {"kind": "LLM"}},
        "llm": {
            "model_name": "gpt-5-mini",
            "invocation_parameters": PARAMETERS,
            "input_messages": [message],
            "token_count": {"prompt": 17, "completion": 36, "completion_details": {"reasoning": 30}},
        },
    }
    times = {"start_time": START.isoformat(), "end_time": END.isoformat()}
    return {"context": IDS, "span_kind": "LLM", "status_code": "OK", **times, "attributes": tree if nested else flat}


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "milliseconds"])
def test_phoenix_tables_of_spans_are_read(tmp_path, kind):
    frame = pd.DataFrame([phoenix_row(), {**phoenix_row(), "context.span_id": f"{2:016x}", "span_kind": "CHAIN"}])
    frame.loc[1, "attributes.openinference.span.kind"] = "CHAIN"
    path = tmp_path / f"spans.{kind if kind != 'milliseconds' else 'jsonl'}"
    if kind == "parquet":
        frame.set_index("context.span_id").to_parquet(path)
    elif kind == "csv":
        frame.to_csv(path)
    else:
        if kind == "milliseconds":
            frame = frame.assign(start_time=int(START.timestamp() * 1e3), end_time=int(END.timestamp() * 1e3))
        frame.to_json(path, orient="records", lines=True, date_format="iso")

    log = make.imported("otel", path, scores=make.lines(tmp_path / "s.jsonl", [otel.span_score(1)]))

    assert make.reasons(log) == ["not a model call"]
    (row,) = log.rows
    assert {**EXPECTED, **{"query": row["query"]}}.items() <= row.items()
    assert row["query"] == [{"role": "user", "content": make.QUESTION}]


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("is_page", [True, False])
def test_phoenix_documents_are_read(tmp_path, nested, is_page):
    span = phoenix_document(nested=nested)
    path = make.lines(tmp_path / "spans.jsonl", [{"data": [span], "next_cursor": None} if is_page else span])

    assert EXPECTED.items() <= imported(tmp_path, path).items()


@pytest.mark.parametrize(
    "annotation",
    [
        {"id": "a1", "name": "correct", "span_id": IDS["span_id"], "result": {"label": "good", "score": 1.0}},
        {"annotation_name": "correct", "span_id": IDS["span_id"], "result.label": "correct", "result.score": None},
    ],
)
def test_phoenix_annotations_are_scores(tmp_path, annotation):
    path = make.lines(tmp_path / "spans.jsonl", [phoenix_document(nested=False)])

    assert imported(tmp_path, path, annotation)["quality"] == 1


def test_messages_that_numpy_printed_into_a_cell_are_read(tmp_path):
    cell = (
        f"[{{'message.role': 'system', 'message.content': 'Be brief.'}}\n {{'message.role': 'user',\n "
        f"'message.content': '{make.QUESTION}'}}]"
    )
    path = tmp_path / "spans.csv"
    pd.DataFrame([{**phoenix_row(), "attributes.llm.input_messages": cell}]).to_csv(path)

    (row,) = make.imported("otel", path, scores=make.lines(tmp_path / "s.jsonl", [otel.span_score(1)])).rows

    assert [message["role"] for message in row["query"]] == ["system", "user"]


def jaeger(number, values, *, parent=None, **changes):
    """Return a span of Jaeger."""
    tags = [{"key": name, "type": "string", "value": value} for name, value in values.items()]
    tags = [tag | ({"value": json.dumps(tag["value"])} if isinstance(tag["value"], list) else {}) for tag in tags]
    row = {
        "traceID": IDS["trace_id"],
        "spanID": f"{number:016x}",
        "references": [{"refType": "CHILD_OF", "spanID": f"{parent:016x}"}] if parent else [],
        "startTime": int(START.timestamp() * 1e6),
        "duration": 1_500_000,
        "tags": [*tags, {"key": "otel.scope.name", "type": "string", "value": "openinference"}],
        "logs": [],
    }
    return row | changes


@pytest.mark.parametrize("form", ["page", "trace", "lines"])
def test_traces_of_jaeger_are_read(tmp_path, form):
    spans = [jaeger(1, otel.openinference())]
    trace = {"traceID": IDS["trace_id"], "spans": spans, "processes": {}}
    content = {"page": [{"data": [trace], "total": 0}], "trace": [trace], "lines": spans}[form]

    assert EXPECTED.items() <= imported(tmp_path, make.lines(tmp_path / "trace.jsonl", content)).items()


def test_failed_and_outer_calls_of_jaeger_are_set_aside(tmp_path):
    spans = [
        jaeger(1, otel.openinference()),
        jaeger(2, otel.openinference(), parent=1),
        jaeger(3, {**otel.openinference(), "error": True}),
        jaeger(4, {**otel.openinference(), "otel.status_code": "ERROR"}),
    ]
    path = make.document(tmp_path / "trace.json", {"data": [{"traceID": IDS["trace_id"], "spans": spans}]})

    log = make.imported("otel", path, scores=make.lines(tmp_path / "s.jsonl", map(otel.span_score, (1, 2, 3, 4))))

    assert len(log.rows) == 1
    assert make.reasons(log) == ["the same call is logged again inside it", "failed call", "failed call"]


def test_traces_of_tempo_are_read(tmp_path):
    (resource,) = otel.export(otel.span(1, otel.openinference()))["resourceSpans"]

    for i, value in enumerate(({"batches": [resource]}, {"trace": {"resourceSpans": [resource]}})):
        row = imported(tmp_path, make.document(tmp_path / f"{i}.json", value))
        assert {**EXPECTED, "latency_s": 1.500000001, "time": row["time"]}.items() <= row.items()


@pytest.mark.parametrize("field, values", [("arguments", ('{"a": 1}', '{"a": 2}')), ("name", ("add", "divide"))])
def test_conversations_of_openinference_that_called_other_tools_are_two_queries(tmp_path, field, values):
    def span(number, value):
        call = {"llm.input_messages.1.message.role": "assistant"}
        call |= {f"llm.input_messages.1.message.tool_calls.0.tool_call.function.{field}": value}
        return otel.span(number, {**otel.openinference(), **call})

    spans = [span(1, values[0]), span(2, values[1]), span(3, values[0])]
    path = make.lines(tmp_path / "spans.jsonl", [otel.export(*spans)])

    log = make.imported("otel", path, scores=make.lines(tmp_path / "s.jsonl", map(otel.span_score, (1, 2, 3))))

    ids = [row["query_id"] for row in log.rows]
    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_values_whose_other_kinds_are_null_are_read(tmp_path):
    kinds = ("stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue")
    span = otel.span(1, otel.llmetry())
    for attribute in span["attributes"]:
        attribute["value"] = dict.fromkeys(kinds) | attribute["value"]

    row = imported(tmp_path, make.lines(tmp_path / "log.jsonl", [otel.export(span)]))

    assert (row["model"], row["prompt_tokens"], row["completion_tokens"]) == ("gpt-5-mini", 17, 36)
