"""Calls of a deployed policy: new queries, each answered at the point that the policy chose."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

import paretoroute as pr
from tests.planner_cases import fitted, make_rows

Row = dict[str, Any]


def calls(queries: int, *, seed: int) -> list[Row]:
    """Draw queries like the logged ones, and the outcome at the point of each decision, an hour apart."""
    planner = pr.Planner(fitted().policy)
    of_query: dict[str, list[Row]] = {}
    for row in make_rows(queries, seed=seed):
        of_query.setdefault(row["query_id"], []).append(row)
    chosen = []
    for hour, (key, rows) in enumerate(of_query.items()):
        decision = planner.plan(rows[0]["query"], query_id=f"{seed}-{key}")
        label = None if decision.budget.label == "default" else decision.budget.label
        row = next(row for row in rows if (row["model"], row["budget_label"]) == (decision.model, label))
        time = "2026-01-01T00:00:00+00:00" if hour == 0 else hour * 3600 + 1767225600
        chosen.append(row | {"query_id": f"{seed}-{key}", "time": time, "logged": decision.to_row()})
    return chosen


def table(rows: list[Row]) -> pa.Table:
    """Return rows as a table, with every time as text."""
    return pa.Table.from_pylist([{**row, "time": str(row["time"]), "logged": None} for row in rows])


def worse(rows: list[Row], *, after: int) -> list[Row]:
    """Return the rows with every answer of ``thinker`` wrong from a row on."""
    return [
        row | {"quality": 0.0} if i >= after and row["model"] == "thinker" else dict(row) for i, row in enumerate(rows)
    ]
