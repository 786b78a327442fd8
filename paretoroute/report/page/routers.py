"""The routers of a comparison on its page: their curves and their table."""

from __future__ import annotations

from statistics import fmean
from xml.etree.ElementTree import Element, SubElement

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison, RouterResult
from paretoroute.evaluation.details.curves import RouterCurve
from paretoroute.price import UNIT, decimals_of, dollars_text, per_thousand
from paretoroute.report.captions import percent
from paretoroute.report.page.elements import Line, add, add_details, add_sentence, add_table

NO_SCRIPT = "The chart needs a script; all of its figures stand in the tables below."


def add_routers(section: Element, comparison: Comparison) -> None:
    """Add the chart of curves, the table of routers, the figures of the curves, and the routers left out."""
    ends = (comparison.from_cost_usd, comparison.best_single_cost_usd)
    low, high = (dollars_text(per_thousand(cost, decimals_of(ends))) for cost in ends)
    add_sentence(
        section,
        "p",
        f"Every query was held out once in {comparison.folds} folds. Each router chose its settings on the training "
        f"side for cost targets of {low} to {high} {UNIT}; it is judged by what it really spent and got.",
    )
    add_chart(section, "curves", "Mean quality over mean cost of every router", has_legend=True)
    add(section, "h3", "All routers, best gain first")
    add_sentence(
        section,
        "p",
        "Gain: quality points of 100 over the static mixture of single points, both read where they cost as much as "
        "the target, with its 90% interval. The default's lead is its gain minus the router's, query by query. With "
        "hindsight: the best curve on the judged queries themselves, which no deployed router has.",
    )
    curves = {curve.name: curve for curve in comparison.details.curves}
    add_table(section, "All routers", _HEADS, [_row(row, curves.get(row.name)) for row in comparison.rows])
    folded = add_details(section, "Cost and quality of every router for each cost target")
    _add_curves(folded, comparison)
    if comparison.left_out:
        add(section, "h3", "Left out")
        rows = [Line("", (name, reason)) for name, reason in comparison.left_out.items()]
        add_table(section, "Left out", ("router", "reason"), rows, long=(1,))


def add_chart(parent: Element, key: str, caption: str, *, has_legend: bool = False) -> None:
    """Add the place of a chart, with a note for readers whose browser runs no script.

    Args:
        parent: of the figure.
        key: of the chart in ``assets/comparison.js``.
        caption: a short description.
        has_legend: whether routers can be hidden, which is then done for all charts.
    """
    figure = SubElement(parent, "figure")
    add(figure, "figcaption", caption, {"id": f"{key}-caption"})
    if has_legend:
        SubElement(figure, "div", {"class": "controls", "id": "legend"})
    SubElement(figure, "div", {"class": "chart", "id": f"{key}-chart"})
    add(SubElement(figure, "noscript"), "p", NO_SCRIPT, {"class": "quiet"})


def interval_text(interval: Interval | None, form: str = "+.2f") -> str:
    """Format an estimate with its interval; a dash where there is none.

    Example:
        >>> interval_text(Interval(1.0, 0.5, 1.5)), interval_text(None)
        ('+1.00 [+0.50, +1.50]', '–')
    """
    if interval is None:
        return "–"
    return f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


_HEADS = (
    "router", "kind", "gain", "default's lead", "with hindsight", "peak quality", "calls to small points",
    "spent over asked", "calls per query",
)  # fmt: skip


def _row(row: RouterResult, curve: RouterCurve | None) -> Line:
    figures = row.metrics.values
    small = "–" if curve is None else percent(fmean(one.small_share for one in curve.targets))

    def shown(name: str, form: str) -> str:
        value = figures.get(name)
        return "–" if value is None else format(value, form)

    cells = (
        row.name,
        row.kind,
        interval_text(row.fair_gain),
        interval_text(row.fair_lead),
        interval_text(row.gain),
        f"{row.peak_quality:.3f}",
        small,
        f"×{shown('cost_ratio', '.2f')}",
        shown("calls", ".2f"),
    )
    return Line("here" if row.fair_lead is None else "", cells)


def _add_curves(parent: Element, comparison: Comparison) -> None:
    curves = {curve.name: curve for curve in comparison.details.curves}
    decimals = decimals_of(one.cost_usd.value for curve in curves.values() for one in curve.targets)
    rows = []
    for row in comparison.rows:
        for one in curves[row.name].targets if row.name in curves else ():
            spent = (per_thousand(usd, decimals) for usd in (one.cost_usd.value, one.cost_usd.low, one.cost_usd.high))
            value, low, high = spent
            rows.append(
                Line(
                    "here" if row.fair_lead is None else "",
                    (
                        row.name,
                        per_thousand(one.target_usd, decimals),
                        f"{value} [{low}, {high}]",
                        interval_text(one.quality, ".3f"),
                        percent(one.small_share),
                        interval_text(one.loss),
                    ),
                )
            )
    heads = (
        "router", f"asked, USD {UNIT}", "spent", "quality", "calls to small points", "points lost to the best single",
    )  # fmt: skip
    add_table(parent, "Cost and quality of every router for each cost target", heads, rows)
