"""What the command line prints: tables and short texts, readable with and without a terminal."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from paretoroute.planner.decision import Decision
from paretoroute.policy.schema import PolicyDocument, TargetBestTrade, TargetMaxCost, TargetMinQuality

if TYPE_CHECKING:
    from paretoroute.evaluation.replay import Replay
    from paretoroute.runs.table import Runs


SHOWN = 3  # rows that were set aside, and models with cost: logged


def money(usd: float) -> str:
    """Write an amount of USD with four significant digits, as a decimal where that can still be read.

    Example:
        >>> money(0.00123456), money(12.5), money(0.0000702), money(1e-9)
        ('$0.001235', '$12.5', '$0.0000702', '$1e-09')
    """
    digits = f"{usd:.4g}"
    return f"${digits}" if "e" not in digits or usd < 1e-7 else f"${Decimal(digits):f}"


def target_words(document: PolicyDocument) -> str:
    """Say the target as a person would."""
    target = document.target
    if isinstance(target, TargetMaxCost):
        return f"highest quality at a mean cost of at most {money(target.usd)} per query"
    if isinstance(target, TargetMinQuality):
        return f"lowest cost at a mean quality of at least {target.quality:.4g}"
    if isinstance(target, TargetBestTrade):
        return f"best trade at {money(target.usd_per_quality)} for a right answer in place of a wrong one"
    return f"lowest cost at {target.ratio:.4g} times the quality of {target.of}"


def trade_off(document: PolicyDocument) -> Table:
    """Lay out what could be had: the policy's frontier, the policy itself and the best single point."""
    table = Table(box=box.SIMPLE_HEAD, title="Trade-off on the logged queries, out of fold (90% intervals)")
    for name, side in (("", "left"), ("cost per query", "right"), ("quality", "right"), ("interval", "left")):
        table.add_column(name, justify=side, overflow="fold")  # type: ignore[arg-type]
    table.add_column("cost vs best single", justify="right")
    best, found = document.expected.best_single, document.expected
    rows = [
        (row.cost_usd, row.quality, f"[{row.quality_low:.3f}, {row.quality_high:.3f}]", "frontier", "")
        for row in document.trade_off
    ]
    rows.append((best.cost_usd, best.quality, "", f"best single: {best.point}", "cyan"))
    here = f"[{found.quality_low:.3f}, {found.quality_high:.3f}]"
    rows.append((found.cost_usd, found.quality, here, f"> this policy ({document.solution.status})", "bold green"))
    for cost, quality, interval, name, style in sorted(rows, key=lambda row: (row[0], row[1])):
        ratio = f"x{cost / best.cost_usd:.3f}" if best.cost_usd > 0 else ""
        table.add_row(name, money(cost), f"{quality:.4f}", interval, ratio, style=style or None)
    return table


def summary(document: PolicyDocument) -> str:
    """Say in a few lines what the policy does and what it rests on."""
    found, saving = document.expected, document.expected.saving
    lines = [
        f"target    {target_words(document)}",
        f"status    {document.solution.status}: {document.solution.meaning}",
        f"expected  quality {found.quality:.4f} [{found.quality_low:.4f}, {found.quality_high:.4f}], "
        f"cost {money(found.cost_usd)} [{money(found.cost_usd_low)}, {money(found.cost_usd_high)}] per query",
        f"rests on  {found.queries} queries, {found.effective_queries:.0f} effective: "
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
    """List what a user should know of the log: rows set aside, what is assumed, prices and notices."""
    said = []
    if runs.set_aside_count:
        count = runs.set_aside_count
        said.append("1 row was set aside:" if count == 1 else f"{count} rows were set aside; the first:")
        said += [f"  {row}" for row in runs.set_aside[:SHOWN]]
    if document.fitted_on.assumption:
        said.append(document.fitted_on.assumption)
    findings = document.fitted_on.findings_by_kind()
    count = Counter(kind for kind, _ in findings)
    elsewhere = {"price", "signal", "verdict"}
    if runs.set_aside_count <= SHOWN:
        elsewhere.add("set_aside")
    if count["price"]:
        said.append(f"prices of {count['price']} models were derived from logged cost and tokens (see the policy file)")
    if count["logged_cost"] > SHOWN:
        elsewhere.add("logged_cost")
        said.append(f"cost: logged for {count['logged_cost']} models, which cannot be repriced (see the policy file)")
    return said + [text for kind, text in findings if kind not in elsewhere]


def decision_words(decision: Decision) -> str:
    """Say a decision in a few lines."""
    lines = [
        f"call      {decision.point.name}  ({decision.status})",
        f"expected  quality {decision.expected_quality:.3f} +- {1.645 * decision.expected_quality_se:.3f}, "
        f"cost {money(decision.expected_cost_usd)}"
        + (f", {decision.expected_latency_s:.1f} s" if decision.expected_latency_s is not None else ""),
        f"why       {decision.why}",
    ]
    if decision.output_cap_tokens is not None:
        lines.append(f"cap       {decision.output_cap_tokens} completion tokens")
    if decision.fallbacks:
        lines.append(f"if it fails  {', then '.join(decision.fallbacks)}")
    return "\n".join(lines)


def replay_words(found: Replay) -> str:
    """Say a replay in a few lines."""
    calls = ", ".join(f"{name} {count / found.queries:.0%}" for name, count in list(found.calls.items())[:6])
    lines = [
        f"quality   {found.quality:.4f} [{found.quality_low:.4f}, {found.quality_high:.4f}]; "
        f"predicted {found.predicted_quality:.4f}",
        f"cost      {money(found.cost_usd)} [{money(found.cost_usd_low)}, {money(found.cost_usd_high)}] per query; "
        f"predicted {money(found.predicted_cost_usd)}",
        f"queries   {found.queries}, of which {found.effective_queries:.0f} were logged at the point chosen",
        f"calls     {calls}",
    ]
    for limit, value in found.limits.items():
        lines.append(f"limit     {limit}: came to {'nothing logged' if value is None else f'{value:.4g}'}")
    if found.seen:
        lines.append("warning   the policy was fitted on these very runs, which flatters it: replay others")
    if found.effective_queries < 50:
        lines.append("warning   fewer than 50 queries count: the interval is not to be trusted")
    return "\n".join(lines)
