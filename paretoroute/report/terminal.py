"""A policy in a terminal: its summary, its points, its trade-off, and quality over cost in characters."""

from __future__ import annotations

import string
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.text import Text

from paretoroute.policy.schema import PolicyDocument
from paretoroute.price import decimals_of, per_thousand
from paretoroute.report.captions import interval_text, percent
from paretoroute.report.chart.figure import Chart, Dot, chart_of
from paretoroute.report.layout import Column, Entries, Entry, Row, Table
from paretoroute.report.picture.terminal_plot import plot
from paretoroute.report.text import COST_HEAD, summary, trade_off_table

_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_STYLES = ("blue", "red", "green", "magenta", "cyan", "yellow", "default")
_BAR = 12


@dataclass(frozen=True)
class Overview:
    """All that ``show`` prints of a policy; in a pipe without the plot."""

    document: PolicyDocument

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the policy out for the width and the characters of the console."""
        document, ascii_only = self.document, options.ascii_only
        chart = chart_of(document)
        letters = [_letter(position) for position in range(len(chart.dots))]
        styles = [_STYLES[dot.model % len(_STYLES)] for dot in chart.dots]
        yield Group(
            _named(document),
            Text(),
            _points(chart, letters, styles, ascii_only=ascii_only),
            Text(),
            trade_off_table(document),
            Text(),
            plot(document, chart, letters, styles, width=options.max_width, ascii_only=ascii_only),
        )

    def plain(self) -> str:
        """Return the summary and both tables, one line for every sentence and row."""
        blocks = (_named(self.document), plain_points(chart_of(self.document)), trade_off_table(self.document))
        return "\n\n".join(block.plain() for block in blocks)


def _named(document: PolicyDocument) -> Entries:
    return Entries((Entry("policy", document.name, "bold"), *summary(document).entries))


def _letter(position: int) -> str:
    return _LETTERS[position] if position < len(_LETTERS) else "+"


def _points(chart: Chart, letters: list[str], styles: list[str], *, ascii_only: bool) -> Table:
    """Lay out the points by model, in order of compute, with the letters of the plot and bars of their shares."""
    decimals = decimals_of(dot.cost_usd for dot in chart.dots)
    rows = []
    for letter, style, dot in zip(letters, styles, chart.dots, strict=True):
        bar = f"{_bar(dot.share, ascii_only)} {_note(dot)}".strip()
        rows.append(Row((letter, dot.name, *_figures(chart, dot, decimals), bar), _emphasis(dot), style))
    return Table(_POINTS_TITLE, (Column(""), Column("point"), *_figure_columns(chart), _NOTE), tuple(rows))


def plain_points(chart: Chart) -> Table:
    """Lay out the points by model, in order of compute, in words and figures alone."""
    decimals = decimals_of(dot.cost_usd for dot in chart.dots)
    rows = tuple(Row((dot.name, *_figures(chart, dot, decimals), _note(dot))) for dot in chart.dots)
    return Table(_POINTS_TITLE, (Column("point"), *_figure_columns(chart), Column("note")), rows)


_POINTS_TITLE = "Points: logged figures, and share of the calls"
_NOTE = Column("", is_optional=True, beside=20)


def _figure_columns(chart: Chart) -> tuple[Column, ...]:
    interval = (Column("90% interval", is_number=True, is_optional=True),) * chart.intervals
    numbers = (Column(COST_HEAD, is_number=True), Column("share", is_number=True))
    return (Column("quality", is_number=True), *interval, *numbers)


def _figures(chart: Chart, dot: Dot, decimals: int) -> tuple[str, ...]:
    interval = (interval_text(dot.interval, "[{:.3f}, {:.3f}]"),) * chart.intervals
    return (f"{dot.quality:.3f}", *interval, per_thousand(dot.cost_usd, decimals), percent(dot.share))


def _note(dot: Dot) -> str:
    return "best single" if dot.best else "" if dot.logged else "never logged"


def _emphasis(dot: Dot) -> str:
    return "bold" if dot.share > 0 else "cyan" if dot.best else "dim"


def _bar(share: float, ascii_only: bool) -> str:
    """Draw a share as a bar; any positive share is visible."""
    if ascii_only:
        return "#" * max(round(share * _BAR), int(share > 0))
    eighths = max(round(share * _BAR * 8), int(share > 0))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
