"""The records of a log as objects, whatever its format: read by the formats of runs, with all their checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError, checked_path, file_name
from paretoroute.runs.columns import Batch, BrokenLine, python_values
from paretoroute.runs.formats.base import Source
from paretoroute.runs.formats.csv import Csv
from paretoroute.runs.formats.json import JsonArray, holds_several_values
from paretoroute.runs.formats.jsonl import JsonLines
from paretoroute.runs.formats.open import STANDARD_INPUT, open_source
from paretoroute.runs.importers.calls import Aside, Place

PICKLES = (".pkl", ".pickle", ".pckl", ".joblib", ".pt", ".pth", ".dill")
_LISTS = ("data", "scores", "rows", "records", "items", "observations", "traces")
_PICKLED = "a pickle, which can run any code when it is opened, is not read"
_OTHER = "a file of another format is not read"
MOST_FILES = 100_000


@dataclass(frozen=True, slots=True)
class Record:
    """An object of a log.

    Args:
        place: where it stands.
        value: the object.
        path: its file.
        is_text: whether every value is text, as in CSV.
    """

    place: Place
    value: dict[str, Any]
    path: Path
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Files:
    """The files of an import.

    Args:
        paths: those to read.
        asides: those that are not read.
    """

    paths: list[Path]
    asides: list[Aside]


def listed_files(files: object, suffixes: Sequence[str]) -> Files:
    """Return the files of an import: those that are named, and those in folders that are named.

    A pickle, or a file of another kind, is not read where it is one of several.

    Args:
        files: one path, or several.
        suffixes: of the files of this kind.

    Raises:
        RunsError: there is none, or none but pickles.
    """
    named: list[Any] = [files] if isinstance(files, str | Path) or not isinstance(files, Iterable) else list(files)
    if not named:
        raise RunsError("no file was given; name at least one file of the log")
    found: list[Path] = []
    for item in named:
        path = checked_path(item, RunsError)
        found += sorted(_inside(path, suffixes)) if path.is_dir() else [path]
        if len(found) > MOST_FILES:
            raise RunsError(f"{file_name(path)} holds more than {MOST_FILES:,} files; name those of the log")
    if not found:
        raise RunsError(f"{file_name(Path(named[0]))} holds no file with one of the endings {', '.join(suffixes)}")
    others = [path for path in found if not _is_readable(path, suffixes)]
    paths = [path for path in found if path not in others] if len(others) < len(found) else found
    for path in paths:
        check_no_pickle(path)
    asides = [Aside(Place(file_name(path)), _PICKLED if _is_pickle(path) else _OTHER) for path in others]
    return Files(paths, asides if len(others) < len(found) else [])


def _is_readable(path: Path, suffixes: Sequence[str]) -> bool:
    name = path.name.lower()
    return str(path) == STANDARD_INPUT or name.removesuffix(".gz").endswith(tuple(suffixes))


def _is_pickle(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(PICKLES)


def _inside(folder: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and (_is_readable(path, suffixes) or _is_pickle(path)):
            yield path


def check_no_pickle(path: Path) -> None:
    """Refuse a pickle.

    Raises:
        RunsError: the file is one by its name.
    """
    if _is_pickle(path):
        raise RunsError(
            f"{file_name(path)} is a pickle, which can run any code when it is opened, and is not read; in a process "
            "that you trust with it, write it again, in pandas: pd.read_pickle(FILE).to_parquet('table.parquet')"
        )


def read_records(path: Path, *, as_written: bool = False) -> Iterator[Record | Aside]:
    """Yield the objects of a file: its lines or rows, or one object for a whole JSON document.

    Args:
        path: the file.
        as_written: whether numbers of tables stay as they are written, with decimal commas or not.

    Raises:
        RunsError: the file is missing, damaged, too large, or of no known format.
    """
    source = open_source(STANDARD_INPUT if str(path) == STANDARD_INPUT else path, 1)
    if isinstance(source, Csv):
        source.as_written = as_written
    if isinstance(source, JsonArray):
        try:
            yield from _document(source, path)
        except RunsError as error:
            if not holds_several_values(error):
                raise
            values = source.documents()
            yield from _lines(JsonLines(source.origin), path) if values is None else _items(values, source, path)
    elif isinstance(source, JsonLines):
        yield from _lines(source, path)
    else:
        yield from _rows(source, path)


def opened(path: Path, *keys: str) -> Iterator[Record | Aside]:
    """Yield the objects of a file, and in place of a document those of the list that it wraps.

    Args:
        path: the file.
        *keys: names of such a list; without any, ``data`` and the like.

    Raises:
        RunsError: as `read_records`.
    """
    for record in read_records(path):
        if isinstance(record, Record) and (inner := _wrapped(record, keys or _LISTS)) is not None:
            for i, item in enumerate(inner, start=1):
                place = Place(record.place.file, i, "row")
                yield Record(place, item, path) if isinstance(item, dict) else Aside(place, "no JSON object")
        else:
            yield record


def _wrapped(record: Record, keys: Sequence[str]) -> list[Any] | None:
    return next((record.value[key] for key in keys if isinstance(record.value.get(key), list)), None)


def _document(source: JsonArray, path: Path) -> Iterator[Record | Aside]:
    value = source.document()
    if isinstance(value, dict):
        yield Record(Place(source.name), value, path)
        return
    yield from _items(value if isinstance(value, list) else [], source, path)


def _items(values: Sequence[object], source: JsonArray, path: Path) -> Iterator[Record | Aside]:
    for row, item in enumerate(values, start=1):
        place = Place(source.name, row, "row")
        yield Record(place, item, path) if isinstance(item, dict) else Aside(place, "no JSON object")


def _lines(source: JsonLines, path: Path) -> Iterator[Record | Aside]:
    for part in source.parts():
        yield from (_broken(source, broken) for broken in part.broken)
        for position, value in zip(part.lines, part.rows, strict=True):
            yield Record(Place(source.name, position), value, path)


def _broken(source: Source, broken: BrokenLine) -> Aside:
    return Aside(Place(source.name, broken.line, source.unit), broken.reason, broken.detail)


def _rows(source: Source, path: Path) -> Iterator[Record | Aside]:
    for batch in source.batches(_Everything(source.seen)):
        yield from (_broken(source, broken) for broken in batch.broken)
        for position, value in zip(batch.lines.tolist(), _objects(batch), strict=True):
            yield Record(Place(source.name, position, source.unit), value, path, batch.numbers_are_text)


def _objects(batch: Batch) -> Iterator[dict[str, Any]]:
    names = list(batch.columns)
    columns = [python_values(column) for column in batch.columns.values()]
    if not columns:
        yield from ({} for _ in batch.lines)
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


class _Everything(Mapping[str, str]):
    """Names every column of a table by itself.

    Args:
        seen: names of its columns, which are complete once its rows are read.
    """

    def __init__(self, seen: set[str]) -> None:
        self._seen = seen

    def __getitem__(self, name: str) -> str:
        return name

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._seen))

    def __len__(self) -> int:
        return len(self._seen)
