"""Parquet files, streamed in batches of rows; rows are counted from 1.

Texts that repeat are read as dictionaries: a file of a kilobyte may repeat one long text in each of a million rows.
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS
from paretoroute.runs.formats.arrow import Table, first_line, whole
from paretoroute.runs.formats.origin import Origin
from paretoroute.runs.formats.parquet_footer import Chunk, chunks_of
from paretoroute.runs.formats.sizes import check_size

SUFFIXES = (".parquet", ".pq")
_LARGE_BYTES = 16 * 2**20  # of a column of texts, before compression
_DISTINCT_BYTES = 64  # per row of one whose texts mostly differ
_PACKED_RATIO = 20  # texts that people write are compressed less
_NUMBER_BYTES = 16  # of a number in a list
_LIST_REPEATS = 5  # beyond those of any file: all runs of a query repeat its embedding, which takes no room in the file


def open_file(origin: Origin) -> Table:
    """Open a Parquet file as a stream of record batches; one that is zipped or piped is read whole.

    Raises:
        RunsError: the file is not Parquet, or would take much more memory than it has bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = origin.plain_file
    data = None if path is not None else whole(origin)
    try:
        with pa.OSFile(str(path)) if data is None else pa.BufferReader(data) as file:
            stored, meta = file.size(), pq.read_metadata(file)
            chunks = chunks_of(_footer(file))
        _check_lists(origin.name, chunks, stored)
        _check_bytes_of_one_size(origin.name, meta, stored)
        where = path if data is None else pa.BufferReader(data)
        parquet = pq.ParquetFile(where, pre_buffer=False, read_dictionary=_repeated_texts(meta, chunks))
        columns = parquet.schema_arrow.names
        rows = _batch_rows(meta)
    except RunsError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise RunsError(f"{origin.name} is damaged, or no Parquet file: {first_line(error)}; write it again") from None
    return Table(origin.name, columns, lambda wanted: parquet.iter_batches(rows, columns=wanted), stored=stored)


def _repeated_texts(meta: Any, chunks: list[Chunk]) -> list[str]:
    """Return the paths of the columns of text or bytes to read as dictionaries, those inside lists and structures too.

    A dictionary grows with the rows, so that large columns whose texts differ are read as they are.
    """
    columns = [meta.schema.column(j) for j in range(meta.num_columns)]
    texts = [column.path for column in columns if column.physical_type == "BYTE_ARRAY" and not _is_decimal(column)]
    return [path for path in texts if _may_repeat([chunk for chunk in chunks if chunk.path == path])]


def _is_decimal(column: Any) -> bool:
    return column.logical_type.type == "DECIMAL" or column.converted_type == "DECIMAL"


def _check_bytes_of_one_size(name: str, meta: Any, stored: int) -> None:
    """Refuse a file whose rows hold long bytes of one size, which no dictionary is read for."""
    for j in range(meta.num_columns):
        column = meta.schema.column(j)
        if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
            rows = min(meta.num_rows, BATCH_ROWS)
            check_size(name, rows * column.length, stored, what=f"{rows:,} rows of column {column.path}")


def _may_repeat(chunks: list[Chunk]) -> bool:
    values = sum(chunk.values for chunk in chunks)
    unpacked, stored = sum(chunk.unpacked for chunk in chunks), sum(chunk.stored for chunk in chunks)
    is_large = unpacked >= _LARGE_BYTES and unpacked >= _DISTINCT_BYTES * values
    return not (is_large and unpacked <= _PACKED_RATIO * stored)


def _footer(file: Any) -> bytes:
    """Return the metadata of a Parquet file, whose length stands before the last four bytes."""
    size = file.size()
    file.seek(size - 8)
    length = int.from_bytes(file.read(4), "little")
    file.seek(max(0, size - 8 - length))
    return file.read(length)


def _check_lists(name: str, chunks: list[Chunk], stored: int) -> None:
    """Refuse a file with a list column that would take much more memory than the file."""
    for chunk in chunks:
        if "." in chunk.path:
            check_size(name, chunk.values * _NUMBER_BYTES / _LIST_REPEATS, stored, what=f"column {chunk.path}")


def _batch_rows(meta: Any) -> int:
    """Return how many rows to read at a time."""
    size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    return min(BATCH_ROWS, max(1, int(BATCH_BYTES / max(1.0, size / max(1, meta.num_rows)))))
