"""What bills a run, checked over a whole log: parts of token counts that cannot lie inside their totals, and refunds.

Providers count differently. Where the reasoning tokens of a model exceed its completion tokens on at least 1% of the
runs that have any, reasoning is not part of the completion, and is added to it on all runs of the model; likewise the
prompt tokens of a cache and the prompt. Rarer excesses are errors of single rows, which are set aside; so are those
beside many runs whose part nearly fills its total, as it does where it is inside. Where cost is logged, nothing is
changed here: the fit asks which count explains the cost (``fitting.points.token_totals``).

A cost below 0 is a refund. It counts in every sum unless it cannot be one: -1 stands for "unknown" in many logs, and
nobody is refunded more than was charged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Mask
from paretoroute.price import sum_usd
from paretoroute.runs.columns import Batch
from paretoroute.runs.findings import Finding
from paretoroute.runs.formats.base import Source
from paretoroute.runs.table import BadRow

OUTSIDE_SHARE = 0.01  # of a model's runs with a part: from here on it is not inside the total
NEARLY = 0.8  # of the total: a part from here up to the whole nearly fills it
FILLED_SHARE = 0.3  # of a model's runs with a part ...
FILLED_PER_EXCESS = 5  # ... and this many times those in excess: the part is inside, and the excess is an error
PRICED_RUNS = 20  # runs with a logged cost from which it decides
SLACK_TOKENS = 1.0  # a part may exceed its total by rounding
UNKNOWN_USD = -1.0
MOST_PLACES = 1000  # rows of which the line is kept to show
COLUMNS = (
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_prompt_tokens",
    "cache_write_tokens",
    "cost_usd",
    "trials",
)


@dataclass(frozen=True)
class _Part:
    """Columns that are counted inside another one, or in addition to it.

    Args:
        names: of the columns.
        total: name of the column that contains them.
    """

    names: tuple[str, ...]
    total: str

    def size(self, columns: dict[str, Floats]) -> Floats:
        """Add the columns up, ``(runs,)``; an unknown count is 0."""
        return np.sum([np.nan_to_num(columns[name]) for name in self.names], axis=0)

    def exceeds(self, columns: dict[str, Floats]) -> Mask:
        """Return which runs count more tokens in the part than in its total, ``(runs,)``."""
        return self.size(columns) > np.nan_to_num(columns[self.total], nan=np.inf) + SLACK_TOKENS


PARTS = (
    _Part(("reasoning_tokens",), "completion_tokens"),
    _Part(("cached_prompt_tokens", "cache_write_tokens"), "prompt_tokens"),
)


@dataclass(frozen=True)
class Checked:
    """The verdict over a whole log.

    Args:
        columns: those of :data:`COLUMNS`, corrected, ``(runs,)`` each.
        kept: which rows stay, ``(runs,)``.
        reasons: number of rows set aside, by column and reason.
        bad_rows: the first of them.
        findings: about everything that was changed or left out.
    """

    columns: dict[str, Floats]
    kept: Mask
    reasons: Counter[str]
    bad_rows: tuple[BadRow, ...]
    findings: tuple[Finding, ...]


@dataclass
class BillCheck:
    """Notes suspicious rows batch by batch, and judges them by model at the end."""

    rows: int = 0
    lost_usd: float = 0.0
    lost_rows: int = 0
    _places: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)

    def see(self, source: Source, batch: Batch, good: Mask, number: dict[str, Floats]) -> None:
        """Note the rows of a batch that may be set aside later, and the cost of those that are already.

        Args:
            source: where the batch is from.
            batch: the batch.
            good: which of its rows are kept, ``(rows,)``.
            number: its columns of numbers, ``(rows,)`` each.
        """
        lost = np.nan_to_num(number["cost_usd"][~good], posinf=0.0, neginf=0.0)
        lost = lost * np.nan_to_num(number["trials"][~good], nan=1.0)
        self.lost_usd, self.lost_rows = self.lost_usd + float(lost.sum()), self.lost_rows + int((lost != 0).sum())
        kept = {name: number[name][good] for name in COLUMNS}
        suspicious = np.nan_to_num(kept["cost_usd"]) < 0
        for part in PARTS:
            suspicious |= part.exceeds(kept)
        lines = batch.lines[good]
        for row in np.flatnonzero(suspicious)[: MOST_PLACES - len(self._places)].tolist():
            self._places[self.rows + row] = (source.name, int(lines[row]), source.unit)
        self.rows += len(lines)

    def finish(self, columns: dict[str, Floats], point: NDArray[np.int32], models: Sequence[str]) -> Checked:
        """Judge the whole log.

        Args:
            columns: those of :data:`COLUMNS`, in the order of the batches, ``(runs,)`` each.
            point: number of the point of every run, ``(runs,)``.
            models: the model of every point, ``(points,)``.
        """
        columns, self._findings = dict(columns), []
        columns |= {part.total: columns[part.total].copy() for part in PARTS}  # which are corrected in place
        aside: dict[int, tuple[str, str]] = {}
        for part in PARTS:
            for name, rows in _by_model(part.exceeds(columns), point, models):
                for row in self._judge(part, columns, rows, name):
                    aside.setdefault(int(row), (part.names[0], _excess(part, columns, int(row))))
        for name, rows in _by_model(np.nan_to_num(columns["cost_usd"]) < 0, point, models):
            for row in self._refunds(columns, rows, name):
                aside.setdefault(int(row), ("cost_usd", f"negative ({columns['cost_usd'][row]})"))
        if self.lost_rows:
            lost = f"{sum_usd(self.lost_usd)} of logged cost ({self.lost_rows} rows)"
            text = f"rows set aside carry {lost}, which is in no sum"
            self._findings.append(Finding("note", text))
        kept = np.ones(len(point), bool)
        kept[list(aside)] = False
        reasons = Counter(f"{column}: {reason.partition(' (')[0]}" for column, reason in aside.values())
        bad_rows = [
            BadRow(self._places[row][0], self._places[row][1], column, reason, self._places[row][2])
            for row, (column, reason) in sorted(aside.items())
            if row in self._places
        ]
        return Checked(columns, kept, reasons, tuple(bad_rows), tuple(self._findings))

    def _judge(self, part: _Part, columns: dict[str, Floats], rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        """Add a part of a model's rows to its total if it lies outside; return the rows to set aside otherwise."""
        own = {column: columns[column][rows] for column in (*part.names, part.total, "cost_usd")}
        size, total = part.size(own), own[part.total]
        counted = (size > 0) & ~np.isnan(total)
        excess = counted & part.exceeds(own)
        priced = int((~np.isnan(own["cost_usd"])).sum())
        if not excess.any() or priced >= min(PRICED_RUNS, len(rows) / 2):
            return np.zeros(0, np.intp)
        filled = int((counted & ~excess & (size >= NEARLY * total)).sum())
        is_inside = filled >= max(FILLED_SHARE * counted.sum(), FILLED_PER_EXCESS * excess.sum())
        if is_inside or excess.sum() < OUTSIDE_SHARE * counted.sum():
            return rows[excess]
        columns[part.total][rows] = total + size
        logged = [column for column in part.names if np.nansum(own[column]) > 0]
        self._findings.append(
            Finding(
                "note",
                f"{' and '.join(logged)} of {name} exceed {part.total} in {int(excess.sum())} of {int(counted.sum())} "
                f"runs: they are counted in addition (on average {size[counted].mean():,.0f} beside "
                f"{total[counted].mean():,.0f})",
            )
        )
        return np.zeros(0, np.intp)

    def _refunds(self, columns: dict[str, Floats], rows: NDArray[np.intp], name: str) -> NDArray[np.intp]:
        """Accept costs below 0 of a model's rows as refunds; return the rows of those that cannot be."""
        cost = np.nan_to_num(columns["cost_usd"][rows])
        below, sums = cost < 0, cost * columns["trials"][rows]
        impossible = below & ((cost == UNKNOWN_USD) | (-cost > cost.max(initial=0.0)))
        if sums[~impossible].sum() < 0:
            impossible = below
        refunds = below & ~impossible
        if refunds.any():
            refunded = sum_usd(sums[refunds].sum())
            text = f"{int(refunds.sum())} runs of {name} cost less than 0, {refunded} together: refunds"
            self._findings.append(Finding("note", text))
        if impossible.any():
            text = (
                f"rows set aside for their cost: {int(impossible.sum())} of {name}, below 0 by "
                f"{sum_usd(-sums[impossible].sum())} together, which no charge explains; leave cost_usd empty where "
                "unknown"
            )
            self._findings.append(Finding("note", text))
        return rows[impossible]


def _by_model(suspicious: Mask, point: NDArray[np.int32], models: Sequence[str]) -> list[tuple[str, NDArray[np.intp]]]:
    """Return the rows of each model with a suspicious one, by name in sorted order, whatever the order of the rows."""
    if not suspicious.any():
        return []
    names = sorted(set(models))
    rank = {name: i for i, name in enumerate(names)}
    model = np.array([rank[name] for name in models])[point]
    order = np.argsort(model, kind="stable")
    ends = np.cumsum(np.bincount(model, minlength=len(names)))
    return [(names[i], order[ends[i - 1] if i else 0 : ends[i]]) for i in np.unique(model[suspicious]).tolist()]


def _excess(part: _Part, columns: dict[str, Floats], row: int) -> str:
    more, total = float(part.size(columns)[row]), float(columns[part.total][row])
    return f"above {part.total}, which contain them ({more:g} > {total:g})"
