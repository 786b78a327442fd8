"""Hints about columns: names that other tools write, wide tables, nested fields; nothing is renamed unasked."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.checks.column_names import OTHER_NAMES, guess, guesses
from paretoroute.runs.columns import READ
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, read_rows, write_csv, write_jsonl, write_parquet

WIDE = [
    {"sample_id": f"s{i}", "prompt": f"q{i}", "gpt-4-1106-preview": 1.0, "claude-instant-v1": 0.5, "mixtral-8x7b": 0}
    for i in range(3)
]
WRITERS = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}


def error_of(path):
    with pytest.raises(RunsError) as caught:
        read_runs(path)
    return str(caught.value)


def notice_of(tmp_path, **extra):
    [notice] = [notice for notice in read_rows(tmp_path, GOOD | extra).notices if notice.kind == "column"]
    return notice.text


def test_every_guess_is_a_column_that_is_read_and_no_name_stands_twice():
    names = [name for names in OTHER_NAMES.values() for name in names.split()]

    assert set(OTHER_NAMES) <= set(READ)
    assert len(set(names)) == len(names) and set(names) & set(READ) == {"score"}, "a score may be the quality"
    assert all(guess(name) == column for column, names in OTHER_NAMES.items() for name in names.split())


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("inputTokens", "prompt_tokens"),
        ("Response Cost", "cost_usd"),
        ("usage.completion_tokens", "completion_tokens"),
        ("llm_usage_output_tokens", "completion_tokens"),
        ("Cost USD", "cost_usd"),
        ("queryId", "query_id"),
        ("quality", None),
        ("colour", None),
        ("identity", None),
    ],
)
def test_a_name_is_compared_by_its_letters(name, column):
    assert guess(name) == column


def test_the_likeliest_name_of_each_column_that_is_absent_is_taken():
    assert guesses(["cost", "spend", "score", "id"], {"quality"}) == {"query_id": "id", "cost_usd": "spend"}


def test_a_missing_column_is_asked_for_by_the_name_it_may_have(tmp_path):
    path = write_jsonl(tmp_path / "log.jsonl", [{"prompt": "x", "model": "small", "score": 1, "spend": 0.1}])

    assert error_of(path) == (
        "log.jsonl has no column query and no column quality; it has model, prompt, score, spend; "
        "is prompt the query? and is score the quality? and is spend the cost_usd? "
        "Then add --columns query=prompt,quality=score,cost_usd=spend"
    ).replace("and no column quality", "and no quality")
    assert len(read_runs(path, columns={"query": "prompt", "quality": "score"})) == 1


def test_a_misspelt_column_is_asked_for(tmp_path):
    assert "is qualty the quality? Then add --columns quality=qualty" in error_of(
        write_jsonl(tmp_path / "log.jsonl", [{"query": "x", "model": "small", "qualty": 1}])
    )
    with pytest.raises(RunsError, match=r"no column 'scor', .* \(near: score\)"):
        read_rows(tmp_path, GOOD | {"score": 1}, columns={"quality": "scor"})


@pytest.mark.parametrize("form", WRITERS)
def test_a_wide_table_is_answered_with_the_reshaping_that_it_needs(tmp_path, form):
    text = error_of(WRITERS[form](tmp_path / f"log.{form}", WIDE))

    assert "it looks like a wide table with one column per model (claude-instant-v1, gpt-4-1106-preview, mix" in text
    assert 'frame.melt(id_vars=["prompt"], value_vars=["claude-instant-v1", ' in text
    assert "--columns query=" not in text


def test_a_wide_table_of_models_with_plain_names_is_seen_by_its_numbers(tmp_path):
    text = error_of(write_csv(tmp_path / "log.csv", [{"query": "x", "small": 1, "big": 0.5, "note": "fine"}] * 2))

    assert "one column per model (big, small)" in text


def test_the_reshaping_that_is_named_gives_a_log(tmp_path):
    frame = pd.DataFrame(WIDE)
    models = ["claude-instant-v1", "gpt-4-1106-preview", "mixtral-8x7b"]

    log = frame.melt(id_vars=["prompt"], value_vars=models, var_name="model", value_name="quality")

    assert len(read_runs(log, columns={"query": "prompt"}).points) == 3


def test_a_log_without_a_model_but_with_token_counts_is_no_wide_table(tmp_path):
    log = [{"query": "x", "quality": 1, "prompt_tokens": 3, "output_tokens": 4, "temperature": 0.5}]

    assert "wide table" not in error_of(write_jsonl(tmp_path / "log.jsonl", log))


def test_nested_fields_are_named_with_how_to_flatten_them(tmp_path):
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "details": {"x": 1}}

    ignored = notice_of(tmp_path, usage=usage)
    missing = error_of(
        write_jsonl(tmp_path / "log.jsonl", [{"query": "x", "model": "m", "result": {"score": 1}, "usage": usage}])
    )

    assert "Nested fields are not read (usage.prompt_tokens, usage.completion_tokens): flatten the rows, in" in ignored
    assert "json_normalize(rows), and name them with --columns prompt_tokens=usage.prompt_tokens" in ignored
    assert "Nested fields are not read (result.score)" in missing and "--columns quality=result.score" in missing


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        (
            {"input_tokens": 5, "output_tokens": 6},
            "--columns prompt_tokens=input_tokens,completion_tokens=output_tokens",
        ),
        ({"input_tokens": 5}, "input_tokens of Anthropic leave out cached tokens, which prompt_tokens include"),
        ({"cache_creation_input_tokens": 5}, "--columns cache_write_tokens=cache_creation_input_tokens"),
        ({"cache_read_input_tokens": 5}, "--columns cached_prompt_tokens=cache_read_input_tokens"),
        ({"reasoning_effort": "low"}, "--columns budget_label=reasoning_effort"),
        ({"total_tokens": 5}, "(total_tokens does not split the prompt from the answer; log prompt_tokens and"),
        ({"startTime": "a", "endTime": "b"}, "(latency_s would be endTime - startTime; log it as a column of seconds)"),
        ({"latency_ms": 5}, "(latency_ms is in milliseconds, and latency_s is in seconds)"),
        ({"duration": 5}, "--columns latency_s=duration"),
        ({"user": "x"}, "--columns tenant=user"),
        ({"request id": 5}, "request id (request id joins the runs of a query, as query_id, only if all of"),
        ({"question id": 5}, '--columns "query_id=question id"'),
        ({"latencyMilliseconds": 5}, "(latencyMilliseconds is in milliseconds, and latency_s is in seconds)"),
    ],
)
def test_ignored_columns_are_named_with_a_guess(tmp_path, extra, text):
    assert text in notice_of(tmp_path, **extra)


def test_no_guess_is_made_for_a_column_that_is_there_or_renamed(tmp_path):
    assert "--columns" not in notice_of(tmp_path, spend=0.2, colour="red")
    runs = read_rows(tmp_path, GOOD | {"spend": 0.2}, columns={"cost_usd": "spend"})
    assert runs.notices[0].text == "columns that are not known were ignored: cost_usd"
    assert not read_rows(tmp_path, GOOD | {"score": 0.5, "time": 3}).notices


def test_sources_that_are_read_once_have_guesses_by_name_alone():
    table = pa.Table.from_pylist([GOOD | {"usage": {"prompt_tokens": 3}, "input_tokens": 3}])

    [notice] = read_runs(table.to_reader()).notices

    assert "--columns prompt_tokens=input_tokens" in notice.text


def test_the_log_is_read_again_for_its_values_in_any_packing(tmp_path):
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress(json.dumps(GOOD | {"usage": {"prompt_tokens": 3}}).encode()))

    assert "usage.prompt_tokens" in read_runs(tmp_path / "log.jsonl.gz").notices[0].text


def test_a_column_without_a_guess_is_asked_for_beside_the_others(tmp_path):
    rows = [{"prompt": "x", "model": "small", "reasoning_effort": "low", "cost": 0.1, "verdict_of_judge": 1}]

    assert error_of(write_jsonl(tmp_path / "log.jsonl", rows)).endswith(
        "Then add --columns query=prompt,cost_usd=cost,budget_label=reasoning_effort; "
        "if it has the quality too, name it likewise: quality=NAME"
    )


@pytest.mark.parametrize("name", ["latency_ms", "responseTimeMs", "duration_milliseconds", "latency (ms)"])
def test_milliseconds_are_not_read_as_seconds(tmp_path, name):
    path = write_jsonl(tmp_path / "log.jsonl", [{"query": "x", "model": "a", "quality": 1, "cost_usd": 1, name: 2356}])

    with pytest.raises(RunsError, match="is in milliseconds, and latency_s is in seconds: divide it by 1000 in the"):
        read_runs(path, columns={"latency_s": name})


@pytest.mark.parametrize("name", ["cost_cents", "costCents", "cents"])
def test_cents_are_not_read_as_dollars(tmp_path, name):
    path = write_jsonl(tmp_path / "log.jsonl", [{"query": "x", "model": "a", "quality": 1, name: 2}])

    with pytest.raises(RunsError, match="is in cents, and cost_usd is in USD: divide it by 100 in the log"):
        read_runs(path, columns={"cost_usd": name})


@pytest.mark.parametrize("name", ["latency", "latency_seconds", "elapsed", "latency_s_items"])
def test_seconds_are_read(tmp_path, name):
    path = write_jsonl(tmp_path / "log.jsonl", [{"query": "x", "model": "a", "quality": 1, "cost_usd": 1, name: 2.5}])

    assert read_runs(path, columns={"latency_s": name}).latency_s.tolist() == [2.5]


def test_a_whole_number_above_the_largest_float_is_a_number_of_a_wide_table():
    huge = pd.Series([10**400], dtype=object)  # older versions of pandas infer no type for it
    frame = pd.DataFrame({"query": ["a"], "gpt-4": huge, "llama": [0.5]})

    with pytest.raises(RunsError, match="one column per model"):
        read_runs(frame)
