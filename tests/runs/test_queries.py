"""Queries of a log: one text, one tag and one embedding each."""

import json

import numpy as np
import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.findings import texts
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, read_rows, write_csv, write_parquet


def test_chat_messages_become_one_text(tmp_path):
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "x"}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}]
    log = [GOOD | {"query": messages}, GOOD | {"query": "plain"}]

    runs = read_rows(tmp_path, *log)

    assert sorted(runs.texts) == ["plain", "system: Be brief.\nuser: look\n[image_url]"]
    table = read_runs(pa.table({**{k: [v] for k, v in GOOD.items()}, "query": [[{"role": "user", "content": "hi"}]]}))
    assert table.texts == ("hi",)


def test_a_query_with_two_texts_or_tags_keeps_the_one_that_sorts_first(tmp_path):
    log = [
        GOOD | {"query_id": 7, "query": text, "benchmark": tag} for text, tag in (("A?", "y"), ("A", None), ("", "x"))
    ]

    runs = read_rows(tmp_path, *log)

    assert (runs.query_ids, runs.texts, runs.tags) == (("7",), ("A",), ("x",))
    assert "queries logged with more than one text: 1 ('7'); the one that sorts first is kept" in texts(runs.notices)
    assert "queries logged with more than one tag: 1 ('7'); the one that sorts first is kept" in texts(runs.notices)


def test_embeddings_are_kept_once_a_query_and_in_its_order(tmp_path):
    log = [
        {"query_id": name, "embedding": vector, "model": "small", "quality": 1.0}
        for name, vector in (("b", [3.0, 4.0]), ("a", [1.0, 2.5]), ("b", [3.0, 4.0]))
    ]
    in_cells = [row | {"embedding": json.dumps(row["embedding"])} for row in log]

    runs = read_rows(tmp_path, *log)

    assert runs.embeddings is not None and runs.embeddings.dtype == np.float32
    assert runs.embeddings.tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert_same(runs, read_runs(write_parquet(tmp_path / "log.parquet", log)))
    assert_same(runs, read_runs(write_csv(tmp_path / "log.csv", in_cells)))


def test_embeddings_of_two_widths_are_refused(tmp_path):
    log = [GOOD | {"query_id": name, "embedding": vector} for name, vector in (("a", [1.0]), ("b", [1.0, 2.0]))]

    with pytest.raises(RunsError, match="an embedding has 2 numbers where others have 1"):
        read_rows(tmp_path, *log)


def test_a_tag_goes_before_a_benchmark(tmp_path):
    assert read_rows(tmp_path, GOOD | {"tag": "x", "benchmark": "a"}).tags == ("x",)


def test_of_two_embeddings_of_a_query_one_is_kept_whatever_the_order(tmp_path):
    log = [GOOD | {"query_id": "a", "embedding": vector} for vector in ([1.0, 2.0], [1.01, 2.0], [1.0, 2.02])]

    runs = read_rows(tmp_path, *log)

    assert "queries logged with more than one embedding: 1 ('a'); the one that sorts first is kept" in texts(
        runs.notices
    )
    assert_same(runs, read_rows(tmp_path, *log[::-1]))
