"""The report of a monitor as sentences and a table."""

from __future__ import annotations

import math

from paretoroute.evaluation.drift.report import UNTESTED, DriftReport, PointDrift, PromiseCheck
from paretoroute.price import dollars_text, per_thousand
from paretoroute.report.labels import PointLabels
from paretoroute.report.layout import Column, Entries, Entry, Row, Table

_FIGURES = {
    "quality": "quality",
    "completion_tokens": "tokens",
    "latency_s": "latency, s",
    "cost_usd": "$ per 1,000 calls",
}
_FEW = 30  # calls with quality; below them a shift of five points cannot show


def drift_text(report: DriftReport, label: PointLabels) -> Entries:
    """Format a report: changes first, then the certificate, the promise, and the calls that could not be tested.

    Args:
        report: of a monitor.
        label: the names of the policy's points.
    """
    entries = [Entry("!", label.in_text(text), "bold red") for text in report.findings]
    if UNTESTED in report.notes:
        entries.append(Entry("untested", UNTESTED, "bold red"))
    elif not report.drifted:
        entries.append(Entry("stable", f"no figure shifted in {report.calls:,} calls", "bold"))
    style = "bold red" if report.certificate_stands is False or report.promise.verdict == "below" else ""
    entries.append(Entry("claims", label.in_text(report.certificate), style))
    entries.append(Entry("quality", _promise_text(report.promise)))
    entries += [Entry("apart", f"{label.in_text(reason)}: {count:,}") for reason, count in report.apart.items()]
    entries += [Entry("note", note) for note in report.notes if note != UNTESTED]
    return Entries(tuple(entries))


def drift_table(report: DriftReport, label: PointLabels) -> Table:
    """Lay out every figure of every point since the monitor began: forecast, outcome and shift."""
    chances = {(stream.figure, stream.model): stream for stream in report.streams}
    rows = []
    for point in report.points:
        stream = chances[point.figure, point.model]
        verdict = "shifted" if stream.shifted else "few calls" if point.calls < _FEW else "stable"
        cells = (
            label(point.point),
            _FIGURES[point.figure],
            f"{point.calls:,}",
            _amount(point, point.forecast),
            _amount(point, point.outcome),
            _shift_text(point),
            f"{stream.chance:.2g}",
            verdict,
        )
        rows.append(Row(cells, "bold red" if stream.shifted else ""))
    columns = (
        Column("point"),
        Column("figure"),
        Column("calls", is_number=True),
        Column("forecast", is_number=True, is_optional=True),
        Column("outcome", is_number=True, is_optional=True),
        Column("shift", is_number=True),
        Column("chance", is_number=True, is_optional=True),
        Column("verdict"),
    )
    title = (
        "Outcome against forecast, beyond the difference on the logged runs (90% intervals at all times together); "
        "chance: of such evidence for the model where nothing changes"
    )
    return Table(title, columns, tuple(rows))


def _promise_text(promise: PromiseCheck) -> str:
    if not promise.calls:
        return f"no outcome at a point that the policy chose; it promises {promise.promised:.3f}"
    interval = "" if promise.promised_low is None else f" [{promise.promised_low:.3f}, {promise.promised_high:.3f}]"
    ends = f"[{promise.low:.3f}, {promise.high:.3f}]"
    side = {"kept": "which agrees", "below": "which is not kept", "above": "which is exceeded"}[promise.verdict]
    return (
        f"{promise.quality:.3f} {ends} over {promise.calls:,} calls that the policy chose; it promises "
        f"{promise.promised:.3f}{interval}, {side}"
    )


def _amount(point: PointDrift, value: float) -> str:
    if point.figure == "quality":
        return f"{value:.3f}"
    if point.figure == "cost_usd":
        return dollars_text(per_thousand(value))
    return f"{value:.0f}" if point.figure == "completion_tokens" else f"{value:.2f}"


def _shift_text(point: PointDrift) -> str:
    shift = point.shift
    if not math.isfinite(shift.low) or not math.isfinite(shift.high):
        return ""
    if point.figure == "quality":
        return f"{100 * shift.value:+.1f} [{100 * shift.low:+.1f}, {100 * shift.high:+.1f}]"
    return f"x{shift.value:.2f} [x{shift.low:.2f}, x{shift.high:.2f}]"
