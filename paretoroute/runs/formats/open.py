"""Sources of logged runs: which kind a path or table is, and the columnar ones, read in batches of rows.

Parquet and Arrow files are streamed; Arrow tables and data frames are read where they are in memory. In all of them it
is rows that are counted, from 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError
from paretoroute.runs.formats.arrow import Table, open_arrow, open_parquet
from paretoroute.runs.formats.base import Source
from paretoroute.runs.formats.csv import Csv
from paretoroute.runs.formats.jsonl import JsonLines
from paretoroute.runs.formats.pandas import Frame

_TEXT_READERS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_ARROW_READERS = {".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}


def open_source(source: object, position: int) -> Source:
    """Tell what kind of source something is.

    Args:
        source: a path, or a table or data frame in memory.
        position: its place among the sources, from 1, which names it if it has no name.

    Raises:
        RunsError: it is missing, a folder, or of no known kind.
    """
    if isinstance(source, str | Path):
        return _open_file(Path(source))
    return _open_table(source, f"table {position}")


def _open_file(path: Path) -> Source:
    if path.is_dir():
        raise RunsError(f"{path.name or path} is a folder; name the log files in it")
    if not path.is_file():
        raise RunsError(f"{path.name} does not exist; check the path of the log")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    plain = suffixes[:-1] if zipped else suffixes
    kind = (_TEXT_READERS if zipped else _TEXT_READERS | _ARROW_READERS).get(plain[-1] if plain else "")
    if kind == "jsonl":
        return JsonLines(path, zipped)
    if kind == "csv":
        return Csv(path, zipped)
    if kind is None:
        raise RunsError(
            f"{path.name} has an extension that names no known format; "
            "give .jsonl, .ndjson or .csv (also .gz), .parquet, .arrow or .feather"
        )
    return open_parquet(path) if kind == "parquet" else open_arrow(path)


def _open_table(source: Any, name: str) -> Source:
    import pyarrow as pa

    if isinstance(source, pa.RecordBatch):
        return Table(name, source.schema.names, lambda wanted: [source])
    if isinstance(source, pa.Table):
        return Table(name, source.schema.names, lambda wanted: source.select(wanted).to_batches())
    if isinstance(source, pa.RecordBatchReader):
        return Table(name, source.schema.names, lambda wanted: source)
    if hasattr(source, "iloc"):  # pandas, whose columns of objects may mix types
        return Frame(name, source)
    if hasattr(source, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(source)
        return Table(name, reader.schema.names, lambda wanted: reader)
    if hasattr(source, "to_arrow"):
        return _open_table(source.to_arrow(), name)
    kind = type(source).__name__
    raise RunsError(f"{name}: cannot read runs from a {kind}; give a path, an Arrow table or a data frame")
