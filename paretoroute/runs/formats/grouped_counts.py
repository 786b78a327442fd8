"""Token counts in tables such as ``1.234``, which are thousands where a decimal is written with a comma.

Nothing tells them from a mean of 1.234 tokens, so that a file is refused in which every count with a point has three
digits after it, one to three before, and no leading zero. One count that can only be a decimal (``12.5``) decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from paretoroute.errors import RunsError

_GROUPED = re.compile(r"\s*[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+\s*", re.A)
_DECIMAL = re.compile(r"\s*[+-]?[0-9]*\.[0-9]*(?:[eE][+-]?[0-9]+)?\s*", re.A)


def is_grouped(cell: str) -> bool:
    """Return whether a cell may be a count of thousands, or a decimal."""
    return "." in cell and _GROUPED.fullmatch(cell) is not None


class GroupedCounts:
    """Looks through the columns of counts of one file.

    Args:
        name: of the file, in messages.
        fix: what else to do about it, as the end of a message.
    """

    def __init__(self, name: str, *, fix: str = "") -> None:
        self._name, self._fix = name, fix
        self._first: dict[str, str] = {}  # the first count of each column that may be thousands
        self._decimal: set[str] = set()  # columns with a count that can only be a decimal

    def note(self, column: str, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Take in cells of a column.

        Args:
            column: its name.
            cells: some of them.
            lines: of each.
        """
        for line, cell in zip(lines, cells, strict=True):
            if is_grouped(cell):
                self._first.setdefault(column, f"{cell.strip()!r} in line {line}")
            elif "." in cell and _DECIMAL.fullmatch(cell):
                self._decimal.add(column)

    def finish(self) -> None:
        """Refuse the file if its counts may be thousands.

        Raises:
            RunsError: those of a column may be.
        """
        for column, place in self._first.items():
            if column not in self._decimal:
                raise RunsError(
                    f"{self._name}: {column} {place} may be thousands, or a mean with a decimal point; write 1234 for "
                    f"the first and 1.2340 for the second{self._fix}"
                )
