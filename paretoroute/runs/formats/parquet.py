"""Parquet files, streamed in batches of rows; rows are counted from 1."""

from __future__ import annotations

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_BYTES, BATCH_ROWS
from paretoroute.runs.formats.arrow import Table, first_line, whole
from paretoroute.runs.formats.origin import Origin

SUFFIXES = (".parquet", ".pq")


def open_file(origin: Origin) -> Table:
    """Open a Parquet file as a stream of record batches; one that is zipped or piped is read whole.

    Raises:
        RunsError: the file is not Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = origin.plain_file or pa.BufferReader(whole(origin))
    try:
        file = pq.ParquetFile(where, pre_buffer=False)
        columns = file.schema_arrow.names
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise RunsError(f"{origin.name} is damaged, or no Parquet file: {first_line(error)}; write it again") from None
    meta = file.metadata
    stored = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    rows = min(BATCH_ROWS, max(1, int(BATCH_BYTES / max(1.0, stored / max(1, meta.num_rows)))))
    return Table(origin.name, columns, lambda wanted: file.iter_batches(rows, columns=wanted))
