"""Logs read by Python's own csv and json alone, to compare accepted ones with: nothing may become something else."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import paretoroute as pr

KEYS = ("quality", "cost_usd", "latency_s", "sample_index", "propensity", "trials")


def json_rows(data: bytes) -> list[Any]:
    """Read a JSONL log: every line that is not blank; a line that is no JSON is None."""
    rows = []
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if line.strip(b" \t\r\n\x0b\x0c"):
            try:
                rows.append(json.loads(line.decode()))
            except (ValueError, RecursionError):
                rows.append(None)
    return rows


def csv_rows(data: bytes) -> list[dict[str, str]] | None:
    """Read a CSV log separated by commas; None where Python's reader refuses a part of it."""
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    while lines and not any(lines[0]):
        del lines[0]
    header = [name.strip() for name in lines[0]] if lines else []
    return [dict(zip(header, line, strict=False)) if len(line) == len(header) else {} for line in lines[1:] if line]


def number(value: object) -> float:
    """Return a number as a log states it: a number, or the text of one; NaN if there is none."""
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        return float(value.strip() or "nan") if isinstance(value, str) else float(value)  # type: ignore[arg-type]  # else refused
    except OverflowError:
        return math.inf
    except (ValueError, TypeError):
        return math.nan


def _figure(name: str, value: float) -> float | None:
    if name == "trials" and math.isnan(value):
        value = 1.0
    if name == "quality" and (abs(value) < 1e-6 or abs(value - 1) < 1e-6):
        value = round(value)
    return None if math.isnan(value) else value + 0.0


def stated(rows: Iterable[Any], *, text: bool) -> Counter[tuple[Any, ...]]:
    """Return what the rows state, in the form of :func:`held`; a quality that is no number is None."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("model"), str):
            figures = [
                _figure(name, number(row.get(name)) if text or not isinstance(row.get(name), str) else math.nan)
                for name in KEYS
            ]
            counts[row["model"], *figures] += 1
    return counts


def held(runs: pr.Runs) -> Counter[tuple[Any, ...]]:
    """Return the model and the figures of every run."""
    columns = [[_figure(name, value) for value in getattr(runs, name).tolist()] for name in KEYS]
    models = [runs.points[j].model for j in runs.point.tolist()]
    return Counter(zip(models, *columns, strict=True))


def check_same(runs: pr.Runs, rows: list[Any], *, text: bool) -> None:
    """Check that every run stands in the log, and that every other row is counted as set aside."""
    assert len(runs) + runs.set_aside_count == len(rows), (
        f"{len(runs)} runs and {runs.set_aside_count} aside of {len(rows)}"
    )
    there = stated(rows, text=text)
    for run, count in held(runs).items():
        worded = (run[0], None, *run[2:])  # quality as a word, a letter or a percentage
        assert there[run] + there[worded] >= count, f"no row states {run}"
