"""Small points first, on the page of a comparison: their share of the calls beside the quality that it costs."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.details.details import Details
from paretoroute.evaluation.details.small_first import SmallFirstPolicy
from paretoroute.price import costs_text
from paretoroute.report.captions import percent
from paretoroute.report.labels import PointLabels
from paretoroute.report.page.elements import add_sentence
from paretoroute.report.page.routers import add_chart, interval_text


def add_small_first(section: Element, details: Details, label: PointLabels) -> None:
    """Add the small points, the policies that give them most calls without a certain loss, and the chart.

    Args:
        section: of the page.
        details: of the comparison.
        label: the names of the log's points.
    """
    view = details.small_first
    part = {0.1: "a tenth", 0.5: "half"}[view.cost_share]
    rule = f"A point is small if a call costs on average at most {part} of the best single point's"
    if not view.points:
        add_sentence(section, "p", f"{rule}. This log has none.")
        return
    add_sentence(section, "p", f"{rule}. Here: {', '.join(map(label, view.points))}.")
    for text in policy_sentences(details):
        add_sentence(section, "p", text)
    caption = "Quality above and below the best single point, by the share of calls to small points"
    add_chart(section, "small-first", caption)


def policy_sentences(details: Details) -> list[str]:
    """Describe the policies that give small points most calls while the interval of their loss reaches 0."""
    view, default = details.small_first, details.curves[0].name
    if view.default is None:
        first = f"Every policy of {default} loses quality to the best single point, beyond noise."
    else:
        first = f"At no loss beyond noise, {_policy_text(view.default)}."
    if view.best is None or view.best == view.default:
        return [first]
    return [first, f"The most of all routers, picked with hindsight: {_policy_text(view.best)}."]


def _policy_text(policy: SmallFirstPolicy) -> str:
    over = Interval(-policy.loss.value, -policy.loss.high, -policy.loss.low)
    return (
        f"{policy.router} gives small points {percent(policy.small_share)} of the calls, at "
        f"{costs_text(policy.cost_usd)}; its quality is {interval_text(over)} points over the best single point's"
    )
