"""Reports: a policy for a terminal, as an SVG file and as a page; a comparison as text and as a page; replays as text.

May import evaluation and everything below it. It draws and formats; printing is the command line's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paretoroute.evaluation.comparison import Comparison
    from paretoroute.policy.schema import PolicyDocument
    from paretoroute.report.terminal import Overview
    from paretoroute.runs.table import Runs


def to_terminal(document: PolicyDocument) -> Overview:
    """Lay a policy out for a terminal: its summary, its points, its trade-off, and quality over cost.

    The layout fits the width it is printed at, and uses ASCII alone where the output takes no more. Its ``plain()`` is
    the text for a pipe, without the plot.
    """
    from paretoroute.report.terminal import Overview

    return Overview(document)


def to_svg(document: PolicyDocument) -> str:
    """Draw quality over cost as a self-contained SVG file, light or dark as the reader prefers.

    It shows every point of the grid, the frontier that mixtures reach, and the policy with its 90% intervals. Its title
    and description are for screen readers.
    """
    from xml.etree.ElementTree import indent, tostring

    from paretoroute.report.picture.svg import picture

    root = picture(document)
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def to_html(document: PolicyDocument) -> str:
    """Draw a policy as a self-contained page: the picture, its surface, its points and its trade-off as tables."""
    from xml.etree.ElementTree import tostring

    from paretoroute.report.page.policy import page

    return "<!DOCTYPE html>\n" + tostring(page(document), encoding="unicode", short_empty_elements=True) + "\n"


def comparison_to_html(comparison: Comparison, runs: Runs) -> str:
    """Draw a comparison of routers as a self-contained page with charts, whose figures are those of its JSON.

    It works offline and fetches nothing. Without a script all figures stand in its tables.

    Args:
        comparison: of routers on a log.
        runs: the log as it was read.
    """
    from paretoroute.report.page.comparison import comparison_page

    return comparison_page(comparison, runs)
