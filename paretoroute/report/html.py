"""A policy as a self-contained page for a browser: the picture, and its figures as tables. It has no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from paretoroute.policy.schema import PolicyDocument
from paretoroute.price import decimals_of, per_thousand
from paretoroute.report.captions import interval_text, percent
from paretoroute.report.chart.figure import Dot, chart_of
from paretoroute.report.notices import notices
from paretoroute.report.picture.svg import picture
from paretoroute.report.picture.svg_elements import clean
from paretoroute.report.text import summary, trade_off_rows

_COST_HEAD = "USD per 1,000 queries"
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;max-width:960px;margin:2rem auto;
padding:0 1rem;background:#f6f8fa;color:#1b1f24}
h1{font-size:1.6rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem}
dt{color:#59636e}
dd{margin:0;overflow-wrap:anywhere}
.number{white-space:nowrap;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
.scroll svg{display:block;width:100%;min-width:44rem;height:auto}
table{border-collapse:separate;border-spacing:0;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #d8dee4;white-space:nowrap}
th.name{text-align:left;overflow-wrap:anywhere;white-space:normal;min-width:9rem;
position:sticky;left:0;background:#f6f8fa}
thead th{font-weight:600;color:#59636e;vertical-align:bottom}
tbody th{font-weight:400}
tr.used th,tr.used td,tr.here th,tr.here td{font-weight:600}
ul{padding-left:1.2rem;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{background:#0a0e13;color:#eef2f6}
th,td{border-color:#262e37}th.name{background:#0a0e13}thead th,dt{color:#a7b2bd}}
"""
_NUMBER = re.compile(r"[<+-]?[x$]?[$]?\d[\d.,]*\d%?(?: \[[^\[\]]+\])?|\[[^\[\]]+, [^\[\]]+\]")


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
    _summary(main, document)
    frame = SubElement(main, "div", {"class": "scroll"})
    frame.append(picture(document, is_alone=False))
    _points(main, document)
    _trade_off(main, document)
    _findings(main, document)
    return root


def _summary(main: Element, document: PolicyDocument) -> None:
    terms = SubElement(main, "dl")
    for entry in summary(document).entries:
        _add(terms, "dt", entry.key)
        _add_sentence(terms, "dd", entry.text)


def _findings(main: Element, document: PolicyDocument) -> None:
    texts = [*([document.fitted_on.assumption] if document.fitted_on.assumption else []), *notices(document)]
    if texts:
        _add(main, "h2", "About the log")
        findings = SubElement(main, "ul")
        for text in texts:
            _add_sentence(findings, "li", text)


def _points(main: Element, document: PolicyDocument) -> None:
    chart = chart_of(document)
    decimals = decimals_of(dot.cost_usd for dot in chart.dots)

    def row(dot: Dot) -> _Row:
        note = "best single point" if dot.best else "–" if dot.logged else "never logged"
        interval = [interval_text(dot.interval, "{:.3f} to {:.3f}") or "–"] * chart.intervals
        cells = [f"{dot.quality:.3f}", *interval, per_thousand(dot.cost_usd, decimals), percent(dot.share), note]
        return _Row("used" if dot.share > 0 else "unused", [dot.name, *cells])

    interval = ["90% interval"] * chart.intervals
    heads = ("point", "quality", *interval, _COST_HEAD, "share of calls", "note")
    _table(main, "Points", heads, [row(dot) for dot in chart.dots])


def _trade_off(main: Element, document: PolicyDocument) -> None:
    offers = trade_off_rows(document)
    decimals = decimals_of(offer.cost_usd for offer in offers)
    rows = []
    for offer in offers:
        ratio = offer.ratio(document)
        interval = "–" if offer.low is None or offer.high is None else f"{offer.low:.3f} to {offer.high:.3f}"
        figures = [per_thousand(offer.cost_usd, decimals), f"{offer.quality:.3f}", interval]
        cells = [offer.name, *figures, "–" if ratio is None else f"×{ratio:.3f}"]
        rows.append(_Row("here" if offer.kind == "policy" else "", cells))
    heads = ("policy", _COST_HEAD, "quality", "90% interval", "cost, best single = 1")
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


def _add_sentence(parent: Element, tag: str, text: str) -> None:
    """Add a sentence whose numbers and intervals stay on one line."""
    element = SubElement(parent, tag)
    text, end, last = clean(text), 0, None
    for number in _NUMBER.finditer(text):
        between = text[end : number.start()]
        if last is None:
            element.text = between
        else:
            last.tail = between
        last, end = SubElement(element, "span", {"class": "number"}), number.end()
        last.text = number[0]
    if last is None:
        element.text = text
    else:
        last.tail = text[end:]


def _add(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    SubElement(parent, tag, attributes or {}).text = clean(text) or " "
