"""Mutated logs of every format; an accepted one holds what Python's own readers find in it."""

from __future__ import annotations

import functools
import io
import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import paretoroute as pr
from tests.fuzz import damaged_tables
from tests.fuzz.growth.inputs import as_csv
from tests.fuzz.mutants import independent, mutations
from tests.fuzz.mutants.refusals import refused


def _read(path: Path, data: bytes) -> pr.Runs | None:
    path.write_bytes(data)
    return refused(lambda: pr.read_runs(path))


def jsonl(rng: random.Random, folder: Path) -> bool:
    rows = mutations.changed_rows(mutations.good_rows(rng), rng)
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if rng.random() < 0.5:
        data = mutations.changed_bytes(data, rng)
    runs = _read(folder / "log.jsonl", data)
    if runs is not None:
        independent.check_same(runs, independent.json_rows(data), text=False)
    return runs is not None


def json_array(rng: random.Random, folder: Path) -> bool:
    rows: list[Any] = mutations.changed_rows(mutations.good_rows(rng), rng)
    data = json.dumps(rows if rng.random() < 0.8 else {"runs": rows, "x": mutations.any_value(rng)}).encode()
    if rng.random() < 0.5:
        data = mutations.changed_bytes(data, rng)
    runs = _read(folder / "log.json", data)
    if runs is not None:
        value = json.loads(data.decode())
        lists = (
            [value] if isinstance(value, list) else [item for item in value.values() if isinstance(item, list) and item]
        )
        rows = next(item for item in lists if all(isinstance(row, dict) for row in item) or item is value)
        independent.check_same(runs, rows, text=False)
    return runs is not None


def csv(rng: random.Random, folder: Path) -> bool:
    separator = rng.choice([",", ",", ",", ";", "\t"])
    data = as_csv(mutations.changed_rows(mutations.good_rows(rng), rng), separator)
    if rng.random() < 0.5:
        data = mutations.changed_bytes(data, rng)
    runs = _read(folder / "log.csv", data)
    if runs is not None and separator == ",":
        rows = independent.csv_rows(data)
        if rows is not None and rows and {"model", "quality"} <= set().union(*rows):
            independent.check_same(runs, rows, text=True)
    return runs is not None


@functools.cache
def _table(form: str, nested: bool) -> bytes:
    return damaged_tables.written((damaged_tables.nested_table if nested else damaged_tables.plain_table)(), form)


def _damaged(form: str, rng: random.Random, folder: Path) -> bool:
    data = damaged_tables.damaged(_table(form, rng.random() < 0.5), rng)
    runs = _read(folder / f"log.{'parquet' if form == 'parquet' else 'arrow'}", data)
    return runs is not None


def parquet(rng: random.Random, folder: Path) -> bool:
    return _damaged("parquet", rng, folder)


def arrow(rng: random.Random, folder: Path) -> bool:
    return _damaged(rng.choice(["file", "stream", "lz4", "zstd"]), rng, folder)


def _as_table(rows: list[dict[str, Any]]) -> pa.Table | None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return None


def table(rng: random.Random, folder: Path) -> bool:
    """Whole Parquet and Arrow files of odd values."""
    rows = mutations.changed_rows(mutations.good_rows(rng), rng)
    content = _as_table(rows)
    if content is None:
        return False
    sink = io.BytesIO()
    form = rng.choice(["parquet", "arrow"])
    if form == "parquet":
        try:
            pq.write_table(content, sink)
        except pa.ArrowException:  # a structure without fields
            return False
    else:
        with pa.ipc.new_file(sink, content.schema) as writer:
            writer.write_table(content)
    runs = _read(folder / f"log.{form}", sink.getvalue())
    if runs is not None:
        independent.check_same(runs, content.to_pylist(), text=False)
    return runs is not None


def frame(rng: random.Random, folder: Path) -> bool:
    rows = mutations.changed_rows(mutations.good_rows(rng), rng)
    try:
        made = pd.DataFrame(rows)
    except OverflowError:  # older versions of pandas do not hold an integer beyond the floats
        return False
    if rng.random() < 0.3:
        made = made.set_axis(rng.choices([*made.columns, 1, None, ("a", "b"), 2.5], k=made.shape[1]), axis=1)
    runs = refused(lambda: pr.read_runs(made))
    if runs is not None:
        assert len(runs) + runs.set_aside_count == len(made)
    return runs is not None
