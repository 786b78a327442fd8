"""Elements of the SVG picture: shapes, text and the colours of models, in light and dark.

Colours follow Okabe and Ito (2008, "Color Universal Design"), which colour-blind readers can tell apart. From the
eighth model on they repeat with another shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from paretoroute.report.picture.label_placement import Box, Spot

_LIGHT = {"paper": "#ffffff", "ink": "#1b1f24", "quiet": "#59636e", "rule": "#e3e7eb", "edge": "#9aa4ae"} | {
    f"m{i}": colour
    for i, colour in enumerate(("#0072b2", "#d55e00", "#009e73", "#b8568f", "#2f9bd8", "#c98700", "#5c5c5c"))
}
_DARK = {"paper": "#10151b", "ink": "#eef2f6", "quiet": "#a7b2bd", "rule": "#262e37", "edge": "#66717d"} | {
    f"m{i}": colour
    for i, colour in enumerate(("#4aa8e8", "#ff8a3d", "#2bc79a", "#e59cc4", "#8fd0f7", "#f2b84b", "#b5b5b5"))
}
_COLOURS = 7
_CORNERS = (0, 4, 3, 6)  # number of corners of a model's marker; 0 is a circle
_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"


def style() -> str:
    """Return the rules of both colour schemes, limited to the picture so that a page around it keeps its own."""

    def rules(colours: Mapping[str, str]) -> str:
        return "".join(f".pr .f-{name}{{fill:{c}}}.pr .s-{name}{{stroke:{c}}}" for name, c in colours.items())

    dark = f"@media (prefers-color-scheme:dark){{{rules(_DARK)}}}"
    return f".pr{{font-family:{_FONTS}}}{rules(_LIGHT)}.pr .f-none{{fill:none}}{dark}"


def colour(model: int) -> str:
    """Return the name of a model's colour in the style."""
    return f"m{model % _COLOURS}"


def marker(model: int, at: Spot, radius: float, attributes: Mapping[str, str]) -> Element:
    """Draw the marker of a model, with the area of a circle of this radius."""
    corners = _CORNERS[model // _COLOURS % len(_CORNERS)]
    if not corners:
        return Element("circle", {**attributes, **_centre(at, radius)})
    reach = radius * math.sqrt(2 * math.pi / (corners * math.sin(2 * math.pi / corners)))
    turn = math.pi / 4 if corners == 4 else -math.pi / 2
    angles = [turn + 2 * math.pi * i / corners for i in range(corners)]
    around = [Spot(at.x + reach * math.cos(angle), at.y + reach * math.sin(angle)) for angle in angles]
    return Element("polygon", {**attributes, "points": points(around)})


def star(at: Spot, radius: float) -> Element:
    """Draw the star of the policy."""
    angles = [math.pi * (i / 5 - 0.5) for i in range(10)]
    reach = [radius * (0.45 if i % 2 else 1.0) for i in range(10)]
    corners = [Spot(at.x + r * math.cos(a), at.y + r * math.sin(a)) for r, a in zip(reach, angles, strict=True)]
    attributes = {"class": "f-ink s-paper", "stroke-width": "1.2", "stroke-linejoin": "round"}
    return Element("polygon", attributes | {"points": points(corners)})


def ring(at: Spot, radius: float) -> Element:
    """Draw the ring around the best single point."""
    attributes = {"class": "f-none s-ink", "stroke-width": "1.6", "stroke-dasharray": "3 2"}
    return Element("circle", attributes | _centre(at, radius))


def line(through: Sequence[Spot], stroke: str, width: float, opacity: float = 1.0) -> Element:
    """Draw a line through places."""
    attributes = {"class": f"f-none {stroke}", "points": points(through), "stroke-width": number(width)}
    return Element("polyline", attributes | {"stroke-linejoin": "round", "opacity": number(opacity)})


def area(corners: Sequence[Spot], opacity: float) -> Element:
    """Draw a faint area."""
    return Element("polygon", {"class": "f-ink", "points": points(corners), "opacity": number(opacity)})


def text(at: Spot, line: str, *, size: float, fill: str = "f-ink", **attributes: str) -> Element:
    """Write a line of text; names in ``attributes`` have ``_`` for ``-``."""
    hyphenated = {name.replace("_", "-"): value for name, value in attributes.items()}
    place = {"class": fill, "x": number(at.x), "y": number(at.y), "font-size": number(size)}
    element = Element("text", {**place, **hyphenated})
    element.text = clean(line)
    return element


def unseen(tag: str, content: str, **attributes: str) -> Element:
    """Make an element that is read rather than drawn: a title, a description or a style."""
    element = Element(tag, attributes)
    element.text = clean(content)
    return element


def box(at: Spot, radius: float) -> Box:
    """Return the square around a circle."""
    return Box(at.x - radius, at.y - radius, at.x + radius, at.y + radius)


def points(corners: Sequence[Spot]) -> str:
    """Format places as SVG does."""
    return " ".join(f"{number(corner.x)},{number(corner.y)}" for corner in corners)


def number(value: float) -> str:
    """Format a length to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def clean(content: str) -> str:
    """Replace line breaks and characters that XML does not allow."""
    return "".join(char if _allowed(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in content)


def _centre(at: Spot, radius: float) -> dict[str, str]:
    return {"cx": number(at.x), "cy": number(at.y), "r": number(radius)}


def _allowed(code: int) -> bool:
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
