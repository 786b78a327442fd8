"""Bytes of a log: UTF-16, gzip and standard input; the same rows give the same runs in every form."""

import csv
import gzip
import io
import json
import sys

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, logs, only_fault, read_rows

LOG = [
    GOOD | {"query": f"Wie groß ist {i}?\nGenau.", "cost_usd": i / 7, "budget_kind": "agents", "budget": float(i)}
    for i in range(5)
]


def jsonl_bytes(log, encoding="utf-8"):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in log).encode(encoding)


def json_bytes(log, encoding="utf-8", indent=None):
    return json.dumps({"data": log}, indent=indent, ensure_ascii=False).encode(encoding)


def csv_bytes(log, separator=",", encoding="utf-8"):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(log[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(log)
    return text.getvalue().encode(encoding)


def parquet_bytes(log):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(log), sink)
    return sink.getvalue().to_pybytes()


def arrow_bytes(log, *, stream=False):
    table, sink = pa.Table.from_pylist(log), pa.BufferOutputStream()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


FORMS = {
    "lines.jsonl": jsonl_bytes,
    "utf16.jsonl": lambda log: jsonl_bytes(log, "utf-16"),
    "bom.jsonl": lambda log: jsonl_bytes(log, "utf-8-sig"),
    "array.json": json_bytes,
    "indented.json": lambda log: json_bytes(log, indent=1),
    "utf16.json": lambda log: json_bytes(log, "utf-16"),
    "commas.csv": csv_bytes,
    "semicolons.csv": lambda log: csv_bytes(log, ";"),
    "tabs.tsv": lambda log: csv_bytes(log, "\t"),
    "utf16.csv": lambda log: csv_bytes(log, ";", "utf-16"),
    "utf16.tsv": lambda log: csv_bytes(log, "\t", "utf-16"),
    "table.parquet": parquet_bytes,
    "table.arrow": arrow_bytes,
    "stream.arrow": lambda log: arrow_bytes(log, stream=True),
}


def pipe(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("name", FORMS)
def test_the_same_rows_in_any_form_give_the_same_runs_as_a_file_zipped_and_piped(tmp_path, monkeypatch, name):
    expected, data = read_rows(tmp_path, *LOG), FORMS[name](LOG)
    (tmp_path / name).write_bytes(data)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data))

    assert_same(expected, read_runs(tmp_path / name))
    assert_same(expected, read_runs(tmp_path / f"{name}.gz"))
    for piped in (data, gzip.compress(data)):
        pipe(monkeypatch, piped)
        assert_same(expected, read_runs("-"))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs)
def test_drawn_rows_in_any_text_form_give_the_same_runs(tmp_path, log):
    expected = read_rows(tmp_path, *log)

    for name in ("utf16.jsonl", "array.json", "tabs.tsv", "utf16.csv"):
        (tmp_path / name).write_bytes(FORMS[name](log))
        assert_same(expected, read_runs(tmp_path / name))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (jsonl_bytes(LOG[:1]), "one line of JSONL"),
        (b'\n\n{"query": "x", broken\n' + jsonl_bytes(LOG[:1]), "a broken first line"),
        (b"[\n" + json.dumps(LOG[0]).encode() + b"\n]", "an array over lines"),
        (json.dumps({"data": [LOG[0]] * 9000}).encode(), "an object longer than what is looked at"),
    ],
)
def test_the_format_of_standard_input_is_seen_in_its_first_bytes(monkeypatch, data, kind):
    pipe(monkeypatch, data)

    assert read_runs("-").texts == (LOG[0]["query"],), kind


def test_messages_name_standard_input(monkeypatch):
    pipe(monkeypatch, b"")
    with pytest.raises(RunsError, match="standard input: the log is empty"):
        read_runs("-")
    pipe(monkeypatch, jsonl_bytes([GOOD, {**GOOD, "model": ""}]))
    assert only_fault(read_runs("-")).file == "standard input"
    pipe(monkeypatch, b"text;llm\na;b\n")
    with pytest.raises(RunsError, match="standard input has no column query"):
        read_runs("-")
    pipe(monkeypatch, gzip.compress(jsonl_bytes(LOG * 1000))[:-20])
    with pytest.raises(RunsError, match="standard input is not a whole gzip file"):
        read_runs("-")


def test_standard_input_is_read_once(monkeypatch):
    pipe(monkeypatch, jsonl_bytes(LOG))

    with pytest.raises(RunsError, match="standard input .* is named twice"):
        read_runs("-", "-")


def test_half_a_character_of_utf16_sets_its_row_aside_and_a_cut_file_is_refused(tmp_path):
    lines = jsonl_bytes([GOOD, GOOD | {"query": "half \U0001f600 a face"}, GOOD], "utf-16-le")
    half = lines.replace("\U0001f600".encode("utf-16-le"), b"\x3d\xd8")

    (tmp_path / "half.jsonl").write_bytes(b"\xff\xfe" + half)

    fault = only_fault(read_runs(tmp_path / "half.jsonl"))

    assert fault.reason.startswith("not valid UTF-8 text")
    (tmp_path / "cut.csv").write_bytes(csv_bytes(LOG, encoding="utf-16")[:-1])
    with pytest.raises(RunsError, match="cut.csv is not whole UTF-16"):
        read_runs(tmp_path / "cut.csv")
