"""The SVG picture of a policy: cost per query to the right, quality upwards, points that the policy calls filled."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.captions import (
    description,
    dots_to_name,
    headline,
    percent,
    point_text,
    shorten,
)
from paretoroute.report.chart.figure import Chart, Dot, chart_of, cost_ends_of, ends_of
from paretoroute.report.chart.frontier import Place, drawn
from paretoroute.report.layout import wrapped
from paretoroute.report.picture import svg_elements as shapes
from paretoroute.report.picture.label_placement import Box, Spot, Wanted, place, sampled, text_width
from paretoroute.report.text import expected_text

_WIDTH, _LEFT, _RIGHT, _HEIGHT = 960.0, 66.0, 24.0, 440.0
_TEXT, _SMALL = 13.0, 12.0
_HEADLINE = 138  # characters to a line
_STAR, _RING = 11.0, 5.0
_BOLD = 1.1  # width of bold letters relative to regular ones


@dataclass(frozen=True)
class _Scene:
    """The content of the picture and its scales, in pixels.

    Args:
        document: the policy.
        chart: its points and axes.
        frontier: places along it, by rising cost.
        top: upper edge of the plot.
    """

    document: PolicyDocument
    chart: Chart
    frontier: Sequence[Place]
    top: float

    @property
    def bottom(self) -> float:
        return self.top + _HEIGHT

    @property
    def policy(self) -> Spot:
        return self.at(self.document.expected.cost_usd, self.document.expected.quality)

    def x(self, usd: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * self.chart.cost.place(usd)

    def y(self, quality: float) -> float:
        return self.top + _HEIGHT * (1 - self.chart.quality.place(quality))

    def at(self, usd: float, quality: float) -> Spot:
        return Spot(self.x(usd), self.y(quality))

    def dot(self, dot: Dot) -> Spot:
        return self.at(dot.cost_usd, dot.quality)

    def joined(self) -> Iterator[tuple[Dot, Dot]]:
        """Yield the pairs of neighbouring dots that a line joins."""
        for before, dot in zip(self.chart.dots, self.chart.dots[1:], strict=False):
            if dot.joined:
                yield before, dot


def picture(document: PolicyDocument, *, is_alone: bool = True) -> Element:
    """Draw a policy as an SVG element, from the back to the front.

    Args:
        document: the policy.
        is_alone: whether nothing stands beside it; else its headline and the shares of calls are left to the page.
    """
    lines = [line for sentence in headline(document) for line in wrapped(sentence, _HEADLINE)]
    chart = chart_of(document)
    top = 66.0 + 18 * len(lines) if is_alone else 20.0
    scene = _Scene(document, chart, drawn(document, chart.cost), top=top)
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "pr", "role": "img"})
    root.set("aria-labelledby", "pr-title pr-desc")
    root.append(shapes.unseen("title", f"Policy {document.name}: quality over cost", id="pr-title"))
    root.append(shapes.unseen("desc", description(document, scene.chart, scene.frontier), id="pr-desc"))
    root.append(shapes.unseen("style", shapes.style()))
    paper = SubElement(root, "rect", {"class": "f-paper", "width": "100%", "height": "100%"})
    if is_alone:
        root.extend(_header(document.name, lines))
    root.extend(_axes(scene))
    root.extend(_frontier(scene))
    root.extend(_dots(scene))
    root.append(_policy(scene))
    root.extend(_labels(scene))
    root.extend(_key(scene.bottom + 76))
    legend, bottom = _legend(scene.chart, scene.bottom + 106, with_shares=is_alone)
    root.extend(legend)
    height = shapes.number(bottom)
    paper.set("rx", "6")
    for name, value in (("viewBox", f"0 0 {_WIDTH:g} {height}"), ("width", f"{_WIDTH:g}"), ("height", height)):
        root.set(name, value)
    return root


def _header(name: str, lines: Sequence[str]) -> Iterator[Element]:
    yield shapes.text(Spot(24, 36), shorten(name, 76), size=20, font_weight="600")
    for i, line in enumerate(lines):
        yield shapes.text(Spot(24, 61 + 18 * i), line, size=_TEXT, fill="f-quiet")


def _axes(scene: _Scene) -> Iterator[Element]:
    right = _WIDTH - _RIGHT
    for quality, mark in scene.chart.quality.ticks():
        y = scene.y(quality)
        yield shapes.line([Spot(_LEFT, y), Spot(right, y)], "s-rule", 1)
        yield shapes.text(Spot(_LEFT - 9, y + 4), mark, size=_SMALL, fill="f-quiet", text_anchor="end")
    for usd, mark in scene.chart.cost.ticks():
        x = scene.x(usd)
        yield shapes.line([Spot(x, scene.top), Spot(x, scene.bottom)], "s-rule", 1)
        yield shapes.text(Spot(x, scene.bottom + 19), mark, size=_SMALL, fill="f-quiet", text_anchor="middle")
    yield shapes.line([Spot(_LEFT, scene.bottom), Spot(right, scene.bottom)], "s-edge", 1)
    below = Spot((_LEFT + right) / 2, scene.bottom + 42)
    yield shapes.text(below, "mean cost in USD per 1,000 queries, logarithmic", size=_TEXT, text_anchor="middle")
    beside = Spot(20, scene.top + _HEIGHT / 2)
    turn = f"rotate(-90 20 {shapes.number(beside.y)})"
    yield shapes.text(beside, "mean quality", size=_TEXT, text_anchor="middle", transform=turn)


def _frontier(scene: _Scene) -> Iterator[Element]:
    upper = [scene.at(place.cost_usd, place.high) for place in scene.frontier]
    lower = [scene.at(place.cost_usd, place.low) for place in scene.frontier]
    yield shapes.area(upper + lower[::-1], 0.08)
    yield shapes.line([scene.at(place.cost_usd, place.quality) for place in scene.frontier], "s-ink", 3, 0.75)


def _dots(scene: _Scene) -> Iterator[Element]:
    for before, dot in scene.joined():
        yield shapes.line([scene.dot(before), scene.dot(dot)], f"s-{shapes.colour(dot.model)}", 1.3, 0.5)
    for dot in sorted(scene.chart.dots, key=_radius, reverse=True):  # the small ones in front
        group = Element("g")
        group.append(shapes.unseen("title", point_text(dot)))
        if dot.best:
            group.append(shapes.ring(scene.dot(dot), _radius(dot) + _RING))
        colour = shapes.colour(dot.model)
        style = {"class": f"f-{colour if dot.share > 0 else 'paper'} s-{colour}", "stroke-width": "1.8"}
        style |= {"fill-opacity": "0.8"} if dot.share > 0 else {}
        group.append(shapes.marker(dot.model, scene.dot(dot), _radius(dot), style))
        yield group


def _policy(scene: _Scene) -> Element:
    """Draw the policy's star on the cross of its intervals."""
    (x, y), expected = scene.policy, scene.document.expected
    left, right = map(scene.x, cost_ends_of(expected))
    lower, upper = map(scene.y, ends_of(expected))
    strokes = [(Spot(left, y), Spot(right, y)), (Spot(x, upper), Spot(x, lower))]
    strokes += [(Spot(end, y - 4), Spot(end, y + 4)) for end in (left, right)]
    strokes += [(Spot(x - 4, end), Spot(x + 4, end)) for end in (upper, lower)]
    group = Element("g")
    group.append(shapes.unseen("title", f"this policy: {expected_text(scene.document)}"))
    group.extend(shapes.line(stroke, "s-ink", 1.6) for stroke in strokes)
    group.append(shapes.star(scene.policy, _STAR))
    return group


