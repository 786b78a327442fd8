"""OpenAI's Batch API: three kinds of files, joined on custom_id."""

import pytest

from paretoroute.errors import RunsError
from paretoroute.price import Price
from tests.runs.importers import foreign_logs as make


def batch(folder, requests, answers, *, scores=None, **options):
    scores = [{"custom_id": one["custom_id"], "value": 1} for one in requests] if scores is None else scores
    files = (
        make.lines(folder / "output.jsonl", answers),
        make.lines(folder / "input.jsonl", requests),
        make.lines(folder / "scores.jsonl", scores),
    )
    return make.imported("openai-batch", *files, **options)


def batch_answer_of(model, number=1):
    """Return an answer that names its model."""
    body = make.batch_answer(number)["response"]["body"] | {"model": model}
    return make.batch_answer(number, response={"status_code": 200, "body": body})


def test_the_model_asked_for_and_the_request_are_the_point(tmp_path):
    log = batch(
        tmp_path,
        [make.batch_request(1), make.batch_request(2, model="gpt-4.1-mini", reasoning_effort=None, n=2)],
        [batch_answer_of("gpt-4.1-mini", 2), make.batch_answer(1)],
    )

    assert [(row["model"], row["budget_label"]) for row in log.rows] == [("gpt-4.1-mini", "2"), ("gpt-5-mini", "low")]
    assert (log.rows[0]["prompt_tokens"], log.rows[0]["cached_prompt_tokens"]) == (12, 4)
    assert log.rows[0]["time"] == "2026-11-18T11:06:40+00:00"
    assert {"latency_s", "cost_usd"}.isdisjoint(log.rows[0])


def test_a_deployment_of_azure_is_the_model_that_answered(tmp_path):
    answer = batch_answer_of("gpt-4.1-mini-2025-04-14")

    (row,) = batch(tmp_path, [make.batch_request(model="my-deployment")], [answer]).rows

    assert row["model"] == "gpt-4.1-mini"


def test_a_price_is_half_of_the_list_price(tmp_path):
    log = batch(tmp_path, [make.batch_request()], [make.batch_answer()], prices={"gpt-5-mini": Price(1.0, 10.0)})

    assert log.rows[0]["cost_usd"] == pytest.approx((12 * 1 + 37 * 10) / 1e6 / 2)
    assert log.rows[0]["cost_source"] == "priced"


def test_failed_expired_and_unknown_answers_are_set_aside(tmp_path):
    refused = make.batch_answer(2, response={"status_code": 400, "body": {"error": {"type": "invalid"}}})
    expired = make.batch_answer(3, response=None, error={"code": "batch_expired"})
    log = batch(
        tmp_path,
        [make.batch_request(i) for i in (1, 2, 3, 5)],
        [make.batch_answer(1), refused, expired, make.batch_answer(4)],
    )

    assert make.reasons(log) == ["failed call", "failed call", "no request of its custom_id"]
    assert "requests without an answer in the files" in make.notes(log)


