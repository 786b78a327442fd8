"""A comparison of routers as a table and text."""

from __future__ import annotations

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison
from paretoroute.price import UNIT, costs_text, decimals_of, dollars_text, per_thousand
from paretoroute.report.labels import PointLabels
from paretoroute.report.layout import Column, Entries, Entry, Row, Table
from paretoroute.report.notices import merged
from paretoroute.runs.table import Runs

ORACLE = "oracle"


def comparison_table(comparison: Comparison) -> Table:
    """Lay out the routers, best fair gain first."""
    best_cost = comparison.best_single_cost_usd
    rows = []
    for row in comparison.rows:
        cost = row.cost_usd_at_best_single
        ratio = "never" if cost is None else f"x{cost / best_cost:.3f}"
        lead = "" if row.fair_lead is None else _interval(row.fair_lead)
        style = "bold green" if row.fair_lead is None else ""
        figures = (_interval(row.fair_gain), lead, _interval(row.gain), f"{row.peak_quality:.3f}", ratio)
        rows.append(Row((row.name, *figures), style))
    columns = (
        Column("router"),
        Column("gain", is_number=True),
        Column("default minus router", is_number=True, is_optional=True),
        Column("with hindsight", is_number=True, is_optional=True),
        Column("peak quality", is_number=True, is_optional=True),
        Column("cost at quality of best single", is_number=True, is_optional=True),
    )
    return Table(_title(comparison), columns, tuple(rows))


def _title(comparison: Comparison) -> str:
    ends = (comparison.from_cost_usd, comparison.best_single_cost_usd)
    decimals = decimals_of(ends)
    low, high = (dollars_text(per_thousand(cost, decimals)) for cost in ends)
    return (
        f"{comparison.queries} queries at {comparison.points} points, each held out once in {comparison.folds} folds; "
        f"quality points over the static mixture at equal cost, targets of {low} to {high} {UNIT} (90% intervals)"
    )


def comparison_text(comparison: Comparison, label: PointLabels) -> Entries:
    """Summarise the verdict, the best single point, the default's policies and the upper bound.

    Args:
        comparison: of routers on a log.
        label: the names of the log's points.
    """
    policies = comparison.solved_policies
    spread = f"({policies.cost_ratio_low:.2f} to {policies.cost_ratio_high:.2f} over folds and targets)"
    best = f"quality {comparison.best_single_quality:.3f} at {costs_text(comparison.best_single_cost_usd)}"
    entries = [
        Entry("verdict", comparison.verdict, "bold"),
        Entry("single", f"the best single point is {label(comparison.best_single)}: {best}"),
        Entry("spending", f"policies solved for cost targets spend x{policies.cost_ratio:.2f} of the target {spread}"),
    ]
    entries += [Entry("left out", f"{name}: {reason}") for name, reason in comparison.left_out.items()]
    if any(row.name == ORACLE for row in comparison.rows):
        text = "sees every outcome before it chooses: an upper bound, which no router can reach"
        entries.append(Entry(ORACLE, text))
    return Entries(tuple(entries))


def log_notices(runs: Runs, comparison: Comparison, label: PointLabels) -> Entries:
    """List the findings about the log, without the prices that were derived.

    Args:
        runs: the log as it was read.
        comparison: of routers on it.
        label: the names of its points.
    """
    entries = [
        Entry("log", f"compared {comparison.runs} runs of {comparison.queries} queries at {comparison.points} points")
    ]
    findings = [(notice.kind, notice.text) for notice in comparison.notices if notice.kind != "price"]
    for kind, text in merged(findings, dict.fromkeys(point.model for point in runs.points)):
        entries.append(Entry("set aside" if kind == "set_aside" else "note", label.in_text(text)))
        if kind == "set_aside" and runs.set_aside:
            entries.append(Entry("", f"the first: {runs.set_aside[0]}"))
    return Entries(tuple(entries))


def _interval(interval: Interval) -> str:
    return f"{interval.value:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
