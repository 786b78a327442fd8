"""Quality over cost in characters, as wide as the terminal.

Points are letters, those of the table of points. The frontier is drawn in Braille dots, or in full stops where the
output takes ASCII only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Group
from rich.text import Text

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.captions import dots_to_name, shorten
from paretoroute.report.chart.figure import Chart, Dot
from paretoroute.report.chart.frontier import drawn
from paretoroute.report.layout import Paragraph, printable

_MARGIN = 7  # left of the plot, for the marks of quality
_LEAST_WIDTH, _MOST_WIDTH, _ROWS = 30, 110, 20
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_POLICY = "*"


class Cell(NamedTuple):
    """A character's place, from the upper left."""

    column: int
    row: int


@dataclass(frozen=True)
class _Signs:
    """Characters that the output can take.

    Args:
        frontier: stands for the frontier in the key.
        ellipsis: of a shortened name.
        upright: left edge of the plot.
        across: lower edge of the plot.
        corner: where the edges meet.
        left: a mark on the left edge.
        down: a mark on the lower edge.
    """

    frontier: str
    ellipsis: str
    upright: str
    across: str
    corner: str
    left: str
    down: str


_ASCII = _Signs("...", "..", "|", "-", "+", "+", "+")
_UNICODE = _Signs("⠤⠤⠤", "…", "│", "─", "└", "┤", "┬")


def plot(
    document: PolicyDocument,
    chart: Chart,
    letters: Sequence[str],
    styles: Sequence[str],
    *,
    width: int,
    ascii_only: bool,
) -> Group:
    """Plot a policy's points, its frontier and the policy itself.

    Args:
        document: the policy.
        chart: its points and axes.
        letters: of the points, in the order of the chart.
        styles: of the points, likewise.
        width: of the output, in columns.
        ascii_only: whether the output takes no more than ASCII.
    """
    signs = _ASCII if ascii_only else _UNICODE
    canvas = _Canvas(max(min(width - _MARGIN - 2, _MOST_WIDTH), _LEAST_WIDTH), _ROWS)
    _draw_frontier(canvas, chart, document, ascii_only=ascii_only)
    cells = [canvas.cell(chart.cost.place(dot.cost_usd), chart.quality.place(dot.quality)) for dot in chart.dots]
    order = sorted(range(len(cells)), key=lambda i: (chart.dots[i].best, chart.dots[i].share))
    for i in order:  # the most important last, on top
        is_strong = chart.dots[i].share > 0 or chart.dots[i].best
        canvas.write(cells[i], letters[i], f"bold {styles[i]}" if is_strong else styles[i])
    expected = document.expected
    policy = canvas.cell(chart.cost.place(expected.cost_usd), chart.quality.place(expected.quality))
    canvas.write(policy, _POLICY, "bold green reverse")
    canvas.label(policy, "this policy", style="bold green")
    for dot in dots_to_name(chart.dots):
        i = chart.dots.index(dot)
        name = printable(shorten(dot.name, 28).replace("…", signs.ellipsis), ascii_only)
        canvas.label(cells[i], name, sign=letters[i], style=_emphasis(dot))
    return Group(
        Paragraph("Quality over mean cost in USD per 1,000 queries", "italic"),
        *_rows_with_marks(canvas, chart, signs),
        *_foot(canvas, chart, signs),
        Text(),
        Paragraph(f"{_POLICY} this policy; {signs.frontier} frontier of mixtures; letters: the points above", "dim"),
    )


def _emphasis(dot: Dot) -> str:
    return "cyan" if dot.best else "bold" if dot.share > 0 else "dim"


def _draw_frontier(canvas: _Canvas, chart: Chart, document: PolicyDocument, *, ascii_only: bool) -> None:
    line = [
        (chart.cost.place(place.cost_usd), chart.quality.place(place.quality)) for place in drawn(document, chart.cost)
    ]
    dots_across, dots_down = (1, 1) if ascii_only else (2, 4)
    for (x0, y0), (x1, y1) in zip(line, line[1:], strict=False):
        longest = max(abs(x1 - x0) * canvas.width * dots_across, abs(y1 - y0) * canvas.height * dots_down)
        steps = 1 + int(2 * longest)
        for i in range(steps + 1):
            canvas.dot(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, ascii_only=ascii_only)


