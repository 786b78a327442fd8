"""Readers of logs of many rows, of settings and of lists of names; and all cases of growing inputs together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

import paretoroute as pr
from paretoroute.cli.arguments.query_file import read_queries
from paretoroute.errors import did_you_mean
from tests.fuzz.growth import inputs
from tests.fuzz.growth.inputs import long_text
from tests.fuzz.growth.readers import SHIPPED, SIGNS, Case, cells, of_file, planner, quietly, texts


def crowds() -> list[Case]:
    """Make a case of every format and kind of many rows."""
    made = []
    for shape in inputs.CROWDS:

        def rows(size: int, shape: str = shape) -> list[inputs.Row]:
            return inputs.crowd(shape, size)

        made += [
            Case(f"JSONL {shape}", of_file(lambda n, rows=rows: inputs.as_jsonl(rows(n)), ".jsonl")),
            Case(f"CSV {shape}", of_file(lambda n, rows=rows: inputs.as_csv(rows(n)), ".csv")),
            Case(
                f"JSONL {shape}, by text",
                of_file(
                    lambda n, rows=rows: inputs.as_jsonl(rows(n)), ".jsonl", lambda p: pr.read_runs(p, join="id,text")
                ),
            ),
            Case(f"JSON {shape}", of_file(lambda n, rows=rows: json.dumps(rows(n)).encode(), ".json")),
            Case(f"gzipped JSONL {shape}", of_file(lambda n, rows=rows: inputs.as_jsonl(rows(n)), ".jsonl.gz")),
            Case(f"Parquet {shape}", of_file(lambda n, rows=rows: inputs.as_arrow(rows(n), "parquet"), ".parquet")),
            Case(f"Arrow {shape}", of_file(lambda n, rows=rows: inputs.as_arrow(rows(n), "arrow"), ".arrow")),
            Case(f"frame {shape}", _frame(rows)),
        ]
    made.append(Case("CSV blank lines", of_file(lambda n: b"query,model,quality\n" + b"\n" * n, ".csv")))
    made.append(Case("CSV blank lines first", of_file(lambda n: b"\n" * n + b"query,model,quality\na,b,1\n", ".csv")))
    made.append(Case("CSV short rows", of_file(lambda n: b"query,model,quality\n" + b"a\n" * (n // 2), ".csv")))
    made.append(Case("JSONL numbers", of_file(lambda n: b"1\n" * (n // 2), ".jsonl")))
    made.append(Case("JSONL strings", of_file(lambda n: b'"a\n' * (n // 3), ".jsonl")))
    made.append(Case("JSON numbers", of_file(lambda n: b"[" + b"1," * (n // 2) + b"1]", ".json")))
    return made


def _frame(rows: Callable[[int], list[inputs.Row]]) -> Any:
    def prepare(size: int, path: Path) -> Callable[[], object]:
        frame = pd.DataFrame(rows(size))
        return quietly(lambda: pr.read_runs(frame))

    return prepare


def settings() -> list[Case]:
    """Make cases of price, grid and query files, and of lists of names."""
    price = "{input: 1.0, output: 2.0}"
    shipped = SHIPPED.read_text(encoding="utf-8")

    def read_policy(path: Path) -> object:
        return pr.Policy.load(path)

    made = [
        Case(
            "prices of many models",
            of_file(lambda n: "".join(f'"m{i}": {price}\n' for i in range(n // 36)).encode(), ".yaml", pr.read_prices),
        ),
        Case(
            "prices of one model", of_file(lambda n: (f'"m": {price}\n' * (n // 36)).encode(), ".yaml", pr.read_prices)
        ),
        Case("prices nested", of_file(lambda n: ("{a: " * (n // 4)).encode(), ".yaml", pr.read_prices)),
        Case("prices of long names", of_file(lambda n: (f'"{"m" * n}": {price}\n').encode(), ".yaml", pr.read_prices)),
        Case(
            "grid of many points",
            of_file(
                lambda n: (
                    "models:\n- model: a\n  price_usd_per_mtok: "
                    + price
                    + "\n  budgets:\n"
                    + "".join(f'  - {{kind: effort, label: "{i}"}}\n' for i in range(n // 32))
                ).encode(),
                ".yaml",
                pr.read_grid,
            ),
        ),
        Case(
            "grid of many models",
            of_file(
                lambda n: (
                    "models:\n" + "".join(f"- model: m{i}\n  price_usd_per_mtok: {price}\n" for i in range(n // 64))
                ).encode(),
                ".yaml",
                pr.read_grid,
            ),
        ),
        Case(
            "policy with many items",
            of_file(lambda n: (shipped + "x: [" + "1, " * (n // 3) + "1]\n").encode(), ".yaml", read_policy),
        ),
        Case(
            "policy with many keys",
            of_file(lambda n: (shipped + "".join(f"k{i}: 1\n" for i in range(n // 9))).encode(), ".yaml", read_policy),
        ),
        Case(
            "policy with many limits",
            of_file(
                lambda n: (shipped + "limits: [" + "never a, " * (n // 9) + "never a]\n").encode(), ".yaml", read_policy
            ),
        ),
        Case(
            "policy cut and padded",
            of_file(lambda n: (shipped[: len(shipped) // 2] + "\n" * n).encode(), ".yaml", read_policy),
        ),
        Case(
            "many queries",
            of_file(
                lambda n: b'{"query": "Why?"}\n' * (n // 18),
                ".jsonl",
                lambda p: [planner().plan(q.query) for q in read_queries(p)[:2000]],
            ),
        ),
        Case(
            "many models of a plan",
            lambda n, _: quietly(lambda: planner().plan("Why?", models=[f"m{i}" for i in range(n // 8)])),
        ),
        Case(
            "many chat messages",
            lambda n, _: quietly(lambda: planner().plan([{"role": "user", "content": "a"}] * (n // 36))),
        ),
        Case("many names", lambda n, _: quietly(lambda: did_you_mean("small", [f"m{i}" for i in range(n // 8)]))),
        Case(
            "many long names",
            lambda n, _: quietly(lambda: did_you_mean("a" * 300, [f"{i}" + "ab" * 200 for i in range(n // 400)])),
        ),
    ]
    for shape in SIGNS:
        made.append(
            Case(f"query file: {shape}", of_file(lambda n, s=shape: long_text(s, n).encode(), ".jsonl", read_queries))
        )
        made.append(
            Case(
                f"query of a file: {shape}",
                of_file(
                    lambda n, s=shape: json.dumps(
                        {"query": long_text(s, n), "query_id": long_text(s, n), "tag": long_text(s, n)}
                    ).encode(),
                    ".jsonl",
                    read_queries,
                ),
            )
        )
        made.append(
            Case(f"price file: {shape}", of_file(lambda n, s=shape: long_text(s, n).encode(), ".yaml", pr.read_prices))
        )
    return made


def groups() -> dict[str, list[Case]]:
    """Return all cases, by group."""
    return {"texts": texts(), "cells": cells(), "crowds": crowds(), "settings": settings()}