@dataclass(frozen=True)
class _Name:
    """A name to write in the plot, and the sign that it names."""

    text: str
    bold: bool
    at: Spot
    radius: float

    @property
    def wanted(self) -> Wanted:
        width = text_width(self.text, _SMALL) * (_BOLD if self.bold else 1) + 6
        return Wanted(self.at, self.radius, width, _SMALL + 4)


def _labels(scene: _Scene) -> Iterator[Element]:
    names = [_Name("this policy", True, scene.policy, _STAR)]
    for dot in dots_to_name(scene.chart.dots):
        bold = dot.share > 0 or dot.best
        names.append(_Name(shorten(dot.name, 34), bold, scene.dot(dot), _radius(dot) + _RING * dot.best))
    bounds = Box(_LEFT + 4, scene.top + 2, _WIDTH - _RIGHT, scene.bottom - 2)
    labels = place([name.wanted for name in names], bounds, hard=_covered(scene), soft=_crossed(scene))
    for label in labels:
        if label.leader is not None:
            yield shapes.line(label.leader, "s-edge", 1)
    for label, name in zip(labels, names, strict=True):
        fill, weight = ("f-ink", "600") if name.bold else ("f-quiet", "400")
        halo = {"paint_order": "stroke", "stroke_width": "3", "stroke_linejoin": "round", "font_weight": weight}
        start = Spot(label.start.x + 3, label.start.y + 4)
        yield shapes.text(start, name.text, size=_SMALL, fill=f"{fill} s-paper", **halo)


