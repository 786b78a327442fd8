"""Thinking that a request switches on or off, in the words of each client and in the logs of each tool."""

import json

import pytest

from tests.runs.importers import foreign_logs as make
from tests.runs.importers import foreign_spans as spans

OFF = ("thinking_tokens", "0", 0)
ON = ("thinking", "on", None)
DEFAULT = (None, None, None)
SWITCHES = [
    ({"thinking": {"type": "disabled"}}, OFF),
    ({"extra_body": {"thinking": {"type": "disabled"}}}, OFF),
    ({"enable_thinking": False}, OFF),
    ({"extra_body": {"enable_thinking": "false"}}, OFF),
    ({"chat_template_kwargs": {"enable_thinking": False}}, OFF),
    ({"extra_body": {"chat_template_kwargs": {"thinking": False}}}, OFF),
    ({"think": False}, OFF),
    ({"think": "low"}, ("effort", "low", None)),
    ({"reasoning": {"enabled": False}}, OFF),
    ({"thinking": {"type": "enabled"}}, ON),
    ({"chat_template_kwargs": {"thinking": True}}, ON),
    ({"reasoning": {"enabled": True}}, ON),
    ({"thinking": {"type": "enabled", "budget_tokens": 700}}, ("thinking_tokens", "700", 700)),
    ({"reasoning": {"enabled": True, "effort": "high"}}, ("effort", "high", None)),
]


def budgets(log):
    return [(row.get("budget_kind"), row.get("budget_label"), row.get("budget")) for row in log.rows]


def litellm(folder, *parameters, model="glm-4.6"):
    payloads = [make.payload(i, model=model, model_parameters=one) for i, one in enumerate(parameters, start=1)]
    scores = [make.call_score(i) for i in range(1, len(payloads) + 1)]
    return make.imported(
        "litellm", make.lines(folder / "calls.jsonl", payloads), scores=make.lines(folder / "scores.jsonl", scores)
    )


@pytest.mark.parametrize("parameters, budget", SWITCHES)
def test_thinking_is_read_in_the_words_of_each_client(tmp_path, parameters, budget):
    assert budgets(litellm(tmp_path, parameters, {})) == [budget, DEFAULT]


@pytest.mark.parametrize("parameters, budget", SWITCHES)
def test_thinking_is_read_from_the_requests_of_a_batch(tmp_path, parameters, budget):
    requests = [make.batch_request(1, **parameters), make.batch_request(2)]
    for request in requests:
        request["body"] |= {"model": "glm-4.6"}
        request["body"].pop("reasoning_effort", None)
    answers = [make.batch_answer(1), make.batch_answer(2)]
    scores = [{"custom_id": f"r{i}", "quality": 1} for i in (1, 2)]

    log = make.imported(
        "openai-batch",
        make.lines(tmp_path / "input.jsonl", requests),
        make.lines(tmp_path / "output.jsonl", answers),
        scores=make.lines(tmp_path / "scores.jsonl", scores),
    )

    assert budgets(log) == [budget, DEFAULT]


@pytest.mark.parametrize("parameters, budget", SWITCHES)
@pytest.mark.parametrize("attribute", ["llm.invocation_parameters", "input.value"])
def test_thinking_is_read_from_what_openinference_writes(tmp_path, attribute, parameters, budget):
    names = {"llm.model_name": "glm-4.6", "llm.invocation_parameters": None}
    stated = spans.openinference(**{**names, attribute: json.dumps({"model": "glm-4.6", **parameters})})
    silent = spans.openinference(**names)
    export = spans.export(spans.span(1, stated), spans.span(2, silent))

    log = make.imported(
        "otel",
        make.lines(tmp_path / "spans.jsonl", [export]),
        scores=make.lines(tmp_path / "scores.jsonl", [spans.span_score(1), spans.span_score(2)]),
    )

    assert budgets(log) == [budget, DEFAULT]


@pytest.mark.parametrize(
    "attributes, budget",
    [
        ({"gen_ai.request.enable_thinking": False}, OFF),
        ({"gen_ai.request.thinking.type": "disabled"}, OFF),
        ({"gen_ai.request.extra_body": json.dumps({"enable_thinking": False})}, OFF),
        ({"gen_ai.request.thinking.budget_tokens": 700}, ("thinking_tokens", "700", 700)),
    ],
)
def test_thinking_is_read_from_the_attributes_of_openllmetry(tmp_path, attributes, budget):
    others = {"gen_ai.response.model": None, "gen_ai.request.reasoning_effort": None}
    export = spans.export(spans.span(1, spans.llmetry(**{"gen_ai.request.model": "qwen3", **others, **attributes})))

    log = make.imported(
        "otel",
        make.lines(tmp_path / "spans.jsonl", [export]),
        scores=make.lines(tmp_path / "scores.jsonl", [spans.span_score(1)]),
    )

    assert budgets(log) == [budget]


def test_claude_with_a_budget_of_no_tokens_does_not_think(tmp_path):
    asked = {"thinking": {"type": "enabled", "budget_tokens": 0}}, {"reasoning": {"max_tokens": 0, "enabled": True}}, {}
    assert budgets(litellm(tmp_path, *asked, model="claude-opus-4-6")) == [DEFAULT] * 3


def test_claude_does_not_think_by_default_so_that_disabled_says_nothing_new(tmp_path):
    asked = {"thinking": {"type": "disabled"}}, {"reasoning": {"enabled": False}}, {}

    assert budgets(litellm(tmp_path, *asked, model="claude-opus-4-6")) == [DEFAULT] * 3


def test_a_switch_that_every_call_has_on_is_the_default_of_its_model(tmp_path):
    always = litellm(tmp_path, {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}})
    mixed = litellm(tmp_path, {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}, {})

    assert budgets(always) == [DEFAULT, OFF]
    assert budgets(mixed) == [ON, OFF, DEFAULT]
    assert "some calls of 'glm-4.6' switch thinking on, and others say nothing" in make.notes(mixed)
    assert "switch thinking on" not in make.notes(always)


def test_several_samples_without_thinking_are_two_budgets(tmp_path):
    log = litellm(tmp_path, {"n": 3, "enable_thinking": False}, {"n": 3})

    assert make.reasons(log) == ["two budgets in one call; a budget holds one"]
    assert budgets(log) == [("samples", "3", 3)]
