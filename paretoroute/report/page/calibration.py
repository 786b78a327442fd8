"""Calibration of the default's forecasts and of its spending, on the page of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from paretoroute.evaluation.comparison import Comparison
from paretoroute.evaluation.details.calibration import Bin
from paretoroute.price import UNIT, decimals_of, per_thousand
from paretoroute.report.page.elements import Line, add_details, add_sentence, add_table
from paretoroute.report.page.routers import add_chart, interval_text


def add_calibration(section: Element, comparison: Comparison) -> None:
    """Add the summary, the three charts and their tables."""
    check, solved = comparison.details.calibration, comparison.solved_policies
    side = "too high" if check.quality_bias > 0 else "too low"
    bias = f"{abs(check.quality_bias):.1f} points {side}" if abs(check.quality_bias) >= 0.05 else "right"
    ratio = "" if check.cost_ratio is None else f" Calls cost ×{check.cost_ratio:.2f} of their forecast."
    add_sentence(
        section,
        "p",
        "The default's forecasts for queries that it never saw, beside what was logged, in bins of equally many calls. "
        f"Forecasts of quality are on average {bias}, and within the bins "
        f"{check.quality_error:.1f} points off.{ratio} Policies solved for cost targets spend "
        f"×{solved.cost_ratio:.2f} of the target, ×{solved.cost_ratio_low:.2f} to ×{solved.cost_ratio_high:.2f} over "
        "folds and targets.",
    )
    trio = SubElement(section, "div", {"class": "trio"})
    add_chart(trio, "quality-calibration", "Quality: logged over forecast")
    add_chart(trio, "cost-calibration", f"Cost of a call, USD {UNIT}: logged over forecast")
    add_chart(trio, "spending", f"Mean cost, USD {UNIT}: spent over asked")
    folded = add_details(section, "Figures of the bins")
    rows = [
        Line("", (f"{one.forecast:.3f}", interval_text(one.outcome, ".3f"), f"{one.cells:,}")) for one in check.quality
    ]
    add_table(folded, "Calibration of quality", ("forecast quality", "logged", "calls"), rows)
    heads = (f"forecast cost, USD {UNIT}", "logged", "calls")
    add_table(folded, "Calibration of cost", heads, _cost_rows(check.cost_usd))


def _cost_rows(bins: Sequence[Bin]) -> list[Line]:
    decimals = decimals_of(usd for one in bins for usd in (one.forecast, one.outcome.value))
    rows = []
    for one in bins:
        value, low, high = (
            per_thousand(usd, decimals) for usd in (one.outcome.value, one.outcome.low, one.outcome.high)
        )
        rows.append(Line("", (per_thousand(one.forecast, decimals), f"{value} [{low}, {high}]", f"{one.cells:,}")))
    return rows
