"""Open a source of logged runs: a file by its extension, standard input by its first bytes, or a table by its type.

To add a file format, write its module (see :mod:`paretoroute.runs.formats.base`) and name it in ``FORMATS``.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json as json_text
import re
import sys
from pathlib import Path
from typing import IO, Any, cast

from paretoroute.errors import RunsError, file_name, one_line
from paretoroute.runs.formats import arrow, csv, json, jsonl, parquet
from paretoroute.runs.formats.arrow import Table
from paretoroute.runs.formats.base import Format, Source
from paretoroute.runs.formats.origin import GZIP_MAGIC, Origin, Replayed
from paretoroute.runs.formats.pandas import Frame

FORMATS: tuple[Format, ...] = (jsonl, json, csv, parquet, arrow)
_TEXTS = (jsonl, json, csv)
STANDARD_INPUT = "-"
_OPENS_ARRAY = re.compile(r'\{\s*"[^"]*"\s*:\s*\[\s*\{')
_BINARY = {  # first bytes of files that hold no text, and how to read one
    GZIP_MAGIC: "gzip; end its name in .gz",
    b"PAR1\x15": "Parquet; end its name in .parquet",
    b"ARROW1\x00": "an Arrow file; end its name in .arrow",
    b"\x28\xb5\x2f\xfd": "Zstandard; decompress it, or compress it with gzip",
    b"BZh91AY&SY": "bzip2; decompress it, or compress it with gzip",
    b"\xfd7zXZ": "xz; decompress it, or compress it with gzip",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet; unpack it, or save it as CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
}
_HEAD_BYTES = 2**20  # of standard input, from which its format is detected


def open_source(source: object, position: int) -> Source:
    """Open a path, standard input (``-``), or a table or data frame in memory.

    Args:
        source: what to read.
        position: its place among the sources, from 1; it names a source without a name.

    Raises:
        RunsError: the source is missing, a folder, or of no known format.
    """
    if isinstance(source, str | Path):
        return _open_standard_input() if str(source) == STANDARD_INPUT else _open_file(Path(source))
    return _open_table(source, f"table {position}")


def _open_file(path: Path) -> Source:
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null character
        raise RunsError(f"{file_name(path)} cannot be read: {getattr(error, 'strerror', error)}") from None
    if is_folder:
        raise RunsError(f"{file_name(path)} is a folder; name the log files in it")
    if not is_file:
        raise RunsError(f"{file_name(path)} does not exist; check the path of the log")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    plain = suffixes[:-1] if zipped else suffixes
    for format in FORMATS:
        if plain and plain[-1] in format.SUFFIXES:
            origin = Origin(path.name, path, zipped)
            if format in _TEXTS and not zipped:
                _check_is_text(path)
            return (json if format is jsonl and _is_array(origin) else format).open_file(origin)
    raise RunsError(f"{file_name(path)} has an extension that names no known format; give {_extensions()}")


def _check_is_text(path: Path) -> None:
    """Refuse a file of another kind than its name states, which would otherwise be one broken line after the other.

    Raises:
        RunsError: its first bytes are those of another kind of file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise RunsError(f"{file_name(path)} cannot be read: {error.strerror}") from None
    for magic, kind in _BINARY.items():
        if head.startswith(magic):
            raise RunsError(f"{file_name(path)} is no text: its first bytes are those of {kind}")


def _is_array(origin: Origin) -> bool:
    """Return whether a file of JSON lines holds one array, over several lines or on its only one."""
    with origin.open_text() as file:
        line, rest = b"", file.read(_HEAD_BYTES).removeprefix(codecs.BOM_UTF8)
    while rest and not line.strip():
        line, _, rest = rest.partition(b"\n")
    if not line.lstrip().startswith(b"["):
        return False
    try:
        json_text.loads(line)
    except ValueError:
        return True
    return not rest.strip()


def _extensions() -> str:
    *others, last = [suffix for format in FORMATS for suffix in format.SUFFIXES]
    return f"{', '.join(others)} or {last}, each also with .gz, or - for standard input"


def _open_standard_input() -> Source:
    stream = cast("IO[bytes]", sys.stdin.buffer)
    head = stream.read(_HEAD_BYTES)
    zipped = head.startswith(GZIP_MAGIC)
    if zipped:
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=io.BufferedReader(Replayed(head, stream))))
        origin = Origin("standard input", stream=stream)
        with origin.open() as unzipped:
            head = unzipped.read(_HEAD_BYTES)
    rest = io.BufferedReader(Replayed(head, stream))
    return _format_of(head).open_file(Origin("standard input", stream=rest))


def _format_of(head: bytes) -> Format:
    """Detect the format of a stream by its first bytes; text that is no JSON is CSV."""
    if head.startswith(b"PAR1"):
        return parquet
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return arrow
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head.decode("utf-16", "ignore")
    else:
        text = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "ignore")
    text = text.lstrip()
    if text.startswith("["):
        return json
    if text.startswith("{"):
        return json if _is_one_document(text) else jsonl
    return csv


def _is_one_document(text: str) -> bool:
    """Whether a text that begins with an object is one object with an array of others; else each line has an object."""
    line, _, rest = text.partition("\n")
    try:
        value: dict[str, object] = json_text.loads(line)
    except ValueError:
        goes_on = line.rstrip().endswith(("{", "[", ",")) if rest else _OPENS_ARRAY.match(line)
        return bool(goes_on)
    return not rest.strip() and any(isinstance(items, list) for items in value.values()) and "model" not in value


def _open_table(source: Any, name: str) -> Source:
    import pyarrow as pa

    if isinstance(source, pa.RecordBatch):
        return Table(name, source.schema.names, lambda wanted: [source])
    if isinstance(source, pa.Table):
        return Table(name, source.schema.names, lambda wanted: source.select(wanted).to_batches())
    if isinstance(source, pa.RecordBatchReader):
        return Table(name, source.schema.names, lambda wanted: source)
    if hasattr(source, "iloc") and hasattr(source, "columns"):  # pandas, whose columns of objects may mix types
        return Frame(name, source)
    if hasattr(source, "__arrow_c_stream__"):
        try:
            reader = pa.RecordBatchReader.from_stream(source)
        except pa.ArrowException as error:  # a column alone
            raise RunsError(f"{name}: cannot read runs from a {type(source).__name__}: {one_line(error)}") from None
        return Table(name, reader.schema.names, lambda wanted: reader)
    if hasattr(source, "to_arrow"):
        return _open_table(source.to_arrow(), name)
    kind = type(source).__name__
    raise RunsError(f"{name}: cannot read runs from a {kind}; give a path, an Arrow table or a data frame")
