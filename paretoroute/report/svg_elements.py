"""Shapes and colours of the SVG picture, one per model, in light and dark.

Colours follow Okabe and Ito (2008, "Color Universal Design"): colour-blind readers tell them apart too. From the
eighth model on they return with another shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from paretoroute.report.label_placement import Box

_LIGHT = {"paper": "#ffffff", "ink": "#1b1f24", "quiet": "#59636e", "rule": "#e3e7eb", "edge": "#9aa4ae"} | {
    f"m{i}": colour
    for i, colour in enumerate(("#0072b2", "#d55e00", "#009e73", "#b8568f", "#2f9bd8", "#c98700", "#5c5c5c"))
}
_DARK = {"paper": "#10151b", "ink": "#eef2f6", "quiet": "#a7b2bd", "rule": "#262e37", "edge": "#66717d"} | {
    f"m{i}": colour
    for i, colour in enumerate(("#4aa8e8", "#ff8a3d", "#2bc79a", "#e59cc4", "#8fd0f7", "#f2b84b", "#b5b5b5"))
}
_COLOURS = 7
_CORNERS = (0, 4, 3, 6)  # of a model's marker; 0 is a circle
_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"


def style() -> str:
    """Give the rules of both colour schemes; each stays inside the picture, so that a page around it keeps its own."""

    def rules(colours: Mapping[str, str]) -> str:
        return "".join(f".pr .f-{name}{{fill:{c}}}.pr .s-{name}{{stroke:{c}}}" for name, c in colours.items())

    dark = f"@media (prefers-color-scheme:dark){{{rules(_DARK)}}}"
    return f".pr{{font-family:{_FONTS}}}{rules(_LIGHT)}.pr .f-none{{fill:none}}{dark}"


def colour(model: int) -> str:
    """Name the colour of a model, as the style knows it."""
    return f"m{model % _COLOURS}"


def marker(model: int, x: float, y: float, radius: float, given: Mapping[str, str]) -> Element:
    """Draw the marker of a model, of the area of a circle of this radius."""
    corners = _CORNERS[model // _COLOURS % len(_CORNERS)]
    if not corners:
        return Element("circle", {**given, "cx": number(x), "cy": number(y), "r": number(radius)})
    reach = radius * math.sqrt(2 * math.pi / (corners * math.sin(2 * math.pi / corners)))
    turn = math.pi / 4 if corners == 4 else -math.pi / 2
    angles = [turn + 2 * math.pi * i / corners for i in range(corners)]
    around = [(x + reach * math.cos(angle), y + reach * math.sin(angle)) for angle in angles]
    return Element("polygon", {**given, "points": points(around)})


def star(x: float, y: float, radius: float) -> Element:
    """Draw the star of the policy."""
    angles = [math.pi * (i / 5 - 0.5) for i in range(10)]
    reach = [radius * (0.45 if i % 2 else 1.0) for i in range(10)]
    corners = [(x + r * math.cos(a), y + r * math.sin(a)) for r, a in zip(reach, angles, strict=True)]
    given = {"class": "f-ink s-paper", "stroke-width": "1.2", "stroke-linejoin": "round"}
    return Element("polygon", given | {"points": points(corners)})


def ring(x: float, y: float, radius: float) -> Element:
    """Draw the ring around the best single point."""
    given = {"class": "f-none s-ink", "stroke-width": "1.6", "stroke-dasharray": "3 2"}
    return Element("circle", given | {"cx": number(x), "cy": number(y), "r": number(radius)})


def line(through: Sequence[tuple[float, ...]], stroke: str, width: float, opacity: float = 1.0) -> Element:
    """Draw a line through points."""
    given = {"class": f"f-none {stroke}", "points": points(through), "stroke-width": number(width)}
    return Element("polyline", given | {"stroke-linejoin": "round", "opacity": number(opacity)})


def area(corners: Sequence[tuple[float, ...]], opacity: float) -> Element:
    """Draw a faint area."""
    return Element("polygon", {"class": "f-ink", "points": points(corners), "opacity": number(opacity)})


def text(x: float, y: float, words: str, size: float, fill: str = "f-ink", **given: str) -> Element:
    """Write a line; names in ``given`` have ``_`` for ``-``."""
    attributes = {name.replace("_", "-"): value for name, value in given.items()}
    element = Element("text", {"class": fill, "x": number(x), "y": number(y), "font-size": number(size), **attributes})
    element.text = clean(words)
    return element


def about(tag: str, words: str, **given: str) -> Element:
    """Make an element that is read rather than drawn: a title or a description."""
    element = Element(tag, given)
    element.text = clean(words)
    return element


def box(x: float, y: float, radius: float) -> Box:
    """Give the square around a circle."""
    return x - radius, y - radius, x + radius, y + radius


def points(corners: Sequence[tuple[float, ...]]) -> str:
    """Write points as SVG does."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)


def number(value: float) -> str:
    """Write a length to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def clean(words: str) -> str:
    """Replace line breaks and what no XML file may hold."""
    return "".join(char if _allowed(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in words)


def _allowed(code: int) -> bool:
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
