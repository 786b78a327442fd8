"""Tables and short texts that the command line prints, readable with and without a terminal."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table

from paretoroute.calibration.intervals import Z90
from paretoroute.planner.decision import Decision
from paretoroute.policy.schema import PolicyDocument, TargetBestTrade, TargetMaxCost, TargetMinQuality

if TYPE_CHECKING:
    from paretoroute.evaluation.replay import Replay
    from paretoroute.runs.table import Runs


FEW_QUERIES = 50  # normal intervals need more
SHOWN = 3  # rows that were set aside, and models with cost: logged


def money(usd: float) -> str:
    """Format an amount of USD with four significant digits, as a decimal unless it is below 1e-7.

    Example:
        >>> money(0.00123456), money(12.5), money(0.0000702), money(1e-9)
        ('$0.001235', '$12.5', '$0.0000702', '$1e-09')
    """
    digits = f"{usd:.4g}"
    return f"${digits}" if "e" not in digits or usd < 1e-7 else f"${Decimal(digits):f}"


def target_text(document: PolicyDocument) -> str:
    """Describe the target in one phrase."""
    target = document.target
    if isinstance(target, TargetMaxCost):
        return f"highest quality at a mean cost of at most {money(target.usd)} per query"
    if isinstance(target, TargetMinQuality):
        return f"lowest cost at a mean quality of at least {target.quality:.4g}"
    if isinstance(target, TargetBestTrade):
        return f"best trade at {money(target.usd_per_quality)} for a right answer in place of a wrong one"
    share = "" if target.ratio == 1 else f"{target.ratio:.4g} times "
    return f"lowest cost at {share}the quality of {target.of}"


class _TradeOffRow(NamedTuple):
    name: str
    cost_usd: float
    quality: float
    interval: str
    style: str | None = None


def trade_off_table(document: PolicyDocument) -> Table:
    """Lay out the policy's frontier, the policy itself and the best single point."""
    table = Table(box=box.SIMPLE_HEAD, title="Trade-off on the logged queries, out of fold (90% intervals)")
    table.add_column("", overflow="fold")
    table.add_column("cost per query", justify="right", overflow="fold")
    table.add_column("quality", justify="right", overflow="fold")
    table.add_column("interval", overflow="fold")
    table.add_column("cost vs best single", justify="right")
    best, expected, status = document.expected.best_single, document.expected, document.solution.status
    rows = [
        _TradeOffRow("frontier", row.cost_usd, row.quality, f"[{row.quality_low:.3f}, {row.quality_high:.3f}]")
        for row in document.trade_off
    ]
    rows.append(_TradeOffRow(f"best single: {best.point}", best.cost_usd, best.quality, "", "cyan"))
    interval = f"[{expected.quality_low:.3f}, {expected.quality_high:.3f}]"
    rows.append(_TradeOffRow(f"> this policy ({status})", expected.cost_usd, expected.quality, interval, "bold green"))
    for row in sorted(rows, key=lambda row: (row.cost_usd, row.quality)):
        ratio = f"x{row.cost_usd / best.cost_usd:.3f}" if best.cost_usd > 0 else ""
        table.add_row(row.name, money(row.cost_usd), f"{row.quality:.4f}", row.interval, ratio, style=row.style)
    return table


def summary(document: PolicyDocument) -> str:
    """Summarise the policy: its target, status, expected outcome and evidence."""
    expected, saving = document.expected, document.expected.saving
    lines = [
        f"target    {target_text(document)}",
        f"status    {document.solution.status}: {document.solution.meaning}",
        f"expected  quality {expected.quality:.4f} [{expected.quality_low:.4f}, {expected.quality_high:.4f}], "
        f"cost {money(expected.cost_usd)} [{money(expected.cost_usd_low)}, {money(expected.cost_usd_high)}] per query",
        f"rests on  {expected.queries} queries, {expected.effective_queries:.0f} effective: "
        "those with something logged at the point chosen",
    ]
    lines += [f"limit     {entry.limit}: {entry.meaning}" for entry in document.solution.limits]
    if saving is not None:
        lines.append(f"compared  {saving.meaning}")
    findings = document.fitted_on.findings_by_kind()
    lines += [f"signal    {text}" for kind, text in findings if kind == "signal"]
    lines += [f"verdict   {text}" for kind, text in findings if kind == "verdict"]
    return "\n".join(lines)


def about_runs(runs: Runs, document: PolicyDocument) -> list[str]:
    """List the findings about the log: rows set aside, assumptions, prices and notices."""
    lines = []
    if runs.set_aside_count:
        count = runs.set_aside_count
        lines.append("1 row was set aside:" if count == 1 else f"{count} rows were set aside; the first:")
        lines += [f"  {row}" for row in runs.set_aside[:SHOWN]]
    if document.fitted_on.assumption:
        lines.append(document.fitted_on.assumption)
    findings = document.fitted_on.findings_by_kind()
    count = Counter(kind for kind, _ in findings)
    elsewhere = {"price", "signal", "verdict"}
    if runs.set_aside_count <= SHOWN:
        elsewhere.add("set_aside")
    if count["price"]:
        lines.append(
            f"prices of {count['price']} models were derived from logged cost and tokens (see the policy file)"
        )
    if count["logged_cost"] > SHOWN:
        elsewhere.add("logged_cost")
        lines.append(f"cost: logged for {count['logged_cost']} models, which cannot be repriced (see the policy file)")
    return lines + [text for kind, text in findings if kind not in elsewhere]


def decision_text(decision: Decision) -> str:
    """Format a decision: the call, its forecast, the reason and the fallbacks."""
    lines = [
        f"call      {decision.point.name}  ({decision.status})",
        f"expected  quality {decision.expected_quality:.3f} +- {Z90 * decision.expected_quality_se:.3f}, "
        f"cost {money(decision.expected_cost_usd)}"
        + (f", {decision.expected_latency_s:.1f} s" if decision.expected_latency_s is not None else ""),
        f"why       {decision.why}",
    ]
    if decision.output_cap_tokens is not None:
        lines.append(f"cap       {decision.output_cap_tokens} completion tokens")
    if decision.fallbacks:
        lines.append(f"if it fails  {', then '.join(decision.fallbacks)}")
    return "\n".join(lines)


def replay_text(replay: Replay) -> str:
    """Format a replay: realised and predicted figures, calls, limits and warnings."""
    calls = ", ".join(f"{name} {count / replay.queries:.0%}" for name, count in list(replay.calls.items())[:6])
    cost_interval = f"[{money(replay.cost_usd_low)}, {money(replay.cost_usd_high)}]"
    lines = [
        f"quality   {replay.quality:.4f} [{replay.quality_low:.4f}, {replay.quality_high:.4f}]; "
        f"predicted {replay.predicted_quality:.4f}",
        f"cost      {money(replay.cost_usd)} {cost_interval} per query; predicted {money(replay.predicted_cost_usd)}",
        f"queries   {replay.queries}, of which {replay.effective_queries:.0f} were logged at the point chosen",
        f"calls     {calls}",
    ]
    for limit, value in replay.limits.items():
        lines.append(f"limit     {limit}: realised {'nothing logged' if value is None else f'{value:.4g}'}")
    if replay.seen:
        lines.append("warning   the policy was fitted on these very runs, which makes it look better: replay others")
    if replay.effective_queries < FEW_QUERIES:
        lines.append(f"warning   fewer than {FEW_QUERIES} queries count: the intervals are unreliable")
    return "\n".join(lines)
