"""Results of promptfoo: the effort stands in the configuration of the provider with the label."""

import json
import time

import pytest
import yaml

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


def as_promptfoo_writes_it(*results):
    """Return results as YAML of js-yaml, which writes an object that stands twice in the memory as an alias."""
    document_of = document(*({**result, "vars": result["testCase"]} for result in results))
    document_of["metadata"] = {"exportedAt": "2026-11-26T11:21:22.138Z", "again": document_of["config"]}
    return yaml.safe_dump(document_of, sort_keys=False, width=80)


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_results_in_yaml_are_those_in_json(tmp_path, suffix):
    long = make.promptfoo_result(
        2, prompt={"raw": "Explain: why?  " * 30 + "\n\n- one\n- two: 'three' # four\n", "config": {}}
    )
    results = make.promptfoo_result(), long, make.promptfoo_result(3, failureReason=2, error="500")
    text = as_promptfoo_writes_it(*results)
    (tmp_path / f"results{suffix}").write_text(text, encoding="utf-8")

    log = make.imported("promptfoo", tmp_path / f"results{suffix}")

    assert "&id001" in text and "*id001" in text
    assert log.rows == make.imported("promptfoo", make.document(tmp_path / "r.json", document(*results))).rows
    assert (len(log.rows), make.reasons(log)) == (2, ["failed call"])


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "a: &x [*x]",
            r"r.yaml, line 1: \*x refers to a value that does not end before it. promptfoo also writes JSON",
        ),
        ("a: *x", r"r.yaml, line 1: \*x refers to a value"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "r.yaml, line 3: uses a merge key"),
        ("a: !!python/object:os.system {}", "r.yaml, line 1: uses a tag"),
        ("a: " + "[" * 40 + "]" * 40, "nests deeper than 32 levels"),
        (
            "a: &a [x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
            ),
            "holds more than 200000 items",
        ),
        (
            "a: &a [1]\n" + "".join(f"{i + 1}: &k{i + 1} [*{'a' if not i else f'k{i}'}]\n" for i in range(40)),
            "nests deeper than 32 levels",
        ),
    ],
)
def test_a_yaml_file_that_is_not_plain_or_explodes_is_refused_at_once(tmp_path, text, message):
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    start = time.process_time()

    with pytest.raises(RunsError, match=message):
        make.imported("promptfoo", tmp_path / "r.yaml")

    assert time.process_time() - start < 20


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


def test_prompts_that_were_stripped_are_redacted_and_tokens_of_the_cache_alone_are_of_no_call(tmp_path):
    stripped = make.promptfoo_result(2, prompt={"raw": "[prompt stripped]"})
    usage = {"cached": 38, "total": 38}
    cached = make.promptfoo_result(3, response={"output": "seven", "tokenUsage": usage}, tokenUsage=usage)

    log = make.imported(
        "promptfoo", make.document(tmp_path / "r.json", document(make.promptfoo_result(), stripped, cached))
    )

    assert len(log.rows) == 1
    assert make.reasons(log) == ["query text redacted", "answered from a cache"]


def test_scores_that_count_cost_or_latency_are_asked_about(tmp_path):
    asserted = [{"type": "contains", "value": "7"}, {"type": "latency", "threshold": 3000}]
    results = [make.promptfoo_result(1), make.promptfoo_result(2, testCase={"assert": asserted})]
    free = [make.promptfoo_result(3, testCase={"assert": [{**one, "weight": 0} for one in asserted]})]

    log = imported_results(tmp_path / "a.json", results)

    assert "results whose score has assertions on cost or latency among it" in make.notes(log)
    assert "cost or latency" not in make.notes(imported_results(tmp_path / "b.json", free))


def imported_results(path, results):
    value = {"results": {"results": results}, "config": make.promptfoo_config()}
    return make.imported("promptfoo", make.document(path, value))


YAML_CHAT = "- role: system\n  content: Answer shortly.\n- role: user\n  content: 'Who is it?'\n"


@pytest.mark.parametrize(
    "prompt, text",
    [
        (YAML_CHAT, "system: Answer shortly.\nuser: Who is it?"),
        ("- role: user\n  content: 42", "42"),
        ("\n- role: user\n  content: |\n    Who\n    is it?\n", "Who\nis it?\n"),
        ('[{"role": "user", "content": "Who is it?"}]', "Who is it?"),
        ("- role: user\n  content: [", "- role: user\n  content: ["),  # no YAML
        ("- one\n- two", "- one\n- two"),  # a list in a text
    ],
)
def test_a_chat_in_yaml_is_the_chat_that_promptfoo_sends(tmp_path, prompt, text):
    path = make.document(tmp_path / "r.json", document(make.promptfoo_result(prompt={"raw": prompt})))

    log = make.imported("promptfoo", path)

    assert log.runs().texts == (text,)


def test_a_prompt_without_its_cache_as_anthropic_counts_it_is_made_whole(tmp_path):
    usage = {"prompt": 4, "completion": 22, "total": 26}
    usage["completionDetails"] = {"cacheReadInputTokens": 90, "cacheCreationInputTokens": 6}
    result = make.promptfoo_result(response={"output": "seven", "tokenUsage": usage})

    (row,) = make.imported("promptfoo", make.document(tmp_path / "r.json", document(result))).rows

    assert (row["prompt_tokens"], row["cached_prompt_tokens"], row["cache_write_tokens"]) == (100, 90, 6)
