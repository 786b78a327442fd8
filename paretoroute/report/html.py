"""A policy as a self-contained page for a browser: the picture, and its figures as tables. It has no script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.captions import headline, interval_text, percent
from paretoroute.report.figure import Dot, chart_of, decimals
from paretoroute.report.svg import picture
from paretoroute.report.svg_elements import clean
from paretoroute.report.text import money

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;max-width:960px;margin:2rem auto;
padding:0 1rem;background:#f6f8fa;color:#1b1f24}
svg{width:100%;height:auto}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #d8dee4}
th.name{text-align:left;overflow-wrap:anywhere;min-width:9rem}
td{white-space:nowrap}
thead th{font-weight:600;color:#59636e}
tbody th{font-weight:400}
tr.used th,tr.used td,tr.here th,tr.here td{font-weight:600}
ul{padding-left:1.2rem}
@media (prefers-color-scheme:dark){body{background:#0a0e13;color:#eef2f6}
th,td{border-color:#262e37}thead th{color:#a7b2bd}}
"""


class _Row(NamedTuple):
    """A row of a table: its CSS class, and its cells, the first of which names it."""

    kind: str
    cells: Sequence[str]


def page(document: PolicyDocument) -> Element:
    """Build the page's element tree; it is well-formed XML too."""
    root = Element("html", {"lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"})
    head, body = SubElement(root, "head"), SubElement(root, "body")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    _add(head, "title", f"Policy {document.name}")
    _add(head, "style", _STYLE.replace("\n", " "))
    main = SubElement(body, "main")
    _add(main, "h1", document.name)
    for sentence in headline(document):
        _add(main, "p", sentence)
    main.append(picture(document))
    _points(main, document)
    _trade_off(main, document)
    if document.fitted_on.findings or document.fitted_on.assumption:
        _add(main, "h2", "Findings in the log")
        findings = SubElement(main, "ul")
        for text in (*document.fitted_on.findings, document.fitted_on.assumption):
            if text:
                _add(findings, "li", text)
    return root


def _points(main: Element, document: PolicyDocument) -> None:
    chart = chart_of(document)
    digits = decimals(1000 * dot.cost_usd for dot in chart.dots)

    def row(dot: Dot) -> _Row:
        note = "best single point" if dot.best else "–" if dot.logged else "never logged"
        interval = [interval_text(dot.interval, "{:.3f} to {:.3f}") or "–"] * chart.intervals
        cells = [f"{dot.quality:.3f}", *interval, f"{1000 * dot.cost_usd:,.{digits}f}", percent(dot.share), note]
        return _Row("used" if dot.share > 0 else "unused", [dot.name, *cells])

    interval = ["90% interval"] * chart.intervals
    heads = ("point", "quality", *interval, "USD per 1,000 queries", "share of calls", "note")
    _table(main, "Points", heads, [row(dot) for dot in chart.dots])


def _trade_off(main: Element, document: PolicyDocument) -> None:
    expected, best = document.expected, document.expected.best_single
    policy = (expected.cost_usd, expected.quality, expected.quality_low, expected.quality_high)
    frontier = [(row.cost_usd, row.quality, row.quality_low, row.quality_high) for row in document.trade_off]
    rows = []
    for cost, quality, low, high in sorted([*frontier, policy]):
        is_policy = (cost, quality, low, high) == policy
        name = "this policy" if is_policy else "frontier"
        ratio = f"×{cost / best.cost_usd:.3f}" if best.cost_usd > 0 else "–"
        cells = [name, money(cost), f"{quality:.3f}", f"{low:.3f} to {high:.3f}", ratio]
        rows.append(_Row("here" if is_policy else "", cells))
    heads = ("policy", "cost per query", "quality", "90% interval", "cost, best single = 1")
    _table(main, "Trade-off, out of fold", heads, rows)


def _table(main: Element, caption: str, heads: Sequence[str], rows: Sequence[_Row]) -> None:
    _add(main, "h2", caption)
    frame = SubElement(main, "div", {"class": "scroll"})
    table = SubElement(frame, "table", {"aria-label": caption})
    top = SubElement(SubElement(table, "thead"), "tr")
    for i, head in enumerate(heads):
        _add(top, "th", head, {"scope": "col", "class": "" if i else "name"})
    body = SubElement(table, "tbody")
    for row in rows:
        line = SubElement(body, "tr", {"class": row.kind})
        _add(line, "th", row.cells[0], {"scope": "row", "class": "name"})
        for cell in row.cells[1:]:
            _add(line, "td", cell)


def _add(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    SubElement(parent, tag, attributes or {}).text = clean(text) or " "
