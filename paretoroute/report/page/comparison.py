"""A comparison of routers as a self-contained page: charts, and every figure of them in tables.

The figures are those of ``compare --format json``, which the page embeds. The charts are drawn from them by
``assets/comparison.js``; without a script the tables are all there is, and nothing is missing from them.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from paretoroute.evaluation.comparison import Comparison
from paretoroute.report.comparison import comparison_text, log_notices
from paretoroute.report.labels import PointLabels, labels_of_points
from paretoroute.report.page.calibration import add_calibration
from paretoroute.report.page.elements import add, add_sentence, add_terms, frame
from paretoroute.report.page.examples import add_examples
from paretoroute.report.page.losses import add_losses
from paretoroute.report.page.routers import add_routers
from paretoroute.report.page.scripts import data_text, libraries, own, source_of
from paretoroute.report.page.small_first import add_small_first
from paretoroute.report.page.surface import add_surface, logged_map
from paretoroute.runs.table import Runs

SECTIONS = {
    "routers": "Routers",
    "losses": "Where the default loses",
    "surface": "Surface",
    "small-first": "Small models first",
    "calibration": "Calibration",
    "examples": "Ten queries",
    "log": "About the log",
}


def comparison_page(comparison: Comparison, runs: Runs) -> str:
    """Write the page as text.

    Args:
        comparison: of routers on a log.
        runs: the log as it was read.
    """
    label = labels_of_points(runs.points)
    scripts = [*libraries(), own("comparison.js")]
    page = frame("Comparison of routers", scripts=[source_of(script) for script in scripts])
    _summary(page.main, comparison, label)
    _sections(page.main, comparison, runs, label)
    footer = "Charts by d3 7.9.0 and Observable Plot 0.6.17 (ISC licence, in the source of this page)."
    add(page.main, "footer", f"{footer} This page fetches nothing.")
    data = SubElement(page.body, "script", {"id": "comparison", "type": "application/json"})
    data.text = data_text(comparison.to_json())
    for script in scripts:
        SubElement(page.body, "script").text = script
    return "<!DOCTYPE html>\n" + tostring(page.root, encoding="unicode", method="html") + "\n"


def _summary(main: Element, comparison: Comparison, label: PointLabels) -> None:
    points = "point" if comparison.points == 1 else "points"
    add(main, "h1", f"Routers on {comparison.queries:,} queries at {comparison.points} {points}")
    verdict, *entries = comparison_text(comparison, label).entries
    add_sentence(main, "p", label.in_text(verdict.text), {"class": "verdict"})
    add_terms(main, [(entry.key, entry.text) for entry in entries if entry.key != "left out"])
    contents = SubElement(main, "nav", {"aria-label": "Sections"})
    for key, title in SECTIONS.items():
        add(contents, "a", title, {"href": f"#{key}"})


def _sections(main: Element, comparison: Comparison, runs: Runs, label: PointLabels) -> None:
    details = comparison.details
    add_routers(_section(main, "routers"), comparison)
    add_losses(_section(main, "losses"), comparison)
    _surface(_section(main, "surface"), comparison)
    add_small_first(_section(main, "small-first"), details, label)
    add_calibration(_section(main, "calibration"), comparison)
    add_examples(_section(main, "examples"), details.examples, label)
    notices = SubElement(_section(main, "log"), "ul")
    for entry in log_notices(runs, comparison, label).entries:
        add_sentence(notices, "li", entry.text)


def _section(main: Element, key: str) -> Element:
    section = SubElement(main, "section", {"id": key, "aria-labelledby": f"{key}-title"})
    add(section, "h2", SECTIONS[key], {"id": f"{key}-title"})
    return section


def _surface(section: Element, comparison: Comparison) -> None:
    surface = comparison.details.surface
    everything, *kinds = surface.parts
    text = (
        "Logged means of every model at every budget: paler is less, fuller is more; ± is the 90% interval of the mean."
    )
    add(section, "p", text)
    SubElement(section, "div", {"class": "controls", "id": "kind-of-query"})
    first = SubElement(section, "div", {"class": "part"})
    add_surface(first, logged_map(surface, everything), of=f"all {everything.queries:,} queries")
    for part in kinds:
        about = f"{part.tag}, {part.queries:,} queries"
        folded = SubElement(section, "details", {"class": "part"})
        add(folded, "summary", about)
        add_surface(folded, logged_map(surface, part), of=about)
