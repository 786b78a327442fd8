"""Parquet files, streamed in batches of rows; rows are counted from 1."""

from __future__ import annotations

from pathlib import Path

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS
from paretoroute.runs.formats.arrow import Table, first_line

SUFFIXES = (".parquet", ".pq")
ZIPPED = False


def open_file(path: Path, *, zipped: bool = False) -> Table:
    """Open a Parquet file as a stream of record batches.

    Raises:
        RunsError: the file is not Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise RunsError(f"{path.name} cannot be read as Parquet: {first_line(error)}") from None
    meta = file.metadata
    stored = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    rows = min(BATCH_ROWS, max(1, int(BATCH_BYTES / max(1.0, stored / max(1, meta.num_rows)))))
    return Table(path.name, file.schema_arrow.names, lambda wanted: file.iter_batches(rows, columns=wanted))
