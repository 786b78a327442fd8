"""Arrow and Feather files, and Arrow tables in memory; rows are counted from 1."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_ROWS, Batch
from paretoroute.runs.formats.arrow_checks import check_batch
from paretoroute.runs.formats.expanded import expanded_bytes
from paretoroute.runs.formats.origin import Origin
from paretoroute.runs.formats.sizes import ROW_BYTES, check_size, held_bytes, unpacked_bytes

SUFFIXES = (".arrow", ".feather", ".ipc")


@dataclass
class Table:
    """Record batches of Arrow, from a file or from memory.

    Args:
        name: of the source, in messages.
        columns: names of its columns.
        read: returns record batches of the wanted columns.
        unit: what positions count.
        stored: bytes of its file; None: it is in memory.
    """

    name: str
    columns: list[str]
    read: Callable[[list[str]], Iterable[Any]]
    unit: str = "row"
    stored: int | None = None

    def __post_init__(self) -> None:
        self.seen = set(self.columns)

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows.

        Raises:
            RunsError: two of the wanted columns have one name, or the source is damaged, or would take much more memory
                than its file.
        """
        import pyarrow as pa

        wanted = [name for name in self.columns if name in set(names.values())]
        if len(set(wanted)) < len(wanted):
            raise RunsError(f"{self.name} has two columns of one name among {', '.join(sorted(wanted))}; rename one")
        start = 1
        try:
            for batch in self.read(wanted):
                check_batch(batch)
                self._check_rows(start - 1 + batch.num_rows)
                for part in _cut(batch):
                    columns = {column: part.column(name) for column, name in names.items() if name in self.seen}
                    self._check_values(part, list(columns.values()))
                    yield Batch(columns, np.arange(start, start + part.num_rows))
                    start += part.num_rows
        except RunsError:
            raise
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise RunsError(
                f"{self.name} is damaged after row {start - 1}: {first_line(error)}; write it again"
            ) from None

    def _check_rows(self, rows: int) -> None:
        if self.stored is not None:
            check_size(self.name, rows * ROW_BYTES, self.stored, what=f"{rows:,} rows")

    def _check_values(self, part: Any, columns: list[Any]) -> None:
        """Refuse rows that share a long value; a dictionary of texts is read without repeating them."""
        stored = held_bytes(part) if self.stored is None else self.stored
        repeated = [column for column in columns if not _is_dictionary_of_texts(column.type)]
        check_size(self.name, sum(map(expanded_bytes, repeated)), stored, what=f"{part.num_rows:,} rows")


def _is_dictionary_of_texts(kind: Any) -> bool:
    import pyarrow as pa

    if not pa.types.is_dictionary(kind):
        return False
    return any(is_kind(kind.value_type) for is_kind in (pa.types.is_string, pa.types.is_large_string))


def open_file(origin: Origin) -> Table:
    """Open an Arrow or Feather file as a stream of record batches; one that is zipped or piped is read whole.

    A plain file is read, not mapped: a mapped one that is cut short meanwhile ends the process by a signal.

    Raises:
        RunsError: the file is not an Arrow file.
    """
    import pyarrow as pa

    path = origin.plain_file
    data = None if path is not None else whole(origin)
    try:
        handle = pa.OSFile(str(path)) if data is None else pa.BufferReader(data)
        stored = handle.size()
        check_size(origin.name, unpacked_bytes(handle), stored, what="its compressed batches")
        handle.seek(0)
        try:
            file = pa.ipc.open_file(handle)
        except pa.ArrowInvalid:
            handle.seek(0)
            stream = pa.ipc.open_stream(handle)
            return Table(origin.name, stream.schema.names, lambda wanted: stream, stored=stored)
        columns = file.schema.names
    except RunsError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, struct.error) as error:
        raise RunsError(f"{origin.name} is damaged, or no Arrow file: {first_line(error)}; write it again") from None
    batches = range(file.num_record_batches)
    return Table(origin.name, columns, lambda wanted: map(file.get_batch, batches), stored=stored)


def whole(origin: Origin) -> bytes:
    """Read all bytes of an origin that has no plain file.

    Raises:
        RunsError: they would take much more memory than the gzipped file.
    """
    with origin.open() as file:
        data = file.read(origin.most_bytes + 1)
    if len(data) > origin.most_bytes:
        raise RunsError(f"{origin.name} unzips to more than {origin.most_bytes / 1e6:,.0f} MB; unzip it first")
    return data


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _cut(batch: Any) -> Iterator[Any]:
    for offset in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(offset, BATCH_ROWS)