def _covered(scene: _Scene) -> list[Box]:
    """Return boxes that no name may cover: those of dots, and of the policy's star and cross."""
    (x, y), expected = scene.policy, scene.document.expected
    dots = [shapes.box(scene.dot(dot), _radius(dot) + 1 + _RING * dot.best) for dot in scene.chart.dots]
    cross = sampled([Spot(scene.x(end), y) for end in cost_ends_of(expected)])
    cross += sampled([Spot(x, scene.y(end)) for end in ends_of(expected)])
    return [*dots, *cross, shapes.box(scene.policy, _STAR)]


def _crossed(scene: _Scene) -> list[Box]:
    """Return boxes that a name should not cover: those of lines."""
    boxes = sampled([scene.at(place.cost_usd, place.quality) for place in scene.frontier])
    for before, dot in scene.joined():
        boxes += sampled([scene.dot(before), scene.dot(dot)], 12.0)
    return boxes


def _key(y: float) -> Iterator[Element]:
    """Explain the signs, in one line."""
    corners = [Spot(0, -7), Spot(26, -7), Spot(26, 7), Spot(0, 7)]
    middle = Spot(13, 0)
    unfilled = {"class": "f-paper s-quiet", "stroke-width": "1.8"}
    signs = {
        "frontier of mixtures, 90% interval": (
            shapes.area(corners, 0.1),
            shapes.line([Spot(0, 0), Spot(26, 0)], "s-ink", 3, 0.75),
        ),
        "this policy, 90% intervals": (shapes.star(middle, 9),),
        "best single point": (shapes.ring(middle, 8),),
        "called; area: share of calls": (shapes.marker(0, middle, 7, {"class": "f-quiet"}),),
        "never called": (shapes.marker(0, middle, 4, unfilled),),
    }
    x = 24.0
    for meaning, sign in signs.items():
        group = Element("g", {"transform": f"translate({shapes.number(x)} {shapes.number(y - 4)})"})
        group.extend(sign)
        yield group
        yield shapes.text(Spot(x + 32, y), meaning, size=_SMALL, fill="f-quiet")
        x += 32 + text_width(meaning, _SMALL) + 10


def _legend(chart: Chart, y: float, *, with_shares: bool) -> tuple[list[Element], float]:
    """List the models, and every point's share of the calls; return the elements and the picture's lower edge."""
    elements = []
    if with_shares:
        elements.append(shapes.text(Spot(24, y), "Share of calls, by budget:", size=_SMALL, fill="f-quiet"))
        y += 22
    for number, model in enumerate(chart.models):
        elements.append(shapes.marker(number, Spot(37, y - 4), 6, {"class": f"f-{shapes.colour(number)}"}))
        elements.append(shapes.text(Spot(56, y), shorten(model, 60), size=_SMALL, font_weight="600"))
        x = max(56 + _BOLD * text_width(shorten(model, 60), _SMALL) + 24, 190)  # 24: some bold fonts are even wider
        for dot in (dot for dot in chart.dots if with_shares and dot.model == number):
            entry = _share_text(dot, chart.models[number])
            if x + text_width(entry, _SMALL) > _WIDTH - _RIGHT:
                x, y = 190.0, y + 18
            fill = "f-ink" if dot.share > 0 else "f-quiet"
            elements.append(shapes.text(Spot(x, y), entry, size=_SMALL, fill=fill))
            x += text_width(entry, _SMALL) + 16
        y += 22
    return elements, y + 4


def _share_text(dot: Dot, model: str) -> str:
    """Format a point's share of the calls, behind its budget where the model alone does not name the point."""
    share = percent(dot.share)
    return share if dot.name == model else f"@{shorten(dot.label, 60)}: {share}"


def _radius(dot: Dot) -> float:
    """Return the radius at which the area grows with the share, from a least size on."""
    return math.sqrt(16 + 380 * dot.share) if dot.share > 0 else 4.0
