"""A policy as a page for a browser: the picture, and its figures as tables. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.captions import ends, headline, percent
from paretoroute.report.figure import Dot, chart, decimals
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
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #d8dee4;overflow-wrap:anywhere}
th.name,td.name{text-align:left}
thead th{font-weight:600;color:#59636e}
tbody th{font-weight:400}
tr.used th,tr.used td,tr.here th,tr.here td{font-weight:600}
ul{padding-left:1.2rem}
@media (prefers-color-scheme:dark){body{background:#0a0e13;color:#eef2f6}
th,td{border-color:#262e37}thead th{color:#a7b2bd}}
"""


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
    for words in headline(document):
        _add(main, "p", words)
    main.append(picture(document))
    _points(main, document)
    _trade_off(main, document)
    if document.fitted_on.findings or document.fitted_on.assumption:
        _add(main, "h2", "What was found in the log")
        findings = SubElement(main, "ul")
        for text in (*document.fitted_on.findings, document.fitted_on.assumption):
            if text:
                _add(findings, "li", text)
    return root


def _points(main: Element, document: PolicyDocument) -> None:
    shown = chart(document)
    digits = decimals(1000 * dot.cost_usd for dot in shown.dots)

    def row(dot: Dot) -> tuple[str, list[str]]:
        note = "best single point" if dot.best else "–" if dot.logged else "never logged"
        interval = [ends(dot.interval, "{:.3f} to {:.3f}") or "–"] * shown.intervals
        cells = [f"{dot.quality:.3f}", *interval, f"{1000 * dot.cost_usd:,.{digits}f}", percent(dot.share), note]
        return "used" if dot.share > 0 else "unused", [dot.name, *cells]

    interval = ["90% interval"] * shown.intervals
    heads = ("point", "quality", *interval, "USD per 1,000 queries", "share of calls", "note")
    _table(main, "Points", heads, [row(dot) for dot in shown.dots])


def _trade_off(main: Element, document: PolicyDocument) -> None:
    found, best = document.expected, document.expected.best_single
    here = (found.cost_usd, found.quality, found.quality_low, found.quality_high)
    rows = [(row.cost_usd, row.quality, row.quality_low, row.quality_high) for row in document.trade_off]
    cells = []
    for cost, quality, low, high in sorted([*rows, here]):
        mine = (cost, quality, low, high) == here
        ratio = f"×{cost / best.cost_usd:.3f}" if best.cost_usd > 0 else "–"
        interval = f"{low:.3f} to {high:.3f}"
        name = "this policy" if mine else "frontier"
        cells.append(("here" if mine else "", [name, money(cost), f"{quality:.3f}", interval, ratio]))
    heads = ("policy", "cost per query", "quality", "90% interval", "cost, best single = 1")
    _table(main, "Trade-off, out of fold", heads, cells)


def _table(main: Element, caption: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    _add(main, "h2", caption)
    frame = SubElement(main, "div", {"class": "scroll"})
    table = SubElement(frame, "table", {"aria-label": caption})
    top = SubElement(SubElement(table, "thead"), "tr")
    for i, words in enumerate(heads):
        _add(top, "th", words, {"scope": "col", "class": "" if i else "name"})
    body = SubElement(table, "tbody")
    for kind, cells in rows:
        line = SubElement(body, "tr", {"class": kind})
        _add(line, "th", cells[0], {"scope": "row", "class": "name"})
        for words in cells[1:]:
            _add(line, "td", words)


def _add(parent: Element, tag: str, words: str, given: dict[str, str] | None = None) -> None:
    SubElement(parent, tag, given or {}).text = clean(words) or " "
