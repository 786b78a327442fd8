"""Readers of texts and of logs with one long value; their time and memory should be linear in its size."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import paretoroute as pr
from paretoroute import _yaml
from paretoroute.cli.arguments import options
from paretoroute.cli.arguments.query_file import read_queries
from paretoroute.errors import ParetorouteError, did_you_mean, one_line, shown
from paretoroute.query import Misfit, query_text
from paretoroute.report import layout
from paretoroute.report.page import elements
from paretoroute.runs import folds, values
from paretoroute.runs.checks import column_names, near_names, query_texts
from paretoroute.runs.checks.quality_scale import QualityScale
from paretoroute.runs.formats.decimal_commas import DecimalCommas
from paretoroute.runs.queries import parse_join
from paretoroute.surface import ngrams
from paretoroute.surface.surface import TextSize
from tests.fuzz.growth import inputs
from tests.fuzz.growth.inputs import UNITS, long_text, one_row
from tests.processes import ROOT

SHIPPED = ROOT / "policies" / "demo-max-cost.yaml"
NAMES = [f"model-{i}" for i in range(2000)]


@dataclass(frozen=True)
class Case:
    """A reader and an input that it is given.

    Args:
        name: of both.
        prepare: writes the input of a size and returns the call to measure; the input's bytes are at ``path`` if it is
            a file.
    """

    name: str
    prepare: Callable[[int, Path], Callable[[], object]]


@cache
def planner() -> pr.Planner:
    return pr.Planner.load(SHIPPED)


TEXT_READERS: dict[str, Callable[[str], object]] = {
    "number": values.number_in_text,
    "grade": values.grade,
    "label": values.label,
    "name": values.name,
    "id": values.opaque,
    "budget": lambda text: values.budget_of(text, text, 1.0),
    "query": query_text,
    "query in chat": lambda text: query_text([{"role": "user", "content": text}]),
    "query as JSON": lambda text: query_text('[{"role": "user", "content": "' + text),
    "decimal comma": lambda text: DecimalCommas("log").read([text], [1]),
    "decimal comma after digits": lambda text: DecimalCommas("log").read(["1" + text + "x"], [1]),
    "limit": pr.parse_limit,
    "limit: share": lambda text: pr.parse_limit(f"share of {text} at most 0.5"),
    "limit: share number": lambda text: pr.parse_limit(f"share of a at most {text}"),
    "limit: never": lambda text: pr.parse_limit(f"never {text}"),
    "limit: only, of": lambda text: pr.parse_limit(f"only a of tag {text}"),
    "limit: latency": lambda text: pr.parse_limit(f"mean latency of tag {text} at most 5 s"),
    "limit: cost": lambda text: pr.parse_limit(f"mean cost of tag a at most ${text} per query"),
    "limit: quality": lambda text: pr.parse_limit(f"mean quality of tag {text} at least 0.5"),
    "limit: quantile": lambda text: pr.parse_limit(f"cost of a call at most $1 at quantile {text}"),
    "limit: context": lambda text: pr.parse_limit(f"context of {text} at most 1000 tokens"),
    "quality scale": QualityScale.parse,
    "join": parse_join,
    "columns option": options.read_columns,
    "column guess": column_names.guess,
    "column in another unit": lambda text: column_names.other_unit({"latency_s": text, "cost_usd": text}),
    "ignored column": lambda text: column_names.ignored([text], (), {}),
    "missing column": lambda text: column_names.lacking("log", [text], ["model", "quality"], {}),
    "did you mean": lambda text: did_you_mean(text, NAMES),
    "did you mean, long names": lambda text: did_you_mean("small", [text, text[1:], "small"]),
    "one line": one_line,
    "shown": shown,
    "near names": lambda text: near_names.near_names([pr.Point(text, pr.Budget()), pr.Point(text + "a", pr.Budget())]),
    "label form": lambda text: near_names.near_names([pr.Point("a", pr.Budget("none", text))]),
    "text key": query_texts.text_key,
    "sketch": query_texts._sketch,
    "same form": lambda text: query_texts.differ_in_form_alone(text, text + "?"),
    "group key": lambda text: folds.group_key("a", text),
    "n-grams": ngrams.hashed,
    "statistics": ngrams.statistics,
    "text size": TextSize.of,
    "plan": lambda text: planner().plan(text),
    "plan for id, tag": lambda text: planner().plan("Why?", query_id=text, tag=text, tenant=text, step=text),
    "plan with models": lambda text: planner().plan("Why?", models=[text]),
    "YAML scalar": lambda text: _yaml.loads(text, name="p.yaml"),
    "YAML value": lambda text: _yaml.loads(f"a: {text}", name="p.yaml"),
    "YAML in quotes": lambda text: _yaml.loads(f'a: "{text}', name="p.yaml"),
    "YAML list": lambda text: _yaml.loads(f"a: [{text}", name="p.yaml"),
    "YAML key": lambda text: _yaml.loads(f"{text}: 1", name="p.yaml"),
    "YAML written": lambda text: _yaml.dumps({"a": text}),
    "numbers in HTML": lambda text: elements._NUMBER.findall(text),
    "words on a terminal": lambda text: layout._WORDS.findall(text),
}
CELLS = (
    *("query", "query_id", "model", "quality", "cost_usd", "budget_kind", "budget_label", "budget", "trials", "tag"),
    *("tenant", "embedding", "other"),
)
SIGNS = [name for name in UNITS if name != "half characters"]


def quietly(call: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        with suppress(ParetorouteError, Misfit):
            call()

    return run


def _of_text(reader: Callable[[str], object], shape: str) -> Callable[[int, Path], Callable[[], object]]:
    def prepare(size: int, path: Path) -> Callable[[], object]:
        text = long_text(shape, size)
        return quietly(lambda: reader(text))

    return prepare


def of_file(content: Callable[[int], bytes], suffix: str, read: Callable[[Path], object] = pr.read_runs) -> Any:
    def prepare(size: int, path: Path) -> Callable[[], object]:
        file = path.with_name(path.name + suffix)
        data = content(size)
        file.write_bytes(gzip.compress(data, 6) if suffix.endswith(".gz") else data)
        return quietly(lambda: read(file))

    return prepare


def texts() -> list[Case]:
    """Make a case of every reader of a text and every shape of one."""
    return [
        Case(f"{name}: {shape}", _of_text(reader, shape)) for name, reader in TEXT_READERS.items() for shape in UNITS
    ]


def cells() -> list[Case]:
    """Make a case of every column and shape: one long cell in a log of two rows, and one long name of a column."""
    made = []
    for column in CELLS:
        for shape in UNITS:

            def rows(size: int, column: str = column, shape: str = shape) -> list[inputs.Row]:
                return [one_row(), one_row(**{column: long_text(shape, size)})]

            made.append(
                Case(f"CSV cell {column}: {shape}", of_file(lambda n, rows=rows: inputs.as_csv(rows(n)), ".csv"))
            )
            made.append(
                Case(f"JSONL value {column}: {shape}", of_file(lambda n, rows=rows: inputs.as_jsonl(rows(n)), ".jsonl"))
            )
            if shape in ("digits", "quotes", "Chinese", "half characters", "opening brackets"):
                made += [
                    Case(
                        f"{form} value {column}: {shape}",
                        of_file(lambda n, rows=rows, form=form: inputs.as_arrow(rows(n), form), f".{form}"),
                    )
                    for form in ("parquet", "arrow")
                ]
    semicolon = [
        Case(
            f"CSV with semicolons {column}: {shape}",
            of_file(
                lambda n, c=column, s=shape: inputs.as_csv([one_row(), one_row(**{c: long_text(s, n)})], ";"), ".csv"
            ),
        )
        for column in ("quality", "cost_usd")
        for shape in SIGNS
    ]
    return made + semicolon + _headers()


def _headers() -> list[Case]:
    made = []
    start = "query,model,quality,"
    for shape in SIGNS:
        made.append(
            Case(
                f"CSV header: {shape}",
                of_file(lambda n, s=shape: (start + long_text(s, n) + "\na,b,1,x\n").encode(), ".csv"),
            )
        )
        made.append(
            Case(
                f"CSV header in quotes: {shape}",
                of_file(lambda n, s=shape: (start + '"' + long_text(s, n)).encode(), ".csv"),
            )
        )
        made.append(Case(f"CSV of nothing else: {shape}", of_file(lambda n, s=shape: long_text(s, n).encode(), ".csv")))
        made.append(
            Case(
                f"CSV body: {shape}",
                of_file(lambda n, s=shape: ("query,model,quality\n" + long_text(s, n)).encode(), ".csv"),
            )
        )
        made.append(
            Case(f"JSON of nothing else: {shape}", of_file(lambda n, s=shape: long_text(s, n).encode(), ".json"))
        )
        made.append(
            Case(f"JSONL of nothing else: {shape}", of_file(lambda n, s=shape: long_text(s, n).encode(), ".jsonl"))
        )
        made.append(
            Case(
                f"JSONL key: {shape}",
                of_file(lambda n, s=shape: inputs.as_jsonl([one_row(**{long_text(s, n): 1})]), ".jsonl"),
            )
        )
    made.append(
        Case(
            "CSV columns",
            of_file(
                lambda n: (start + ",".join(f"c{i}" for i in range(n // 8))).encode() + b"\na,b,1" + b"," * (n // 8),
                ".csv",
            ),
        )
    )
    made.append(Case("CSV columns of one name", of_file(lambda n: (start + "c," * (n // 2)).encode(), ".csv")))
    made.append(
        Case(
            "CSV columns like known ones",
            of_file(lambda n: (",".join(f"qualiti{i},mode{i}" for i in range(n // 24))).encode() + b"\n1", ".csv"),
        )
    )
    made.append(
        Case(
            "Parquet columns",
            of_file(
                lambda n: inputs.as_arrow([one_row(**{f"c{i}": 1 for i in range(n // 200)})], "parquet"), ".parquet"
            ),
        )
    )
    made.append(
        Case(
            "Arrow columns",
            of_file(lambda n: inputs.as_arrow([one_row(**{f"c{i}": 1 for i in range(n // 200)})], "arrow"), ".arrow"),
        )
    )
    for name in (
        "deep lists",
        "deep objects",
        "unclosed lists",
        "wide lists",
        "many keys",
        "one key",
        "long key",
        "long number",
        "NaN",
    ):
        made.append(Case(f"JSONL {name}", of_file(lambda n, name=name: dict(inputs.nested(n))[name], ".jsonl")))
        made.append(
            Case(f"JSON {name}", of_file(lambda n, name=name: b"[" + dict(inputs.nested(n))[name] + b"]", ".json"))
        )
        made.append(
            Case(f"queries {name}", of_file(lambda n, name=name: dict(inputs.nested(n))[name], ".jsonl", read_queries))
        )
    return made
