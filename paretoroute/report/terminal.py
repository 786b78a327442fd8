"""A policy in a terminal: its summary, its points, its trade-off, and quality over cost in characters."""

from __future__ import annotations

import string
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from paretoroute.errors import one_line
from paretoroute.policy.schema import PolicyDocument, TargetMinQualityOf
from paretoroute.report.captions import expected_text, interval_text, percent
from paretoroute.report.figure import Chart, Dot, chart_of, decimals
from paretoroute.report.terminal_plot import plot
from paretoroute.report.text import target_text, trade_off_table

_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_STYLES = ("blue", "red", "green", "magenta", "cyan", "yellow", "default")
_STATUS_STYLES = {"met": "green", "slack": "cyan", "infeasible": "bold red"}
_BAR = 12


def layout(document: PolicyDocument) -> RenderableType:
    """Lay out all that ``show`` prints of a policy."""
    return _Layout(document)


@dataclass(frozen=True)
class _Layout:
    """Depends on the console that it is printed at: its width, and whether it takes more than ASCII."""

    document: PolicyDocument

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        document = _printable(self.document, options.ascii_only)
        chart = chart_of(document)
        letters = [_letter(position) for position in range(len(chart.dots))]
        styles = [_STYLES[dot.model % len(_STYLES)] for dot in chart.dots]
        yield Group(
            _summary(document),
            Text(),
            _points(chart, letters, styles, options),
            trade_off_table(document),
            plot(document, chart, letters, styles, width=options.max_width, ascii_only=options.ascii_only),
        )


def _letter(position: int) -> str:
    return _LETTERS[position] if position < len(_LETTERS) else "+"


def _printable(document: PolicyDocument, ascii_only: bool) -> PolicyDocument:
    """Escape control characters in names and sentences, which would act on the terminal, and all that it lacks."""

    def escaped(text: str) -> str:
        text = one_line(text, len(text))
        return ascii(text)[1:-1] if ascii_only and not text.isascii() else text

    grid = []
    for entry in document.grid:
        points = tuple(point.model_copy(update={"label": escaped(point.label)}) for point in entry.points)
        grid.append(entry.model_copy(update={"model": escaped(entry.model), "points": points}))
    best, saving = document.expected.best_single, document.expected.saving
    expected: dict[str, object] = {"best_single": best.model_copy(update={"point": escaped(best.point)})}
    if saving is not None:
        expected["saving"] = saving.model_copy(update={"meaning": escaped(saving.meaning)})
    target = document.target
    if isinstance(target, TargetMinQualityOf):
        target = target.model_copy(update={"of": escaped(target.of)})
    solution = document.solution.model_copy(update={"meaning": escaped(document.solution.meaning)})
    return document.model_copy(
        update={
            "name": escaped(document.name),
            "grid": tuple(grid),
            "target": target,
            "expected": document.expected.model_copy(update=expected),
            "solution": solution,
        }
    )


def _summary(document: PolicyDocument) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    solution = document.solution
    table.add_row("policy", Text(document.name, style="bold"))
    table.add_row("target", target_text(document))
    status = (solution.status, _STATUS_STYLES[solution.status])
    table.add_row("status", Text.assemble(status, f": {solution.meaning}"))
    table.add_row("expected", expected_text(document))
    if document.expected.saving is not None:
        table.add_row("compared", document.expected.saving.meaning)
    return table


def _points(chart: Chart, letters: list[str], styles: list[str], options: ConsoleOptions) -> Table:
    """Lay out the points by model, in order of compute."""
    digits = decimals(1000 * dot.cost_usd for dot in chart.dots)
    table = _points_header(chart, options.max_width)
    for i, dot in enumerate(chart.dots):
        is_first = i == 0 or chart.dots[i - 1].model != dot.model
        model = Text(chart.models[dot.model] if is_first else "", style=styles[i])
        figures = [f"{dot.quality:.3f}", f"{1000 * dot.cost_usd:,.{digits}f}", percent(dot.share)]
        if chart.intervals:
            figures.insert(1, interval_text(dot.interval, "[{:.3f}, {:.3f}]"))
        bar = Text(_bar(dot.share, options.ascii_only), "green")
        bar.append(" best single" if dot.best else "" if dot.logged else " never logged", "cyan")
        table.add_row(Text(letters[i], style=styles[i]), model, Text(dot.label), *figures, bar, style=_emphasis(dot))
    return table


def _points_header(chart: Chart, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Points: logged figures and share of calls")
    table.add_column("", no_wrap=True)
    table.add_column("model", overflow="fold", max_width=max(width // 4, 12))
    table.add_column("budget", overflow="fold", max_width=max(width // 5, 8))
    table.add_column("quality", justify="right", no_wrap=True)
    if chart.intervals:
        table.add_column("90% interval", no_wrap=True)
    table.add_column("$ per 1,000", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    return table


def _emphasis(dot: Dot) -> str:
    return "bold" if dot.share > 0 else "cyan" if dot.best else "dim"


def _bar(share: float, ascii_only: bool) -> str:
    """Draw a share as a bar; any positive share is visible."""
    if ascii_only:
        return "#" * max(round(share * _BAR), int(share > 0))
    eighths = max(round(share * _BAR * 8), int(share > 0))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
