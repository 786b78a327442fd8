"""The picture of a policy as an SVG file: cost per query to the right, quality upwards, what is called filled.

Colours are those of Okabe and Ito (2008, "Color Universal Design"), told apart by colour-blind readers too; from the
eighth model on they return with another shape. Light or dark follows the reader's setting.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from paretoroute.chart import Chart, Dot, chart
from paretoroute.chart_labels import Box, Wanted, place, sampled, text_width
from paretoroute.policy_document import PolicyDocument
from paretoroute.printing import money, target_words

_LIGHT = ("#0072b2", "#d55e00", "#009e73", "#b8568f", "#2f9bd8", "#c98700", "#5c5c5c")
_DARK = ("#4aa8e8", "#ff8a3d", "#2bc79a", "#e59cc4", "#8fd0f7", "#f2b84b", "#b5b5b5")
_WIDTH, _LEFT, _RIGHT, _HEIGHT = 960.0, 64.0, 24.0, 440.0
_TEXT, _SMALL = 13.0, 12.0
_LABELLED = 14  # with more points than this only the ones that matter are named in the plot
_NAME = 34  # characters of a name in the plot


def svg_element(document: PolicyDocument) -> Element:
    """Draw a policy as an SVG element."""
    drawing = _Drawing(document)
    drawing.draw()
    return drawing.root


def svg_text(document: PolicyDocument) -> str:
    """Draw a policy as the text of an SVG file."""
    root = svg_element(document)
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def clean(text: str) -> str:
    """Replace what no XML file may hold, and line breaks."""
    return "".join(char if _allowed(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _allowed(char: str) -> bool:
    code = ord(char)
    return 0x20 <= code < 0x7F or 0xA0 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _style() -> str:
    """Give the rules of both colour schemes; every selector starts at the picture, so a page around it keeps its own."""
    light = {"paper": "#ffffff", "ink": "#1b1f24", "quiet": "#59636e", "rule": "#e3e7eb", "edge": "#9aa4ae"}
    dark = {"paper": "#10151b", "ink": "#eef2f6", "quiet": "#a7b2bd", "rule": "#262e37", "edge": "#66717d"}

    def rules(colours: dict[str, str], models: Sequence[str]) -> str:
        both = colours | {f"m{i}": colour for i, colour in enumerate(models)}
        return "".join(f".pr .f-{name}{{fill:{c}}}.pr .s-{name}{{stroke:{c}}}" for name, c in both.items())

    return (
        ".pr{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif}"
        + rules(light, _LIGHT)
        + "@media (prefers-color-scheme:dark){" + rules(dark, _DARK) + "}"
    )  # fmt: skip


class _Drawing:
    """One picture in the making: the element tree, and where things go in it."""

    def __init__(self, document: PolicyDocument) -> None:
        self.document = document
        self.chart: Chart = chart(document)
        self.head = textwrap.wrap(_headline(document), 118)
        self.top = 62.0 + 18 * len(self.head)
        self.root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "pr", "role": "img"})

    def x(self, usd: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * self.chart.cost.place(usd)

    def y(self, quality: float) -> float:
        return self.top + _HEIGHT * (1 - self.chart.quality.place(quality))

    def draw(self) -> None:
        self.root.set("aria-labelledby", "pr-title pr-desc")
        self._add("title", {"id": "pr-title"}, f"Policy {self.document.name}: quality over cost")
        self._add("desc", {"id": "pr-desc"}, _described(self.document, self.chart))
        self._add("style", {}, _style())
        paper = self._add("rect", {"class": "f-paper", "width": _WIDTH})
        self._header()
        self._axes()
        self._frontier()
        for dot, before in zip(self.chart.dots, (None, *self.chart.dots), strict=False):
            if before is not None and dot.joined:
                self._line([self._at(before), self._at(dot)], f"s-{_colour(dot.model)}", 1.2, opacity=0.45)
        for dot in sorted(self.chart.dots, key=_radius, reverse=True):
            self._dot(dot)
        self._policy()
        self._labels()
        bottom = self._legend(self._key(self.top + _HEIGHT + 72))
        paper.set("height", _n(bottom))
        self.root.set("viewBox", f"0 0 {_n(_WIDTH)} {_n(bottom)}")
        self.root.set("width", _n(_WIDTH))
        self.root.set("height", _n(bottom))

    def _header(self) -> None:
        self._write(24, 34, _short(self.document.name, 80), 20, weight="650")
        for i, line in enumerate(self.head):
            self._write(24, 58 + 18 * i, line, _TEXT, "f-quiet")

    def _axes(self) -> None:
        bottom, right = self.top + _HEIGHT, _WIDTH - _RIGHT
        for quality, words in self.chart.quality.ticks():
            self._line([(_LEFT, self.y(quality)), (right, self.y(quality))], "s-rule", 1)
            self._write(_LEFT - 9, self.y(quality) + 4, words, _SMALL, "f-quiet", anchor="end")
        for usd, words in self.chart.cost.ticks():
            self._line([(self.x(usd), self.top), (self.x(usd), bottom)], "s-rule", 1)
            self._write(self.x(usd), bottom + 19, words, _SMALL, "f-quiet", anchor="middle")
        self._line([(_LEFT, bottom), (right, bottom)], "s-edge", 1)
        self._write((_LEFT + right) / 2, bottom + 42, "mean cost per query, USD (logarithmic)", _TEXT, anchor="middle")
        middle = self.top + _HEIGHT / 2
        turned = self._write(18, middle, "mean quality", _TEXT, anchor="middle")
        turned.set("transform", f"rotate(-90 18 {_n(middle)})")

    def _frontier(self) -> None:
        rows = sorted(self.document.trade_off, key=lambda row: (row.cost_usd, row.quality))
        if not rows:
            return
        upper = [(self.x(row.cost_usd), self.y(row.quality_high)) for row in rows]
        lower = [(self.x(row.cost_usd), self.y(row.quality_low)) for row in rows]
        self._add("polygon", {"class": "f-ink", "points": _points(upper + lower[::-1]), "opacity": "0.08"})
        self._line([(self.x(row.cost_usd), self.y(row.quality)) for row in rows], "s-ink", 3, opacity=0.8)

    def _dot(self, dot: Dot) -> None:
        x, y = self._at(dot)
        colour, radius = _colour(dot.model), _radius(dot)
        group = self._add("g", {})
        self._add("title", {}, _told(dot), group)
        if dot.best:
            ring = {"class": "s-ink", "fill": "none", "stroke-width": "1.6", "stroke-dasharray": "3 2"}
            self._add("circle", ring | {"cx": x, "cy": y, "r": radius + 5}, group)
        style = {"class": f"f-{colour if dot.share > 0 else 'paper'} s-{colour}", "stroke-width": "1.8"}
        group.append(_marker(dot.model, x, y, radius, style | ({"fill-opacity": "0.82"} if dot.share > 0 else {})))

    def _policy(self) -> None:
        found = self.document.expected
        x, y = self.x(found.cost_usd), self.y(found.quality)
        low, high = self.x(found.cost_usd_low), self.x(found.cost_usd_high)
        up, down = self.y(found.quality_high), self.y(found.quality_low)
        group = self._add("g", {})
        self._add("title", {}, f"this policy: {_expected(self.document)}", group)
        for cap in (
            [(low, y), (high, y)], [(x, up), (x, down)],
            [(low, y - 4), (low, y + 4)], [(high, y - 4), (high, y + 4)],
            [(x - 4, up), (x + 4, up)], [(x - 4, down), (x + 4, down)],
        ):  # fmt: skip
            self._line(cap, "s-ink", 1.6, parent=group)
        group.append(_star(x, y, 11))

    def _labels(self) -> None:
        found = self.document.expected
        x, y = self.x(found.cost_usd), self.y(found.quality)
        named = [dot for dot in self.chart.dots if dot in _named(self.chart.dots)]
        named.sort(key=lambda dot: (not dot.best, -dot.share, not dot.efficient))
        texts = ["this policy", *(_short(dot.name, _NAME) for dot in named)]
        spots = [(x, y, 11.0), *((*self._at(dot), _radius(dot) + (5 if dot.best else 0)) for dot in named)]
        wanted = [
            Wanted(*spot, text_width(text, _SMALL) + 6, _SMALL + 4) for spot, text in zip(spots, texts, strict=True)
        ]
        bounds = (_LEFT + 4, self.top + 2, _WIDTH - _RIGHT, self.top + _HEIGHT - 2)
        placed = place(wanted, bounds, self._covered(), self._lines())
        for label in placed:
            if label.leader is not None:
                self._line([label.leader[:2], label.leader[2:]], "s-edge", 1)
        bold = [True, *(dot.share > 0 or dot.best for dot in named)]
        for label, text, strong in zip(placed, texts, bold, strict=True):
            written = self._write(label.x + 3, label.y + 4, text, _SMALL, "f-ink s-paper" if strong else "f-quiet s-paper")
            written.set("paint-order", "stroke")
            written.set("stroke-width", "3")
            written.set("stroke-linejoin", "round")
            written.set("font-weight", "600" if strong else "400")

    def _covered(self) -> list[Box]:
        """What no name may cover: dots and the policy's star with its cross."""
        found = self.document.expected
        x, y = self.x(found.cost_usd), self.y(found.quality)
        boxes = [_around(*self._at(dot), _radius(dot) + (6 if dot.best else 1)) for dot in self.chart.dots]
        cross = sampled([(self.x(found.cost_usd_low), y), (self.x(found.cost_usd_high), y)])
        cross += sampled([(x, self.y(found.quality_low)), (x, self.y(found.quality_high))])
        return [*boxes, *cross, _around(x, y, 11)]

    def _lines(self) -> list[Box]:
        rows = sorted(self.document.trade_off, key=lambda row: (row.cost_usd, row.quality))
        boxes = sampled([(self.x(row.cost_usd), self.y(row.quality)) for row in rows])
        for before, dot in zip(self.chart.dots, self.chart.dots[1:], strict=False):
            if dot.joined:
                boxes += sampled([self._at(before), self._at(dot)], 12.0)
        return boxes

    def _key(self, y: float) -> float:
        """Say what the signs mean; the result is where the next line goes."""
        entries = ("frontier of policies, 90% interval", "this policy, 90% intervals", "best single point",
                   "called: area is the share of calls", "never called")  # fmt: skip
        x = 24.0
        for i, words in enumerate(entries):
            middle = (x + 13, y - 4)
            if i == 0:
                self._add("rect", {"class": "f-ink", "x": x, "y": y - 11, "width": 26, "height": 14, "opacity": "0.1"})
                self._line([(x, y - 4), (x + 26, y - 4)], "s-ink", 3, opacity=0.8)
            elif i == 1:
                self.root.append(_star(*middle, 9))
            elif i == 2:
                ring = {"class": "s-ink", "fill": "none", "stroke-width": "1.6", "stroke-dasharray": "3 2"}
                self._add("circle", ring | {"cx": middle[0], "cy": middle[1], "r": 8})
            else:
                fill = "f-quiet" if i == 3 else "f-paper"
                self._add("circle", {"class": f"{fill} s-quiet", "cx": middle[0], "cy": middle[1], "r": 6})
            self._write(x + 32, y, words, _SMALL, "f-quiet")
            x += 32 + text_width(words, _SMALL) + 14
        return y + 30

    def _legend(self, y: float) -> float:
        """List every point under its model; the result is the bottom of the picture."""
        for number, model in enumerate(self.chart.models):
            style = {"class": f"f-{_colour(number)} s-{_colour(number)}", "stroke-width": "1.8"}
            self.root.append(_marker(number, 31, y - 4, 6, style))
            name = _short(model, 60)
            self._write(46, y, name, _SMALL, weight="600")
            x = 46 + text_width(name, _SMALL) * 1.06 + 12
            for dot in (dot for dot in self.chart.dots if dot.model == number):
                words = f"{_short(dot.label, 60)} {_percent(dot.share)}"
                if x + text_width(words, _SMALL) > _WIDTH - _RIGHT and x > 60:
                    x, y = 60.0, y + 18
                self._write(x, y, words, _SMALL, "f-ink" if dot.share > 0 else "f-quiet")
                x += text_width(words, _SMALL) + 16
            y += 22
        return y + 4

    def _at(self, dot: Dot) -> tuple[float, float]:
        return self.x(dot.cost_usd), self.y(dot.quality)

    def _add(self, tag: str, given: dict[str, str | float], text: str = "", parent: Element | None = None) -> Element:
        attributes = {name: value if isinstance(value, str) else _n(value) for name, value in given.items()}
        element = SubElement(self.root if parent is None else parent, tag, attributes)
        element.text = clean(text) or None
        return element

    def _line(
        self, line: Sequence[tuple[float, ...]], style: str, width: float, *, opacity: float = 1, parent: Element | None = None
    ) -> None:
        given = {"class": style, "points": _points(line), "fill": "none", "stroke-width": width, "stroke-linejoin": "round"}
        self._add("polyline", given | ({"opacity": opacity} if opacity < 1 else {}), parent=parent)

    def _write(
        self, x: float, y: float, text: str, size: float, style: str = "f-ink", *, anchor: str = "start", weight: str = ""
    ) -> Element:
        given: dict[str, str | float] = {"class": style, "x": x, "y": y, "font-size": size}
        given |= {"text-anchor": anchor} if anchor != "start" else {}
        return self._add("text", given | ({"font-weight": weight} if weight else {}), text)
