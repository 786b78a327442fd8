"""Results of promptfoo: the effort stands in the configuration of the provider with the label."""

import json

import pytest

from paretoroute.errors import RunsError
from tests.runs.importers import foreign_logs as make


def document(*results, config=None):
    return {"evalId": "e", "results": {"version": 3, "results": results}, "config": config or make.promptfoo_config()}


def test_two_providers_of_one_id_are_two_points(tmp_path):
    high = make.promptfoo_result(2, provider={"id": "openai:chat:gpt-5-mini", "label": "high"}, score=1)
    path = make.document(tmp_path / "results.json", document(make.promptfoo_result(), high))

    rows = make.imported("promptfoo", path).rows

    assert [(row["model"], row["budget_label"], row["quality"]) for row in rows] == [
        ("gpt-5-mini", "low", 0.5),
        ("gpt-5-mini", "high", 1),
    ]
    assert rows[0]["query"] == make.QUESTION
    assert (rows[0]["prompt_tokens"], rows[0]["completion_tokens"], rows[0]["reasoning_tokens"]) == (16, 22, 20)
    assert (rows[0]["cost_usd"], rows[0]["latency_s"]) == (4.8e-05, 0.182)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_json_lines_take_the_configuration_from_its_own_file(tmp_path, suffix):
    config = make.document(tmp_path / f"promptfooconfig{suffix}", make.promptfoo_config())
    results = make.lines(tmp_path / "results.jsonl", [make.promptfoo_result()])

    assert make.imported("promptfoo", config, results).rows[0]["budget_label"] == "low"


def test_providers_that_only_labels_tell_apart_are_not_mixed_up(tmp_path):
    unlabelled = make.promptfoo_result(2, provider={"id": "openai:chat:gpt-5-mini"})
    path = make.document(tmp_path / "results.json", document(make.promptfoo_result(), unlabelled))

    assert make.reasons(make.imported("promptfoo", path)) == [
        "several providers of one id, which only labels tell apart"
    ]


def test_a_label_without_its_configuration_is_no_point(tmp_path):
    results = make.lines(tmp_path / "results.jsonl", [make.promptfoo_result()])

    with pytest.raises(RunsError, match="a provider that no configuration describes; give promptfooconfig too"):
        make.imported("promptfoo", results)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"failureReason": 2, "error": "500"}, "failed call"),
        ({"response": {"error": "429"}}, "failed call"),
        ({"response": {"output": "x", "cached": True, "tokenUsage": {"cached": 38}}}, "answered from a cache"),
        ({"gradingResult": {"pass": True, "score": 1, "reason": "No assertions"}}, "no assertion judges the answer"),
        ({"gradingResult": None, "testCase": {}, "score": 1}, "no assertion judges the answer"),
    ],
)
def test_other_results_are_set_aside(tmp_path, changes, reason):
    path = make.document(tmp_path / "r.json", document(make.promptfoo_result(), make.promptfoo_result(2, **changes)))

    log = make.imported("promptfoo", path)

    assert make.reasons(log) == [reason]
    assert "r.json, result 2" in str(log.asides[0])


@pytest.mark.parametrize(
    "provider, model",
    [
        ("openai:gpt-5", "gpt-5"),
        ("openai:responses:gpt-5", "gpt-5"),
        ("anthropic:messages:claude-opus-4-6-20260101", "claude-opus-4-6"),
        ("openrouter:meta-llama/llama-3.1-8b:free", "meta-llama/llama-3.1-8b:free"),
        ("bedrock:us.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
        ("ollama:chat:llama3:8b", "llama3:8b"),
    ],
)
def test_the_model_is_the_last_part_of_the_provider(tmp_path, provider, model):
    path = make.document(tmp_path / "r.json", document(make.promptfoo_result(provider={"id": provider})))

    assert make.imported("promptfoo", path).rows[0]["model"] == model


def test_chat_prompts_and_prompt_settings_are_read(tmp_path):
    prompt = {"raw": json.dumps(make.user("Why?")), "config": {"reasoning_effort": "minimal"}}
    path = make.document(tmp_path / "r.json", document(make.promptfoo_result(prompt=prompt)))

    log = make.imported("promptfoo", path)

    assert log.rows[0]["budget_label"] == "minimal"
    assert log.runs().texts == ("Why?",)
