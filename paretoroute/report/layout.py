"""The two forms of all text output: fitted to the width of a terminal, and plain for a pipe.

In a terminal, sentences wrap below their key and tables fold their names; numbers and intervals are never broken. In a
pipe, every entry and every row is one line, columns are two or more spaces apart, and a blank cell is a dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

# rich is imported where a terminal needs it: sentences in a pipe do without.
KEY_WIDTH = 10
_GAP, _NARROW_GAP = 2, 1
_LEAST_NAME = 8  # columns that a name may be folded to
_WORDS = re.compile(r"\[[^\[\]\s]+, [^\[\]\s]+\]\S*|\+- \S+|\S+")  # an interval and its kind are one word


@dataclass(frozen=True)
class Entry:
    """A sentence and its key.

    Args:
        key: at most 9 characters.
        text: the sentence.
        style: of the sentence in a terminal.
    """

    key: str
    text: str
    style: str = ""


@dataclass(frozen=True)
class Entries:
    """Sentences below one another, each after its key."""

    entries: tuple[Entry, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Wrap every sentence beside its key."""
        from rich.text import Text

        for entry in self.entries:
            text = printable(entry.text, options.ascii_only)
            for i, line in enumerate(wrapped(text, max(options.max_width - KEY_WIDTH, _LEAST_NAME))):
                key = entry.key if i == 0 else ""
                yield Text.assemble((f"{key:<{KEY_WIDTH}}", "dim"), (line, entry.style), no_wrap=True)

    def plain(self) -> str:
        """Return one line for every sentence."""
        return "\n".join(f"{entry.key:<{KEY_WIDTH}}{printable(entry.text)}" for entry in self.entries)


