"""The text of a query: one function for logs and for plans, whatever form the messages have."""

import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from paretoroute.planner.planner import Planner
from paretoroute.query import Misfit, query_text
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, read_rows, write_csv, write_parquet

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
TEXT = "system: Be brief.\nuser: Why?"


@dataclass
class Message:
    role: Any
    content: Any


class Model(BaseModel):
    role: str
    content: str | list[Any] | None


class Role(StrEnum):
    USER = "user"


@pytest.mark.parametrize(
    "query",
    [
        MESSAGES,
        tuple(MESSAGES),
        np.array(MESSAGES),
        {"messages": MESSAGES},
        {"model": "gpt", "messages": MESSAGES},
        json.dumps(MESSAGES),
        json.dumps(MESSAGES, indent=2) + "\n",
        json.dumps({"messages": MESSAGES, "temperature": 0}),
        [Message(**message) for message in MESSAGES],
        [Model(**message) for message in MESSAGES],
        [MESSAGES[0], Message(Role.USER, "Why?")],
        [MESSAGES[0], Model(role="user", content=[{"type": "text", "text": "Why?"}])],
        [MESSAGES[0], {"role": "user", "content": np.array([{"type": "text", "text": "Why?"}])}],
    ],
)
def test_messages_of_every_form_have_one_text(query):
    assert query_text(query) == TEXT


def test_a_call_of_tools_has_no_content_and_a_part_without_text_is_its_type():
    call = Model(role="assistant", content=None)
    shown = Message("user", [Message("x", None), {"type": "image_url", "text": None}])
    shown.content[0].type = "input_audio"

    assert query_text([call]) == query_text('[{"role": "assistant", "tool_calls": [{"id": "x"}]}]') == "assistant: "
    assert query_text([shown]) == "user: [input_audio]\n[image_url]"


@pytest.mark.parametrize(
    "text",
    [
        "[redacted]",
        "[1, 2, 3]",
        '{"a": 1}',
        '{"messages": "none"}',
        '{"messages": [{"text": "hi"}]}',
        '[{"role": "admin", "content": "x"}]',
        '[{"role": "user", "name": "x"}]',
        '[{"role": "user", "content": 7}]',
        '[{"role": ["user"], "content": "x"}]',
        '[{"role": "user", "content": "x"}, "and a text"]',
        '[{"role": "user", "content": "\\ud800"}]',
        '[{"role": "user", "content": "cut',
        '{"role": "user", "content": "one message alone"}',
        "[" * 100_000 + '"role"',
        '[{"role": ' * 50_000,
        '[{"role": ' + "9" * 6000 + "}]",
        'Sort [{"role": "user", "content": "x"}]',
    ],
)
def test_a_text_that_only_looks_like_messages_stays_as_it_is(text):
    assert query_text(text) == text


@pytest.mark.parametrize("value", ["{}", "[]", " null ", "[ ]", '""', {}, [], {"messages": []}, '{"messages": null}'])
def test_an_empty_json_value_is_no_text(value):
    assert query_text(value) == ""


@pytest.mark.parametrize("value", [7, b"x", {"role": "user"}, ["text"], [Message(None, "x")], [Message("user", 7)]])
def test_a_value_of_another_form_is_refused(value):
    with pytest.raises(Misfit):
        query_text(value)


@given(st.text(max_size=40))
def test_a_text_of_messages_survives_its_json(content):
    messages = [{"role": "user", "content": content}]

    assert query_text(json.dumps(messages)) == query_text(messages)


def test_a_long_text_is_parsed_in_linear_time():
    start = time.process_time()
    query_text('[{"role": "user", "content": "' + "x[{" * 2_000_000 + '"}]')
    query_text('[{"role": {"role": [' * 500_000)

    assert time.process_time() - start < 2


def test_a_log_has_the_same_texts_in_every_format(tmp_path):
    log = [
        GOOD | {"query_id": "a", "query": json.dumps(MESSAGES)},
        GOOD | {"query_id": "b", "query": "[plain]"},
        GOOD | {"query_id": "c", "query": "{}"},
    ]
    objects = pd.DataFrame([GOOD | {"query": [Model(**message) for message in MESSAGES]}])

    runs = read_rows(tmp_path, *log)

    assert runs.texts == (TEXT, "[plain]", "")
    assert runs.sha256 == read_runs(write_csv(tmp_path / "log.csv", log)).sha256
    assert runs.sha256 == read_runs(write_parquet(tmp_path / "log.parquet", log)).sha256
    assert read_runs(objects).texts == (TEXT,)
    assert read_runs(pa.Table.from_pylist([GOOD | {"query": {"messages": MESSAGES}}])).texts == (TEXT,)


def test_a_row_whose_prompt_was_not_stored_needs_an_id(tmp_path):
    runs = read_rows(tmp_path, GOOD, GOOD | {"query": "{}"})

    assert runs.set_aside[0].reason == "missing, and so is query_id"


def test_a_plan_reads_messages_as_the_log_does(signal_policy):
    planner = Planner(signal_policy)
    plain = planner.plan(TEXT)

    for query in (MESSAGES, json.dumps(MESSAGES), {"messages": MESSAGES}, [Model(**message) for message in MESSAGES]):
        decision = planner.plan(query)
        assert (decision.expected_quality, decision.point) == (plain.expected_quality, plain.point)
    assert planner.plan("{}").expected_quality == planner.plan("").expected_quality
