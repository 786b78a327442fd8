"""The table of logged runs, from which everything else is computed.

A run is one generation: a query answered at a point, with its outcome. `Runs` holds many runs as columns. An unknown
number is NaN, and higher quality is better. The order is canonical: a log gives the same table whatever the order of
its rows and whatever its format.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, given_array
from paretoroute.errors import RunsError, shown
from paretoroute.grid import Point
from paretoroute.runs.findings import Finding

ROW_NUMBERS = (
    "quality",
    "trials",
    "cost_usd",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_prompt_tokens",
    "cache_write_tokens",
    "latency_s",
    "sample_index",
    "propensity",
    "score",
)
_LATER_COLUMNS = ("cache_write_tokens",)  # without a number they do not change the hash of a log
_UNHASHED = ("score",)  # no fit reads it, so the policy of a log is the same with and without it


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was set aside.

    Args:
        file: name of its file, or of the table in memory.
        line: its position, from 1: the line of the file, or the row of a table.
        field: the bad column, or ``""`` for the row as a whole.
        reason: why it cannot be used.
        unit: what ``line`` counts, ``line`` or ``row``.
    """

    file: str
    line: int
    field: str
    reason: str
    unit: str = "line"

    def __str__(self) -> str:
        column = f"{self.field}: " if self.field else ""
        return f"{self.file}, {self.unit} {self.line}: {column}{self.reason}"


class CellMeans(NamedTuple):
    """The mean of one column in every cell of a log, ``(queries, points)`` each.

    Args:
        mean: NaN where nothing is logged.
        trials: number of trials that the mean rests on.
    """

    mean: Floats
    trials: Floats


