"""The rows of a log that cannot be used: counted by reason, the first of them kept to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.errors import RunsError
from paretoroute.runs.columns import Batch, BrokenLine, Fault
from paretoroute.runs.findings import Finding
from paretoroute.runs.formats.base import Source
from paretoroute.runs.table import BadRow

MAX_BAD_ROWS = 1000
_UNSHOWN = ("query", "embedding")  # private, or too long for a message


class SetAside:
    """The rows that were set aside so far.

    Args:
        strict: raise at the first bad row instead of setting it aside.

    Attributes:
        rows: the first 1,000, in the order of the files.
    """

    def __init__(self, *, strict: bool) -> None:
        self.rows: list[BadRow] = []
        self._strict = strict
        self._reasons: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many rows were set aside."""
        return self._reasons.total()

    def add(self, source: Source, batch: Batch, faults: list[Fault]) -> Mask:
        """Set the bad rows of a batch aside, one reason each; return which rows are good, ``(rows,)``.

        Args:
            source: where the batch is from.
            batch: the rows.
            faults: of the batch; of several at one row the first counts.

        Raises:
            RunsError: in strict mode, the first bad row.
        """
        fault_of = np.full(len(batch.lines), -1)
        place = np.zeros(len(batch.lines), np.int64)
        for i, fault in enumerate(faults):
            fresh = fault_of[fault.rows] < 0
            fault_of[fault.rows[fresh]] = i
            place[fault.rows[fresh]] = np.flatnonzero(fresh)
        bad = np.flatnonzero(fault_of >= 0)
        reasons = Counter(broken.reason for broken in batch.broken)
        for i, count in Counter(fault_of[bad].tolist()).items():
            reasons[_named(faults[i])] += count
        room = 1 if self._strict else MAX_BAD_ROWS - len(self.rows)
        bad_rows = [_broken_row(source, broken) for broken in batch.broken[:room]]
        for row in bad[:room].tolist():
            fault = faults[fault_of[row]]
            reason = fault.reason + _shown(fault, int(place[row]))
            bad_rows.append(BadRow(source.name, int(batch.lines[row]), fault.field, reason, source.unit))
        self.record(reasons, sorted(bad_rows, key=lambda bad_row: bad_row.line))
        return fault_of < 0

    def record(self, reasons: Counter[str], bad_rows: Sequence[BadRow]) -> None:
        """Record rows that are set aside.

        Args:
            reasons: how many rows, by column and reason.
            bad_rows: the first of them.

        Raises:
            RunsError: in strict mode, the first bad row.
        """
        if self._strict and bad_rows:
            raise RunsError(f"{bad_rows[0]}; correct this row, or leave out strict to set it aside")
        self._reasons += reasons
        self.rows += bad_rows[: MAX_BAD_ROWS - len(self.rows)]

    def finish(self, rows: int) -> list[Finding]:
        """Return the finding on the rows that were set aside, if there are any.

        Args:
            rows: how many the log has.
        """
        if not self._reasons:
            return []
        reason, count = self._commonest()
        text = f"rows set aside: {self.count} of {rows}; the commonest reason ({count}) is {reason}"
        return [Finding("set_aside", text)]

    def nothing_left(self) -> str:
        """Word the error about a log all of whose rows were set aside."""
        reason, count = self._commonest()
        first = next((f"; first: {row}" for row in self.rows if reason in str(row)), "")
        return (
            f"no usable row among {self.count}: {reason} ({count} of them{first}). "
            "Correct the log, or name the right columns with --columns"
        )

    def _commonest(self) -> tuple[str, int]:
        return min(self._reasons.items(), key=lambda item: (-item[1], item[0]))


def _broken_row(source: Source, broken: BrokenLine) -> BadRow:
    reason = f"{broken.reason} ({broken.detail})" if broken.detail else broken.reason
    return BadRow(source.name, broken.line, "", reason, source.unit)


def _named(fault: Fault) -> str:
    return f"{fault.field}: {fault.reason}" if fault.field else fault.reason


def _shown(fault: Fault, position: int) -> str:
    """Return the bad value in brackets, shortened; ``""`` if it is absent, private or long."""
    value = fault.value_at(position) if fault.value_at and fault.field not in _UNSHOWN else None
    if value is None:
        return ""
    try:
        shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return ""
    return f" ({shown})" if len(shown) <= 60 else f" ({shown[:57]}...)"
