"""Records of wrong types, deep nesting and half characters: set aside or refused by name, never a crash."""

import json
import random

import pytest

from paretoroute.errors import ParetorouteError
from paretoroute.runs.importers.write import write_rows
from tests.runs.importers import foreign_benchmarks as bench
from tests.runs.importers import foreign_logs as make
from tests.runs.importers import foreign_spans as otel

SCORES = [
    make.call_score(),
    {"request_id": "req-1", "value": 1},
    otel.span_score(1),
    {"custom_id": "r1", "value": 1},
]
TOOLS = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "?"}]}
SWITCHES = {"thinking": {"type": "disabled"}, "extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}
PHOENIX = {
    "context.span_id": f"{1:016x}",
    "start_time": "2026-11-26T11:00:00+00:00",
    "attributes.llm.model_name": "a",
    "attributes.llm.input_messages": [{"message.role": "user", "message.content": "?"}],
    "attributes.llm.invocation_parameters": {"thinking": {"type": "enabled"}},
}
JAEGER = {
    "traceID": "1",
    "spanID": f"{1:016x}",
    "references": [{"refType": "CHILD_OF", "spanID": "2"}],
    "startTime": 1795690000000000,
    "duration": 5,
    "tags": [{"key": "gen_ai.request.model", "value": "a"}, {"key": "gen_ai.prompt.0.content", "value": "?"}],
    "logs": [{"fields": [{"key": "event", "value": "x"}]}],
}
LOGS = {
    "litellm": [
        make.payload(),
        make.payload(2, messages=[*make.user(), TOOLS, IMAGE], model_parameters=SWITCHES),
    ],
    "litellm-spend": [make.spend_row()],
    "otel": [otel.export(otel.span(1, otel.llmetry())), PHOENIX, {"traceID": "1", "spans": [JAEGER]}],
    "langfuse": [make.observation(), make.langfuse_score()],
    "promptfoo": [make.promptfoo_result(provider={"id": "openai:gpt-5"}, testIdx=0, vars={"a": "b"})],
    "openai-batch": [make.batch_request(), make.batch_answer()],
    "inspect": [make.eval_header(samples=[make.eval_sample(choices=["4", "6"])])],
    "lm-eval": [{**bench.harness_sample(), "doc": {"question": "?"}}],
}
VALUES = (
    None,
    True,
    -1,
    1e308,
    10**5000,
    "",
    "x",
    "16k",
    "\ud800",
    [],
    {},
    [[1]],
    {"a": {"b": 1}},
    ["x"],
    [{"role": 5}],
)


def mutated(value, draw):
    """Return a record in which one field, at any depth, has a value of another type."""
    value = json.loads(json.dumps(value))
    place = value
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = draw.choice(list(keys))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and draw.random() < 0.7:
            place = inner
            continue
        place[key] = draw.choice(VALUES)
        return value


@pytest.mark.parametrize("source", LOGS)
def test_fields_of_wrong_types_never_crash_an_import(tmp_path, source):
    draw = random.Random(source)
    scores = make.lines(tmp_path / "scores.jsonl", SCORES)
    for i in range(30):
        rows = [mutated(row, draw) if draw.random() < 0.8 else row for row in LOGS[source]]
        log = tmp_path / f"samples_t{i}.jsonl"
        log.write_text("".join(_json(row) + "\n" for row in rows), encoding="utf-8")
        try:
            result = make.imported(source, log, scores=scores)
            write_rows(result.rows, tmp_path / "out.jsonl")
            write_rows(result.rows, tmp_path / "out.parquet")
        except ParetorouteError:
            pass


def _json(row):
    import sys

    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(row)
    finally:
        sys.set_int_max_str_digits(limit)


def test_deep_nesting_is_set_aside(tmp_path):
    deep = "[" * 900 + "]" * 900
    rows = [json.dumps(make.payload()), json.dumps(make.payload(2)).replace(json.dumps(make.user()), deep)]
    log = tmp_path / "calls.jsonl"
    log.write_text("\n".join(rows) + "\n", encoding="utf-8")

    result = make.imported("litellm", log, scores=make.lines(tmp_path / "s.jsonl", [make.call_score()]))

    assert len(result.rows) == 1
    assert len(result.asides) == 1


def test_documents_nested_too_deeply_are_of_no_sample(tmp_path):
    deep = json.loads("[" * 900 + "]" * 900)
    samples = [{**bench.harness_sample(), "doc": {"question": deep}}]

    assert len(make.imported("lm-eval", *bench.harness(tmp_path, "tiny", *samples)).rows) == 1
