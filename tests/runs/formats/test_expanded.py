"""Rows that share one long value are measured as Python will hold them, and refused where the file is small."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import paretoroute as pr
from paretoroute.errors import RunsError
from paretoroute.runs.formats.expanded import expanded_bytes
from tests.processes import python

ROWS = 6
START = pa.array([0, 1, 1, 0, 0, 2], pa.int32())
SIZES = pa.array([2, 1, 1, 2, 2, 0], pa.int32())
TEXTS = pa.array(["four", "sixsix", None])
VALUES = {
    "text": (pa.array(["a", None, "模"]), 1 + 3),
    "large text": (pa.array(["ab"] * 3, pa.large_string()), 6),
    "bytes": (pa.array([b"abc", b""]), 3),
    "text view": (pa.array(["ab", None, "a text that is stored apart"], pa.string_view()), 2 + 27),
    "bytes of one size": (pa.array([b"abc"] * 4, pa.binary(3)), 12),
    "number": (pa.array([1.0, None, 3.0]), 24),
    "dictionary": (pa.DictionaryArray.from_arrays(pa.array([0, 0, 0, None, 1]), TEXTS), 3 * 4 + 6),
    "runs": (pa.RunEndEncodedArray.from_arrays(pa.array([3, 5], pa.int32()), TEXTS[:2]), 3 * 4 + 2 * 6),
    "list": (pa.array([["a", "bcd"], [], None]), 4 + 3 * 8),
    "map": (pa.array([[("key", "x")], []], pa.map_(pa.string(), pa.string())), 4 + 2 * 8),
    "list view": (pa.ListViewArray.from_arrays(START, SIZES, TEXTS), 3 * 10 + 2 * 6 + ROWS * 8),
    "list of one size": (pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)), 3 * 16 + 3 * 8),
    "structure": (pa.array([{"role": "user", "content": "abc"}] * 2), 14),
    "dictionary of lists": (pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array([["abcd"]])), 2 * (4 + 8)),
    "nothing": (pa.array([], pa.string()), 0),
}


@pytest.mark.parametrize("kind", VALUES)
def test_each_row_counts_with_a_value_of_its_own(kind):
    column, size = VALUES[kind]

    assert expanded_bytes(column) == size


@pytest.mark.parametrize("kind", VALUES)
def test_slices_of_a_column_add_up_to_it(kind):
    column, size = VALUES[kind]

    for cut in range(len(column) + 1):
        assert expanded_bytes(column[:cut]) + expanded_bytes(column[cut:]) == size


def test_a_union_counts_as_its_largest_value():
    kinds = [pa.array(["long text"]), pa.array([1])]
    column = pa.UnionArray.from_dense(pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 0], pa.int32()), kinds)

    assert expanded_bytes(column) == 3 * 9


def log(rows, **columns):
    fixed = {"query": [f"text {i}" for i in range(rows)], "model": ["m"] * rows, "quality": [1.0] * rows}
    return pa.table({**fixed, **columns})


def bombs(rows=4000):
    long, zeros = "x" * 10**5, pa.array([0] * rows, pa.int32())
    message = [{"role": "user", "content": long}]
    return {
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([rows], pa.int32()), pa.array([long])),
        "list view": pa.ListViewArray.from_arrays(zeros, pa.array([10**5] * rows, pa.int32()), pa.array([1.0] * 10**5)),
        "dictionary of lists": pa.DictionaryArray.from_arrays(zeros, pa.array([[1.0] * 10**5])),
        "dictionary of chats": pa.DictionaryArray.from_arrays(zeros, pa.array([message])),
    }


@pytest.mark.parametrize("kind", bombs())
@pytest.mark.parametrize("column", ["query", "tag", "embedding"])
def test_a_small_arrow_file_of_long_values_is_refused(kind, column, tmp_path):
    table = log(4000, **{column: bombs()[kind]})
    with pa.ipc.new_file(tmp_path / "log.arrow", table.schema) as file:
        file.write_table(table)

    with pytest.raises(RunsError, match=r"log.arrow: 4,000 rows would take \d+ MB|log.arrow: 4,000 rows would take"):
        pr.read_runs(tmp_path / "log.arrow")


def test_a_column_that_is_not_read_may_hold_anything(tmp_path):
    table = log(4000, other=bombs()["runs"])
    with pa.ipc.new_file(tmp_path / "log.arrow", table.schema) as file:
        file.write_table(table)

    assert len(pr.read_runs(tmp_path / "log.arrow").query_ids) == 4000


def test_bytes_of_a_parquet_file_are_read_without_repeating_them(tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(log(4000, other=pa.array([b"x" * 10**5] * 4000)), path)
    code = (
        f"import paretoroute as pr, pyarrow as pa; assert len(pr.read_runs({str(path)!r}).query_ids) == 4000; "
        "print(pa.default_memory_pool().max_memory())"
    )
    done = python("-c", code)  # the peak of a process of its own
    assert int(done.stdout) < 10**9, done.stderr  # the table itself is half of that
    pq.write_table(log(4000, query_id=pa.array([b"x" * 10**5] * 4000, pa.binary(10**5))), path)
    with pytest.raises(RunsError, match=r"4,000 rows of column query_id would take 400 MB"):
        pr.read_runs(path)


def test_one_bad_text_in_a_dictionary_does_not_repeat_the_others():
    long = pa.array([b"\xff", b"x" * 10**6]).view(pa.string())
    rows = 2000
    column = pa.DictionaryArray.from_arrays(pa.array([0] + [1] * (rows - 1)), long)
    pool = pa.default_memory_pool()
    before = pool.max_memory()

    runs = pr.read_runs(log(rows, tag=column))

    assert runs.set_aside_count == 1 and set(runs.tags) == {"x" * 10**6}
    assert pool.max_memory() - before < 10**8
    assert np.isfinite(runs.quality).all()
