"""Arrow and Parquet logs with changed bytes; run as a program in a process of its own, which they may end."""

from __future__ import annotations

import io
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs


def plain_table(rows: int = 60) -> Any:
    """Make a log of uniform columns with gaps."""
    return pa.table(
        {
            "query_id": [f"q{i // 2}" for i in range(rows)],
            "query": [f"Sort list number {i // 2}, then explain the steps." for i in range(rows)],
            "model": ["small", "big"] * (rows // 2),
            "quality": [float(i % 3 == 0) for i in range(rows)],
            "completion_tokens": list(range(20, 20 + rows)),
            "cost_usd": [0.001 * (i + 1) if i % 7 else None for i in range(rows)],
            "tag": ["code", None] * (rows // 2),
        }
    )


def nested_table(rows: int = 60) -> Any:
    """Make a log of nested columns, dictionaries, views and decimals."""
    table = plain_table(rows).set_column(
        1, "query", pa.array([[{"role": "user", "content": f"Sort list {i // 2}."}] for i in range(rows)])
    )
    vectors = [[0.1, 0.2, float(i // 2)] for i in range(rows)]
    return (
        table.append_column("embedding", pa.array(vectors, pa.list_(pa.float32())))
        .append_column("step", pa.array(["draft", "check"] * (rows // 2)).dictionary_encode())
        .append_column("tenant", pa.array(["a", None] * (rows // 2), pa.string_view()))
        .append_column("trials", pa.array([1] * rows, pa.decimal128(10, 2)))
    )


def without_views(table: Any) -> Any:
    """Store views of texts as texts: older versions of pyarrow write no views to Parquet."""
    for place, field in enumerate(table.schema):
        if field.type == pa.string_view():
            table = table.set_column(place, field.name, pa.array(table[place].to_pylist(), pa.string()))
    return table


def written(table: Any, form: str) -> bytes:
    """Write a table as an Arrow file, an Arrow stream, a compressed Arrow file or a Parquet file."""
    sink = io.BytesIO()
    if form == "parquet":
        pq.write_table(without_views(table), sink)
        return sink.getvalue()
    options = pa.ipc.IpcWriteOptions(compression=form if form in ("lz4", "zstd") else None)
    new = pa.ipc.new_stream if form == "stream" else pa.ipc.new_file
    with new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=25)
    return sink.getvalue()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Change one to three bytes: a bit of each, or all of it."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(rng.choice((0, len(changed) // 2)), len(changed))  # the metadata stand at the end
        changed[at] = changed[at] ^ 1 << rng.randrange(8) if rng.random() < 0.5 else rng.choice((0, 127, 128, 255))
    return bytes(changed)


def read_all(folder: Path, files: int) -> Counter[str]:
    """Read damaged files of every form; count those that are refused and those that are read."""
    counts: Counter[str] = Counter()
    for table in (plain_table(), nested_table()):
        for form in ("file", "stream", "lz4", "zstd", "parquet"):
            data = written(table, form)
            path = folder / ("log.parquet" if form == "parquet" else "log.arrow")
            for seed in range(files):
                path.write_bytes(damaged(data, random.Random(f"{form} {seed}")))  # the file that a signal leaves
                try:
                    read_runs(path)
                    counts["read"] += 1
                except RunsError:
                    counts["refused"] += 1
    return counts


if __name__ == "__main__":
    print(read_all(Path(sys.argv[1]), int(sys.argv[2])))
