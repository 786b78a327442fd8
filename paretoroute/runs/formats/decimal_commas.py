"""Decimal commas in files whose cells are not separated by commas: read where certain, else the file is refused.

``0,5`` and ``1234,5`` can only be decimals, and ``1,234,567`` only thousands; ``1,234`` may be either, and is read as a
decimal if the file also holds a certain one. A file that also writes decimal points is refused: its ``1.234`` may be
either too. In a column of whole counts ``1,234`` are thousands, and a file that also writes decimal commas is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from paretoroute.errors import RunsError
from paretoroute.runs.written_numbers import THOUSANDS

_SIGN = r"\s*[+-]?"
_END = r"(?:[eE][+-]?[0-9]+)?\s*(?:%\s*)?"
_COMMA = re.compile(rf"{_SIGN}([0-9]*),([0-9]+){_END}", re.A)
_POINT = re.compile(rf"{_SIGN}[0-9]*\.[0-9]+{_END}", re.A)
_THOUSANDS = re.compile(rf"{_SIGN}[0-9]{{1,3}}(?:,[0-9]{{3}}){{2,}}(?:\.[0-9]+)?{_END}", re.A)
_BOTH = re.compile(rf"{_SIGN}[0-9]+(?:(?:\.[0-9]{{3}})+,|(?:,[0-9]{{3}})+\.)[0-9]+{_END}", re.A)


class DecimalCommas:
    """Reads the number cells of one file.

    Args:
        name: of the file, in messages.
        fix: what else to do about a file that is refused, as the end of a message.
    """

    def __init__(self, name: str, *, fix: str = "") -> None:
        self._name, self._fix = name, fix
        self._first: dict[str, str] = {}  # the first cell of each kind, with its line

    def read(self, cells: Sequence[str], lines: Sequence[int], *, are_counts: bool = False) -> Sequence[str]:
        """Return the cells with a point in place of a decimal comma.

        Args:
            cells: of a column.
            lines: of each.
            are_counts: whether they are whole counts, whose thousands may be separated.

        Raises:
            RunsError: a cell has thousands separators.
        """
        if are_counts:
            counts = [THOUSANDS.fullmatch(cell) is not None for cell in cells]
            grouped = next((i for i, is_count in enumerate(counts) if is_count), None)
            if grouped is not None:
                self._first.setdefault("thousands", f"{cells[grouped].strip()!r} in line {lines[grouped]}")
            cells = [cell.replace(",", "") if count else cell for cell, count in zip(cells, counts, strict=True)]
        for line, cell in zip(lines, cells, strict=True):
            if "," in cell or "." in cell:
                self._note(cell, line)
        return [cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in cells]

    def finish(self) -> None:
        """Refuse the file if one of its numbers may have been misread.

        Raises:
            RunsError: the file has numbers with a comma and with a point, or only numbers such as ``1,234``.
        """
        comma = self._first.get("comma") or self._first.get("either")
        point = self._first.get("point")
        thousands = self._first.get("thousands")
        if comma and thousands:
            raise RunsError(
                f"{self._name} has a comma in {comma} and in {thousands}, which cannot both be decimals; write every "
                f"number with a decimal point and without thousands separators{self._fix}"
            )
        if comma and point:
            raise RunsError(
                f"{self._name} has numbers with a comma ({comma}) and with a point ({point}), which cannot both be "
                f"decimals; write every number with a decimal point and without thousands separators{self._fix}"
            )
        if comma and "comma" not in self._first:
            raise RunsError(
                f"{self._name}: {comma} may be a decimal or thousands; write every number with a decimal point and "
                f"without thousands separators{self._fix}"
            )

    def _note(self, cell: str, line: int) -> None:
        if _THOUSANDS.fullmatch(cell) or _BOTH.fullmatch(cell):
            raise RunsError(
                f"{self._name}, line {line}: {cell.strip()!r} has thousands separators; write every number with a "
                f"decimal point and without thousands separators{self._fix}"
            )
        if _POINT.fullmatch(cell):
            kind = "point"
        elif match := _COMMA.fullmatch(cell):
            whole, decimals = match.groups()
            is_certain = len(decimals) != 3 or len(whole) > 3 or whole in ("", "0") or whole.startswith("0")
            kind = "comma" if is_certain else "either"
        else:
            return
        self._first.setdefault(kind, f"{cell.strip()!r} in line {line}")
