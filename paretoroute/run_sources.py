"""Sources of logged runs: which kind a path or table is, and the columnar ones, read in batches of rows.

Parquet and Arrow files are streamed; Arrow tables and data frames are read where they are in memory. In all of them it
is rows that are counted, from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.run_columns import BATCH_BYTES, BATCH_ROWS, Batch
from paretoroute.run_readers import Csv, JsonLines

_TEXT_READERS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_ARROW_READERS = {".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}


class Source(Protocol):
    """Something that runs are read from.

    Attributes:
        name: what messages call it.
        unit: what its positions count, ``line`` or ``row``.
        seen: names of all columns met so far; complete once ``batches`` is exhausted.
    """

    name: str
    unit: str
    seen: set[str]

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; ``names`` maps each known column to its name in the source."""
        ...


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
    return _open_parquet(path) if kind == "parquet" else _open_arrow(path)


@dataclass
class Table:
    """Record batches of Arrow, from a file or from memory."""

    name: str
    columns: list[str]
    read: Any  # wanted column names -> record batches
    unit: str = "row"

    def __post_init__(self) -> None:
        self.seen = set(self.columns)

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows."""
        import pyarrow as pa

        wanted = [name for name in self.columns if name in set(names.values())]
        if len(set(wanted)) < len(wanted):
            raise RunsError(f"{self.name} has two columns of one name among {', '.join(sorted(wanted))}; rename one")
        start = 1
        try:
            for batch in self.read(wanted):
                for part in _cut(batch):
                    columns = {known: part.column(name) for known, name in names.items() if name in self.seen}
                    yield Batch(columns, np.arange(start, start + part.num_rows))
                    start += part.num_rows
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise RunsError(f"{self.name} is damaged after row {start - 1}: {_first_line(error)}") from None


def _cut(batch: Any) -> Iterator[Any]:
    for offset in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(offset, BATCH_ROWS)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _open_parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise RunsError(f"{path.name} cannot be read as Parquet: {_first_line(error)}") from None
    meta = file.metadata
    stored = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    rows = min(BATCH_ROWS, max(1, int(BATCH_BYTES / max(1.0, stored / max(1, meta.num_rows)))))
    return Table(path.name, file.schema_arrow.names, lambda wanted: file.iter_batches(rows, columns=wanted))


def _open_arrow(path: Path) -> Table:
    import pyarrow as pa

    try:
        handle = pa.memory_map(str(path)) if path.stat().st_size else pa.BufferReader(b"")
        try:
            file = pa.ipc.open_file(handle)
        except pa.ArrowInvalid:
            handle.seek(0)
            stream = pa.ipc.open_stream(handle)
            return Table(path.name, stream.schema.names, lambda wanted: stream)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise RunsError(f"{path.name} cannot be read as an Arrow file: {_first_line(error)}") from None
    return Table(path.name, file.schema.names, lambda wanted: map(file.get_batch, range(file.num_record_batches)))


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


@dataclass
class Frame:
    """A pandas data frame."""

    name: str
    frame: Any
    unit: str = "row"

    def __post_init__(self) -> None:
        self.seen = {str(column) for column in self.frame.columns}

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows."""
        for start in range(0, len(self.frame), BATCH_ROWS):
            part = self.frame.iloc[start : start + BATCH_ROWS]
            columns = {known: _series(part[name]) for known, name in names.items() if name in self.seen}
            yield Batch(columns, np.arange(start + 1, start + len(part) + 1))


def _series(series: Any) -> Iterable[object]:
    """Give a pandas column as an Arrow array, or as a list where Arrow cannot hold its mix of types."""
    import pyarrow as pa

    try:
        column = pa.Array.from_pandas(series)
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
        return series.astype(object).where(series.notna(), None).tolist()
