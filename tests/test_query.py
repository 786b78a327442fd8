"""The text of a query: one function for logs and for plans, whatever form the messages have."""

import json
import time
import unicodedata
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
from paretoroute.query import Misfit, bytes_beside_text, query_text
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
    assert query_text([shown]) == "[input_audio]\n[image_url]"


ACCENTS = "Nguye\u0302\u0303n v\u00e0 \u1100\u1161"  # Nguyễn và 가, some letters and accents apart


@pytest.mark.parametrize("text", ["Why?", "two\nlines", "", "{}", "null", "[1, 2]", "user: Why?", ACCENTS])
def test_a_text_and_a_chat_of_it_alone_are_one_query(text):
    message = {"role": "user", "content": text}
    parts = [{"role": "user", "content": [{"type": "text", "text": text}]}]
    forms = [[message], {"messages": [message]}, json.dumps([message]), parts, [Model(**message)], np.array([message])]

    assert {query_text(form) for form in [text, *forms]} == {query_text(text)}


def test_a_chat_of_a_system_or_of_several_messages_keeps_its_roles():
    user = {"role": "user", "content": "Why?"}

    assert query_text([{"role": "system", "content": "Why?"}]) == "system: Why?"
    assert query_text([user, user]) == "user: Why?\nuser: Why?"


def test_a_text_is_read_again_as_it_was_read():
    inner = json.dumps([{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}])
    for value in (inner, [{"role": "user", "content": inner}], [{"role": "user", "content": json.dumps(MESSAGES)}]):
        assert query_text(query_text(value)) == query_text(value)
    assert query_text([{"role": "user", "content": inner}]) == f"user: {inner}"  # not the chat that it quotes


def test_chats_inside_chats_are_read_in_linear_time():
    value = "Why?"
    for _ in range(14):
        value = json.dumps([{"role": "user", "content": value}])
    start = time.process_time()

    query_text(value)

    assert time.process_time() - start < 1


def test_the_unicode_form_of_a_query_makes_no_difference_to_its_plan(signal_policy):
    planner = Planner(signal_policy)
    one, other = (planner.plan(unicodedata.normalize(form, f"{ACCENTS} é?")) for form in ("NFC", "NFD"))

    assert (one.point, one.expected_quality, one.why) == (other.point, other.expected_quality, other.why)


def test_a_cost_cap_counts_the_bytes_that_are_sent():
    sent, composed = (unicodedata.normalize(form, ACCENTS) for form in ("NFD", "NFC"))

    for query in (sent, [{"role": "user", "content": sent}], json.dumps([{"role": "user", "content": sent}])):
        text_bytes = len(query_text(query).encode())
        assert text_bytes == len(composed.encode())
        assert text_bytes + bytes_beside_text(query) == len(sent.encode())


def test_runs_of_one_query_are_joined_whatever_form_the_rows_have(tmp_path):
    texts = [ACCENTS, unicodedata.normalize("NFD", ACCENTS), [{"role": "user", "content": ACCENTS}]]
    log = [GOOD | {"query": text} for text in texts] + [
        GOOD | {"query": json.dumps([{"role": "user", "content": "b"}])}
    ]

    runs = read_rows(tmp_path, *log, GOOD | {"query": "b"})

    assert sorted(runs.texts) == sorted(["b", unicodedata.normalize("NFC", ACCENTS)])
    assert (len(runs), len(runs.query_ids)) == (5, 2)


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
