"""Build a `Runs` table from batches of rows: bad rows set aside, one text per query, rows in canonical order.

The table depends on the content of the log, not on the order of its rows. Queries are sorted by id, points are in
canonical order, and rows are sorted by query, point, sample index and then every number. If rows disagree about a
query's text, tag, tenant, step or conversation, the value that sorts first is kept, with a notice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import RunsError
from paretoroute.grid import Budget, Point, canonical
from paretoroute.query import Misfit
from paretoroute.runs import values
from paretoroute.runs.checks import bills
from paretoroute.runs.checks.free_calls import free_call_findings
from paretoroute.runs.checks.labels import LABELS, LabelCheck
from paretoroute.runs.checks.near_names import near_names
from paretoroute.runs.checks.quality_scale import QualityCheck, QualityScale
from paretoroute.runs.checks.query_texts import call_id_findings
from paretoroute.runs.checks.units import lone_findings, unit_findings
from paretoroute.runs.columns import NUMBERS, TEXTS, Batch, Coded, Fault, numbers, texts
from paretoroute.runs.columns.vectors import embeddings
from paretoroute.runs.findings import Finding
from paretoroute.runs.formats.base import Source
from paretoroute.runs.queries import Queries, QueryFields
from paretoroute.runs.set_aside import SetAside
from paretoroute.runs.table import ROW_NUMBERS, Runs


@dataclass(frozen=True, slots=True)
class Combinations:
    """The distinct combinations of several codes.

    Args:
        number: of the combination of each row, ``(rows,)``.
        first_row: row at which each combination appears first, ``(combinations,)``.
    """

    number: NDArray[np.int64]
    first_row: NDArray[np.int64]


class Builder:
    """Gathers batches of rows, and builds the `Runs` of them.

    Args:
        strict: raise at the first bad row instead of setting it aside.
        scale: the scale that numbers of quality are on.
        by_text: whether the texts of one id are queries of their own.
    """

    def __init__(self, *, strict: bool, scale: QualityScale, by_text: bool) -> None:
        self.set_aside = SetAside(strict=strict)
        self.quality = QualityCheck(scale)
        self.labels = LabelCheck()
        self.bills = bills.BillCheck()
        self.rows = 0
        self.queries = Queries(by_text=by_text)
        self.points: dict[tuple[str, str, str], int] = {}
        self.amounts: list[set[float]] = []
        self.chunks: dict[str, list[NDArray]] = {name: [] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}

    def add(self, source: Source, batch: Batch) -> None:
        """Check a batch and keep its good rows.

        Raises:
            RunsError: in strict mode, the first bad row.
        """
        faults: list[Fault] = []
        columns = batch.columns
        text = {
            name: (self.labels.read if name in LABELS else texts)(name, columns.get(name), batch, faults)
            for name in TEXTS
        }
        number = {name: numbers(name, columns.get(name), batch, faults) for name in NUMBERS}
        number["quality"] = self.quality.read(source, batch, faults, trials=number["trials"], models=text["model"])
        vectors = embeddings(columns["embedding"], faults) if "embedding" in columns else None
        faults += _missing(text, number)
        budgets, budget_codes = _budgets(text, number["budget"], faults)
        good = self.set_aside.add(source, batch, faults)
        self.bills.see(source, batch, good, number)
        self.rows += len(batch.lines) + len(batch.broken)
        query = self._query_codes(text, good, source.name)
        if vectors is not None:
            kept = [v for v, keep in zip(vectors, good, strict=True) if keep and v is not None]
            self.queries.embed(query.tolist(), kept, source.name)
        number["trials"][np.isnan(number["trials"])] = 1.0
        is_mean = np.array([value == "mean" for value in text["cost_source"].values], bool)
        self.chunks["query"].append(query)
        self.chunks["point"].append(self._point_codes(text["model"], budgets, budget_codes, good))
        self.chunks["cost_is_mean"].append(is_mean[text["cost_source"].codes[good]])
        for name in ROW_NUMBERS:
            self.chunks[name].append(_compact(number[name][good]))

    def _point_codes(
        self, model: Coded, budgets: list[Budget], budget_codes: NDArray[np.int64], good: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """Number the point of each good row, and record its amount."""
        combined = _combined([model.codes[good], budget_codes[good]])
        numbered = []
        for row in np.flatnonzero(good)[combined.first_row].tolist():
            budget = budgets[budget_codes[row]]
            key = (model.values[model.codes[row]], budget.kind, budget.label)
            code = self.points.setdefault(key, len(self.amounts))
            if code == len(self.amounts):
                self.amounts.append(set())
            if budget.amount is not None:
                self.amounts[code].add(budget.amount)
            numbered.append(code)
        return np.array(numbered, np.int32)[combined.number]

    def _query_codes(self, text: dict[str, Coded], good: NDArray[np.bool_], source: str) -> NDArray[np.int32]:
        """Number the query of each good row."""
        coded = [text[name] for name in QueryFields._fields]
        combined = _combined([column.codes[good] for column in coded])
        rows = np.flatnonzero(good)[combined.first_row]
        columns = [[column.values[code] for code in column.codes[rows].tolist()] for column in coded]
        numbered = [self.queries.code(QueryFields(*fields), source) for fields in zip(*columns, strict=True)]
        return np.array(numbered, np.int32)[combined.number]

    def finish(self, notices: Sequence[Finding]) -> Runs:
        """Put everything in canonical order.

        Args:
            notices: of the readers; they come first.

        Raises:
            RunsError: no row is left, quality is on another scale or cannot be read, or ids stand for different
                queries.
        """
        notices = (*notices, *self.labels.finish(), *self.quality.finish(), *self._check_bills())
        if self.set_aside.count == self.rows:
            raise RunsError(self.set_aside.nothing_left())
        self.queries.name_pairs()
        about_queries = self.queries.finish()
        has_runs = {name: set(np.unique(_joined(self.chunks[name])).tolist()) for name in ("query", "point")}
        has_runs["query"] = {self.queries.merged.get(code, code) for code in has_runs["query"]}
        ids = sorted(query_id for query_id, code in self.queries.codes.items() if code in has_runs["query"])
        by_id = np.array([self.queries.codes[query_id] for query_id in ids])
        points = {
            i: Point(model, Budget(kind, label, min(self.amounts[i], default=None)))
            for (model, kind, label), i in self.points.items()
            if i in has_runs["point"]
        }
        ordered = canonical(set(points.values()))
        rank = {point: i for i, point in enumerate(ordered)}
        place = np.full(len(self.points), -1, np.int32)
        place[list(points)] = [rank[point] for point in points.values()]
        columns = self._columns(by_id, place)
        queries = self.queries
        return Runs(
            query_ids=tuple(ids),
            texts=tuple(queries.texts[i] for i in by_id),
            tags=tuple(queries.tags[i] or None for i in by_id),
            conversations=tuple(queries.conversations[i] or None for i in by_id),
            tenants=tuple(queries.tenants[i] or None for i in by_id),
            steps=tuple(queries.steps[i] or None for i in by_id),
            embeddings=queries.embedding_rows(by_id),
            points=ordered,
            set_aside=tuple(self.set_aside.rows),
            set_aside_count=self.set_aside.count,
            notices=(
                *notices,
                *near_names(ordered),
                *unit_findings(columns, [point.model for point in ordered]),
                *lone_findings(columns, [point.model for point in ordered]),
                *free_call_findings(columns, [point.model for point in ordered]),
                *call_id_findings([queries.texts[i] for i in by_id], runs=len(columns["query"])),
                *self._notices(columns, about_queries),
            ),
            **columns,
        )

    def _check_bills(self) -> tuple[Finding, ...]:
        """Correct totals that leave a part out, and set impossible rows aside (in strict mode, raise at the first)."""
        columns = {name: _joined(self.chunks[name]) for name in bills.COLUMNS}
        checked = self.bills.finish(columns, _joined(self.chunks["point"]), [model for model, *_ in self.points])
        self.set_aside.record(checked.reasons, checked.bad_rows)
        self.chunks |= {name: [column] for name, column in checked.columns.items()}
        if not checked.kept.all():
            self.chunks = {name: [_joined(parts)[checked.kept]] for name, parts in self.chunks.items()}
        return checked.findings

    def _columns(self, by_id: NDArray[np.int64], place: NDArray[np.int32]) -> dict[str, NDArray]:
        """Join the chunks, renumber queries and points, and sort; rows that are still equal after that are equal."""
        rank = np.full(len(self.queries.texts), -1, np.int32)
        rank[by_id] = np.arange(len(by_id), dtype=np.int32)
        for textless, code in self.queries.merged.items():
            rank[textless] = rank[code]
        columns = {"query": rank[_joined(self.chunks.pop("query"))], "point": place[_joined(self.chunks.pop("point"))]}
        cell = columns["query"].astype(np.int64) * len(place) + columns["point"]
        order = np.argsort(cell, kind="stable")
        sorted_cell = cell[order]
        for name in ("cost_is_mean", *ROW_NUMBERS):
            columns[name] = _joined(self.chunks.pop(name))
        repeat = np.flatnonzero(sorted_cell[1:] == sorted_cell[:-1])
        if len(repeat):
            tied = np.union1d(repeat, repeat + 1)
            rows = order[tied]
            keys = [columns[name][rows] for name in ("cost_is_mean", *reversed(ROW_NUMBERS), "sample_index")]
            order[tied] = rows[np.lexsort([*keys, cell[rows]])]
        for name in columns:
            columns[name] = columns[name][order]
        return columns

    def _notices(self, columns: dict[str, NDArray], about_queries: list[Finding]) -> list[Finding]:
        notices = [*self.set_aside.finish(self.rows), *about_queries]
        if several := sum(len(amounts) > 1 for amounts in self.amounts):
            text = f"points logged with more than one budget amount: {several}; the smallest is kept"
            notices.append(Finding("note", text))
        if repeated := _exact_repeats(columns):
            text = f"rows that repeat another row exactly: {repeated}; they are kept (was a file given twice?)"
            notices.append(Finding("note", text))
        return notices


def _missing(text: dict[str, Coded], number: dict[str, NDArray[np.float64]]) -> list[Fault]:
    """Return the faults of rows without a required value; faults recorded before take precedence."""
    nameless = np.array([not value.strip() for value in text["model"].values], bool)[text["model"].codes]
    absent = {
        "query": ("missing, and so is query_id", text["query"].rows_without() & text["query_id"].rows_without()),
        "model": ("missing", nameless),
        "quality": ("missing", np.isnan(number["quality"])),
    }
    return [Fault(name, why, np.flatnonzero(rows)) for name, (why, rows) in absent.items() if rows.any()]


def _budgets(
    text: dict[str, Coded], amount: NDArray[np.float64], faults: list[Fault]
) -> tuple[list[Budget], NDArray[np.int64]]:
    """Return the distinct budgets and the budget of each row; rows with an impossible budget become faults."""
    amounts, amount_codes = np.unique(amount, return_inverse=True)
    kinds, labels = text["budget_kind"], text["budget_label"]
    combined = _combined([kinds.codes, labels.codes, amount_codes])
    budgets: list[Budget] = []
    misfits: defaultdict[str, list[int]] = defaultdict(list)
    for combination, row in enumerate(combined.first_row.tolist()):
        kind, label = kinds.values[kinds.codes[row]], labels.values[labels.codes[row]]
        try:
            budgets.append(values.budget_of(kind, label, float(amounts[amount_codes[row]])))
        except Misfit as misfit:
            misfits[str(misfit)].append(combination)
            budgets.append(Budget())
    for reason, combinations in misfits.items():
        rows = np.flatnonzero(np.isin(combined.number, combinations))
        faults.append(
            Fault("budget_kind", reason, rows, lambda i, rows=rows: kinds.values[kinds.codes[rows[i]]] or None)
        )
    return budgets, combined.number


def _combined(codes: Sequence[NDArray[np.int64]]) -> Combinations:
    """Number the distinct combinations of several codes, ``(rows,)`` each."""
    packed = np.zeros(len(codes[0]), np.int64)
    for part in codes:
        size = int(part.max(initial=0)) + 1
        if int(packed.max(initial=0)) * size >= 2**62:
            packed = np.unique(packed, return_inverse=True)[1]
        packed = packed * size + part
    _, first_row, number = np.unique(packed, return_index=True, return_inverse=True)
    return Combinations(number, first_row)


def _compact(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep a chunk without any number as a view of one NaN, which takes no memory."""
    return np.broadcast_to(np.nan, values.shape) if np.isnan(values).all() else values


def _joined(chunks: list[NDArray]) -> NDArray:
    joined = np.concatenate(chunks)
    if joined.dtype == np.float64:
        joined[np.isnan(joined)] = np.nan  # one bit pattern for unknown numbers
    return joined


def _exact_repeats(columns: dict[str, NDArray]) -> int:
    """Count rows equal to the row before, where an index or a latency shows that they are no mere repeats."""
    same = ~np.isnan(columns["sample_index"][1:]) | ~np.isnan(columns["latency_s"][1:])
    for column in columns.values():
        same &= (column[1:] == column[:-1]) | ((column[1:] != column[1:]) & (column[:-1] != column[:-1]))
    return int(same.sum())
