"""A policy as a self-contained page for a browser: the picture, and its figures as tables. It has no script."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from paretoroute.policy.schema import PolicyDocument
from paretoroute.price import decimals_of, per_thousand
from paretoroute.report.captions import interval_text, percent
from paretoroute.report.chart.figure import Dot, chart_of
from paretoroute.report.notices import notices
from paretoroute.report.page.elements import Line, add, add_scroll, add_sentence, add_table, add_terms, frame
from paretoroute.report.page.surface import add_surface, policy_map
from paretoroute.report.picture.svg import picture
from paretoroute.report.text import summary, trade_off_rows

_COST_HEAD = "USD per 1,000 queries"


def page(document: PolicyDocument) -> Element:
    """Build the page's element tree; it is well-formed XML too."""
    root, _, main = frame(f"Policy {document.name}")
    add(main, "h1", document.name)
    add_terms(main, [(entry.key, entry.text) for entry in summary(document).entries])
    add_scroll(main, "Quality over cost").append(picture(document, is_alone=False))
    _surface(main, document)
    _points(main, document)
    _trade_off(main, document)
    _findings(main, document)
    return root


def _surface(main: Element, document: PolicyDocument) -> None:
    add(main, "h2", "Surface")
    text = "Mean quality and cost of every point: paler is less, fuller is more; ± is the 90% interval of the mean."
    add(main, "p", text)
    add_surface(main, policy_map(document))


def _findings(main: Element, document: PolicyDocument) -> None:
    texts = [*([document.fitted_on.assumption] if document.fitted_on.assumption else []), *notices(document)]
    if texts:
        add(main, "h2", "About the log")
        findings = SubElement(main, "ul")
        for text in texts:
            add_sentence(findings, "li", text)


def _points(main: Element, document: PolicyDocument) -> None:
    chart = chart_of(document)
    decimals = decimals_of(dot.cost_usd for dot in chart.dots)

    def row(dot: Dot) -> Line:
        note = "best single point" if dot.best else "–" if dot.logged else "never logged"
        interval = [interval_text(dot.interval, "{:.3f} to {:.3f}") or "–"] * chart.intervals
        cells = [f"{dot.quality:.3f}", *interval, per_thousand(dot.cost_usd, decimals), percent(dot.share), note]
        return Line("used" if dot.share > 0 else "unused", [dot.name, *cells])

    interval = ["90% interval"] * chart.intervals
    heads = ("point", "quality", *interval, _COST_HEAD, "share of calls", "note")
    add(main, "h2", "Points")
    add_table(main, "Points", heads, [row(dot) for dot in chart.dots])


def _trade_off(main: Element, document: PolicyDocument) -> None:
    offers = trade_off_rows(document)
    decimals = decimals_of(offer.cost_usd for offer in offers)
    rows = []
    for offer in offers:
        ratio = offer.ratio(document)
        interval = "–" if offer.low is None or offer.high is None else f"{offer.low:.3f} to {offer.high:.3f}"
        figures = [per_thousand(offer.cost_usd, decimals), f"{offer.quality:.3f}", interval]
        cells = [offer.name, *figures, "–" if ratio is None else f"×{ratio:.3f}"]
        rows.append(Line("here" if offer.kind == "policy" else "", cells))
    heads = ("policy", _COST_HEAD, "quality", "90% interval", "cost, best single = 1")
    add(main, "h2", "Trade-off, out of fold")
    add_table(main, "Trade-off, out of fold", heads, rows)