@dataclass(frozen=True, eq=False)
class Runs:
    """Logged runs as columns, in canonical order; compare two by ``sha256``.

    Args:
        query_ids: ids of the queries, sorted.
        texts: their texts, ``""`` where none was logged.
        tags: their tags, or None each.
        conversations: the conversations they belong to, or None each.
        tenants: on whose behalf they were asked, or None each.
        steps: the step of an agent's task that they are, or None each.
        embeddings: ``(queries, width)``, or None.
        points: the points that were logged, in canonical order.
        query: position in ``query_ids``, int32 ``(runs,)``.
        point: position in ``points``, int32 ``(runs,)``.
        quality: in [0, 1], never NaN, ``(runs,)``.
        trials: how many generations the row stands for, at least 1, ``(runs,)``.
        cost_usd: cost of one call, ``(runs,)``.
        prompt_tokens: ``(runs,)``.
        completion_tokens: hidden reasoning included, ``(runs,)``.
        reasoning_tokens: ``(runs,)``.
        cached_prompt_tokens: those of the prompt tokens that were read from a cache, ``(runs,)``.
        cache_write_tokens: those of the prompt tokens that were written to a cache, ``(runs,)``.
        latency_s: ``(runs,)``.
        sample_index: which repeat it is, ``(runs,)``.
        propensity: probability with which the point was chosen, ``(runs,)``.
        score: a verifier's or a vote's confidence in the answer, known only after generation, ``(runs,)``.
        cost_is_mean: whether cost and tokens are means over queries, bool ``(runs,)``.
        set_aside: the first 1000 rows that could not be used.
        set_aside_count: how many could not.
        notices: findings for the user about this log.
    """

    query_ids: tuple[str, ...]
    texts: tuple[str, ...]
    tags: tuple[str | None, ...]
    conversations: tuple[str | None, ...]
    tenants: tuple[str | None, ...]
    steps: tuple[str | None, ...]
    embeddings: NDArray[np.float32] | None
    points: tuple[Point, ...]
    query: NDArray[np.int32]
    point: NDArray[np.int32]
    quality: Floats
    trials: Floats
    cost_usd: Floats
    prompt_tokens: Floats
    completion_tokens: Floats
    reasoning_tokens: Floats
    cached_prompt_tokens: Floats
    cache_write_tokens: Floats
    latency_s: Floats
    sample_index: Floats
    propensity: Floats
    score: Floats
    cost_is_mean: NDArray[np.bool_]
    set_aside: tuple[BadRow, ...] = ()
    set_aside_count: int = 0
    notices: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        return f"<Runs: {len(self):,} runs of {len(self.query_ids):,} queries at {len(self.points):,} points>"

    def __len__(self) -> int:
        return len(self.query)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, in hex: equal for equal logs, whatever the order of their rows or their format.

        ``score`` is not part of it.
        """
        digest = hashlib.sha256(b"paretoroute runs 1\n")
        budgets = [(point.budget.kind, point.budget.label, point.budget.amount) for point in self.points]
        parts = [self.query_ids, self.texts, self.tags, self.conversations, [p.model for p in self.points], budgets]
        parts += [labels for labels in (self.tenants, self.steps) if any(labels)]
        for part in parts:
            digest.update(json.dumps(part, separators=(",", ":")).encode() + b"\n")
        for item in fields(self):
            values = getattr(self, item.name)
            if item.name in _UNHASHED or (item.name in _LATER_COLUMNS and np.isnan(values).all()):
                continue
            if isinstance(values, np.ndarray):
                digest.update(f"{item.name}{values.shape}".encode())
                digest.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    @property
    def assumption(self) -> str | None:
        """The assumption that learning from this log by its own propensities needs, as :meth:`assumed` states it."""
        return self.assumed()

    def assumed(self, *, estimated: bool = False) -> str | None:
        """Return the assumption that learning from this log needs, in a sentence; None if it needs none.

        If most queries were answered at one point only, points are compared across different queries. That is fair
        only if the choice of the point did not depend on how hard the query was.

        Args:
            estimated: whether a fit goes by estimated propensities although the log has some.
        """
        cells = np.unique(self.query.astype(np.int64) * len(self.points) + self.point)
        points_per_query = np.bincount(cells // len(self.points), minlength=len(self.query_ids))
        if float(np.median(points_per_query)) > 1:
            return None
        has_all = not np.isnan(self.propensity).any()
        if has_all and not estimated:
            return (
                "Most queries were answered at one point only: the fit assumes that the logged propensities are the "
                "chances with which the points were chosen."
            )
        why = "the logged propensities leave few effective runs" if has_all else "not every run has a propensity"
        return (
            f"Most queries were answered at one point only and {why}: the fit assumes that "
            "whoever chose the point did not look at the query, beyond what its text, tag, tenant and step tell."
        )

    def require_choice(self) -> None:
        """Check that the log has at least two points.

        Raises:
            RunsError: all runs are at one point.
        """
        if len(self.points) < 2:
            names = ", ".join(repr(point.name) for point in self.points)
            raise RunsError(
                f"all runs are at one point, {names}: there is nothing to choose between; log a second model or "
                f"budget{about_set_aside(self)}"
            )

    def select(self, queries: NDArray[np.bool_]) -> Runs:
        """Keep the runs of some queries; the points stay as they are.

        Args:
            queries: which to keep, bool ``(queries,)``.

        Raises:
            RunsError: the mask has another shape or keeps no query.
        """
        keep = given_array(queries)
        if keep.dtype != np.bool_ or keep.shape != (len(self.query_ids),):
            size = len(self.query_ids)
            raise RunsError(f"select needs a bool mask of shape ({size},), got {keep.dtype} {keep.shape}")
        if not keep.any():
            raise RunsError("select would keep no query; give a mask with at least one True")
        rows = keep[self.query]
        renumbered = np.cumsum(keep, dtype=np.int32) - np.int32(1)
        changed: dict[str, Any] = {
            name: tuple(value for value, kept in zip(getattr(self, name), keep, strict=True) if kept)
            for name in ("query_ids", "texts", "tags", "conversations", "tenants", "steps")
        }
        changed |= {name: getattr(self, name)[rows] for name in ("point", "cost_is_mean", *ROW_NUMBERS)}
        changed["query"] = renumbered[self.query[rows]]
        changed["embeddings"] = None if self.embeddings is None else self.embeddings[keep]
        return replace(self, **changed)

    def means(self, column: str) -> CellMeans:
        """Average a column over the runs of each query at each point, weighted by trials.

        Args:
            column: a column of numbers, such as ``quality`` or ``cost_usd``.

        Raises:
            RunsError: there is no such column.
        """
        if not isinstance(column, str) or column not in ROW_NUMBERS:
            raise RunsError(f"{shown(column)} is no column of numbers; use one of {', '.join(ROW_NUMBERS)}")
        shape = (len(self.query_ids), len(self.points))
        values: Floats = getattr(self, column)
        is_logged = ~np.isnan(values)
        cell = (self.query.astype(np.int64) * shape[1] + self.point)[is_logged]
        weights = self.trials[is_logged]
        size = shape[0] * shape[1]
        count = np.bincount(cell, weights, size).astype(np.float64)  # no row at all would give integers
        total = np.bincount(cell, weights * values[is_logged], size)
        mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
        return CellMeans(mean.reshape(shape), count.reshape(shape))


def about_set_aside(runs: Runs) -> str:
    """Return what to add to an error about a log of too few rows: how many were set aside, and why the first."""
    if not runs.set_aside_count or not runs.set_aside:
        return ""
    return f". Rows set aside: {runs.set_aside_count}, such as {runs.set_aside[0]}"
