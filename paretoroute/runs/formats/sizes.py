"""How large a log may become in memory: at most ten times its file and 250 MB, checked before it is decoded.

A file of a kilobyte can claim gigabytes: by compression, by a dictionary whose one long text all rows share, by lists
of one repeated number. Logs that people write stay far below these bounds.
"""

from __future__ import annotations

import struct
from typing import Any

from paretoroute.errors import RunsError

FREE_BYTES = 250 * 10**6
ROW_BYTES = 100  # of a row of a log in memory, without its texts
ZIPPED_RATIO = 100  # of a log that is streamed; logs reach 10 to 50
ZIPPED_FREE_BYTES = 64 * 10**6
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # types of Arrow's messages


def check_size(name: str, claimed: float, stored: int, *, what: str, free: int = FREE_BYTES) -> None:
    """Refuse a log that takes much more memory than its file.

    Args:
        name: of the source.
        claimed: bytes that it would take.
        stored: bytes of the file.
        what: the part that takes them, as the subject of the message.
        free: bytes that a file of any size may take.

    Raises:
        RunsError: it would take more than ten times its file and ``free``.
    """
    if claimed > 10 * stored + free:
        raise RunsError(
            f"{name}: {what} would take {claimed / 1e6:,.0f} MB of memory, and the file has {stored / 1e6:,.3g} MB; "
            "check how it was written, or write it again as .jsonl"
        )


def parsed_bytes(text: bytes) -> int:
    """Return at most how many bytes the values of a JSON text take as Python objects, its texts aside."""
    containers = 72 * (text.count(b"[") + text.count(b"{")) + 112 * text.count(b'{"')
    return containers + 40 * text.count(b",")


def held_bytes(data: Any) -> int:
    """Return the bytes of an array or a batch; those of its whole buffers where Arrow counts no views of texts."""
    import pyarrow as pa

    try:
        return data.nbytes
    except pa.ArrowTypeError:  # up to version 17
        return data.get_total_buffer_size()


def unpacked_bytes(file: Any) -> int:
    """Return the bytes that the compressed batches of an Arrow file or stream say they hold; 0 if there are none.

    Every compressed buffer starts with its length. Arrow's own reader trusts it.

    Args:
        file: an Arrow file handle; it is left at another place.
    """
    import pyarrow as pa

    file.seek(0)
    file.seek(8 if file.read(6) == b"ARROW1" else 0)
    total = 0
    for message in pa.ipc.MessageReader.open_stream(file):
        batch = _record_batch(_Table.root(message.metadata.to_pybytes()))
        if batch is None:
            continue
        if not batch.field(3):  # one setting for the whole file
            return 0
        total += sum(_length_before(message.body, offset, length) for offset, length in batch.pairs(2))
    return total


def _record_batch(message: _Table) -> _Table | None:
    kind = message.data[message.field(1)] if message.field(1) else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return None
    header = message.table(2)
    return header.table(1) if kind == _DICTIONARY_BATCH else header


def _length_before(body: Any, offset: int, length: int) -> int:
    """Return the length that a compressed buffer states; -1 there means that it is stored as it is."""
    if length < 8 or offset < 0 or offset + 8 > body.size:
        return 0
    (stated,) = struct.unpack("<q", body.slice(offset, 8).to_pybytes())
    return length if stated < 0 else stated


class _Table:
    """A table of a flatbuffer, which holds the offsets of its fields.

    Args:
        data: the flatbuffer.
        start: of the table.
    """

    def __init__(self, data: bytes, start: int) -> None:
        self.data, self.start = data, start

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, *struct.unpack_from("<I", data))

    def field(self, number: int) -> int:
        """Return where a field is stored; 0 if it is absent."""
        vtable = self.start - struct.unpack_from("<i", self.data, self.start)[0]
        place = 4 + 2 * number
        if place >= struct.unpack_from("<H", self.data, vtable)[0]:
            return 0
        offset: int = struct.unpack_from("<H", self.data, vtable + place)[0]
        return offset and self.start + offset

    def table(self, number: int) -> _Table:
        """Return a table that a field refers to."""
        place = self.field(number)
        return _Table(self.data, place + struct.unpack_from("<I", self.data, place)[0])

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """Return a vector of pairs of integers."""
        place = self.field(number)
        start = place + struct.unpack_from("<I", self.data, place)[0]
        (count,) = struct.unpack_from("<I", self.data, start)
        return list(struct.iter_unpack("<qq", self.data[start + 4 : start + 4 + 16 * count]))
