"""Observations of Langfuse, spelled as in its API and as in its exports."""

import csv

import pytest

from tests.runs.importers import foreign_logs as make


def observed(folder, *rows, scores=None):
    scores = [make.langfuse_score(i) for i in range(1, len(rows) + 1)] if scores is None else scores
    files = (
        make.document(folder / "observations.json", {"data": rows, "meta": {"page": 1}}),
        make.document(folder / "scores.json", {"data": scores}),
    )
    return make.imported("langfuse", *files)


def test_every_column_is_read(tmp_path):
    (row,) = observed(tmp_path, make.observation(userId="team", sessionId="s")).rows

    assert row["query"] == make.user()
    assert (row["model"], row["budget_label"]) == ("gpt-5-mini", "low")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (15, 36)  # sums of disjoint buckets
    assert (row["reasoning_tokens"], row["cached_prompt_tokens"]) == (30, 5)
    assert (row["cost_usd"], row["latency_s"], row["tenant"], row["conversation"]) == (0.0003, 1.25, "team", "s")


def test_exports_with_underscores_as_json_lines_and_csv_give_the_same_runs(tmp_path):
    api = observed(tmp_path, make.observation()).rows
    row, score = make.snake(make.observation()), make.snake(make.langfuse_score())
    scores = make.lines(tmp_path / "scores.jsonl", [score])
    jsonl = make.imported("langfuse", make.lines(tmp_path / "o.jsonl", [row]), scores)
    with (tmp_path / "o.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    table = make.imported("langfuse", tmp_path / "o.csv", scores=scores)

    assert api == jsonl.rows == table.rows


def test_user_session_and_tags_may_stand_on_the_trace(tmp_path):
    trace = {"id": "trace-1", "timestamp": "2026-11-26T11:19:21Z", "name": "t", "userId": "team", "tags": ["geo"]}

    (row,) = observed(tmp_path, make.observation(), trace, scores=[make.langfuse_score()]).rows

    assert (row["tenant"], row["tag"]) == ("team", "geo")


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"type": "SPAN"}, "not a model call"),
        ({"type": "EMBEDDING"}, "not a generation of text"),
        ({"level": "ERROR", "statusMessage": "500"}, "failed call"),
        ({"input": None}, "no query text"),
        ({"model": None}, "no model"),
        ({"modelParameters": {"reasoning_effort": "low", "n": "2"}}, "two budgets in one call; a budget holds one"),
    ],
)
def test_other_observations_are_set_aside(tmp_path, changes, reason):
    log = observed(tmp_path, make.observation(), make.observation(2, **changes))

    assert make.reasons(log) == [reason]


def test_words_that_judge_are_qualities_and_other_words_are_not(tmp_path):
    scores = [
        make.langfuse_score(1, 1.0, dataType="BOOLEAN", stringValue="True"),
        make.langfuse_score(1, 0.0, name="tone", dataType="CATEGORICAL", stringValue="dry"),
        make.langfuse_score(2, None, dataType="CATEGORICAL", stringValue="incorrect"),
    ]

    log = observed(tmp_path, make.observation(), make.observation(2), scores=scores)

    assert [row["quality"] for row in log.rows] == [1, 0]


def test_a_model_without_a_price_is_not_free(tmp_path):
    (row,) = observed(tmp_path, make.observation(costDetails={}, totalCost=0)).rows

    assert "cost_usd" not in row


def test_usage_of_early_versions_and_zeros_beside_text(tmp_path):
    early = make.observation(1, usageDetails=None, usage={"input": 7, "output": 9, "unit": "TOKENS"})
    characters = make.observation(3, usageDetails=None, usage={"input": 70, "output": 90, "unit": "CHARACTERS"})
    silent = make.observation(2, usageDetails={"input": 0, "output": 0, "total": 0}, costDetails={"total": 0})

    scores = [make.langfuse_score(i) for i in (1, 2, 3)]
    rows = observed(tmp_path, early, silent, characters, scores=scores).rows

    assert (rows[0]["prompt_tokens"], rows[0]["completion_tokens"]) == (7, 9)
    assert {"prompt_tokens", "completion_tokens", "cost_usd"}.isdisjoint(rows[1])
    assert {"prompt_tokens", "completion_tokens"}.isdisjoint(rows[2])


