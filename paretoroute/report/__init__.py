"""Pictures of a policy: for a terminal, as an SVG file, as a page for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import indent, tostring

from paretoroute.policy.schema import PolicyDocument

if TYPE_CHECKING:
    from rich.console import RenderableType


def to_terminal(document: PolicyDocument) -> RenderableType:
    """Lay a policy out for a terminal: what it does, its points, its trade-off, and quality over cost.

    It fits the width it is printed at, and stays with ASCII where the output takes no more.
    """
    from paretoroute.report.terminal import layout

    return layout(document)


def to_svg(document: PolicyDocument) -> str:
    """Draw quality over cost as a self-contained SVG file.

    Every point of the grid, the frontier of policies and the policy with their 90% intervals; light or dark as the
    reader prefers. Its title and description say the same in words.
    """
    from paretoroute.report.svg import picture

    root = picture(document)
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def to_html(document: PolicyDocument) -> str:
    """Draw a policy as a self-contained page: the picture, its points and its trade-off as tables."""
    from paretoroute.report.html import page

    return "<!DOCTYPE html>\n" + tostring(page(document), encoding="unicode", short_empty_elements=True) + "\n"
