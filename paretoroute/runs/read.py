"""Read logged runs from files and from tables in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretoroute.errors import RunsError, close_names, expect, needs_fit_extra, one_line, shown
from paretoroute.runs.findings import Finding
from paretoroute.runs.table import Runs

if TYPE_CHECKING:
    from paretoroute.runs.formats.base import Source

MOST_COLUMNS = 10_000
_WIDE = "write what varies from run to run as values, not as names of columns"
_NAMED = 5  # sources in a message about all of them
_SAMPLE = 1000  # values of an unknown column that a hint looks at
_SAMPLED = 200  # unknown columns whose values are read for hints


@needs_fit_extra
def read_runs(
    *sources: str | Path | Any,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    quality_scale: tuple[float, float] | None = None,
    join: str = "id",
) -> Runs:
    """Read logged runs.

    Rows that cannot be used are set aside with file, line, field and reason; all others are kept.

    Args:
        *sources: files (``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv``, ``.parquet``, ``.arrow``, ``.feather``,
            each also with ``.gz``), standard input (``"-"``), or tables in memory: Arrow tables and readers, pandas and
            polars data frames.
        columns: name in the log by known name, such as ``{"cost_usd": "spend"}``.
        strict: raise at the first bad row instead of setting it aside.
        quality_scale: the worst and the best number of the scale that quality is on, such as ``(1, 5)`` for stars, or
            ``(5, 1)`` where 1 is the best. A number counts as ``(number - worst) / (best - worst)``. None: [0, 1].
        join: ``"id"``: rows of one ``query_id`` are runs of one query. ``"id,text"``: each pair of id and text is a
            query, named ``ID#KEY`` where the id has several texts; the key is a hash of the text.

    Raises:
        RunsError: a source is missing or of no known format, lacks a required column, or holds no usable row; quality
            is on another scale; or more than 1% of the ids have different texts.
    """
    from paretoroute.runs.builder import Builder
    from paretoroute.runs.checks.quality_scale import QualityScale
    from paretoroute.runs.formats.open import open_source
    from paretoroute.runs.queries import parse_join

    _check_sources(sources)
    expect("columns", columns, (Mapping, type(None)), RunsError)
    expect("strict", strict, bool, RunsError)
    scale = QualityScale() if quality_scale is None else QualityScale.of(quality_scale)
    builder, unknown = Builder(strict=strict, scale=scale, by_text=parse_join(join)), _Unknown()
    names = _names(columns or {})
    for position, item in enumerate(sources, start=1):
        source = open_source(item, position)
        if 0 < len(source.seen) <= MOST_COLUMNS:
            _check_columns(source, columns or {}, names, item)
        rows = builder.rows
        for batch in source.batches(names):
            if len(source.seen) > MOST_COLUMNS:
                raise RunsError(f"{source.name} has more than {MOST_COLUMNS:,} columns; {_WIDE}")
            builder.add(source, batch)
        if source.seen and builder.rows > rows:
            _check_columns(source, columns or {}, names, item)
        unknown.add(source.seen, columns or {}, names, item)
    with _named(sources):
        if not builder.rows:
            raise RunsError("the log is empty; give a file with at least one run")
        return builder.finish(unknown.finish())


def _check_sources(sources: Sequence[object]) -> None:
    """Refuse no source at all, and standard input named twice."""
    if not sources:
        raise RunsError("no log was given; name at least one file of runs")
    if sum(str(item) == "-" for item in sources if isinstance(item, str | Path)) > 1:
        raise RunsError("standard input (-) is named twice, and can be read once; keep one")


@contextlib.contextmanager
def _named(sources: Sequence[object]) -> Iterator[None]:
    """Name the sources in an error about the whole log that names none of them."""
    try:
        yield
    except RunsError as error:
        names = [one_line(_name(source)) for source in sources]
        if any(name in str(error) for name in names):
            raise
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise RunsError(f"{', '.join(names[:_NAMED])}{more}: {error}") from None


def _name(source: object) -> str:
    if isinstance(source, str | Path):
        return "standard input" if str(source) == "-" else Path(source).name
    return str(getattr(source, "name", type(source).__name__))


def _names(columns: Mapping[str, str]) -> dict[str, str]:
    """Map every known column to its name in the log."""
    from paretoroute.runs.columns import ACCEPTED, READ

    for column, name in columns.items():
        expect(f"columns[{shown(column)}]", name, str, RunsError)
        if column not in (*READ, *ACCEPTED):
            raise RunsError(f"columns: {shown(column)} is no known column; use one of {', '.join(READ)}")
    return {column: columns.get(column, column) for column in READ}


def _check_columns(source: Source, columns: Mapping[str, str], names: Mapping[str, str], item: object) -> None:
    """Refuse a source that lacks a required column altogether."""
    from paretoroute.runs.checks import column_names

    seen = source.seen
    for column, name in columns.items():
        if name not in seen:
            near = close_names(name, seen, most=3, cutoff=0.6)
            hint = f" (near: {', '.join(near)})" if near else ""
            raise RunsError(
                f"{source.name} has no column {shown(name)}, which was to be read as {column}; "
                f"it has {column_names.listed(sorted(seen))}{hint}"
            )
    if other_unit := column_names.other_unit(columns):
        raise RunsError(f"{source.name}: {other_unit}")
    needed = [column for column in ("model", "quality") if names[column] not in seen]
    if names["query"] not in seen and names["query_id"] not in seen:
        needed.insert(0, "query")
    if needed:
        samples = _first_values(item, seen - set(names.values()), names)
        raise RunsError(column_names.lacking(source.name, seen, needed, samples))


@dataclass
class _Unknown:
    """The columns of all sources that are not read, and some of their values."""

    ignored: set[str] = field(default_factory=set)
    present: set[str] = field(default_factory=set)
    samples: dict[str, list[object]] = field(default_factory=dict)

    def add(self, seen: set[str], columns: Mapping[str, str], names: Mapping[str, str], item: object) -> None:
        """Take in the columns of one source."""
        from paretoroute.runs.columns import ACCEPTED, OF_DECISIONS

        unknown = seen - set(names.values()) - set(columns.values()) - set(ACCEPTED)
        if seen.issuperset(OF_DECISIONS[:2]):
            unknown -= set(OF_DECISIONS)
        self.samples |= _first_values(item, unknown - self.ignored, names)
        self.ignored |= unknown
        self.present |= {column for column, name in names.items() if name in seen}

    def finish(self) -> list[Finding]:
        """Return a finding if there are any."""
        from paretoroute.runs.checks import column_names

        return column_names.ignored(self.ignored, self.present, self.samples)


def _first_values(item: object, wanted: Collection[str], names: Mapping[str, str]) -> dict[str, list[object]]:
    """Read some values of columns from a source that can be read again; nothing from any other."""
    from paretoroute.runs.columns.python_values import python_values
    from paretoroute.runs.formats.open import open_source

    is_file = isinstance(item, str | Path) and str(item) != "-"
    wanted = sorted(wanted)[:_SAMPLED]  # hints need no more, and every row is asked for every one of them
    if not wanted or not (is_file or hasattr(item, "iloc")):
        return {}
    keys = {f"\0{name}": name for name in wanted}  # no known column has such a name
    with contextlib.suppress(RunsError):
        for batch in open_source(item, 1).batches({**names, **keys}):
            return {
                name: list(python_values(batch.columns[key][:_SAMPLE]))
                for key, name in keys.items()
                if key in batch.columns
            }
    return {}
