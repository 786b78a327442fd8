"""Imported rows as a table and as files, in the columns that `read_runs` takes."""

from __future__ import annotations

import datetime
import os
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError, file_name
from paretoroute.grid import Budget
from paretoroute.query import query_text
from paretoroute.runs.importers.calls import Call
from paretoroute.runs.importers.messages import query_id

SUFFIXES = (".parquet", ".jsonl")
_TEXTS = (
    "query_id",
    "query",
    "model",
    "budget_kind",
    "budget_label",
    "cost_source",
    "tenant",
    "conversation",
    "tag",
    "time",
)


def row_of(call: Call, quality: float, *, cost_source: str) -> dict[str, Any]:
    """Return the row of a call; unknown values are left out.

    Args:
        call: the call.
        quality: of its answer, in [0, 1].
        cost_source: ``logged`` or ``priced``.
    """
    tokens = call.tokens
    budget = None if call.budget == Budget() else call.budget
    row = {
        "query_id": query_id(call.query, call.beside),
        "query": call.query,
        "model": call.model,
        "budget_kind": budget and budget.kind,
        "budget_label": budget and budget.label,
        "budget": budget and budget.amount,
        "quality": quality,
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "reasoning_tokens": tokens.reasoning,
        "cached_prompt_tokens": tokens.cached,
        "cache_write_tokens": tokens.cache_write,
        "cost_usd": call.cost_usd,
        "cost_source": None if call.cost_usd is None else cost_source,
        "latency_s": call.latency_s or None,  # a call of no time was not measured
        "sample_index": call.sample_index,
        "propensity": call.propensity,
        "tenant": call.tenant or None,
        "conversation": call.conversation or None,
        "tag": call.tag or None,
        "time": None if call.time is None else _iso(call.time),
    }
    return {name: _whole(value) for name, value in row.items() if value is not None}


def _whole(value: object) -> object:
    """Return a whole number without a point."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _iso(time: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(time, datetime.UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


def table_of(rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as an Arrow table; chat messages are the text that `read_runs` makes of them."""
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, Any] = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name == "query":
            values = [value if isinstance(value, str) else query_text(value) for value in values]
        columns[name] = pa.array(values, pa.large_string() if name in _TEXTS else pa.float64())
    return pa.table(columns)


def check_out(out: Path, inputs: Collection[Path]) -> None:
    """Refuse a file of runs that cannot be written, before a log is read.

    Raises:
        RunsError: the name has another ending, its folder is missing or read-only, or an input would be lost.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise RunsError(f"--out {out}: a file of runs ends in {' or '.join(SUFFIXES)}; name it {out.stem}.parquet")
    if out.is_dir() or not out.parent.is_dir():
        raise RunsError(f"--out {out}: name a file in a folder that exists")
    if not os.access(out.parent, os.W_OK):
        raise RunsError(f"--out {out}: the folder {out.parent} cannot be written to; choose another")
    for path in inputs:
        if path.exists() and out.exists() and path.samefile(out):
            raise RunsError(f"--out {out}: {file_name(path)} is read by this command and would be lost; choose another")


def write_rows(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """Write rows as Parquet or JSON lines; the file appears whole or not at all."""
    import orjson
    import pyarrow.parquet as pq

    part = out.with_name(f".{out.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(part, "xb") as file:
            if out.suffix.lower() == ".parquet":
                pq.write_table(table_of(rows), file)
            else:
                for row in rows:
                    file.write(orjson.dumps(row) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
