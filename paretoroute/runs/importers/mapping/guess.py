"""Guess a first mapping of a log's columns, and state what is unsure about it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoroute.errors import name_some, one_line
from paretoroute.query import Misfit
from paretoroute.runs.checks import column_names
from paretoroute.runs.formats.grouped_counts import is_grouped
from paretoroute.runs.importers.mapping.field_names import OTHER_NAMES, UNITS
from paretoroute.runs.importers.mapping.sample import Sample, sample_of
from paretoroute.runs.importers.mapping.schema import COLUMNS, VERSION
from paretoroute.runs.importers.mapping.wide import MODEL
from paretoroute.runs.importers.records import check_no_pickle
from paretoroute.runs.importers.values import number, parsed, stars_in
from paretoroute.runs.values import grade
from paretoroute.runs.written_numbers import COUNTS, Written, duration, money

_SAMPLES = ("n", "samples", "n_samples", "num_samples", "num_choices")
_LETTERS = {"A": 1.0, "B": 0.75, "C": 0.5, "D": 0.25, "E": 0.0, "F": 0.0}
_SCALES = ((1, 5), (0, 5), (1, 10), (0, 10), (0, 100))
_CALL_IDS = ("id", "request_id", "call_id", "trace_id", "span_id", "response_id", "run_id")
_PARAMETERS = ("parameters", "model_parameters", "params", "request_params", "invocation_parameters", "kwargs")


@dataclass(frozen=True, slots=True)
class Guess:
    """A first mapping.

    Args:
        text: the YAML file, with a comment on each doubt.
        doubts: what to check.
    """

    text: str
    doubts: list[str]


def guess_mapping(path: Path) -> Guess:
    """Guess the mapping of a file from its first 500 rows.

    Raises:
        RunsError: the file cannot be read, or holds no row.
    """
    check_no_pickle(path)
    sample = sample_of(path, column_of=_by_bare_name)
    columns, doubts = _columns(sample)
    if sample.source:
        doubts.insert(
            0, f"the mapping itself: this looks like a log that needs none: paretoroute import {sample.source} ..."
        )
    ids = {name.rpartition(".")[2]: name for name in sample.values if name.rpartition(".")[2].casefold() in _CALL_IDS}
    lines = [f"# Columns of {one_line(path.name)} as runs, guessed from {sample.count} rows; check each line."]
    lines += [*(f"# unsure about {doubt}" for doubt in doubts), f"mapping: {VERSION}"]
    if sample.decimal == ",":
        lines.append('decimal: ","')
    if sample.wide is not None:
        lines.append(f"models: [{', '.join(map(_quoted, sample.wide.models))}]")
    if sample.rows:
        lines.append(f"rows: {_quoted(sample.rows)}")
    lines.append("columns:")
    for column, (entry, doubt) in columns.items():
        lines.append(f"  {column}: {entry}" + ("  # unsure" if doubt else ""))
    for column in ("query", "model", "quality"):
        if column not in columns and (column != "model" or sample.wide is None):
            lines.append(f"  # {column}: PATH  # missing: name the field that holds it")
    if ids:
        lines.append("ids: {" + ", ".join(f"{name}: {_quoted(at)}" for name, at in ids.items()) + "}")
    mapped = _mapped(columns)
    if rest := [name for name in sample.values if _quoted(name) not in mapped][:40]:
        lines += ["# Other fields:", *(f"#   {one_line(name)}: {_example(sample.values[name])}" for name in rest)]
    return Guess("\n".join(lines) + "\n", doubts)


def _mapped(columns: Mapping[str, tuple[str, str]]) -> str:
    return " ".join(entry for entry, _ in columns.values())


def _columns(sample: Sample) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Return the entry and the doubt of each column, and the doubts as sentences."""
    names = sample.values.keys()
    exact = {name: name for name in names if name in COLUMNS} | dict(sample.wide.columns if sample.wide else {})
    guessed = {**column_names.guesses(set(names) - set(exact.values()), set(exact)), **exact}
    for name in names:
        column = _by_bare_name(name)
        if column is not None and column not in guessed and name not in guessed.values():
            guessed[column] = name
    if sample.wide is None and "model" not in guessed and (model := _model_field(sample, set(guessed.values()))):
        guessed["model"] = model
    if "query" not in guessed and (query := _query_field(sample, set(guessed.values()))):
        guessed["query"] = query
    if "quality" not in guessed and (quality := _quality_field(sample, set(guessed.values()))):
        guessed["quality"] = quality
    guessed = {column: guessed[column] for column in COLUMNS if column in guessed}
    if parameters := next((n for n in names if n.rpartition(".")[2] in _PARAMETERS), None):
        guessed.setdefault("parameters", parameters)
    result: dict[str, tuple[str, str]] = {}
    for column, name in guessed.items():
        extra, doubt = _about(column, name, sample)
        entry = f"{{from: {_quoted(name)}{extra}}}" if extra else _quoted(name)
        result[column] = entry, doubt or _rarity(name, sample)
    samples = [name for name in names if name.rpartition(".")[2].casefold() in _SAMPLES and _exceeds_one(sample, name)]
    if samples and not {"budget", "budget_label", "parameters"} & guessed.keys():
        guessed["budget"] = samples[0]
        result["budget"] = _quoted(samples[0]), ""
    if "budget" in guessed and not {"budget_kind", "parameters"} & guessed.keys():
        kind = "samples" if guessed["budget"] in samples else "thinking_tokens"
        result["budget_kind"] = f"{{value: {kind}}}", f"is budget a number of {kind.replace('_', ' ')}?"
    doubts = [f"{column}: {doubt}" for column, (_, doubt) in result.items() if doubt]
    unread = [name for name in samples if name not in guessed.values()]
    doubts += [f"{name}: calls of several samples are a budget of their own" for name in unread]
    needed = ("query", "quality") if sample.wide else ("query", "model", "quality")
    doubts += [f"{column}: no field looks like it" for column in needed if column not in result]
    doubts += _doubts_of_table(sample, guessed)
    if "cost_usd" not in result and "prompt_tokens" not in result:
        doubts.append("cost_usd: no field looks like a cost or a count of tokens")
    return result, doubts


