"""Ten queries on the page of a comparison: what the default picks for each, and why."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from paretoroute.evaluation.details.examples import Example, Examples
from paretoroute.price import costs_text, dollars_text, per_thousand
from paretoroute.report.labels import PointLabels
from paretoroute.report.page.elements import Line, add_sentence, add_table


def add_examples(section: Element, examples: Examples, label: PointLabels) -> None:
    """Add the target, its price, and a row for every query.

    Args:
        section: of the page.
        examples: of the comparison.
        label: the names of the log's points.
    """
    price = "money buys no more quality"
    if examples.quality_per_usd > 0:
        price = f"one more quality point (of 100) may cost {costs_text(0.01 / examples.quality_per_usd)}"
    add_sentence(
        section,
        "p",
        f"Out-of-fold forecasts solved for a mean cost of {costs_text(examples.target_usd)}: {price}. The queries are "
        "spread evenly over the picks, from the cheapest to the dearest; costs are per 1,000 such queries.",
    )
    heads = ("query", "kind", "pick", "why", "forecast", "logged", "best single point")
    rows = [_row(example, label) for example in examples.queries]
    add_table(section, "Ten queries and the default's picks", heads, rows, texts=(1, 2), long=(3,))


def _row(example: Example, label: PointLabels) -> Line:
    forecast = f"{example.forecast_quality:.2f} at {_usd(example.forecast_cost_usd)}"
    cells = (
        " ".join(example.text.split()) or example.query_id,
        example.tag or "–",
        label(example.point),
        label.in_text(example.why),
        forecast,
        _logged(example),
        "–" if example.best_single_quality is None else f"{example.best_single_quality:.2f}",
    )
    return Line("", cells)


def _logged(example: Example) -> str:
    if example.quality is None:
        return "not logged"
    cost = "" if example.cost_usd is None else f" at {_usd(example.cost_usd)}"
    return f"{example.quality:.2f}{cost}"


def _usd(cost_usd: float) -> str:
    return dollars_text(per_thousand(cost_usd))
