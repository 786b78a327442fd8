"""Open a source of logged runs: a file by its extension, or a table in memory by its type.

To add a file format, write its module (see :mod:`paretoroute.runs.formats.base`) and name it in ``FORMATS``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError
from paretoroute.runs.formats import arrow, csv, jsonl, parquet
from paretoroute.runs.formats.arrow import Table
from paretoroute.runs.formats.base import Format, Source
from paretoroute.runs.formats.pandas import Frame

FORMATS: tuple[Format, ...] = (jsonl, csv, parquet, arrow)


def open_source(source: object, position: int) -> Source:
    """Open a path, or a table or data frame in memory.

    Args:
        source: what to read.
        position: its place among the sources, from 1; it names a source without a name.

    Raises:
        RunsError: the source is missing, a folder, or of no known format.
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
    for format in FORMATS:
        if plain and plain[-1] in format.SUFFIXES and (format.ZIPPED or not zipped):
            return format.open_file(path, zipped=zipped)
    raise RunsError(
        f"{path.name} has an extension that names no known format; "
        "give .jsonl, .ndjson or .csv (also .gz), .parquet, .arrow or .feather"
    )


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
