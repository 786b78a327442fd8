"""LiteLLM's standard logging payload: one call per payload, with the traps of its versions."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.importers import calls
from tests.runs.importers import foreign_logs as make


def rows_of(folder, *payloads, scores=None, **options):
    scores = [make.call_score(i) for i in range(1, len(payloads) + 1)] if scores is None else scores
    files = make.lines(folder / "calls.jsonl", payloads), make.lines(folder / "scores.jsonl", scores)
    return make.imported("litellm", *files, **options)


def test_every_column_is_read(tmp_path):
    log = rows_of(
        tmp_path,
        make.payload(
            end_user="team-blue",
            session_id="conv-1",
            request_tags=["User-Agent: x", "geo"],
            metadata=make.payload()["metadata"] | {"spend_logs_metadata": {"paretoroute": {"propensity": 0.25}}},
        ),
    )

    (row,) = log.rows
    assert row == {
        "query_id": row["query_id"],
        "query": make.user(),
        "model": "gpt-5-mini",
        "budget_kind": "effort",
        "budget_label": "low",
        "quality": 1,
        "prompt_tokens": 20,
        "completion_tokens": 50,
        "reasoning_tokens": 32,
        "cached_prompt_tokens": 8,
        "cost_usd": 0.001,
        "cost_source": "logged",
        "latency_s": 2.5,  # and not the time to the first token, 0.5
        "propensity": 0.25,
        "tenant": "team-blue",
        "conversation": "conv-1",
        "tag": "geo",
        "time": "2026-11-26T10:46:40+00:00",
    }


def test_a_stream_without_usage_is_unknown_and_never_free(tmp_path):
    silent = make.payload(2, prompt_tokens=0, completion_tokens=0, response_cost=0.0, metadata={"usage_object": None})

    log = rows_of(tmp_path, make.payload(), silent)

    assert {"prompt_tokens", "completion_tokens", "cost_usd"}.isdisjoint(log.rows[1])


def test_a_cost_without_any_token_count_is_that_of_the_log(tmp_path):
    priced_otherwise = make.payload(2, prompt_tokens=0, completion_tokens=0, metadata={})
    half_counted = make.payload(3, completion_tokens=0, metadata={})

    rows = rows_of(tmp_path, make.payload(), priced_otherwise, half_counted).rows

    assert [row.get("cost_usd") for row in rows] == [0.001, 0.001, None]


def test_the_logged_total_decides_whether_reasoning_is_inside_the_answer(tmp_path):
    inside, beside = make.payload(1, total_tokens=70), make.payload(2, total_tokens=102)

    assert [row["completion_tokens"] for row in rows_of(tmp_path, inside, beside).rows] == [50, 82]


def test_a_cost_of_zero_counts_only_where_the_price_map_states_that_the_model_is_free(tmp_path):
    prices = {"input_cost_per_token": 0.0, "output_cost_per_token": 0}
    free = {"model_map_information": {"model_map_value": prices}}
    paid = {"model_map_information": {"model_map_value": prices | {"output_cost_per_token": 1e-6}}}

    log = rows_of(
        tmp_path, *(make.payload(i, response_cost=0.0, **more) for i, more in enumerate(({}, free, paid), start=1))
    )

    assert [row.get("cost_usd") for row in log.rows] == [None, 0.0, None]


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"status": "failure", "error_str": "429"}, "failed call"),
        ({"cache_hit": True}, "answered from a cache"),
        ({"cache_hit": "True"}, "answered from a cache"),
        ({"call_type": "aembedding"}, "not a generation of text"),
        ({"messages": make.user("redacted-by-litellm")}, "query text redacted"),
        ({"messages": None}, "no query text"),
        ({"model": ""}, "no model"),
        (
            {"model_parameters": {"reasoning_effort": "low", "thinking": {"budget_tokens": 9000}}},
            "two budgets in one call; a budget holds one",
        ),
        ({"model_parameters": {"reasoning_effort": "high", "n": 3}}, "two budgets in one call; a budget holds one"),
    ],
)
def test_what_is_no_usable_call_is_set_aside_by_reason(tmp_path, changes, reason):
    log = rows_of(tmp_path, make.payload(), make.payload(2, **changes))

    assert make.reasons(log) == [reason]
    assert "calls.jsonl, line 2" in str(log.asides[0])
    assert len(log.rows) == 1


def test_a_call_without_a_score_is_set_aside(tmp_path):
    log = rows_of(tmp_path, make.payload(), make.payload(2), scores=[make.call_score(1), make.call_score(9)])

    assert make.reasons(log) == ["no score"]
    assert "scores that name no usable call: 1" in make.notes(log)


@pytest.mark.parametrize(
    "parameters, kind, label, amount",
    [
        ({}, None, None, None),
        ({"max_tokens": 50, "n": 1}, None, None, None),
        ({"reasoning": {"effort": "high", "summary": "auto"}}, "effort", "high", None),
        ({"reasoning_effort": {"effort": "minimal", "summary": "auto"}}, "effort", "minimal", None),
        ({"reasoning_effort": "none"}, "effort", "none", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "thinking_tokens", "2048", 2048),
        ({"thinking": {"type": "disabled"}}, "thinking_tokens", "0", 0),
        ({"reasoning": {"max_tokens": 2000}, "max_tokens": 50}, "thinking_tokens", "2000", 2000),
        ({"extra_body": {"reasoning": {"enabled": False}}}, "thinking_tokens", "0", 0),
        ({"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}, "thinking_tokens", "0", 0),
        ({"extra_body": {"enable_thinking": "false", "thinking_budget": 900}}, "thinking_tokens", "0", 0),
        ({"extra_body": {"enable_thinking": True, "thinking_budget": 900}}, "thinking_tokens", "900", 900),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "effort", "max", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking_tokens", "0", 0),
        ({"extra_body": {"google": {"thinking_config": {"thinking_budget": 800}}}}, "thinking_tokens", "800", 800),
        ({"reasoning_effort": "disable"}, "effort", "none", None),
        ({"reasoning_effort": "default"}, None, None, None),
        ({"thinking": {"type": "enabled", "budget_tokens": "16k"}}, "thinking_tokens", "16000", 16000),
        ({"n": 1, "best_of": 4}, "samples", "4", 4),
        ({"n": 3}, "samples", "3", 3),
        (
            {"reasoning_effort": "low", "thinking": {"budget_tokens": 1024}},
            "effort",
            "low",
            None,
        ),  # LiteLLM's own tokens
        ({"extra_body": {"thinking_token_budget": 512}}, "thinking_tokens", "512", 512),
    ],
)
def test_the_budget_is_that_of_the_request(tmp_path, parameters, kind, label, amount):
    (row,) = rows_of(tmp_path, make.payload(model_parameters=parameters)).rows

    assert (row.get("budget_kind"), row.get("budget_label"), row.get("budget")) == (kind, label, amount)


def test_one_model_logged_by_two_names_is_one_point(tmp_path):
    log = rows_of(tmp_path, make.payload(), make.payload(2, model="openai/gpt-5-mini"))

    assert [point.name for point in log.runs().points] == ["gpt-5-mini@low"]


def test_a_fallback_does_not_take_over_the_decision_of_the_call_that_failed(tmp_path):
    decided = {"spend_logs_metadata": {"paretoroute": {"propensity": 0.5}}}
    failed = make.payload(1, status="failure", trace_id="t", model_group="smart", metadata=decided)
    answered = make.payload(2, trace_id="t", model_group="backup", metadata=decided, model_parameters={})
    other = make.payload(3, metadata=decided)

    log = rows_of(tmp_path, failed, answered, other)

    assert [row.get("propensity") for row in log.rows] == [None, 0.5]


def test_calls_that_no_planner_drew_are_named_and_set_aside_when_asked(tmp_path):
    drawn = make.payload()["metadata"] | {"spend_logs_metadata": {"paretoroute": {"propensity": 0.25}}}
    payloads = [make.payload(1, metadata=drawn), make.payload(2, metadata=drawn), make.payload(3)]

    both = rows_of(tmp_path, *payloads)
    only = rows_of(tmp_path, *payloads, drawn_only=True)

    assert [row.get("propensity") for row in both.rows] == [0.25, 0.25, None]
    assert "1 of 3 calls have no propensity" in " ".join(finding.text for finding in both.findings)
    assert [row["propensity"] for row in only.rows] == [0.25, 0.25]
    assert [(aside.reason, aside.place.position) for aside in only.asides] == [(calls.UNDRAWN, 3)]
    assert "have no propensity, and" not in " ".join(finding.text for finding in only.findings)


def test_reasoning_tokens_of_claude_are_estimates_and_unknown(tmp_path):
    (row,) = rows_of(tmp_path, make.payload(model="claude-opus-4-6", custom_llm_provider="anthropic")).rows

    assert "reasoning_tokens" not in row
    assert row["completion_tokens"] == 50


def test_a_trace_is_a_conversation_only_where_several_queries_share_it(tmp_path):
    shared, alone = "30000000-0000-4000-8000-000000000001", "30000000-0000-4000-8000-000000000002"
    log = rows_of(
        tmp_path,
        make.payload(1, trace_id=shared),
        make.payload(2, trace_id=shared, messages=make.user("And of a hexagon?")),
        make.payload(3, trace_id=alone),
        make.payload(4, trace_id="my-chat"),
    )

    assert [row.get("conversation") for row in log.rows] == [shared, shared, None, "my-chat"]


def test_two_records_of_one_call_are_one_run(tmp_path):
    log = rows_of(tmp_path, make.payload(), make.payload(), scores=[make.call_score()])

    assert make.reasons(log) == ["a record of a call that was read before"]


def test_scores_may_name_the_response_or_the_decision(tmp_path):
    decided = {"spend_logs_metadata": {"paretoroute": {"decision_id": "d-1"}}}
    scores = [{"id": "chatcmpl-1", "quality": 0.25}, {"decision_id": "d-1", "value": True}]

    log = rows_of(tmp_path, make.payload(), make.payload(2, metadata=decided), scores=scores)

    assert [row["quality"] for row in log.rows] == [0.25, 1]


def test_the_arguments_of_a_logger_hold_the_payload_too(tmp_path):
    log = rows_of(tmp_path, {"standard_logging_object": make.payload()})

    assert log.rows[0]["cost_usd"] == 0.001


def test_a_log_of_another_kind_is_refused_with_what_was_read(tmp_path):
    with pytest.raises(
        RunsError, match="no record of 'litellm' is a usable call.*neither a logging payload nor a score"
    ):
        make.imported("litellm", make.lines(tmp_path / "x.jsonl", [{"a": 1}]))


def test_without_any_score_the_way_to_give_them_is_named(tmp_path):
    with pytest.raises(RunsError, match="give the scores with --scores FILE"):
        make.imported("litellm", make.lines(tmp_path / "x.jsonl", [make.payload()]))


@pytest.mark.parametrize(
    "changes, same",
    [
        (lambda i: {"type": "image_url", "image_url": {"url": f"https://example.org/{i}.png"}}, 2),
        (lambda i: {"type": "image_url", "image_url": {"url": "https://example.org/0.png"}}, 1),
    ],
)
def test_one_question_about_two_images_is_two_queries(tmp_path, changes, same):
    asked = [
        make.payload(i, messages=[{"role": "user", "content": [{"type": "text", "text": "What?"}, changes(i)]}])
        for i in (1, 2)
    ]

    log = rows_of(tmp_path, *asked)

    assert len({row["query_id"] for row in log.rows}) == same
    assert len(log.runs().query_ids) == same


def test_conversations_whose_tools_were_called_otherwise_are_two_queries(tmp_path):
    def asked(number, arguments):
        call = {"id": f"call_{number}", "type": "function", "function": {"name": "add", "arguments": arguments}}
        return make.payload(
            number, messages=[*make.user(), {"role": "assistant", "content": None, "tool_calls": [call]}]
        )

    log = rows_of(tmp_path, asked(1, '{"a": 1}'), asked(2, '{"a": 2}'), asked(3, '{"a":1}'))

    ids = [row["query_id"] for row in log.rows]
    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_a_cache_larger_than_the_prompt_is_beside_it(tmp_path):
    usage = {"prompt_tokens": 5, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 100}}

    (row,) = rows_of(tmp_path, make.payload(prompt_tokens=5, metadata={"usage_object": usage})).rows

    assert (row["prompt_tokens"], row["cached_prompt_tokens"]) == (105, 100)