def _doubts_of_table(sample: Sample, guessed: Mapping[str, str]) -> list[str]:
    """Return what is unsure about a table as a whole: its models, and how it writes numbers."""
    doubts = []
    if sample.wide is not None:
        named = name_some(sample.wide.models, most=6)
        doubts.append(f"models: the table has columns per model; are these the models: {named}?")
        if sample.wide.columns["quality"] == MODEL:
            doubts.append("quality: columns that a model alone names are taken for its quality; are they?")
    if sample.decimal == ",":
        doubts.append("decimal: numbers are written with a comma, so that 1.234 counts as 1234")
    counts = [guessed[column] for column in COUNTS if column in guessed and not sample.decimal]
    texts = [next((v for v in sample.values[name] if isinstance(v, str) and is_grouped(v)), "") for name in counts]
    doubts += [
        f'{name}: if {text.strip()} are thousands, add decimal: "," above columns'
        for name, text in zip(counts, texts, strict=True)
        if text
    ]
    return doubts


def _exceeds_one(sample: Sample, name: str) -> bool:
    return any((number(value) or 0.0) > 1 for value in sample.values[name])


def _by_bare_name(name: str) -> str | None:
    """Return the column that a name without its unit may be."""
    tail = ".".join(name.split(".")[-2:])
    for candidate in (tail, name.rpartition(".")[2]):
        bare = (
            next((candidate.removesuffix(unit) for unit in UNITS if candidate.endswith(unit)), candidate) or candidate
        )
        for one in (candidate, bare):
            key = "".join(letter for letter in one.casefold() if letter.isalnum())
            column = OTHER_NAMES.get(key) or column_names.guess(one)
            if column is not None and column in COLUMNS:
                return column
    return None


def _model_field(sample: Sample, taken: set[str]) -> str | None:
    """Return the field whose values look like names of models."""
    for name, values in sample.values.items():
        texts = [value for value in values if isinstance(value, str) and len(value) < 100]
        if name not in taken and texts and all(column_names.is_model_name(text) for text in texts):
            return name
    return None


def _quality_field(sample: Sample, taken: set[str]) -> str | None:
    """Return the field whose values are all verdicts: stars, percentages, booleans, or words for right and wrong."""
    for name, values in sample.values.items():
        if name not in taken and all(isinstance(value, bool) or _is_verdict(value) for value in values):
            return name
    return None


