"""Small logs as tools and people write them, in which a test plants one fault, and the command to try them on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import chdir
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from paretoroute.cli.main import main

Row = dict[str, Any]

PRICES = {"small": (0.2, 0.8), "big": (3.0, 15.0)}  # USD per million tokens: input, output
TASKS = ("sort", "prove", "translate", "poem", "capital")
TOPICS = ("love", "maths", "code", "rivers")


def case_rows(queries: int = 60, *, chances: tuple[float, float] = (0.5, 0.8), seed: int = 0) -> list[Row]:
    """Draw a full log of two models: query, id, quality of 0 or 1, tokens and the cost that the prices give.

    Args:
        queries: how many questions, each of a task and a topic.
        chances: of a right answer by ``small`` and by ``big``.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    rows: list[Row] = []
    for i in range(queries):
        text = f"{draw.choice(TASKS)} task number {i} about {draw.choice(TOPICS)}"
        for (model, (price_in, price_out)), chance in zip(PRICES.items(), chances, strict=True):
            prompt, completion = 20 + len(text) // 4, int(draw.integers(50, 300))
            rows.append(
                {
                    "query_id": f"q{i}",
                    "query": text,
                    "model": model,
                    "quality": float(draw.random() < chance),
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "cost_usd": (prompt * price_in + completion * price_out) / 1e6,
                }
            )
    return rows


def without(rows: Iterable[Mapping[str, Any]], *names: str) -> list[Row]:
    """Return the rows without some columns."""
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a log of one JSON object per line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_prices(path: Path, scale: float = 1.0) -> Path:
    """Write a price file of the two models; ``scale`` other than 1 plants prices in another unit."""
    lines = [f"{model}: {{input: {a * scale!r}, output: {b * scale!r}}}\n" for model, (a, b) in PRICES.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Outcome:
    """The result of one command.

    Args:
        code: its exit code.
        out: its standard output.
        err: its standard error.
    """

    code: int
    out: str
    err: str


def run_command(folder: Path, *arguments: str | Path, stdin: str = "") -> Outcome:
    """Run ``paretoroute`` in a folder, in this process: a new one would import JAX and compile anew."""
    code = 0
    streams = {name: TextIOWrapper(BytesIO(), encoding="utf-8") for name in ("stdin", "stdout", "stderr")}
    streams["stdin"].buffer.write(stdin.encode())
    streams["stdin"].seek(0)
    with chdir(folder), patch.multiple(sys, argv=["paretoroute", *map(str, arguments)], **streams):
        try:
            main()
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 1
    out, err = (_written(streams[name]) for name in ("stdout", "stderr"))
    return Outcome(code, out, err)


def _written(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
