"""Arrow and Feather files, and Arrow tables in memory; rows are counted from 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_ROWS, Batch
from paretoroute.runs.formats.arrow_checks import check_batch
from paretoroute.runs.formats.origin import Origin

SUFFIXES = (".arrow", ".feather", ".ipc")


@dataclass
class Table:
    """Record batches of Arrow, from a file or from memory.

    Args:
        name: of the source, in messages.
        columns: names of its columns.
        read: returns record batches of the wanted columns.
        unit: what positions count.
    """

    name: str
    columns: list[str]
    read: Callable[[list[str]], Iterable[Any]]
    unit: str = "row"

    def __post_init__(self) -> None:
        self.seen = set(self.columns)

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows.

        Raises:
            RunsError: two of the wanted columns have one name, or the source is damaged.
        """
        import pyarrow as pa

        wanted = [name for name in self.columns if name in set(names.values())]
        if len(set(wanted)) < len(wanted):
            raise RunsError(f"{self.name} has two columns of one name among {', '.join(sorted(wanted))}; rename one")
        start = 1
        try:
            for batch in self.read(wanted):
                check_batch(batch)
                for part in _cut(batch):
                    columns = {column: part.column(name) for column, name in names.items() if name in self.seen}
                    yield Batch(columns, np.arange(start, start + part.num_rows))
                    start += part.num_rows
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise RunsError(
                f"{self.name} is damaged after row {start - 1}: {first_line(error)}; write it again"
            ) from None


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
        try:
            file = pa.ipc.open_file(handle)
        except pa.ArrowInvalid:
            handle.seek(0)
            stream = pa.ipc.open_stream(handle)
            return Table(origin.name, stream.schema.names, lambda wanted: stream)
        columns = file.schema.names
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise RunsError(f"{origin.name} is damaged, or no Arrow file: {first_line(error)}; write it again") from None
    return Table(origin.name, columns, lambda wanted: map(file.get_batch, range(file.num_record_batches)))


def whole(origin: Origin) -> bytes:
    """Read all bytes of an origin that has no plain file."""
    with origin.open() as file:
        return file.read()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _cut(batch: Any) -> Iterator[Any]:
    for offset in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(offset, BATCH_ROWS)