def test_responses_are_read_as_chats_are(tmp_path):
    request = make.batch_request() | {"url": "/v1/responses"}
    request["body"] = {"model": "gpt-5", "input": "Why?", "instructions": "Be brief.", "reasoning": {"effort": "high"}}
    usage = {"input_tokens": 5, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 4}}
    body = {"created_at": 1_795_000_000, "model": "gpt-5-2025-08-07", "output": [], "usage": usage}
    answer = make.batch_answer(response={"status_code": 200, "body": body})

    (row,) = batch(tmp_path, [request], [answer]).rows

    assert row["query"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    assert (row["model"], row["budget_label"]) == ("gpt-5", "high")
    assert (row["prompt_tokens"], row["completion_tokens"], row["reasoning_tokens"]) == (5, 9, 4)


def test_reasoning_beside_the_answer_is_added_where_the_total_has_it(tmp_path):
    answer = make.batch_answer()  # as xAI counts: 12 + 37 + 33
    answer["response"]["body"]["usage"]["total_tokens"] = 82

    assert batch(tmp_path, [make.batch_request()], [answer]).rows[0]["completion_tokens"] == 70


def test_answers_without_their_requests_are_refused(tmp_path):
    with pytest.raises(RunsError, match="give its input file too"):
        make.imported("openai-batch", make.lines(tmp_path / "output.jsonl", [make.batch_answer()]))


def test_one_custom_id_of_two_requests_joins_nothing(tmp_path):
    requests = [make.batch_request(1), make.batch_request(2), make.batch_request(2, reasoning_effort="high")]

    log = batch(tmp_path, requests, [make.batch_answer(1), make.batch_answer(2)])

    assert make.reasons(log) == ["several requests of its custom_id; import each batch with its own input file"]


def test_batches_of_two_models_may_share_their_custom_ids(tmp_path):
    requests = [make.batch_request(1), make.batch_request(1, model="gpt-4.1", reasoning_effort=None)]
    answers = [make.batch_answer(1), make.batch_answer(1, id="other")]
    answers[1]["response"]["body"]["model"] = "gpt-4.1-2025-04-14"
    scores = [
        {"custom_id": "r1", "model": "gpt-4.1", "value": 1},
        {"custom_id": "r1", "model": "gpt-5-mini", "value": 0},
    ]

    log = batch(tmp_path, requests, answers, scores=scores)

    assert [(row["model"], row["quality"]) for row in log.rows] == [("gpt-5-mini", 0), ("gpt-4.1", 1)]


def test_several_prompts_in_one_request_are_no_samples_of_one(tmp_path):
    body = {"messages": None, "reasoning_effort": None}
    requests = [make.batch_request(1, **body, prompt=["One?"]), make.batch_request(2, **body, prompt=["One?", "Two?"])]

    log = batch(tmp_path, requests, [make.batch_answer(1), make.batch_answer(2)])

    assert [row["query"] for row in log.rows] == ["One?"]
    assert make.reasons(log) == ["several prompts in one call, whose tokens and answers are logged together"]


ANTHROPIC = {
    "model": "claude-opus-4-6",
    "max_tokens": 1024,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Name a prime."}],
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "low"},
}
ANTHROPIC_USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 90,
    "cache_creation_input_tokens": 0,
    "output_tokens": 5,
}


def message(**result):
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6-20260101"}
    body |= {"content": [{"type": "text", "text": "7"}], "usage": ANTHROPIC_USAGE}
    return {"custom_id": "r1", "result": {"type": "succeeded", "message": body} | result}


def test_batches_of_anthropic_are_read_alike(tmp_path):
    request = {"custom_id": "r1", "params": ANTHROPIC}

    log = batch(tmp_path, [request], [message()], prices={"claude-opus-4-6": Price(5.0, 25.0, 0.5)})

    (row,) = log.rows
    assert (row["model"], row["budget_label"], row["quality"]) == ("claude-opus-4-6", "low", 1)
    assert log.runs().texts == ("system: Be brief.\nuser: Name a prime.",)
    assert (row["prompt_tokens"], row["cached_prompt_tokens"], row["completion_tokens"]) == (100, 90, 5)
    assert row["cost_usd"] == pytest.approx((10 * 5.0 + 90 * 0.5 + 5 * 25.0) / 1e6 / 2)


@pytest.mark.parametrize(
    "result, code",
    [
        ({"type": "errored", "error": {"type": "error", "error": {"type": "overloaded_error"}}}, "overloaded_error"),
        ({"type": "errored", "error": {"type": "invalid_request"}}, "invalid_request"),
        ({"type": "expired"}, "expired"),
        ({"type": "canceled"}, "canceled"),
    ],
)
def test_requests_of_anthropic_that_failed_are_set_aside(tmp_path, result, code):
    requests = [{"custom_id": f"r{i}", "params": ANTHROPIC} for i in (1, 2)]

    log = batch(tmp_path, requests, [message(), {"custom_id": "r2", "result": result}])

    assert make.reasons(log) == ["failed call"]
    assert code in str(log.asides[0])


def test_results_of_anthropic_alone_ask_for_the_requests(tmp_path):
    with pytest.raises(RunsError, match="answers of a batch and no requests; give its input file too"):
        batch(tmp_path, [], [message()])
