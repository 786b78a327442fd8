"""Ids that stand for different texts: refused where common, kept apart by text on request."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import RunsError
from paretoroute.query import query_text
from paretoroute.runs.checks.query_texts import text_key
from paretoroute.runs.findings import texts
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, logs, read_rows, write_csv, write_jsonl, write_parquet

MODELS = ("small", "big")
VERBS = ("Sort", "Prove", "Translate")
PROMPT = "You are a helpful assistant of the city library and answer in two sentences at most. "

STATEMENT = (
    "Let the words be finite and count the descents of the image of a random word of length ten under the map, then "
)


def log_of(ids, versions, *, text, **columns):
    """Return one row per id, version and model; ``text(id, version)`` is the query."""
    return [
        GOOD | {"query_id": str(i), "query": text(i, v), "model": model} | {k: f(v) for k, f in columns.items()}
        for v in range(versions)
        for i in range(ids)
        for model in MODELS
    ]


def is_refused(tmp_path, log, message="query_id stands for different queries", **options):
    with pytest.raises(RunsError) as error:
        read_rows(tmp_path, *log, **options)
    return message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        lambda i, v: f"{VERBS[v]} item {i}",
        lambda i, v: f"What is {i + 17 * v} plus {3 + v}?",
        lambda i, v: f"What is {i} {'+-*'[v]} 2?",
        lambda i, v: f"{VERBS[v]} this document: " + f"paragraph {i} of the report " * 80,
        lambda i, v: PROMPT * 40 + f"{VERBS[v]} item {i}",
        lambda i, v: f"Which weekday was 20{i:02d}-0{v + 1}-03?",
        lambda i, v: f"Is {'[<{'[v]} number {i} open?",
        lambda i, v: f"{i + 100 * v}",
    ],
)
def test_different_texts_of_one_id_are_refused_and_kept_apart_by_text(tmp_path, text):
    log = log_of(40, 3, text=text)

    with pytest.raises(RunsError, match=r"the texts of 40 of 40 ids \('0', '1', '10', \.\.\.\).*--join id,text"):
        read_rows(tmp_path, *log)
    runs = read_rows(tmp_path, *log, join="id,text")

    assert len(runs.query_ids) == len(set(runs.texts)) == 120 and not runs.notices
    assert (np.bincount(runs.query) == len(MODELS)).all()
    assert runs.query_ids[0].startswith("0#") and len(runs.query_ids[0]) == 14


@pytest.mark.parametrize(
    "text",
    [
        lambda i, v: ("Prove lemma {}.", "  prove   Lemma {} ", "PROVE LEMMA {}!")[v].format(i),
        lambda i, v: f"Today is 2026-0{v + 1}-11. " + PROMPT + f"Prove lemma {i}.",
        lambda i, v: PROMPT + f"Now: 2026-01-11T10:0{v}:59Z\nProve lemma {i}.",
        lambda i, v: PROMPT + f"(request 6f1d5e3c-0000-4000-8000-00000000000{v}) Prove lemma {i}.",
        lambda i, v: (f"Prove “lemma” {i} – now", f'Prove "lemma" {i} - now', f"Prove lemma {i} now")[v],
        lambda i, v: (f"ﬁnd {i}", f"find {i}", f"FIND {i}")[v],
        lambda i, v: (f"{i}+2=?", f"{i} + 2 = ?", f"{i} +2=")[v],
    ],
)
def test_near_copies_are_one_query_with_a_notice(tmp_path, text):
    log = log_of(40, 3, text=text)

    runs, by_text = read_rows(tmp_path, *log), read_rows(tmp_path, *log, join="id,text")

    assert len(runs.query_ids) == 40
    assert texts(runs.notices) == (
        "queries logged with more than one text: 40 ('0', '1', '10', ...); the one that sorts first is kept",
    )
    assert_same(runs, by_text)


def test_rare_differences_keep_the_first_text_and_are_counted(tmp_path):
    log = log_of(100, 1, text=lambda i, v: f"Prove lemma {i}")
    odd = GOOD | {"query_id": "7", "query": "Translate a poem"}
    two = [odd, odd | {"query_id": "8"}]

    runs = read_rows(tmp_path, *log, odd)

    assert runs.texts[runs.query_ids.index("7")] == "Prove lemma 7"
    (notice,) = texts(runs.notices)
    assert notice.startswith(
        "ids with texts that differ by more than near-copies: 1 of 100 ('7'); their runs count as of one"
    )
    assert is_refused(tmp_path, [*log, *two], "the texts of 2 of 100 ids ('7', '8')")


def test_a_few_edited_texts_are_versions_and_common_ones_are_refused(tmp_path):
    log = log_of(60, 1, text=lambda i, v: STATEMENT + f"compute the floor of the mean for letter {i} of the alphabet.")
    edited = [row | {"query": row["query"].replace("under the map", "under its inverse")} for row in log]
    two = [row for row in edited if row["query_id"] in ("7", "8")]
    four = [row for row in edited if row["query_id"] in ("6", "7", "8", "9")]

    runs = read_rows(tmp_path, *log, *two)

    assert texts(runs.notices)[0].startswith("ids with texts that differ by more than near-copies: 2 of 60 ('7', '8')")
    assert is_refused(tmp_path, [*log, *four], "the texts of 4 of 60 ids")
    assert is_refused(tmp_path, [*log, *edited], "the texts of 60 of 60 ids")
    assert is_refused(tmp_path, [*log, *two, GOOD | {"query_id": "9", "query": "Sort a list"}], "of 3 of 60 ids")


def test_an_id_with_many_versions_stands_for_different_queries(tmp_path):
    log = log_of(60, 1, text=lambda i, v: STATEMENT * 3 + f"compute for letter {i}")
    many = [GOOD | {"query_id": "0", "query": STATEMENT * 3 + f"compute for letter {i}"} for i in range(100, 109)]

    assert len(read_rows(tmp_path, *log, *many[:7]).query_ids) == 60
    assert is_refused(tmp_path, [*log, *many], "the texts of 1 of 60 ids ('0')")


def test_ids_that_restart_in_every_file_or_under_every_tag_are_named_as_such(tmp_path):
    files = [
        write_jsonl(tmp_path / f"{verb}.jsonl", log_of(30, 1, text=lambda i, v, verb=verb: f"{verb} item {i}"))
        for verb in VERBS
    ]

    with pytest.raises(RunsError, match="each id has one text per file: the ids restart in every file"):
        read_runs(*files)
    tagged = log_of(30, 3, text=lambda i, v: f"{VERBS[v]} item {i}", tag=lambda v: VERBS[v])
    assert is_refused(tmp_path, tagged, "one text per tag: the ids restart under every tag")
    benchmark = log_of(30, 3, text=lambda i, v: f"{VERBS[v]} item {i}", benchmark=lambda v: VERBS[v])
    assert is_refused(tmp_path, benchmark, "one text per tag")
    one_tag = log_of(30, 3, text=lambda i, v: f"{VERBS[v]} item {i}", tag=lambda v: "all")
    assert not is_refused(tmp_path, one_tag, "one text per")
    assert len(read_runs(*files, join="id,text").query_ids) == 90


def test_one_id_for_every_row_is_refused(tmp_path):
    assert is_refused(tmp_path, [GOOD | {"query_id": "None", "query": f"Prove lemma {i}"} for i in range(30)])


def test_a_pair_keeps_the_plain_id_where_it_has_one_text_rows_without_it_included(tmp_path):
    log = [
        GOOD | {"query_id": "a", "query": "Sort", "tag": "x"},
        GOOD | {"query_id": "a", "query": "", "model": "big", "tenant": "t"},
        GOOD | {"query_id": "b", "query": "Prove"},
        GOOD | {"query_id": "b", "query": "Sort"},
        GOOD | {"query_id": "b", "query": None, "model": "big"},
        GOOD | {"query": "Sort"},
    ]

    runs = read_rows(tmp_path, *log, join="id,text")

    prove, sort = f"b#{text_key('Prove')}", f"b#{text_key('Sort')}"
    by_id = dict(zip(runs.query_ids, runs.texts, strict=True))
    assert by_id.pop(runs.query_ids[-1]) == "Sort" and runs.query_ids[-1].startswith("q:")
    assert by_id == {"a": "Sort", "b": "", prove: "Prove", sort: "Sort"}
    assert np.bincount(runs.query)[0] == 2 and (runs.tags[0], runs.tenants[0]) == ("x", "t")
    assert_same(runs, read_rows(tmp_path, *log[::-1], join="id,text"))


@settings(max_examples=40)
@given(logs, st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_the_order_or_the_format(tmp_path_factory, log, chance):
    folder = tmp_path_factory.mktemp("logs")
    log = [row | {"query": chance.choice(["", "one", "One?", "two"])} if row["query_id"] else row for row in log]
    shuffled = chance.sample(log, len(log))

    expected = read_runs(write_jsonl(folder / "a.jsonl", log), join="id,text")

    for path in (
        write_jsonl(folder / "b.jsonl", shuffled),
        write_csv(folder / "c.csv", shuffled),
        write_parquet(folder / "d.parquet", shuffled),
    ):
        assert_same(expected, read_runs(path, join="id,text"))
    assert len(expected) == len(log)


def test_whether_a_log_is_refused_does_not_depend_on_the_order_of_its_rows(tmp_path):
    near = log_of(60, 3, text=lambda i, v: ("prove {}", "Prove {}.", "PROVE  {}")[v].format(i))
    odd = [GOOD | {"query_id": "5", "query": "Sort"}, GOOD | {"query_id": "5", "query": "prove 5!"}]

    for seed in range(5):
        assert is_refused(tmp_path, random.Random(seed).sample(near + odd, len(near) + 2), "of 1 of 60 ids ('5')")


@pytest.mark.parametrize("join", ["text", "id,", "text,id", "", None, ["id"], "id,text,model"])
def test_another_join_is_refused_with_the_two_that_there_are(tmp_path, join):
    with pytest.raises(RunsError, match=r"use id .* or id,text"):
        read_rows(tmp_path, GOOD, join=join)
    assert len(read_rows(tmp_path, GOOD, join=" id, text ").query_ids) == 1


def test_embeddings_of_different_queries_under_one_id_are_refused(tmp_path):
    draw = np.random.default_rng(0)
    log = [
        {"query_id": str(i), "embedding": draw.normal(size=8).tolist(), "model": "small", "quality": 1.0}
        for _ in range(2)
        for i in range(30)
    ]
    noisy = [
        row | {"embedding": (np.array(row["embedding"]) + 1e-3 * draw.normal(size=8)).tolist()} for row in log[:30]
    ]

    assert is_refused(tmp_path, log, "the embeddings of 30 of 30 ids")
    assert len(read_rows(tmp_path, *log[:30], *noisy).query_ids) == 30


def test_a_key_is_equal_in_every_process_and_tells_texts_without_words_apart():
    assert (
        text_key("Why?")
        == text_key("  why ")
        == "2be23c585f15"
        == text_key(query_text([{"role": "user", "content": "Why?"}]))
    )
    assert len({text_key(text) for text in ("", "?", "!", "...", "+", "😀", "😢")}) == 7


def test_operators_between_numbers_are_named_one_by_one():
    assert text_key("1 + 2") == text_key("1+2") != text_key("1 ++ 2")
    assert text_key("7*-3") == text_key("7 op42 op45 3") != text_key("7-*3")


def test_ids_of_calls_are_asked_about_and_those_of_queries_are_not(tmp_path):
    log = log_of(15, 1, text=lambda i, v: f"Sort the list number {i}")
    of_calls = [row | {"query_id": f"call-{i}"} for i, row in enumerate(log)]
    few = [*of_calls[:4], *(row | {"query": f"{VERBS[i % 3]} {i} of {i * 7}"} for i, row in enumerate(of_calls[4:]))]

    (text,) = (text for text in texts(read_rows(tmp_path, *of_calls).notices) if "of its own" in text)

    assert text.startswith("each of the 30 runs has a query_id of its own, and 30 of them share 15 texts")
    assert not any("of its own" in text for rows in (log, few) for text in texts(read_rows(tmp_path, *rows).notices))
