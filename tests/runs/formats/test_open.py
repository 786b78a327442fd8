"""Every kind of source gives the same runs, and what cannot be opened is one clear error."""

import bz2
import gzip
import json
import lzma
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.runs.logs import (
    GOOD,
    assert_same,
    only_fault,
    write_jsonl,
)


def test_labels_of_mixed_types_in_a_data_frame_are_read(tmp_path):
    frame = pd.DataFrame([GOOD | {"budget_kind": "samples", "budget_label": label} for label in ("off", 16000, None)])

    runs = read_runs(frame)

    assert [point.budget.label for point in runs.points] == ["16000", "off"]
    assert only_fault(runs).reason.startswith("given without a budget_label")


def test_a_log_that_cannot_be_used_at_all_is_one_clear_error(tmp_path):
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "header.csv").write_text("query,model,quality\n", encoding="utf-8")
    (tmp_path / "log.txt").touch()
    (tmp_path / "bad.parquet").write_bytes(b"not Parquet at all")
    (tmp_path / "bad.arrow").write_bytes(b"not Arrow at all")
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 100_000)[:-20])
    bad = write_jsonl(tmp_path / "bad.jsonl", [GOOD | {"cost_usd": -8}, GOOD | {"cost_usd": -9}, GOOD | {"model": ""}])
    for source, said in (
        (tmp_path / "none.jsonl", "none.jsonl does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "log.txt", "log.txt has an extension that names no known format; give .jsonl"),
        (tmp_path / "empty.jsonl", "empty.jsonl: the log is empty"),
        (tmp_path / "header.csv", "header.csv: the log is empty"),
        (tmp_path / "bad.parquet", "bad.parquet is damaged, or no Parquet file: "),
        (tmp_path / "bad.arrow", "bad.arrow is damaged, or no Arrow file: "),
        (tmp_path / "bad.jsonl.gz", "bad.jsonl.gz is not a whole gzip file"),
        (bad, r"no usable row among 3: cost_usd: negative \(2 of them; first: bad.jsonl, line 1: cost_usd: "),
        ({"query": "x"}, "table 1: cannot read runs from a dict"),
    ):
        with pytest.raises(RunsError, match=said):
            read_runs(source)
    with pytest.raises(RunsError, match="no log was given"):
        read_runs()


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log.jsonl", "{}")


@pytest.mark.parametrize("name", ["log.jsonl", "log.json", "log.csv"])
def test_a_file_of_another_kind_than_its_name_states_is_named(tmp_path, name):
    table = pa.Table.from_pylist([GOOD])
    for kind, write in (
        ("gzip", lambda path: path.write_bytes(gzip.compress(b"{}\n"))),
        ("bzip2", lambda path: path.write_bytes(bz2.compress(b"{}\n"))),
        ("xz", lambda path: path.write_bytes(lzma.compress(b"{}\n"))),
        ("Zstandard", lambda path: path.write_bytes(pa.compress(b"{}\n", "zstd", asbytes=True))),
        ("Parquet", lambda path: pq.write_table(table, path)),
        ("an Arrow file", lambda path: pyarrow.feather.write_feather(table, str(path))),
        ("a ZIP archive", write_zip),
    ):
        write(tmp_path / name)

        with pytest.raises(RunsError, match=f"{name} is no text: its first bytes are those of {kind}"):
            read_runs(tmp_path / name)


def test_a_table_whose_first_column_looks_like_another_kind_is_read(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("PAR1,query,model,quality\n1,a,m,1\n1,b,m,0\n", encoding="utf-8")

    assert len(read_runs(path)) == 2


def test_every_source_of_a_table_gives_the_same_runs(tmp_path):
    table = pa.Table.from_pylist([GOOD | {"query": f"q{i}", "quality": i / 10} for i in range(10)])
    expected = read_runs(table)
    pyarrow.feather.write_feather(table, str(tmp_path / "log.feather"))
    with pa.ipc.new_stream(tmp_path / "log.arrow", table.schema) as stream:
        stream.write_table(table)
    with gzip.open(tmp_path / "log.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in table.to_pylist())

    class Capsule:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    class Convertible:
        def to_arrow(self):
            return table

    categories = table.to_pandas().astype({"model": "category"})
    for source in (
        tmp_path / "log.feather",
        str(tmp_path / "log.arrow"),
        tmp_path / "log.jsonl.gz",
        table.to_reader(),
        table.to_batches()[0],
        Capsule(),
        Convertible(),
        categories,
    ):
        assert_same(expected, read_runs(source))
