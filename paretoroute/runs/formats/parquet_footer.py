"""The footer of a Parquet file, read for the number of values of each column chunk.

pyarrow aborts the process when it is asked for the chunks of a damaged footer, and a chunk of a few bytes may hold a
billion values, so that the number is needed before anything is decoded.

References:
    Apache Thrift, "Thrift compact protocol", and Apache Parquet, "parquet.thrift".
"""

from __future__ import annotations

from typing import Any, NamedTuple

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
# Numbers of the fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData
_ROW_GROUPS, _COLUMNS, _META, _PATH, _VALUES, _UNPACKED, _STORED = 4, 1, 3, 3, 5, 6, 7


class Chunk(NamedTuple):
    """A column chunk.

    Args:
        path: of the column.
        values: how many it holds, those inside lists too.
        unpacked: bytes before compression, with a text of a dictionary counted once.
        stored: bytes in the file.
    """

    path: str
    values: int
    unpacked: int
    stored: int


def chunks_of(footer: bytes) -> list[Chunk]:
    """Read the column chunks.

    Args:
        footer: the metadata of the file, without its length and the last four bytes.

    Raises:
        ValueError: the footer is damaged.
    """
    try:
        groups = _Compact(footer).struct()[_ROW_GROUPS]
        metas = [chunk[_META] for group in groups for chunk in group[_COLUMNS]]
        return [
            Chunk(
                b".".join(meta[_PATH]).decode("utf-8", "replace"),
                *(int(meta[number]) for number in (_VALUES, _UNPACKED, _STORED)),
            )
            for meta in metas
        ]
    except (IndexError, KeyError, TypeError, RecursionError):
        raise ValueError("the metadata at the end is damaged") from None


class _Compact:
    """Reads values of Thrift's compact protocol, one after the other.

    Args:
        data: the bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def struct(self) -> dict[int, Any]:
        """Return the fields of a struct by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._unsigned())
        if kind in (_LIST, _SET):
            return self._list()
        if kind == _STRUCT:
            return self.struct()
        if kind == _MAP:
            return self._map()
        return self._bytes(8) if kind == _DOUBLE else self._byte()

    def _list(self) -> list[Any]:
        head = self._byte()
        size = self._unsigned() if head >> 4 == 15 else head >> 4
        return [self._value(head & 15) for _ in range(size)]

    def _map(self) -> list[Any]:
        size = self._unsigned()
        kinds = self._byte() if size else 0
        return [(self._value(kinds >> 4), self._value(kinds & 15)) for _ in range(size)]

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift

    def _byte(self) -> int:
        self._place += 1
        return self._data[self._place - 1]

    def _bytes(self, size: int) -> bytes:
        self._place += size
        if self._place > len(self._data):
            raise IndexError(self._place)
        return self._data[self._place - size : self._place]
