"""Text logs and queries of any bytes are read or refused; ``just fuzz`` tries a hundred times as many."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.cli.arguments.query_file import read_queries
from paretoroute.query import Misfit, query_text

LONG = os.environ.get("FUZZ") == "long"
quick = settings(
    max_examples=6_000 if LONG else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KEYS = ("query", "query_id", "model", "quality", "cost_usd", "budget", "budget_kind", "tag", "embedding", "trials", "x")
CELLS = ("", "1", "0.5", "-1", "1e999", "nan", "[1,2]", '"', '""', "a\n", "\r", "\0", "é", "\udcff", "1,5", "9" * 400)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(CELLS) | st.text(max_size=5)
ANY = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("role", "content", "text", "messages")), inner))  # fmt: skip  # noqa: E501  # one expression
ROW = st.dictionaries(st.sampled_from(KEYS), ANY, min_size=1)


def read(path, content):
    path.write_bytes(content)
    try:
        pr.read_runs(path)
    except pr.RunsError as error:
        assert str(error)


@quick
@given(rows=st.lists(ROW | ANY, max_size=4), noise=st.binary(max_size=8))
def test_json_is_read_or_refused(tmp_path, rows, noise):
    good = {"query": "x", "model": "m", "quality": 1.0}
    lines = [json.dumps(good | row if isinstance(row, dict) else row).encode() for row in rows]

    read(tmp_path / "log.jsonl", b"\n".join([*lines, noise]))
    read(tmp_path / "log.json", b"[" + b",".join(lines) + b"]" + noise)
    read(tmp_path / "log.json", noise)


@quick
@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS) | st.text(max_size=4), max_size=5), max_size=4),
    mark=st.sampled_from(",;\t"),
)
def test_csv_is_read_or_refused(tmp_path, rows, mark):
    text = "\n".join(mark.join(row) for row in [["query", "model", "quality", "cost_usd", "tag"], *rows])

    read(tmp_path / "log.csv", text.encode("utf-8", "surrogatepass"))
    read(tmp_path / "log.csv", text.encode("utf-16", "surrogatepass")[:-1])


@quick
@given(query=ANY)
def test_a_query_is_a_text_or_a_misfit(query):
    for value in (query, json.dumps(query)):
        try:
            assert isinstance(query_text(value), str)
        except Misfit as error:
            assert str(error)


@quick
@given(content=st.binary() | ANY.map(lambda value: json.dumps(value).encode()))
def test_a_query_file_is_read_or_refused(tmp_path, content):
    (tmp_path / "queries.jsonl").write_bytes(content)
    try:
        read_queries(tmp_path / "queries.jsonl")
    except pr.QueryError as error:
        assert str(error)


def test_deep_json_in_a_query_file_is_refused_with_its_line(tmp_path):
    (tmp_path / "queries.jsonl").write_bytes(b'{"query": "x"}\n{"query": ' + b"[" * 10**6)

    with pytest.raises(pr.QueryError, match=r"queries.jsonl, line 2: JSON that is nested too deeply"):
        read_queries(tmp_path / "queries.jsonl")
