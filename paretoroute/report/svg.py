"""The picture of a policy in SVG: cost per query to the right, quality upwards, what the policy calls filled."""

from __future__ import annotations

import math
import textwrap
from xml.etree.ElementTree import Element, SubElement

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report import svg_elements as shapes
from paretoroute.report.captions import described, expected, headline, named, percent, short, told
from paretoroute.report.figure import Dot, chart
from paretoroute.report.label_placement import Box, Wanted, place, sampled, text_width

_WIDTH, _LEFT, _RIGHT, _HEIGHT = 960.0, 66.0, 24.0, 440.0
_TEXT, _SMALL = 13.0, 12.0
_HEADLINE = 138  # characters to a line
_STAR, _RING = 11.0, 5.0
_BOLD = 1.1  # how much wider bold letters are


def picture(document: PolicyDocument) -> Element:
    """Draw a policy as an SVG element."""
    return _Picture(document).root


class _Picture:
    """The element tree, drawn from the back to the front, and where things go in it."""

    def __init__(self, document: PolicyDocument) -> None:
        self.document = document
        self.found = document.expected
        self.chart = chart(document)
        self.rows = sorted(document.trade_off, key=lambda row: (row.cost_usd, row.quality))
        head = [line for said in headline(document) for line in textwrap.wrap(said, _HEADLINE)]
        self.top = 66.0 + 18 * len(head)
        self.bottom = self.top + _HEIGHT
        self.star = self.x(self.found.cost_usd), self.y(self.found.quality)
        self.root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "pr", "role": "img"})
        self.root.set("aria-labelledby", "pr-title pr-desc")
        self.root.append(shapes.about("title", f"Policy {document.name}: quality over cost", id="pr-title"))
        self.root.append(shapes.about("desc", described(document, self.chart), id="pr-desc"))
        self.root.append(shapes.about("style", shapes.style()))
        paper = SubElement(self.root, "rect", {"class": "f-paper", "width": "100%", "height": "100%"})
        self._header(head)
        self._axes()
        self._frontier()
        self._dots()
        self._policy()
        self._labels()
        height = shapes.number(self._legend(self._key(self.bottom + 76)))
        paper.set("rx", "6")
        for name, value in (("viewBox", f"0 0 {_WIDTH:g} {height}"), ("width", f"{_WIDTH:g}"), ("height", height)):
            self.root.set(name, value)

    def x(self, usd: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * self.chart.cost.place(usd)

    def y(self, quality: float) -> float:
        return self.top + _HEIGHT * (1 - self.chart.quality.place(quality))

    def at(self, dot: Dot) -> tuple[float, float]:
        return self.x(dot.cost_usd), self.y(dot.quality)

    def _header(self, head: list[str]) -> None:
        self.root.append(shapes.text(24, 36, short(self.document.name, 76), 20, font_weight="600"))
        for i, words in enumerate(head):
            self.root.append(shapes.text(24, 61 + 18 * i, words, _TEXT, "f-quiet"))

    def _axes(self) -> None:
        right, add = _WIDTH - _RIGHT, self.root.append
        for quality, words in self.chart.quality.ticks():
            y = self.y(quality)
            add(shapes.line([(_LEFT, y), (right, y)], "s-rule", 1))
            add(shapes.text(_LEFT - 9, y + 4, words, _SMALL, "f-quiet", text_anchor="end"))
        for usd, words in self.chart.cost.ticks():
            x = self.x(usd)
            add(shapes.line([(x, self.top), (x, self.bottom)], "s-rule", 1))
            add(shapes.text(x, self.bottom + 19, words, _SMALL, "f-quiet", text_anchor="middle"))
        add(shapes.line([(_LEFT, self.bottom), (right, self.bottom)], "s-edge", 1))
        words, middle = "mean cost per query, USD, logarithmic", (_LEFT + right) / 2
        add(shapes.text(middle, self.bottom + 42, words, _TEXT, text_anchor="middle"))
        y = self.top + _HEIGHT / 2
        turn = f"rotate(-90 20 {shapes.number(y)})"
        add(shapes.text(20, y, "mean quality", _TEXT, text_anchor="middle", transform=turn))

    def _frontier(self) -> None:
        if self.rows:
            upper = [(self.x(row.cost_usd), self.y(row.quality_high)) for row in self.rows]
            lower = [(self.x(row.cost_usd), self.y(row.quality_low)) for row in self.rows]
            self.root.append(shapes.area(upper + lower[::-1], 0.08))
            middle = [(self.x(row.cost_usd), self.y(row.quality)) for row in self.rows]
            self.root.append(shapes.line(middle, "s-ink", 3, 0.75))

    def _dots(self) -> None:
        for before, dot in zip(self.chart.dots, self.chart.dots[1:], strict=False):
            if dot.joined:
                self.root.append(
                    shapes.line([self.at(before), self.at(dot)], f"s-{shapes.colour(dot.model)}", 1.3, 0.5)
                )
        for dot in sorted(self.chart.dots, key=_radius, reverse=True):  # the small ones in front
            group = SubElement(self.root, "g")
            group.append(shapes.about("title", told(dot)))
            if dot.best:
                group.append(shapes.ring(*self.at(dot), _radius(dot) + _RING))
            colour = shapes.colour(dot.model)
            style = {"class": f"f-{colour if dot.share > 0 else 'paper'} s-{colour}", "stroke-width": "1.8"}
            style |= {"fill-opacity": "0.8"} if dot.share > 0 else {}
            group.append(shapes.marker(dot.model, *self.at(dot), _radius(dot), style))

    def _policy(self) -> None:
        (x, y), found = self.star, self.found
        low, high = self.x(found.cost_usd_low), self.x(found.cost_usd_high)
        up, down = self.y(found.quality_high), self.y(found.quality_low)
        group = SubElement(self.root, "g")
        group.append(shapes.about("title", f"this policy: {expected(self.document)}"))
        strokes = [[(low, y), (high, y)], [(x, up), (x, down)]]
        strokes += [[(end, y - 4), (end, y + 4)] for end in (low, high)]
        strokes += [[(x - 4, end), (x + 4, end)] for end in (up, down)]
        for stroke in strokes:
            group.append(shapes.line(stroke, "s-ink", 1.6))
        group.append(shapes.star(x, y, _STAR))

    def _labels(self) -> None:
        dots = named(self.chart.dots)
        texts = ["this policy", *(short(dot.name, 34) for dot in dots)]
        strong = [True, *(dot.share > 0 or dot.best for dot in dots)]
        spots = [(*self.star, _STAR), *((*self.at(dot), _radius(dot) + _RING * dot.best) for dot in dots)]
        wanted = [
            Wanted(*spot, text_width(words, _SMALL) * (_BOLD if bold else 1) + 6, _SMALL + 4)
            for spot, words, bold in zip(spots, texts, strong, strict=True)
        ]
        inside = (_LEFT + 4, self.top + 2, _WIDTH - _RIGHT, self.bottom - 2)
        placed = place(wanted, inside, self._covered(), self._crossed())
        for label in placed:
            if label.leader is not None:
                self.root.append(shapes.line([label.leader[:2], label.leader[2:]], "s-edge", 1))
        for label, words, bold in zip(placed, texts, strong, strict=True):
            fill, weight = ("f-ink", "600") if bold else ("f-quiet", "400")
            halo = {"paint_order": "stroke", "stroke_width": "3", "stroke_linejoin": "round", "font_weight": weight}
            self.root.append(shapes.text(label.x + 3, label.y + 4, words, _SMALL, f"{fill} s-paper", **halo))

    def _covered(self) -> list[Box]:
        """What no name may cover: dots, and the policy's star with its cross."""
        found, (x, y) = self.found, self.star
        dots = [shapes.box(*self.at(dot), _radius(dot) + 1 + _RING * dot.best) for dot in self.chart.dots]
        cross = sampled([(self.x(found.cost_usd_low), y), (self.x(found.cost_usd_high), y)])
        cross += sampled([(x, self.y(found.quality_low)), (x, self.y(found.quality_high))])
        return [*dots, *cross, shapes.box(x, y, _STAR)]

    def _crossed(self) -> list[Box]:
        """What a name should rather not cover: lines."""
        boxes = sampled([(self.x(row.cost_usd), self.y(row.quality)) for row in self.rows])
        for before, dot in zip(self.chart.dots, self.chart.dots[1:], strict=False):
            if dot.joined:
                boxes += sampled([self.at(before), self.at(dot)], 12.0)
        return boxes

    def _key(self, y: float) -> float:
        """Say what the signs mean; the result is where the next line goes."""
        signs = {
            "policies' frontier, 90% interval": (
                shapes.area([(0, -7), (26, -7), (26, 7), (0, 7)], 0.1),
                shapes.line([(0, 0), (26, 0)], "s-ink", 3, 0.75),
            ),
            "this policy, 90% intervals": (shapes.star(13, 0, 9),),
            "best single point": (shapes.ring(13, 0, 8),),
            "called; area: share of calls": (shapes.marker(0, 13, 0, 7, {"class": "f-quiet"}),),
            "never called": (shapes.marker(0, 13, 0, 4, {"class": "f-paper s-quiet", "stroke-width": "1.8"}),),
        }
        x = 24.0
        for words, sign in signs.items():
            group = SubElement(self.root, "g", {"transform": f"translate({shapes.number(x)} {shapes.number(y - 4)})"})
            group.extend(sign)
            self.root.append(shapes.text(x + 32, y, words, _SMALL, "f-quiet"))
            x += 32 + 0.92 * text_width(words, _SMALL) + 16
        return y + 30

    def _legend(self, y: float) -> float:
        """List every point under its model; the result is the bottom of the picture."""
        for number, model in enumerate(self.chart.models):
            self.root.append(shapes.marker(number, 37, y - 4, 6, {"class": f"f-{shapes.colour(number)}"}))
            self.root.append(shapes.text(56, y, short(model, 60), _SMALL, font_weight="600"))
            x = max(56 + _BOLD * text_width(short(model, 60), _SMALL) + 24, 190)  # 24: some bold fonts are wider yet
            for dot in (dot for dot in self.chart.dots if dot.model == number):
                words = f"{short(dot.label, 60)} {percent(dot.share)}"
                if x + text_width(words, _SMALL) > _WIDTH - _RIGHT:
                    x, y = 190.0, y + 18
                used = dot.share > 0
                self.root.append(shapes.text(x, y, words, _SMALL, "f-ink" if used else "f-quiet"))
                x += text_width(words, _SMALL) + 16
            y += 22
        return y + 4


def _radius(dot: Dot) -> float:
    """Give the radius at which area follows the share, from a least size on."""
    return math.sqrt(16 + 380 * dot.share) if dot.share > 0 else 4.0
