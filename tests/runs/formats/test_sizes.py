"""Small files that claim gigabytes are refused before they are decoded, or read without repeating their texts."""

import gzip
import json
import resource

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretoroute.errors import RunsError, close_names
from paretoroute.runs import values
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD

ROWS = 4000
TEXT = "word " * 40_000
REST = {"model": ["small"] * ROWS, "quality": [1.0] * ROWS}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_arrow(path, table, **options):
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return path


def test_a_text_that_all_rows_share_is_read_once(tmp_path):
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int8()), [TEXT])
    table = pa.table({"query": texts, **REST})
    pq.write_table(table, tmp_path / "log.parquet", store_schema=False)
    write_arrow(tmp_path / "log.arrow", table)
    before = peak_mb()

    for name in ("log.parquet", "log.arrow"):
        runs = read_runs(tmp_path / name)
        assert (runs.texts, len(runs.quality)) == ((TEXT,), ROWS)
    assert peak_mb() - before < 300  # decoded, the texts are 800 MB


def test_messages_that_repeat_a_long_text_are_refused(tmp_path):
    messages = pa.array([[{"role": "user", "content": TEXT}]] * ROWS)
    pq.write_table(pa.table({"query": messages, **REST}), tmp_path / "log.parquet", compression="zstd")

    with pytest.raises(RunsError, match=r"log.parquet: 4,000 rows would take 800 MB of memory, and the file has 0.00"):
        read_runs(tmp_path / "log.parquet")


def test_compressed_batches_are_refused_before_they_are_unpacked(tmp_path):
    table = pa.table({"query": [TEXT] * ROWS, **REST})
    write_arrow(tmp_path / "log.arrow", table, compression="zstd")

    with pytest.raises(RunsError, match=r"log.arrow: its compressed batches would take 800 MB"):
        read_runs(tmp_path / "log.arrow")


def test_rows_without_bytes_are_refused(tmp_path):
    nothing = pa.nulls(10**9)
    write_arrow(tmp_path / "log.arrow", pa.table({"query": nothing, "model": nothing, "quality": nothing}))

    with pytest.raises(RunsError, match=r"log.arrow: 1,000,000,000 rows would take 100,000 MB"):
        read_runs(tmp_path / "log.arrow")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.jsonl.gz", b" " * 80_000_000, "unzips to more than"),
        ("log.csv.gz", b"query,model,quality\n" + b" " * 80_000_000, r"longer than 16 MiB|unzips to more than"),
        ("log.json.gz", b" " * 80_000_000, "holds more than"),
        ("log.parquet.gz", b"\0" * 80_000_000, "unzips to more than"),
    ],
)
def test_a_small_gzipped_file_is_not_unzipped_without_end(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(gzip.compress(content))

    with pytest.raises(RunsError, match=message):
        read_runs(tmp_path / name)


def test_lines_and_files_of_little_but_values_are_refused(tmp_path):
    row = GOOD | {"extra": [[]] * 3_000_000}
    (tmp_path / "log.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (tmp_path / "log.json").write_text(f"[{json.dumps(row | {'extra': [[]] * 6_000_000})}]", encoding="utf-8")

    with pytest.raises(RunsError, match="too many values"):
        read_runs(tmp_path / "log.jsonl")
    with pytest.raises(RunsError, match=r"log.json: its values would take \d+ MB"):
        read_runs(tmp_path / "log.json")


def test_a_log_with_a_column_for_each_run_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text(json.dumps(GOOD | {f"key {i}": 0 for i in range(10_001)}), encoding="utf-8")

    with pytest.raises(RunsError, match=r"log.jsonl has more than 10,000 columns"):
        read_runs(tmp_path / "log.jsonl")


@pytest.mark.parametrize("text", ["1" * 10**6 + "x", "1." * 10**6, "1" + " " * 10**6 + "x", "1e" + "1" * 10**6 + "x"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_long_cell_takes_time_linear_in_its_length(tmp_path, text, separator):  # else this takes hours
    (tmp_path / "log.csv").write_text(
        separator.join(("query", "model", "quality")) + "\n" + f"q,m,{text}\n".replace(",", separator), encoding="utf-8"
    )

    with pytest.raises(RunsError):
        read_runs(tmp_path / "log.csv")
    with pytest.raises(values.Misfit):
        values.number_in_text(text)


def test_long_and_many_names_are_compared_by_their_start():  # else this takes hours
    assert close_names("a" * 10**6, ["b" * 10**6, "a" * 10**6 + "b"], most=1, cutoff=0.5) == ["a" * 10**6 + "b"]
    assert close_names("one", (f"name {i}" for i in range(10**6)), most=1, cutoff=0.9) == []


def test_a_parquet_file_without_rows_is_empty(tmp_path):
    pq.write_table(pa.table({"query": [TEXT], "model": ["m"], "quality": [1.0]})[:0], tmp_path / "log.parquet")

    with pytest.raises(RunsError, match="the log is empty"):
        read_runs(tmp_path / "log.parquet")