def _is_verdict(value: object) -> bool:
    if not isinstance(value, str) or number(value) is not None:
        return False
    return _is_grade(value) or any(star in value for star in "★⭐")


def _query_field(sample: Sample, taken: set[str]) -> str | None:
    """Return the field of chat messages, or that of the longest texts."""
    lengths: dict[str, float] = {}
    for name, values in sample.values.items():
        if name in taken:
            continue
        if all(
            isinstance(value, list) and value and isinstance(value[0], dict) and "role" in value[0] for value in values
        ):
            return name
        texts = [value for value in values if isinstance(value, str) and " " in value]
        if len(texts) * 2 > len(values):
            lengths[name] = sum(map(len, texts)) / len(texts)
    return max(lengths, key=lambda name: lengths[name], default=None)


def _rarity(name: str, sample: Sample) -> str:
    there = len(sample.values[name])
    return f"only {there} of {sample.count} rows have it" if there < sample.count else ""


def _about(column: str, name: str, sample: Sample) -> tuple[str, str]:
    """Return what to add to the entry of a column, and a doubt."""
    values = sample.values[name]
    if column == "quality":
        return _quality(values)
    field = name.casefold().replace(".", "_").rstrip(")] ")
    written = [read for value in values if (read := _written(column, value)) is not None]
    largest = max((read.value for read in written), default=0.0)
    if written and all(read.unit is not None for read in written):
        return "", ""  # each value names its unit
    if column == "latency_s":
        if field.endswith(("ms", "millis", "milliseconds")):
            return ", unit: ms", ""
        if field.endswith(("_s", "_sec", "_secs", "seconds")):
            return "", ""
        return (
            (", unit: ms", f"values up to {largest:g} look like milliseconds")
            if largest > 600
            else ("", "is it in seconds?")
        )
    if column == "cost_usd":
        if "cent" in field:
            return ", unit: cents", ""
        return "", "" if "usd" in field else f"is it in USD, for one call (up to {largest:g})?"
    return "", ""


def _written(column: str, value: object) -> Written | None:
    """Return the number that a value states, with the unit that it names; None if it states none."""
    try:
        read = money(value) if column == "cost_usd" else duration(value)
    except Misfit:
        return None
    return read if math.isfinite(read.value) else None


def _quality(values: Sequence[Any]) -> tuple[str, str]:
    numbers = [read for value in values if (read := number(value)) is not None]
    words = sorted({str(value).strip() for value in values if isinstance(value, str) and number(value) is None})
    if (
        words
        and {word.upper() for word in words} <= set(_LETTERS)
        and not {w.upper() for w in words} <= {"C", "I", "P", "N"}
    ):
        used = {letter: quality for letter, quality in _LETTERS.items() if letter in {word.upper() for word in words}}
        grades = ", ".join(f"{letter}: {quality:g}" for letter, quality in used.items())
        return f", grades: {{{grades}}}", "letters are graded evenly from A to F"
    stars = {word: stars_in(word) for word in words if not _is_grade(word)}
    if unreadable := [word for word, read in stars.items() if read is None]:
        grades = ", ".join(f"{_quoted(word)}: 0" for word in unreadable[:10])
        return f", grades: {{{grades}}}", "these words state no quality: give each a number in [0, 1]"
    numbers += [read for read in stars.values() if read is not None]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    if stars and high <= 5:
        return ", scale: [1, 5]", "stars are taken to go from 1 to 5"
    if low >= 0 and high <= 1:
        return "", "" if numbers or words else "is it a quality in [0, 1]?"
    scale = next((s for s in _SCALES if s[0] <= low and high <= s[1]), (low, high))
    return (
        f", scale: [{scale[0]:g}, {scale[1]:g}]",
        f"values from {low:g} to {high:g}: is the worst {scale[0]:g} and the best {scale[1]:g}?",
    )


def _is_grade(word: str) -> bool:
    try:
        grade(word)
    except Misfit:
        return False
    return True


def _quoted(text: str) -> str:
    """Return a text as YAML on one line."""
    return json.dumps(text, ensure_ascii=False)


def _example(values: Sequence[Any]) -> str:
    return one_line(json.dumps(parsed(values[0]), ensure_ascii=True, default=str), 60)
