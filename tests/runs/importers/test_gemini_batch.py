"""Batches of Gemini, with a key in requests and answers, and of Vertex AI, with both in one line."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.price import Price
from paretoroute.runs.importers.mapping.guess import guess_mapping
from tests.runs.importers import foreign_logs as make


def request(number=1, *, key="generationConfig", **settings):
    thinking = {"thinkingConfig": settings} if settings else {}
    return {
        "contents": [{"role": "user", "parts": [{"text": f"Name {number} primes."}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        key: {"maxOutputTokens": 100, **thinking},
    }


def response(**changes):
    answer = {
        "candidates": [{"content": {"parts": [{"text": "2"}], "role": "model"}, "finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 20,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 30,
            "cachedContentTokenCount": 8,
            "totalTokenCount": 55,
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "abc",
    }
    return {**answer, **changes}


def imported(folder, *rows, scores, **options):
    files = make.lines(folder / "batch.jsonl", rows), make.lines(folder / "scores.jsonl", scores)
    return make.imported("openai-batch", files[0], scores=files[1], **options)


def test_requests_and_answers_are_joined_on_their_key(tmp_path):
    rows = [
        {"key": "r2", "response": response()},
        {"key": "r1", "response": response(candidates=[{}, {}])},
        {"key": "r1", "request": request(1, candidateCount=2) | {"generation_config": {"candidate_count": 2}}},
        {"key": "r2", "request": request(2, thinkingBudget=1024)},
        {"key": "r3", "request": request(3, thinkingLevel="LOW")},
        {"key": "r3", "error": {"code": 3, "message": "bad", "status": "INVALID_ARGUMENT"}},
        {"key": "r4", "request": request(4)},
        {"key": "r4", "response": response(candidates=[], promptFeedback={"blockReason": "SAFETY"})},
    ]
    scores = [{"key": "r1", "value": 0}, {"key": "r2", "value": 1}]

    log = imported(tmp_path, *rows, scores=scores, prices={"gemini-2.5-flash": Price(1.0, 10.0, 0.1)})

    first, second = log.rows
    assert (first["model"], first["budget_label"], first["budget_kind"]) == (
        "gemini-2.5-flash",
        "1024",
        "thinking_tokens",
    )
    assert (first["prompt_tokens"], first["completion_tokens"], first["reasoning_tokens"]) == (20, 35, 30)
    assert (first["cached_prompt_tokens"], first["quality"]) == (8, 1)
    assert first["cost_usd"] == pytest.approx((12 * 1.0 + 8 * 0.1 + 35 * 10.0) / 1e6 / 2)
    assert (second["budget_kind"], second["budget"], second["quality"]) == ("samples", 2, 0)
    assert log.runs().texts[0].startswith("system: Be brief.\nuser: Name")
    assert [(aside.reason, aside.detail) for aside in log.asides] == [
        ("failed call", "INVALID_ARGUMENT"),
        ("failed call", "SAFETY"),
    ]


def test_vertex_writes_both_in_one_line_and_its_scores_name_the_response(tmp_path):
    line = {"status": "", "processed_time": "2026-11-01T13:54:15Z", "request": request(), "response": response()}
    failed = {"status": "Bad Request: {}", "processed_time": "", "request": request(2), "response": {}}

    log = imported(tmp_path, line, failed, scores=[{"response_id": "abc", "value": 1}])

    assert [row["quality"] for row in log.rows] == [1]
    assert [(aside.reason, aside.detail) for aside in log.asides] == [("failed call", "Bad Request: {}")]


def test_an_answer_that_is_cut_off_while_it_thinks_costs_its_thoughts(tmp_path):
    usage = {"promptTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 50}
    rows = [{"key": "r1", "request": request()}, {"key": "r1", "response": response(usageMetadata=usage)}]

    (row,) = imported(tmp_path, *rows, scores=[{"key": "r1", "value": 0}]).rows

    assert (row["completion_tokens"], row["reasoning_tokens"]) == (30, 30)


def test_answers_alone_ask_for_the_requests(tmp_path):
    with pytest.raises(RunsError, match="answers of a batch and no requests; give its input file too"):
        imported(tmp_path, {"key": "r1", "response": response()}, scores=[{"key": "r1", "value": 1}])


@pytest.mark.parametrize(
    "row",
    [
        {"key": "r1", "request": request()},
        {"key": "r1", "response": response()},
        {"request": request(), "response": response(), "processed_time": ""},
    ],
)
def test_the_files_are_recognised(tmp_path, row):
    assert "paretoroute import openai-batch" in guess_mapping(make.lines(tmp_path / "log.jsonl", [row])).text
