"""The picture of a policy in a terminal: tables, and quality over cost in characters.

Points are letters, as in the table of points. The frontier is drawn in Braille dots, or in full stops where the output
takes ASCII only.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from paretoroute.policy.schema import PolicyDocument, TargetMinQualityOf
from paretoroute.policy.validation import shown
from paretoroute.report.captions import ends, expected, named, percent, short
from paretoroute.report.figure import Chart, Dot, chart, decimals
from paretoroute.report.text import target_words, trade_off

_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_STYLES = ("blue", "red", "green", "magenta", "cyan", "yellow", "default")
_BAR = 12
_MARGIN = 7  # left of the plot, for the marks of quality
_LEAST_WIDTH, _MOST_WIDTH, _ROWS = 30, 110, 20
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_POLICY = "*"


def layout(document: PolicyDocument) -> RenderableType:
    """Lay out everything that `show` shows of a policy."""
    return _Layout(document)


@dataclass(frozen=True)
class _Layout:
    """What is printed depends on the console: its width, and whether it takes more than ASCII."""

    document: PolicyDocument

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        document = _plain(self.document, options.ascii_only)
        yield Group(_head(document), Text(), _Points(document), trade_off(document), _Plot(document))


def _plain(document: PolicyDocument, ascii_only: bool) -> PolicyDocument:
    """Escape control characters in names and sentences, which would act on the terminal, and all that it lacks."""

    def escaped(words: str) -> str:
        words = shown(words, len(words))
        return ascii(words)[1:-1] if ascii_only and not words.isascii() else words

    grid = tuple(
        entry.model_copy(update={"model": escaped(entry.model), "points": tuple(
            point.model_copy(update={"label": escaped(point.label)}) for point in entry.points
        )})
        for entry in document.grid
    )  # fmt: skip
    best, saving = document.expected.best_single, document.expected.saving
    found: dict[str, object] = {"best_single": best.model_copy(update={"point": escaped(best.point)})}
    if saving is not None:
        found["saving"] = saving.model_copy(update={"meaning": escaped(saving.meaning)})
    target = document.target
    if isinstance(target, TargetMinQualityOf):
        target = target.model_copy(update={"of": escaped(target.of)})
    changed: dict[str, object] = {"name": escaped(document.name), "grid": grid, "target": target}
    changed["expected"] = document.expected.model_copy(update=found)
    changed["solution"] = document.solution.model_copy(update={"meaning": escaped(document.solution.meaning)})
    return document.model_copy(update=changed)


def _head(document: PolicyDocument) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    status = {"met": "green", "slack": "cyan", "infeasible": "bold red"}[document.solution.status]
    table.add_row("policy", Text(document.name, style="bold"))
    table.add_row("target", target_words(document))
    solution = document.solution
    table.add_row("status", Text.assemble((solution.status, status), f": {solution.meaning}"))
    table.add_row("expected", expected(document))
    if document.expected.saving is not None:
        table.add_row("compared", document.expected.saving.meaning)
    return table


def _letter(position: int) -> str:
    return _LETTERS[position] if position < len(_LETTERS) else "+"


@dataclass(frozen=True)
class _Points:
    """The table of points, by model and in order of compute."""

    document: PolicyDocument

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = chart(self.document)
        digits = decimals(1000 * dot.cost_usd for dot in drawn.dots)
        table = Table(box=box.SIMPLE_HEAD, title="Points: what the log says of them, and how often they are called")
        table.add_column("", no_wrap=True)
        table.add_column("model", overflow="fold", max_width=max(options.max_width // 4, 12))
        table.add_column("budget", overflow="fold", max_width=max(options.max_width // 5, 8))
        table.add_column("quality", justify="right", no_wrap=True)
        if drawn.intervals:
            table.add_column("90% interval", no_wrap=True)
        table.add_column("$ per 1,000", justify="right", no_wrap=True)
        table.add_column("share", justify="right", no_wrap=True)
        table.add_column("", overflow="fold")
        for i, dot in enumerate(drawn.dots):
            first = i == 0 or drawn.dots[i - 1].model != dot.model
            model = Text(drawn.models[dot.model] if first else "", style=_style(dot))
            figures = [f"{dot.quality:.3f}", f"{1000 * dot.cost_usd:,.{digits}f}", percent(dot.share)]
            if drawn.intervals:
                figures.insert(1, ends(dot.interval, "[{:.3f}, {:.3f}]"))
            bar = Text(_bar(dot.share, options.ascii_only), "green")
            bar.append(" best single" if dot.best else "" if dot.logged else " never logged", "cyan")
            style = "bold" if dot.share > 0 else "cyan" if dot.best else "dim"
            table.add_row(Text(_letter(i), style=_style(dot)), model, Text(dot.label), *figures, bar, style=style)
        yield table


def _bar(share: float, ascii_only: bool) -> str:
    """Draw a share; anything called at all leaves a mark."""
    if ascii_only:
        return "#" * max(round(share * _BAR), int(share > 0))
    eighths = max(round(share * _BAR * 8), int(share > 0))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _style(dot: Dot) -> str:
    return _STYLES[dot.model % len(_STYLES)]


@dataclass(frozen=True)
class _Plot:
    """Quality over cost, in characters, as wide as the output."""

    document: PolicyDocument

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = chart(self.document)
        width = max(min(options.max_width - _MARGIN - 2, _MOST_WIDTH), _LEAST_WIDTH)
        canvas = _Canvas(width, _ROWS)
        self._frontier(drawn, canvas, options.ascii_only)
        places = [(drawn.cost.place(dot.cost_usd), drawn.quality.place(dot.quality)) for dot in drawn.dots]
        order = sorted(range(len(places)), key=lambda i: (drawn.dots[i].best, drawn.dots[i].share))
        for i in order:  # the most important last, on top
            dot = drawn.dots[i]
            style = f"bold {_style(dot)}" if dot.share > 0 or dot.best else _style(dot)
            canvas.write(*canvas.cell(*places[i]), _letter(i), style)
        found = self.document.expected
        here = canvas.cell(drawn.cost.place(found.cost_usd), drawn.quality.place(found.quality))
        canvas.write(*here, _POLICY, "bold green reverse")
        canvas.label(*here, "this policy", "", "bold green")
        for dot in named(drawn.dots):
            i = drawn.dots.index(dot)
            name = short(dot.name, 28).replace("…", ".." if options.ascii_only else "…")
            style = "cyan" if dot.best else "bold" if dot.share > 0 else "dim"
            canvas.label(*canvas.cell(*places[i]), name, _letter(i), style)
        yield Text("quality over mean cost per query", style="italic", justify="center")
        yield from _framed(canvas, drawn, options.ascii_only)
        yield Text()
        line = "..." if options.ascii_only else "⠤⠤⠤"
        yield Text(f"{_POLICY} this policy   {line} frontier of policies   letters: the points above", style="dim")

    def _frontier(self, drawn: Chart, canvas: _Canvas, ascii_only: bool) -> None:
        rows = sorted(self.document.trade_off, key=lambda row: (row.cost_usd, row.quality))
        line = [(drawn.cost.place(row.cost_usd), drawn.quality.place(row.quality)) for row in rows]
        fine = (1, 1) if ascii_only else (2, 4)
        for (x0, y0), (x1, y1) in zip(line, line[1:], strict=False):
            steps = 1 + int(2 * max(abs(x1 - x0) * canvas.width * fine[0], abs(y1 - y0) * canvas.height * fine[1]))
            for i in range(steps + 1):
                canvas.dot(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, ascii_only)


def _framed(canvas: _Canvas, drawn: Chart, ascii_only: bool) -> Iterable[Text]:
    """Put marks and lines left of and below the plot."""
    upright, across, corner, left, down = "|-++-" if ascii_only else "│─└┤┬"
    marks = {canvas.cell(0, drawn.quality.place(value))[1]: words for value, words in drawn.quality.ticks()}
    for number, row in enumerate(canvas.rows()):
        words = marks.get(number, "")
        mark = f"{words:>{_MARGIN - 2}} {left if words else upright}"
        yield Text.assemble((mark, "dim"), row, overflow="crop", no_wrap=True)
    foot, under = [across] * canvas.width, " " * canvas.width
    for usd, words in drawn.cost.ticks():
        column = canvas.cell(drawn.cost.place(usd), 0)[0]
        start = max(min(column - len(words) // 2, canvas.width - len(words)), 0)
        if not under[max(start - 1, 0) : start + len(words) + 1].strip():
            foot[column] = "+" if ascii_only else down
            under = under[:start] + words + under[start + len(words) :]
    yield Text(f"{' ' * (_MARGIN - 1)}{corner}{''.join(foot)}", style="dim", overflow="crop", no_wrap=True)
    yield Text(f"{' ' * _MARGIN}{under}", style="dim", overflow="crop", no_wrap=True)


class _Canvas:
    """Characters in rows from the top; each cell of the frontier is two by four Braille dots."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells = [[(" ", "")] * width for _ in range(height)]

    def cell(self, right: float, up: float) -> tuple[int, int]:
        """Give the column and row of a place in the unit square."""
        return min(int(right * self.width), self.width - 1), min(int((1 - up) * self.height), self.height - 1)

    def dot(self, right: float, up: float, ascii_only: bool) -> None:
        """Set a dot of the frontier."""
        column, row = self.cell(right, up)
        if ascii_only:
            self._cells[row][column] = (".", "dim")
            return
        part = int((1 - up) * self.height * 4) % 4, int(right * self.width * 2) % 2
        old = self._cells[row][column][0]
        bits = (ord(old) - 0x2800 if old != " " else 0) | _BRAILLE[part[0]][part[1]]
        self._cells[row][column] = (chr(0x2800 + bits), "")

    def write(self, column: int, row: int, char: str, style: str) -> None:
        """Put one character."""
        self._cells[row][column] = (char, style.strip())

    def label(self, column: int, row: int, words: str, sign: str, style: str) -> None:
        """Write beside a cell where that covers nothing, or after its sign below or above; else nowhere."""
        if cell_len(words) != len(words):  # wide characters do not fit into cells of one column
            return
        signed = f"{sign}: {words}" if sign else words
        offers = [(column + 2, 0, words), (column - len(words) - 1, 0, words)]
        offers += [(column + shift, down, signed) for down in (1, -1, 2, -2) for shift in (-1, 1, 2 - len(signed))]
        for start, down, text in offers:
            if self._free(start, row + down, len(text)):
                for i, char in enumerate(text):
                    self._cells[row + down][start + i] = (char, style)
                return

    def _free(self, start: int, row: int, size: int) -> bool:
        """Tell whether so many cells are blank, with one on either side."""
        if not (0 <= row < self.height and 0 <= start and start + size <= self.width):
            return False
        return all(char == " " for char, _ in self._cells[row][max(start - 1, 0) : start + size + 1])

    def rows(self) -> Iterable[Text]:
        """Give the rows, from the top."""
        for row in self._cells:
            yield Text.assemble(*((char, style or "") for char, style in row))
