"""Logs to read: drawn ones, and a good row to spoil."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from paretoroute.query import query_text
from paretoroute.runs.read import read_runs
from paretoroute.runs.table import ROW_NUMBERS

GOOD = {"query": "What is 2+2?", "model": "small", "quality": 1.0, "cost_usd": 0.001}
names = st.sampled_from(["small", "large", "gpt@5", "模型", "a b"])
budgets = st.sampled_from(
    [
        (None, None, None),
        ("none", "default", None),
        ("effort", "off", None),
        ("effort", "low", 1.0),
        ("effort", "high", 3.0),
        ("thinking_tokens", "16000", 16000.0),
        ("thinking_tokens", "1:30", 90.0),
        ("samples", "007", 7.0),
        (None, "true", None),
    ]
)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=12).filter(
    query_text  # no "null" and the like, which mean that no text was stored
)
amount = st.none() | st.floats(0, 1e6, allow_nan=False)


@st.composite
def rows(draw):
    kind, label, size = draw(budgets)
    query_id = draw(st.none() | st.sampled_from(["a", "b", "c", "0042"]))
    near_copies = st.sampled_from(["", f"question {query_id}", f"Question {query_id}?", f"QUESTION  {query_id}"])
    return {
        "query_id": query_id,
        "query": draw(text if query_id is None else near_copies),
        "model": draw(names),
        "budget_kind": kind,
        "budget_label": label,
        "budget": size,
        "quality": draw(st.sampled_from([0.0, 0.25, 1.0]) | st.floats(0, 1)),
        "trials": draw(st.none() | st.sampled_from([1.0, 5.0])),
        "cost_usd": draw(amount),
        "prompt_tokens": draw(amount),
        "completion_tokens": draw(amount),
        "latency_s": draw(amount),
        "sample_index": draw(st.none() | st.sampled_from([0.0, 1.0, 2.0])),
        "propensity": draw(st.none() | st.floats(0.01, 1)),
        "cost_source": draw(st.none() | st.sampled_from(["mean", "sample"])),
        "tag": draw(st.none() | st.sampled_from(["math", "code"])),
        "conversation": draw(st.none() | st.sampled_from(["x", "y"])),
    }


logs = st.lists(rows(), min_size=1, max_size=25)


def write_jsonl(path, log):
    path.write_text("".join(json.dumps(row) + "\n" for row in log), encoding="utf-8")
    return path


def write_csv(path, log):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(log[0]))
        writer.writeheader()
        writer.writerows(log)
    return path


def write_parquet(path, log):
    pq.write_table(pa.Table.from_pylist(log), path)
    return path


def arrays(runs):
    found = {name: getattr(runs, name) for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    if runs.embeddings is not None:
        found["embeddings"] = runs.embeddings
    return found


def assert_same(left, right):
    for what in ("query_ids", "texts", "tags", "conversations", "tenants", "steps", "points"):
        assert getattr(left, what) == getattr(right, what)
    for name, values in arrays(left).items():
        assert values.tobytes() == arrays(right)[name].tobytes(), name
    assert left.sha256 == right.sha256


def read_lines(tmp_path, *lines, name="log.jsonl", **options):
    path = tmp_path / name
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n")
    return read_runs(path, **options)


def read_rows(tmp_path, *log, **options):
    return read_runs(write_jsonl(tmp_path / "log.jsonl", log), **options)


def only_fault(runs):
    assert runs.set_aside_count == len(runs.set_aside) == 1
    return runs.set_aside[0]
