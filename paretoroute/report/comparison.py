"""A comparison of routers as a table and text for a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.comparison import Comparison
from paretoroute.report.text import money


def comparison_table(comparison: Comparison) -> Table:
    """Lay out the routers, best gain first."""
    best_cost = comparison.best_single_cost_usd
    title = (
        f"{comparison.queries} queries at {comparison.points} points, each held out once in {comparison.folds} folds; "
        f"quality points over the best mixture of single points at equal cost, {money(comparison.from_cost_usd)} to "
        f"{money(best_cost)} per query (90% intervals)"
    )
    table = Table(box=box.SIMPLE_HEAD, title=title)
    table.add_column("router", overflow="fold")
    for name in ("gain", "default minus router"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("peak\nquality", "cost at quality\nof best single"):
        table.add_column(name, justify="right")
    for row in comparison.rows:
        cost = row.cost_usd_at_best_single
        ratio = "never" if cost is None else f"x{cost / best_cost:.3f}"
        lead = "" if row.lead is None else _interval(row.lead)
        style = "bold green" if row.lead is None else None
        table.add_row(row.name, _interval(row.gain), lead, f"{row.peak_quality:.4f}", ratio, style=style)
    return table


def comparison_text(comparison: Comparison) -> str:
    """Summarise the best single point, the default's policies and the verdict, one line each."""
    policies = comparison.solved_policies
    return "\n".join(
        (
            f"best single      {comparison.best_single}: quality {comparison.best_single_quality:.4f} "
            f"at {money(comparison.best_single_cost_usd)} per query",
            f"solved policies  {_interval(policies.gain)} over the training runs' static mixture at equal cost; "
            f"realised / target cost {policies.cost_ratio:.2f} "
            f"({policies.cost_ratio_low:.2f} to {policies.cost_ratio_high:.2f})",
            f"verdict          {comparison.verdict}",
        )
    )


def _interval(interval: Interval) -> str:
    return f"{interval.value:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
