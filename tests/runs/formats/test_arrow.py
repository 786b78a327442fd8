"""Arrow and Parquet: types, texts that are not UTF-8, and damaged files."""

import numpy as np
import pyarrow as pa
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, only_fault, write_parquet


def test_text_in_arrow_that_is_not_utf8_is_set_aside():
    raw = pa.array([b"good", b"bad\xff"])
    text = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    messages = pa.array([[{"role": "user", "content": "x"}]] * 2)
    nested = pa.array([b"user", b"\xff"])
    roles = pa.StructArray.from_arrays(
        [pa.Array.from_buffers(pa.string(), 2, nested.buffers()), messages.flatten().field("content")],
        names=["role", "content"],
    )
    rest = {"model": ["small"] * 2, "quality": [1.0] * 2}

    for column, kept in ((text, "good"), (pa.ListArray.from_arrays([0, 1, 2], roles), "x")):
        runs = read_runs(pa.table({"query": column, **rest}))

        assert runs.texts == (kept,)
        assert (only_fault(runs).line, only_fault(runs).field) == (2, "query")
        assert only_fault(runs).reason.startswith("not valid UTF-8 text")


def test_arrow_types_that_mean_the_same_read_the_same():
    plain = pa.table({"query_id": ["7"], "query": ["x"], "model": ["m"], "quality": [1.0], "cost_usd": [0.5]})
    fields = {
        "query_id": pa.int8(),
        "query": pa.string(),
        "model": pa.large_string(),
        "quality": pa.int64(),
        "cost_usd": pa.decimal128(5, 2),
    }
    other = pa.table({name: plain[name].cast(kind) for name, kind in fields.items()})
    other = other.set_column(1, "query", pa.array(["x"], pa.string_view()))  # older versions of pyarrow cast none

    assert_same(read_runs(plain), read_runs(other))
    with pytest.raises(RunsError, match=r"quality cannot be read in 1 of 1 .* row 1 \(a date where a number belongs"):
        read_runs(plain.set_column(3, "quality", pa.array([1]).cast(pa.int32()).cast(pa.date32())))


def test_views_of_texts_read_like_texts_wherever_they_stand():
    rest = {"model": ["m"] * 3, "quality": [1.0] * 3}
    chats = [[{"role": "user", "content": f"text {i}"}] for i in range(3)]
    views = pa.struct({"role": pa.string_view(), "content": pa.string_view()})
    tags = pa.array(["a", None, "b"], pa.string_view())
    coded = pa.DictionaryArray.from_arrays(pa.array([1, 1, 0]), pa.array(["x", "y"], pa.string_view()))
    columns = {"query": pa.array(chats, pa.list_(views)), "tag": tags, "tenant": coded}

    assert_same(
        read_runs(pa.table(columns | rest)),
        read_runs(pa.table({"query": chats, "tag": ["a", None, "b"], "tenant": ["y", "y", "x"]} | rest)),
    )


def test_a_damaged_table_is_an_error_that_says_where(tmp_path):
    path = write_parquet(tmp_path / "log.parquet", [GOOD | {"query": f"q{i}"} for i in range(1000)])
    data = bytearray(path.read_bytes())
    data[100:400] = bytes(300)
    path.write_bytes(data)

    with pytest.raises(RunsError, match="log.parquet is damaged after row 0: "):
        read_runs(path)


def test_one_bit_pattern_stands_for_unknown():
    odd = np.array([0x7FF8DEAD00000000, 0x3FE0000000000000], np.uint64).view(np.float64)
    rest = {"query": ["x", "y"], "model": ["m", "m"], "quality": [1.0, 1.0]}

    assert_same(read_runs(pa.table({**rest, "cost_usd": odd})), read_runs(pa.table({**rest, "cost_usd": [None, 0.5]})))