@dataclass(frozen=True)
class Paragraph:
    """A sentence without a key."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Wrap the sentence."""
        from rich.text import Text

        for line in wrapped(printable(self.text, options.ascii_only), options.max_width):
            yield Text(line, style=self.style, no_wrap=True)

    def plain(self) -> str:
        """Return the sentence as one line."""
        return printable(self.text)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        head: its heading.
        is_number: whether its cells are numbers, which are aligned to the right and never broken.
        is_optional: whether it is left out of a terminal that is too narrow for it.
        beside: columns that names keep beside it; where they would have less, it is left out.
    """

    head: str
    is_number: bool = False
    is_optional: bool = False
    beside: int = _LEAST_NAME


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Args:
        cells: one per column.
        style: of the row in a terminal.
        first_style: of its first cell, if it differs.
    """

    cells: tuple[str, ...]
    style: str = ""
    first_style: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a title.

    Args:
        title: one sentence.
        columns: from left to right.
        rows: from the top.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Fold the table to the width of the terminal."""
        from rich.text import Text

        fit = _fitted(self._escaped(options.ascii_only), options.max_width)
        table, widths, gap = fit.table, fit.widths, fit.gap
        yield Paragraph(self.title, "italic")
        for line in _folded(table, tuple(column.head for column in table.columns), widths, gap):
            yield Text(line, style="dim", no_wrap=True)
        yield Text(("-" if options.ascii_only else "─") * (sum(widths) + gap * (len(widths) - 1)), style="dim")
        for row in table.rows:
            for line in _folded(table, row.cells, widths, gap):
                text = Text(line, style=row.style, no_wrap=True)
                if row.first_style:
                    text.stylize(row.first_style, 0, len(row.cells[0]))
                yield text

    def plain(self) -> str:
        """Return the title, the heads and every row as one line each."""
        table = self._escaped(ascii_only=False)
        dashed = tuple(replace(row, cells=tuple(cell or "-" for cell in row.cells)) for row in table.rows)
        table = replace(table, rows=dashed)
        widths = _natural(table)
        heads = tuple(column.head or "-" for column in self.columns)
        lines = [
            line for cells in (heads, *(row.cells for row in dashed)) for line in _folded(table, cells, widths, _GAP)
        ]
        return "\n".join([printable(self.title), *lines])

    def _escaped(self, ascii_only: bool) -> Table:
        rows = (replace(row, cells=tuple(printable(cell, ascii_only) for cell in row.cells)) for row in self.rows)
        return replace(self, rows=tuple(rows))


def printable(text: str, ascii_only: bool = False) -> str:
    r"""Escape control characters and half characters, and, where the output takes ASCII alone, all that it lacks.

    Example:
        >>> printable("red\x1b[31m"), printable("模型", ascii_only=True)
        ('red\\x1b[31m', '\\u6a21\\u578b')
    """
    return text if text.isprintable() and (text.isascii() or not ascii_only) else ascii(text)[1:-1]


def wrapped(text: str, width: int) -> list[str]:
    """Wrap a sentence; intervals stay whole, and only a word that is wider than the line is cut.

    Example:
        >>> wrapped("quality 0.401 [0.381, 0.421] in all", 16)
        ['quality 0.401', '[0.381, 0.421]', 'in all']
    """
    from rich.cells import cell_len, chop_cells

    lines, room = [""], width
    for word in _WORDS.findall(text):
        for part in [word] if cell_len(word) <= width else chop_cells(word, width):
            size = cell_len(part)
            if lines[-1] and size + 1 <= room:
                lines[-1] += f" {part}"
                room -= size + 1
            elif lines[-1]:
                lines.append(part)
                room = width - size
            else:
                lines[-1], room = part, width - size
    return lines


def _folded(table: Table, cells: Sequence[str], widths: Sequence[int], gap: int) -> Iterator[str]:
    """Yield the lines of one row."""
    from rich.cells import cell_len

    parts = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for i in range(max(map(len, parts))):
        line = []
        for column, part, width in zip(table.columns, parts, widths, strict=True):
            text = part[i] if i < len(part) else ""
            blank = " " * (width - cell_len(text))
            line.append(f"{blank}{text}" if column.is_number else f"{text}{blank}")
        yield (" " * gap).join(line).rstrip()


def _natural(table: Table) -> list[int]:
    """Return the widths at which nothing is folded."""
    from rich.cells import cell_len

    return [
        max(cell_len(column.head), 1, *(cell_len(row.cells[j]) for row in table.rows))
        for j, column in enumerate(table.columns)
    ]


def _least(table: Table, name: int) -> list[int]:
    """Return the least widths: of numbers their own, of names and notes some columns, those of ``name``."""
    from rich.cells import cell_len

    widths = []
    for j, (column, natural) in enumerate(zip(table.columns, _natural(table), strict=True)):
        if column.is_number:
            words = [*column.head.split(), *(row.cells[j] for row in table.rows)]
            widths.append(max(1, *map(cell_len, words)))
        else:
            widths.append(min(natural, name))
    return widths


class _Fit(NamedTuple):
    """A table without the columns that have no room, the widths of the others, and the gap between them."""

    table: Table
    widths: list[int]
    gap: int


def _fitted(table: Table, width: int) -> _Fit:
    """Narrow the gaps, then leave optional columns out, the last first, until the others fit; widen these."""
    gap = _GAP
    while True:
        optional = [j for j, column in enumerate(table.columns) if column.is_optional]
        widths = _least(table, table.columns[optional[-1]].beside if optional else _LEAST_NAME)
        room = width - sum(widths) - gap * (len(widths) - 1)
        if room >= 0 or (gap == _NARROW_GAP and not optional):
            break
        table = table if gap == _GAP else _without(table, optional[-1])
        gap = _NARROW_GAP
    natural = _natural(table)
    names_first = sorted(range(len(widths)), key=lambda j: (table.columns[j].is_number, natural[j] - widths[j]))
    for j in names_first:  # heads of numbers fold between their words, names within a word
        more = max(min(natural[j] - widths[j], room), 0)
        widths[j] += more
        room -= more
    return _Fit(table, widths, gap)


def _without(table: Table, column: int) -> Table:
    """Leave a column out."""
    kept = [j for j in range(len(table.columns)) if j != column]
    rows = tuple(replace(row, cells=tuple(row.cells[j] for j in kept)) for row in table.rows)
    return replace(table, columns=tuple(table.columns[j] for j in kept), rows=rows)