def _rows_with_marks(canvas: _Canvas, chart: Chart, signs: _Signs) -> Iterator[Text]:
    """Yield the rows of the plot with the marks of quality on their left."""
    marks = {canvas.cell(0, chart.quality.place(tick.value)).row: tick.text for tick in chart.quality.ticks()}
    for number, row in enumerate(canvas.rows()):
        mark = marks.get(number, "")
        edge = f"{mark:>{_MARGIN - 2}} {signs.left if mark else signs.upright}"
        yield Text.assemble((edge, "dim"), row, overflow="crop", no_wrap=True)


def _foot(canvas: _Canvas, chart: Chart, signs: _Signs) -> Iterator[Text]:
    """Yield the lower edge of the plot and the marks of cost below it, as many as do not overlap."""
    edge, marks = [signs.across] * canvas.width, " " * canvas.width
    for tick in chart.cost.ticks():
        column, size = canvas.cell(chart.cost.place(tick.value), 0).column, len(tick.text)
        start = max(min(column - size // 2, canvas.width - size), 0)
        if not marks[max(start - 1, 0) : start + size + 1].strip():
            edge[column] = signs.down
            marks = marks[:start] + tick.text + marks[start + size :]
    yield Text(f"{' ' * (_MARGIN - 1)}{signs.corner}{''.join(edge)}", style="dim", overflow="crop", no_wrap=True)
    yield Text(f"{' ' * _MARGIN}{marks}", style="dim", overflow="crop", no_wrap=True)


class _Canvas:
    """Characters in rows from the top; each cell of the frontier is two by four Braille dots."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells = [[(" ", "")] * width for _ in range(height)]

    def cell(self, right: float, up: float) -> Cell:
        """Return the cell of a place in the unit square."""
        return Cell(min(int(right * self.width), self.width - 1), min(int((1 - up) * self.height), self.height - 1))

    def dot(self, right: float, up: float, *, ascii_only: bool) -> None:
        """Set a dot of the frontier."""
        column, row = self.cell(right, up)
        if ascii_only:
            self._cells[row][column] = (".", "dim")
            return
        bit = _BRAILLE[int((1 - up) * self.height * 4) % 4][int(right * self.width * 2) % 2]
        before = self._cells[row][column][0]
        bits = (ord(before) - 0x2800 if before != " " else 0) | bit
        self._cells[row][column] = (chr(0x2800 + bits), "")

    def write(self, cell: Cell, text: str, style: str) -> None:
        """Write characters from a cell to the right."""
        for i, char in enumerate(text):
            self._cells[cell.row][cell.column + i] = (char, style)

    def label(self, cell: Cell, name: str, *, style: str, sign: str = "") -> None:
        """Write a name beside a cell, or after its sign below or above; nowhere if it would cover something."""
        if cell_len(name) != len(name):  # wide characters do not fit into cells of one column
            return
        signed = f"{sign}: {name}" if sign else name
        offers = [(2, 0, name), (-len(name) - 1, 0, name)]
        offers += [(shift, down, signed) for down in (1, -1, 2, -2) for shift in (-1, 1, 2 - len(signed))]
        for shift, down, text in offers:
            start = Cell(cell.column + shift, cell.row + down)
            if self._is_free(start, len(text)):
                self.write(start, text, style)
                return

    def _is_free(self, start: Cell, size: int) -> bool:
        """Return whether so many cells are blank, with one on either side."""
        if not (0 <= start.row < self.height and 0 <= start.column and start.column + size <= self.width):
            return False
        cells = self._cells[start.row][max(start.column - 1, 0) : start.column + size + 1]
        return all(char == " " for char, _ in cells)

    def rows(self) -> Iterator[Text]:
        """Yield the rows, from the top."""
        for row in self._cells:
            yield Text.assemble(*row)
