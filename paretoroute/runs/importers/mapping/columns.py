"""Read a log by a mapping of its columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from paretoroute.errors import RunsError, close_names, name_some, shown
from paretoroute.grid import EFFORT_ORDER, Budget
from paretoroute.query import Misfit
from paretoroute.runs.checks.mixed_scales import MixedScales
from paretoroute.runs.checks.quality_scale import MOST_UNREADABLE
from paretoroute.runs.formats.decimal_commas import DecimalCommas
from paretoroute.runs.formats.grouped_counts import GroupedCounts
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import NO_MODEL, Aside, Call, Place, Reading, Tokens, Unusable
from paretoroute.runs.importers.mapping.convert import NUMBERS, parameters_in
from paretoroute.runs.importers.mapping.paths import beside_rows, fields, reach
from paretoroute.runs.importers.mapping.schema import Mapped, read_mapping
from paretoroute.runs.importers.messages import query_of
from paretoroute.runs.importers.records import Record, read_records
from paretoroute.runs.importers.scores import TRACES, score_of
from paretoroute.runs.importers.usage import measured
from paretoroute.runs.importers.values import items, parsed, seconds, text
from paretoroute.runs.values import budget_of as budget_in_columns
from paretoroute.runs.values import is_absent_text, opaque
from paretoroute.runs.written_numbers import COUNTS

_COUNTS = {
    "prompt": "prompt_tokens",
    "completion": "completion_tokens",
    "reasoning": "reasoning_tokens",
    "cached": "cached_prompt_tokens",
    "cache_write": "cache_write_tokens",
}


@dataclass(frozen=True, slots=True)
class MappedLog:
    """An importer of one mapping; see :class:`~paretoroute.runs.importers.read.Importer`.

    Args:
        mapped: the mapping.
    """

    mapped: Mapped
    SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".feather")

    @classmethod
    def load(cls, path: Path) -> MappedLog:
        """Read the mapping; errors are those of `read_mapping`."""
        return cls(read_mapping(path))

    def read(self, files: Sequence[Path]) -> Reading:
        """Read files by the mapping.

        Raises:
            RunsError: a file cannot be read, or no row has a field that is mapped.
        """
        reading = Reading(verbatim=self.mapped.verbatim_names, preferred=["quality"])
        raw: defaultdict[str, list[float]] = defaultdict(list)
        parts = [MappedLog(mapped) for mapped in self.mapped.by_model()]
        for path in files:
            rows = list(self._rows(path, reading))
            if not self.mapped.decimal:
                _replace_commas(parts, [row for row in rows if row.is_text], path)
            for part in parts:
                used: Counter[str] = Counter()
                for row in rows:
                    part._add(row, reading, used)
                    part._note_scale(row, raw)
                part._check_used(path, rows, used)
        reading.notes += [*self._about_scale(raw), *_about_unread(reading)]
        return reading

    def _note_scale(self, record: Record, raw: dict[str, list[float]]) -> None:
        """Note the number of quality that a row states, by its file, its field and its model."""
        column = self.mapped.columns.get("quality")
        if column is None or column.conversion.scale is None:
            return
        path = next((path for path in column.paths if reach(record.value, path) not in (None, "")), "")
        read = column.conversion.number_of_quality(reach(record.value, path)) if path else None
        if read is not None:
            model = _label(self._value(record, "model", Counter()))
            for part in (f"file {record.place.file}", f"field {path}", f"model {model}"):
                raw[part].append(read)

    def _about_scale(self, raw: Mapping[str, Sequence[float]]) -> list[str]:
        """Return what is to be asked about the scale of the mapping.

        Raises:
            RunsError: a part of the log must be on another one.
        """
        column = self.mapped.columns.get("quality")
        if column is None or column.conversion.scale is None:
            return []
        mixed = MixedScales(*column.conversion.scale)
        for part, numbers in raw.items():
            mixed.note(part, np.asarray(numbers))
        return [finding.text for finding in mixed.finish()]

    def _rows(self, path: Path, reading: Reading) -> Iterator[Record]:
        for record in read_records(path, as_written=True):
            if isinstance(record, Aside):
                reading.asides.append(record)
                continue
            inner = items(reach(record.value, self.mapped.rows)) if self.mapped.rows else _only_list(record)
            if inner is None:
                yield record
                continue
            beside = beside_rows(record.value, self.mapped.rows) if self.mapped.rows else {}
            for i, item in enumerate(inner, start=1):
                place = record.place.part(f"row {i}") if record.place.position else Place(record.place.file, i, "row")
                if isinstance(item, Mapping):
                    yield Record(place, {**beside, **item}, path)
                else:
                    reading.asides.append(Aside(place, "no JSON object"))

    def _add(self, record: Record, reading: Reading, used: Counter[str]) -> None:
        if not any(reach(record.value, path) is not None for path in self._paths("model", "query")):
            score = score_of(record)
            if score is not None:
                reading.scores.append(score)
                return
        try:
            self._check_where(record)
            reading.calls.append(self._call(record, used))
        except Unusable as why:
            reading.asides.append(why.at(record.place))

    def _paths(self, *columns: str) -> list[str]:
        return [path for column in columns for path in self.mapped.columns[column].paths]

    def _check_where(self, record: Record) -> None:
        for path, allowed in self.mapped.where.items():
            stated = reach(record.value, path)
            if _word(stated) not in allowed:
                raise Unusable(f"where: {path} is none of {', '.join(sorted(allowed))}", shown(stated))

    def _value(self, record: Record, column: str, used: Counter[str]) -> Any:
        """Return the value of a column; None where it is not mapped or missing."""
        mapped = self.mapped.columns.get(column)
        if mapped is None:
            return None
        for path in mapped.paths:
            value = reach(record.value, path)
            if value is not None and value != "":
                used[column] += 1
                return value
        return mapped.value

    def _number(self, record: Record, column: str, used: Counter[str]) -> float | None:
        value = self._value(record, column, used)
        try:
            return self.mapped.columns[column].conversion.number(value) if value is not None else None
        except Misfit as misfit:
            raise Unusable(f"{column}: {misfit}", shown(value)) from None

    def _call(self, record: Record, used: Counter[str]) -> Call:
        def word(column: str) -> str:
            return _label(self._value(record, column, used))

        model = word("model")
        if not model:
            raise Unusable(NO_MODEL)
        query = query_of(self._value(record, "query", used), instructions=self._value(record, "instructions", used))
        number = {name: self._number(record, name, used) for name in NUMBERS}
        if any((number[name] or 0) < 0 for name in (*_COUNTS.values(), "latency_s")):
            raise Unusable("a negative count of tokens or latency")
        tokens = Tokens(**{ours: number[name] for ours, name in _COUNTS.items()})
        ids = {name: text(reach(record.value, path)) for name, path in self.mapped.ids.items()}
        call = Call(
            place=record.place,
            query=query,
            model=model,
            budget=self._budget(record, model, number["budget"], used),
            tokens=measured(tokens, model=model) if tokens.are_known else tokens,
            cost_usd=number["cost_usd"],
            latency_s=number["latency_s"],
            time=seconds(self._value(record, "time", used)),
            tenant=word("tenant"),
            conversation=word("conversation"),
            propensity=number["propensity"],
            tag=word("tag"),
            sample_index=number["sample_index"],
            scores=self._scores(record, used),
            ids={name: value for name, value in ids.items() if value},
        )
        return replace(call, key=_key(call))

    def _scores(self, record: Record, used: Counter[str]) -> dict[str, list[object]]:
        value = self._value(record, "quality", used)
        if value is None:
            return {}
        try:
            quality = self.mapped.columns["quality"].conversion.quality(value)
        except Misfit as misfit:
            raise Unusable(f"quality: {misfit}", shown(value)) from None
        return {} if quality is None else {"quality": [quality]}

    def _budget(self, record: Record, model: str, amount: float | None, used: Counter[str]) -> Budget:
        kind, label = (_label(self._value(record, column, used)) for column in ("budget_kind", "budget_label"))
        label = "" if is_absent_text(label) and label != "none" else label
        label = label.casefold() if label.casefold() in EFFORT_ORDER else label
        if kind or label or amount is not None:
            try:
                return budget_in_columns(kind, label, float("nan") if amount is None else amount)
            except Misfit as misfit:
                raise Unusable(f"budget: {misfit}") from None
        choices = items(self._value(record, "choices", used))
        parameters = parameters_in(self._value(record, "parameters", used))
        return budget_of(parameters, model=model, choices=max(1, len(choices)))

    def _check_used(self, path: Path, rows: Sequence[Record], used: Counter[str]) -> None:
        """Refuse a file in which no row has a field that is mapped: the mapping is of another log."""
        optional = ("budget_kind", "budget_label", "budget", "instructions", "choices")
        for name, column in self.mapped.columns.items():
            if rows and column.paths and not used[name] and name not in optional and column.value is None:
                if _is_anywhere(rows, column.paths):
                    continue  # in rows that were set aside for another field
                there = sorted({field for row in rows[:20] for field, _ in fields(row.value)})
                near = close_names(column.paths[0], there, most=3, cutoff=0.6)
                hint = f"near: {', '.join(near)}" if near else f"it has {name_some(there, most=30)}"
                raise RunsError(
                    f"{path.name}: no row has the field {' or '.join(column.paths)}, which {self.mapped.name} maps to "
                    f"{name}; {hint}"
                )


def _replace_commas(parts: Sequence[MappedLog], rows: Sequence[Record], path: Path) -> None:
    """Write a point in place of decimal commas into the rows of a table, where these are certain."""
    fix = f'; or state in {parts[0].mapped.name} how the file writes numbers: decimal: "," for 1.234,5'
    commas, grouped = DecimalCommas(path.name, fix=fix), GroupedCounts(path.name, fix=fix)
    columns = [(name, part.mapped.columns.get(name)) for part in parts for name in (*NUMBERS, "quality")]
    for name, field in dict.fromkeys((name, path) for name, column in columns if column for path in column.paths):
        stated = [row for row in rows if isinstance(row.value.get(field), str)]
        cells, lines = [row.value[field] for row in stated], [row.place.position for row in stated]
        if name in COUNTS:
            grouped.note(name, cells, lines)
        cells = commas.read(cells, lines, are_counts=name in COUNTS)
        for row, cell in zip(stated, cells, strict=True):
            row.value[field] = cell
    grouped.finish()
    commas.finish()


def _key(call: Call) -> str | None:
    """Return a key that two records of one call share: an id of its own, and all else that is mapped."""
    if not any(name not in TRACES for name in call.ids):
        return None
    return repr(replace(call, place=Place("")))


def _about_unread(reading: Reading) -> list[str]:
    """Return what is to be asked about rows that are set aside for what their quality is."""
    unread = sum(aside.reason.startswith("quality: ") for aside in reading.asides)
    total = unread + len(reading.calls)
    if unread <= MOST_UNREADABLE * total:
        return []
    return [
        f"the quality of {unread} of {total} rows cannot be read, so that the outcome chooses the others; name the "
        "scale of its numbers, or give each word a number: quality: {from: ..., grades: {good: 1, bad: 0}}"
    ]


def _is_anywhere(rows: Sequence[Record], paths: Sequence[str]) -> bool:
    return any(reach(row.value, path) not in (None, "") for row in rows for path in paths)


def _only_list(record: Record) -> list[Any] | None:
    """Return the one list of objects in a document; None for a record that is a row itself."""
    if record.place.position:
        return None
    lists = [
        value for value in record.value.values() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    if len(lists) > 1:
        raise RunsError(
            f"{record.place.file} holds {len(lists)} lists of objects; name the one of the rows with rows: PATH"
        )
    return lists[0] if lists else None


def _label(value: object) -> str:
    try:
        return opaque(parsed(value)).strip()
    except Misfit:
        return ""


def _word(value: object) -> str:
    return (
        "null" if value is None else "true" if value is True else "false" if value is False else str(value).casefold()
    )
