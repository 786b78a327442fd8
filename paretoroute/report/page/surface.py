"""The picture of a surface: heat maps of quality and of cost over model and compute, as tables with coloured cells.

Every cell holds its figure as text, so that the picture is read without a mouse, by a screen reader and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.details.budgets import budget_columns
from paretoroute.grid import Budget
from paretoroute.policy.schema import PolicyDocument
from paretoroute.price import UNIT, decimals_of, per_thousand
from paretoroute.report.page.elements import add, add_scroll

if TYPE_CHECKING:
    from paretoroute.evaluation.details.surface import LoggedSurface, SurfacePart


@dataclass(frozen=True)
class HeatCell:
    """One point of the surface.

    Args:
        quality: mean, in [0, 1], with its interval; None: nothing is known.
        cost_usd: mean cost of one call; None likewise.
        note: behind the figures, such as "never logged".
    """

    quality: Interval | None
    cost_usd: float | None
    note: str = ""


@dataclass(frozen=True)
class HeatMap:
    """A surface over models and budgets.

    Args:
        models: the rows.
        budgets: the columns.
        cells: by model and budget.
    """

    models: Sequence[str]
    budgets: Sequence[str]
    cells: Mapping[tuple[str, str], HeatCell]


@dataclass(frozen=True)
class Scale:
    """The ends of a colour scale, pale to full; logarithmic for costs."""

    low: float
    high: float
    is_log: bool = False

    @classmethod
    def of(cls, values: Sequence[float], *, is_log: bool = False) -> Scale:
        """Span some values; a logarithmic scale spans the positive ones."""
        kept = [value for value in values if value > 0 or not is_log] or [1.0]
        return cls(min(kept), max(kept), is_log)

    def place(self, value: float) -> float:
        """Return the position of a value, from 0 to 1; the middle where all values are equal."""
        if self.high <= self.low:
            return 0.5
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low)


def logged_map(surface: LoggedSurface, part: SurfacePart) -> HeatMap:
    """Arrange the logged means of some queries."""
    figures = zip(surface.points, part.quality, part.cost_usd, strict=True)
    cells = {(point.model, point.budget): HeatCell(quality, cost) for point, quality, cost in figures}
    return HeatMap(surface.models, surface.budgets, cells)


def policy_map(document: PolicyDocument) -> HeatMap:
    """Arrange the points of a policy."""
    points = [(entry.model, point) for entry in document.grid for point in entry.points]
    columns = budget_columns(Budget(point.kind, point.label, point.amount) for _, point in points)
    cells = {}
    for model, point in points:
        low, high = point.quality_low, point.quality_high
        ends = (point.quality, point.quality) if low is None or high is None else (low, high)
        note = "" if point.never_logged is None else "never logged"
        cells[model, columns[point.kind, point.label]] = HeatCell(Interval(point.quality, *ends), point.cost_usd, note)
    return HeatMap(tuple(dict.fromkeys(model for model, _ in points)), tuple(columns.values()), cells)


def add_surface(parent: Element, shown: HeatMap, *, of: str = "") -> None:
    """Add the heat maps of quality and of cost, side by side where there is room.

    Args:
        parent: of the two.
        shown: the surface.
        of: the queries, such as "law", for the captions; blank: all.
    """
    pair = SubElement(parent, "div", {"class": "pair"})
    about = f", {of}" if of else ""
    costs = [cell.cost_usd for cell in shown.cells.values() if cell.cost_usd is not None]
    qualities = [cell.quality.value for cell in shown.cells.values() if cell.quality is not None]
    decimals, cost_scale, quality_scale = decimals_of(costs), Scale.of(costs, is_log=True), Scale.of(qualities)

    def quality(cell: HeatCell) -> _Shade | None:
        if cell.quality is None:
            return None
        margin = max(cell.quality.high - cell.quality.value, cell.quality.value - cell.quality.low)
        details = [f"±{margin:.2f}"] * (margin > 0) + [cell.note] * bool(cell.note)
        return _Shade(f"{cell.quality.value:.3f}", " ".join(details), quality_scale.place(cell.quality.value))

    def cost(cell: HeatCell) -> _Shade | None:
        if cell.cost_usd is None:
            return None
        return _Shade(per_thousand(cell.cost_usd, decimals), cell.note, cost_scale.place(cell.cost_usd))

    _add_heat(pair, f"Quality{about}", shown, {key: quality(cell) for key, cell in shown.cells.items()}, kind="quality")
    caption = f"Cost in USD {UNIT}{about}"
    _add_heat(pair, caption, shown, {key: cost(cell) for key, cell in shown.cells.items()}, kind="cost")


@dataclass(frozen=True)
class _Shade:
    """A coloured cell: its figure, a note in small print, and its place on the colour scale."""

    figure: str
    note: str
    place: float


def _add_heat(
    parent: Element, caption: str, shown: HeatMap, shades: Mapping[tuple[str, str], _Shade | None], *, kind: str
) -> None:
    table = SubElement(add_scroll(parent, caption), "table", {"class": f"heat {kind}"})
    add(table, "caption", caption)
    top = SubElement(SubElement(table, "thead"), "tr")
    add(top, "th", "model", {"scope": "col", "class": "name"})
    for budget in shown.budgets:
        add(top, "th", budget, {"scope": "col"})
    body = SubElement(table, "tbody")
    for model in shown.models:
        line = SubElement(body, "tr")
        add(line, "th", model, {"scope": "row", "class": "name"})
        for budget in shown.budgets:
            shade = shades.get((model, budget))
            if shade is None:
                add(line, "td", "–", {"class": "blank"})
                continue
            cell = add(line, "td", shade.figure, {"style": f"--v:{shade.place:.3f}"})
            if shade.note:
                add(cell, "small", f" {shade.note}")
