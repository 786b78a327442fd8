"""LiteLLM's spend logs: the request that the proxy was sent holds the query and the budget."""

import csv

from tests.runs.importers import foreign_logs as make


def spend(folder, *rows, scores=None):
    scores = (
        [{"request_id": row["request_id"], "name": "correct", "value": 1} for row in rows] if scores is None else scores
    )
    return make.imported(
        "litellm-spend", make.lines(folder / "spend.jsonl", rows), make.lines(folder / "scores.jsonl", scores)
    )


def test_every_column_is_read(tmp_path):
    decided = {"spend_logs_metadata": {"paretoroute": {"propensity": 0.5, "decision_id": "d"}}}

    (row,) = spend(tmp_path, make.spend_row(metadata=decided)).rows

    assert row["query"] == make.user()
    assert (row["model"], row["budget_label"]) == ("gpt-5-mini", "high")
    assert (row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"]) == (30, 60, 5)
    assert (row["cost_usd"], row["latency_s"], row["propensity"]) == (0.002, 1.25, 0.5)
    assert (row["tenant"], row["tag"], row["time"]) == ("team-blue", "geo", "2026-11-26T11:26:43+00:00")
    assert "conversation" not in row  # the session is the id of a trace


def test_after_a_fallback_the_point_is_what_answered(tmp_path):
    fell_back = {
        "attempted_fallbacks": 1,
        "spend_logs_metadata": {"paretoroute": {"propensity": 0.5, "model": "gpt-5-mini", "budget_label": "high"}},
    }

    log = spend(tmp_path, make.spend_row(model="openai/gpt-4.1-mini", metadata=fell_back))

    (row,) = log.rows
    assert row["model"] == "gpt-4.1-mini"
    assert {"budget_label", "propensity"}.isdisjoint(row)
    assert row["query"] == make.user()
    assert "answered after a fallback" in make.notes(log)


def test_a_session_that_the_caller_named_is_a_conversation(tmp_path):
    request = {"model": "m", "input": "Why?", "litellm_session_id": "20000000-0000-4000-8000-000000000001"}

    rows = spend(tmp_path, make.spend_row(request=request), make.spend_row(2, session_id="chat-7")).rows

    assert [row["conversation"] for row in rows] == ["20000000-0000-4000-8000-000000000001", "chat-7"]
    assert rows[0]["query"] == "Why?"


def test_rows_without_a_stored_prompt_are_set_aside_with_the_setting(tmp_path):
    log = spend(tmp_path, make.spend_row(), make.spend_row(2, request={"model": "gpt-5-mini"}))

    assert make.reasons(log) == ["no query text"]
    assert "store_prompts_in_spend_logs" in str(log.asides[0])


def test_calls_whose_messages_alone_are_stored_have_a_budget_that_is_not_known(tmp_path):
    log = spend(tmp_path, make.spend_row(), make.spend_row(2, request={}, messages=make.json.dumps(make.user("Why?"))))

    assert log.rows[1]["query"] == make.user("Why?")
    assert "budget_label" not in log.rows[1]
    assert "calls whose request is not stored, so that an effort or n of theirs is not known" in make.notes(log)


def test_csv_with_json_or_with_python_literals_gives_the_same_runs(tmp_path):
    row = make.spend_row(cache_hit="False")
    python = {
        name: repr(make.json.loads(value)) if name in ("metadata", "proxy_server_request", "request_tags") else value
        for name, value in row.items()
    }
    scores = make.lines(tmp_path / "scores.jsonl", [{"request_id": "req-1", "value": 1}])
    logs = []
    for i, one in enumerate((row, python)):
        path = tmp_path / f"spend{i}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(one))
            writer.writeheader()
            writer.writerow(one)
        logs.append(make.imported("litellm-spend", path, scores=scores).rows)
    logs.append(spend(tmp_path, row).rows)

    assert logs[0] == logs[1] == logs[2]


def test_cached_and_failed_rows_are_set_aside(tmp_path):
    log = spend(tmp_path, make.spend_row(), make.spend_row(2, cache_hit="True"), make.spend_row(3, status="failure"))

    assert make.reasons(log) == ["answered from a cache", "failed call"]


def test_prompts_that_the_proxy_cut_short_are_counted_in_a_note(tmp_path):
    newer = "S" * 700 + "... (litellm_truncated skipped 3000 chars) ..." + "E" * 1300
    older = "S" * 700 + "... (truncated 3000 chars)"
    sent = [{"model": "gpt-5-mini", "messages": make.user(text)} for text in (newer, older, "Who (truncated)?")]

    log = spend(tmp_path, *(make.spend_row(i, request=request) for i, request in enumerate(sent)))

    assert len(log.rows) == 3
    assert "the beginning and the end alone: two of them may count as one: 2" in make.notes(log)
