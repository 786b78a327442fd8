"""Read the queries of a JSONL file, with the line of each for error messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoroute.errors import QueryError
from paretoroute.query import Misfit
from paretoroute.runs.values import label, opaque

LABELS = ("tag", "tenant", "step")
STAY = ("previous", "cached_tokens", "cached_price_ratio", "switch_margin")  # arguments of Planner.plan


@dataclass(frozen=True)
class FileQuery:
    """One line of a query file.

    Args:
        where: the file and line, for error messages.
        query: a text or chat messages, as they stand in the file, or None.
        query_id: an opaque key, read as that of a log, or None.
        embedding: ready features, or None.
        labels: the tag, tenant and step that the line has.
        stay: what the line has about the call before in its conversation, by argument of ``Planner.plan``.
    """

    where: str
    query: Any
    query_id: str | None
    embedding: Any
    labels: Mapping[str, str]
    stay: Mapping[str, Any]


def read_queries(path: Path) -> list[FileQuery]:
    """Read a JSONL file whose lines are objects with a query or an embedding; blank lines are skipped.

    Raises:
        QueryError: the file cannot be read or has no query, or a line is not such an object.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise QueryError(f"{path}: cannot be read: {error.strerror}; check the path of the queries") from None
    queries = [
        _parse(line, f"{path.name}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()
    ]
    if not queries:
        raise QueryError(f'{path.name}: no query in it; write one {{"query": "..."}} per line')
    return queries


def _parse(line: bytes, where: str) -> FileQuery:
    try:
        row = json.loads(line)
    except RecursionError:
        raise QueryError(f"{where}: JSON that is nested too deeply; each line is an object with a query") from None
    except ValueError as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        raise QueryError(f"{where}: not JSON ({reason}); each line is an object with a query") from None
    if not isinstance(row, dict) or not ({"query", "embedding"} & set(row)):
        raise QueryError(f'{where}: not an object with a query; write {{"query": "..."}}')
    try:
        query_id = row.get("query_id")
        if not isinstance(query_id, str | None):  # text comes back as it went in, be it broken
            query_id = opaque(query_id)
    except Misfit as error:
        raise QueryError(f"{where}: query_id: {error}; write it as text") from None
    return FileQuery(
        where=where,
        query=row.get("query"),
        query_id=query_id,
        embedding=row.get("embedding"),
        labels=_labels(row),
        stay={name: row[name] for name in STAY if row.get(name) is not None},
    )


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of a line, read as those of a log."""
    labels = {name: label(row.get(name)).text for name in LABELS}
    return {name: text for name, text in labels.items() if text}
