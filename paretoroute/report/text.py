"""A policy in words and figures: its verdict, target and expected outcome, and its trade-off as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paretoroute.policy.schema import (
    PolicyDocument,
    TargetBestTrade,
    TargetMaxCost,
    TargetMinQuality,
)
from paretoroute.policy.schema_types import ExpectedEntry, LoggerEntry
from paretoroute.price import costs_text, decimals_of, per_thousand, rounded_usd
from paretoroute.report.certificate import certificate_entries
from paretoroute.report.chart.figure import best_single
from paretoroute.report.chart.frontier import corners
from paretoroute.report.labels import labels_of
from paretoroute.report.layout import Column, Entries, Entry, Row, Table

COST_HEAD = "$ per 1,000 queries"
FEW_RUNS = 50  # effective runs; below, the figures of a policy are flagged
MOST_NAMED = 3  # points of a class that the table of the support names
SUPPORT_CLASSES = (
    (100, float("inf"), "100 or more: known within about 8 quality points"),
    (20, 100, "20 to 99: within 8 to 18"),
    (1, 20, "below 20: hardly known"),
    (0, 1, "none: interpolated"),
)  # of 1.645 sqrt(0.2 / runs) for outcomes of 0 or 1
STATUS_STYLES = {"met": "green", "slack": "cyan", "infeasible": "bold red", "unsupported": "bold red"}


def target_text(document: PolicyDocument) -> str:
    """Describe the target in one phrase; a cost that was asked for also per query, as it was typed."""
    target = document.target
    if isinstance(target, TargetMaxCost):
        asked = f"{rounded_usd(1000 * target.usd)} per 1,000 queries ({rounded_usd(target.usd)} per query)"
        return f"highest quality at a mean cost of at most {asked}"
    if isinstance(target, TargetMinQuality):
        return f"lowest cost at a mean quality of at least {target.quality:.4g}"
    if isinstance(target, TargetBestTrade):
        return f"best trade at {rounded_usd(target.usd_per_quality)} for a right answer in place of a wrong one"
    share = "" if target.ratio == 1 else f"{target.ratio:.4g} times "
    return f"lowest cost at {share}the quality of {labels_of(document)(target.of)}"


def expected_text(document: PolicyDocument) -> str:
    """Format the expected quality and cost of the policy, with their 90% intervals."""
    expected = document.expected
    if expected.quality_low is None or expected.quality_high is None:
        return f"quality {expected.quality:.3f}, {costs_text(expected.cost_usd)}; the log is too thin for intervals"
    ends = (end for end in (expected.cost_usd_low, expected.cost_usd_high) if end is not None)
    cost = costs_text(expected.cost_usd, *ends)
    return f"quality {expected.quality:.3f} [{expected.quality_low:.3f}, {expected.quality_high:.3f}], {cost}"


def summary(document: PolicyDocument) -> Entries:
    """Summarise the policy: verdict, target, status, expected outcome, comparison and limits."""
    label, expected, solution = labels_of(document), document.expected, document.solution
    verdicts = [text for kind, text in document.fitted_on.findings_by_kind() if kind == "verdict"]
    entries = [Entry("verdict", label.in_text(text), "bold") for text in verdicts]
    entries += [
        Entry("target", target_text(document)),
        Entry("status", f"{solution.status}: {label.in_text(solution.meaning)}", STATUS_STYLES[solution.status]),
        Entry("expected", expected_text(document)),
    ]
    if expected.logger is not None:
        entries += _on_partial_log(expected, expected.logger)
    elif round(expected.effective_queries) < expected.queries:
        counted = f"{expected.effective_queries:.0f} of {expected.queries} queries"
        entries.append(Entry("based on", f"{counted}: those with something logged at the point chosen"))
    if expected.saving is not None:
        entries.append(Entry("compared", label.in_text(expected.saving.meaning)))
    entries += certificate_entries(document)
    entries += _one_point(document)
    entries += [Entry("limit", label.in_text(f"{entry.limit}: {entry.meaning}")) for entry in solution.limits]
    return Entries(tuple(entries))


def _on_partial_log(expected: ExpectedEntry, logger: LoggerEntry) -> Iterator[Entry]:
    """State what the figures of a partial log rest on, and whether the policy beats whoever chose the logged points."""
    few = "" if expected.effective_queries >= FEW_RUNS else f"; below {FEW_RUNS}, the figures are rough"
    count = f"{expected.effective_queries:.0f} effective runs of {expected.queries} queries agree with its choices{few}"
    yield Entry("based on", count)
    beats = expected.quality_low is not None and expected.quality_low > logger.quality
    verdict = "the policy is better" if beats else "the policy is not shown to be better"
    logged = f"quality {logger.quality:.3f}, {costs_text(logger.cost_usd)}, as the runs were routed; {verdict}"
    yield Entry("logged", logged)


def support_table(document: PolicyDocument) -> Table | None:
    """Lay out how much of the grid a partial log supports: points by the queries they were called for; else None."""
    if document.expected.logger is None:
        return None
    label = labels_of(document)
    points = [(label(f"{entry.model}@{point.label}"), point) for entry in document.grid for point in entry.points]
    rows: list[Row] = []
    for least, beyond, meaning in SUPPORT_CLASSES:
        some = [(name, point) for name, point in points if least <= point.queries < beyond]
        if some:
            more = f" and {len(some) - MOST_NAMED} more" if len(some) > MOST_NAMED else ""
            named = ", ".join(name for name, _ in some[:MOST_NAMED]) + more
            share = sum(point.share for _, point in some)
            rows.append(Row((meaning, f"{len(some)}", f"{100 * share:.0f}%", named)))
    columns = (
        Column("runs at the point"),
        Column("points", is_number=True),
        Column("calls of this policy", is_number=True),
        Column("namely", is_optional=True),
    )
    return Table("What the log supports", columns, tuple(rows))


def _one_point(document: PolicyDocument) -> list[Entry]:
    """Point out that a policy calls one point alone although routing pays, and how to ask for a cheaper one."""
    points = [(f"{entry.model}@{point.label}", point.share) for entry in document.grid for point in entry.points]
    called = [name for name, share in points if share]
    best, findings = document.expected.best_single.point, document.fitted_on.findings_by_kind()
    pays = any(kind == "verdict" and text.startswith("routing pays") for kind, text in findings)
    if not pays or called != [best]:
        return []
    name = labels_of(document)(best)
    hint = f"paretoroute solve POLICY.yaml --min-quality-of {name} --ratio 0.97 --out NEW.yaml"
    return [Entry("calls", f"every query goes to {name}; for the cost of a little less quality: {hint}")]


class TradeOffRow(NamedTuple):
    """A policy or point on offer.

    Args:
        name: as people read it.
        cost_usd: mean cost per query.
        quality: mean quality.
        low: lower end of its 90% interval, or None.
        high: upper end.
        kind: ``policy``, ``single`` or ``frontier``.
    """

    name: str
    cost_usd: float
    quality: float
    low: float | None
    high: float | None
    kind: str

    def ratio(self, document: PolicyDocument) -> float | None:
        """Return its cost relative to the best single point, or None where that is free."""
        best = document.expected.best_single.cost_usd
        return self.cost_usd / best if best > 0 else None


def trade_off_rows(document: PolicyDocument) -> list[TradeOffRow]:
    """List this policy, the best single point, and the frontier by rising cost.

    Rows that a mixture of others matches or beats are left out, as they lie below the frontier that pictures draw.
    """
    expected, best = document.expected, document.expected.best_single
    policy = TradeOffRow(
        "this policy", expected.cost_usd, expected.quality, expected.quality_low, expected.quality_high, "policy"
    )
    point = best_single(document)
    low, high = (None, None) if point is None else (point.quality_low, point.quality_high)
    name = f"best single: {labels_of(document)(best.point)}"
    rows = [policy, TradeOffRow(name, best.cost_usd, best.quality, low, high, "single")]
    reached = {(corner.cost_usd, corner.quality) for corner in corners(document)}
    reached -= {(row.cost_usd, row.quality) for row in rows}
    for entry in sorted(document.trade_off, key=lambda entry: entry.cost_usd):
        if (entry.cost_usd, entry.quality) in reached:
            figures = (entry.cost_usd, entry.quality, entry.quality_low, entry.quality_high)
            rows.append(TradeOffRow("frontier", *figures, "frontier"))
    return rows


def trade_off_table(document: PolicyDocument) -> Table:
    """Lay out the policy itself, the best single point and the frontier."""
    styles = {"policy": "bold green", "single": "cyan", "frontier": ""}
    offers = trade_off_rows(document)
    decimals = decimals_of(row.cost_usd for row in offers)
    rows = []
    for offer in offers:
        name = f"> this policy ({document.solution.status})" if offer.kind == "policy" else offer.name
        interval = "" if offer.low is None or offer.high is None else f"[{offer.low:.3f}, {offer.high:.3f}]"
        ratio = offer.ratio(document)
        cells = (name, per_thousand(offer.cost_usd, decimals), f"{offer.quality:.3f}", interval)
        rows.append(Row((*cells, "" if ratio is None else f"x{ratio:.3f}"), styles[offer.kind]))
    columns = (
        Column("policy or point"),
        Column(COST_HEAD, is_number=True),
        Column("quality", is_number=True),
        Column("90% interval", is_number=True, is_optional=True),
        Column("cost vs best single", is_number=True, is_optional=True, beside=16),
    )
    return Table("Trade-off on the logged queries, out of fold", columns, tuple(rows))