def test_buckets_that_the_total_leaves_out_are_parts_of_the_others(tmp_path):
    usage = {"input": 100, "input_cached_tokens": 80, "output": 50, "output_reasoning_tokens": 30}
    apart = make.observation(1, usageDetails=usage | {"total": 260})
    inside = make.observation(2, usageDetails=usage | {"total": 150})

    rows = observed(tmp_path, apart, inside, scores=[make.langfuse_score(i) for i in (1, 2)]).rows

    assert [(row["prompt_tokens"], row["completion_tokens"]) for row in rows] == [(180, 80), (100, 50)]
    assert [(row["cached_prompt_tokens"], row["reasoning_tokens"]) for row in rows] == [(80, 30)] * 2


def test_a_generation_inside_a_generation_is_one_call(tmp_path):
    outer, inner = make.observation(1), make.observation(2, parentObservationId="obs-1", traceId="trace-1")

    log = observed(tmp_path, outer, inner, scores=[make.langfuse_score(2)])

    assert len(log.rows) == 1
    assert make.reasons(log) == ["the same call is logged again inside it"]


def test_a_total_of_input_and_output_alone_leaves_out_a_cache_that_is_larger_than_the_input(tmp_path):
    usage = {"input": 10, "output": 5, "total": 15, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 50}
    parts = {"input": 1000, "output": 500, "total": 1500, "input_cached_tokens": 800, "output_reasoning_tokens": 400}

    rows = observed(tmp_path, make.observation(usageDetails=usage), make.observation(2, usageDetails=parts)).rows

    assert [(row["prompt_tokens"], row["completion_tokens"]) for row in rows] == [(1060, 5), (1000, 500)]


@pytest.mark.parametrize("form", ["trace", "page of traces", "saved from the page of a trace"])
def test_a_trace_that_is_written_whole_holds_its_observations_and_scores(tmp_path, form):
    trace = {"id": "trace-1", "timestamp": "2026-11-26T11:19:21Z", "name": "t", "userId": "team"}
    score = make.langfuse_score(observationId=None, value=0.25)
    whole = {**trace, "observations": [make.observation()], "scores": [score]}
    saved = {"trace": {**trace, "scores": [score]}, "observations": [make.observation()]}
    forms = {"trace": whole, "page of traces": {"data": [whole]}, "saved from the page of a trace": saved}

    (row,) = make.imported("langfuse", make.document(tmp_path / "t.json", forms[form])).rows

    assert (row["quality"], row["tenant"], row["query"]) == (0.25, "team", make.user())


def test_a_call_of_no_time_was_not_measured(tmp_path):
    start = "2026-11-26T11:19:21.000Z"
    still = make.observation(startTime=start, endTime=start, latency=0)
    backwards = make.observation(2, startTime=start, endTime="2026-11-26T11:19:20.000Z", latency=None)

    assert all("latency_s" not in row for row in observed(tmp_path, still, backwards).rows)


@pytest.mark.parametrize(
    "usage, counts",
    [
        ({"promptTokens": 10, "completionTokens": 5, "totalTokens": 15}, (10, 5, None, None)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 36,
                "total_tokens": 46,
                "prompt_tokens_details.cached_tokens": 4,
                "completion_tokens_details.reasoning_tokens": 30,
            },
            (10, 36, 30, 4),
        ),
    ],
)
def test_usage_in_the_words_of_openai_is_read(tmp_path, usage, counts):
    path = make.document(tmp_path / "o.json", {"data": [make.observation(usageDetails=usage)]})

    (row,) = make.imported("langfuse", path, make.document(tmp_path / "s.json", [make.langfuse_score()])).rows

    names = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens")
    assert tuple(row.get(name) for name in names) == counts


def test_words_that_are_no_quality_are_asked_about_since_they_choose_the_other_calls(tmp_path):
    path = make.document(tmp_path / "o.json", {"data": [make.observation(1), make.observation(2)]})
    words = [
        make.langfuse_score(i, None, dataType="CATEGORICAL", stringValue=word)
        for i, word in ((1, "correct"), (2, "meh"))
    ]

    log = make.imported("langfuse", path, make.document(tmp_path / "s.json", words))

    assert make.reasons(log) == ["a score that is no quality"]
    assert "scores of 1 of 2 calls are no quality, the commonest 'meh' (1): the calls that are left" in make.notes(log)
