"""Where the default loses, on the page of a comparison: routers, cost targets and kinds of query."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison
from paretoroute.evaluation.details.losses import KindLead, TargetLead
from paretoroute.evaluation.details.small_first import BOUND
from paretoroute.price import UNIT, decimals_of, per_thousand
from paretoroute.report.page.elements import Line, add, add_sentence, add_table
from paretoroute.report.page.routers import interval_text

SHOWN = 0.005  # quality points: smaller leads are shown as 0, and are none


def add_losses(section: Element, comparison: Comparison) -> None:
    """Add one sentence for every way to lose, and the leads at every cost target and on every kind of query."""
    lost = comparison.details.losses
    sentences = SubElement(section, "ul")
    for text in loss_sentences(comparison):
        add_sentence(sentences, "li", text)
    add(
        section,
        "p",
        "Each rival below is the best of the other routers in hindsight, so that of many equal ones some are ahead by "
        "chance. The oracle, an upper bound, is not counted.",
        {"class": "quiet"},
    )
    decimals = decimals_of(one.cost_usd for one in lost.targets)
    add(section, "h3", "By cost target")
    heads = (f"asked, USD {UNIT}", "who is ahead", "default's lead", "best other router there", "default spent")
    has_rivals = any(row.fair_lead is not None and row.name != BOUND for row in comparison.rows)
    nobody = "none spends so little" if has_rivals else "–"
    rows = [_target_row(one, decimals, nobody=nobody) for one in lost.targets]
    add_table(section, "The default's lead by cost target", heads, rows, texts=(1, 3))
    if lost.kinds:
        add(section, "h3", "By kind of query")
        heads = ("kind", "who is ahead", "default's lead", "best other router there", "default's gain", "queries")
        rows = [_kind_row(one) for one in lost.kinds]
        add_table(section, "The default's lead by kind of query", heads, rows, texts=(1, 3))


def loss_sentences(comparison: Comparison) -> list[str]:
    """State the routers, targets and kinds at which another router is ahead, and targets that were overspent."""
    default = next(row for row in comparison.rows if row.fair_lead is None)
    lost = comparison.details.losses
    ahead = [row for row in comparison.rows if row.fair_lead is not None and row.fair_lead.value < -SHOWN]
    names = [f"{row.name} (default's lead {interval_text(row.fair_lead)})" for row in ahead if row.name != BOUND]
    rivals = ", ".join(names) if names else "no other router"
    sentences = [
        f"On average over the cost targets, ahead of {default.name}: {rivals}.",
        _count_sentence("cost targets", [one.lead for one in lost.targets]),
    ]
    if lost.kinds:
        sentences.append(_count_sentence("kinds of query", [one.lead for one in lost.kinds]))
        below = [one.tag for one in lost.kinds if one.gain.high < 0]
        if below:
            sentences.append(f"Below the static mixture, beyond noise, on: {', '.join(below)}.")
    attained = default.metrics.values.get("target_attainment")
    if attained is not None:
        worst = comparison.solved_policies.cost_ratio_high
        over = f"{1 - attained:.0%} of the folds and targets spent more than was asked"
        sentences.append(f"{over}; the most is ×{worst:.2f} of the target.")
    return sentences


def _count_sentence(what: str, leads: list[Interval | None]) -> str:
    behind = [lead for lead in leads if lead is not None and lead.value < -SHOWN]
    certain = sum(lead.high < 0 for lead in behind)
    return (
        f"Some other router is ahead at {len(behind)} of {len(leads)} {what}, beyond noise at {certain} of them."
        if behind
        else f"No other router is ahead at any of the {len(leads)} {what}."
    )


def _target_row(one: TargetLead, decimals: int, *, nobody: str) -> Line:
    cells = (
        per_thousand(one.target_usd, decimals),
        _who(one.rival, one.lead),
        interval_text(one.lead),
        one.rival or nobody,
        per_thousand(one.cost_usd, decimals),
    )
    return Line(_kind_of_row(one.lead), cells)


def _kind_row(one: KindLead) -> Line:
    cells = (
        one.tag,
        _who(one.rival, one.lead),
        interval_text(one.lead),
        one.rival or "–",
        interval_text(one.gain),
        f"{one.queries:,}",
    )
    return Line(_kind_of_row(one.lead), cells)


def _kind_of_row(lead: Interval | None) -> str:
    return "behind" if lead is not None and lead.value < -SHOWN and lead.high < 0 else ""


def _who(rival: str | None, lead: Interval | None) -> str:
    if rival is None or lead is None:
        return "–"
    if abs(lead.value) < SHOWN:
        return "neither"
    name = rival if lead.value < 0 else "the default"
    return name if lead.high < 0 or lead.low > 0 else f"{name}, within noise"
