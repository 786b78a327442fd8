"""Summarise a monitor: shifts with intervals, sentences about detected changes, and whether the certificate stands."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from paretoroute.evaluation.drift.detector import Detector, Totals
from paretoroute.evaluation.drift.record import Record
from paretoroute.evaluation.drift.report import (
    UNTESTED,
    DriftReport,
    PointDrift,
    PromiseCheck,
    Shift,
    StreamDrift,
    as_factor,
    confidence_radius,
    shift_between,
)
from paretoroute.policy.policy import Policy

DIFFERENCES = ("quality", "unfamiliar", "features")  # figures that shift by a difference, not by a factor
_NAMES = {"completion_tokens": "completion tokens", "latency_s": "latency", "cost_usd": "cost"}


def report(record: Record, policy: Policy) -> DriftReport:
    """Report on all calls that a monitor of a policy has taken in."""
    streams = tuple(
        _stream(figure, model, detector, record.streams.chance(detector))
        for (figure, model), detector in sorted(record.streams.detectors.items())
    )
    shifted = [stream for stream in streams if stream.shifted]
    promise = _promise(record, policy)
    stands, certificate = certificate_state(record, policy, shifted, promise)
    untested = (UNTESTED,) if record.calls and not record.tallies else ()
    return DriftReport(
        drifted=bool(shifted),
        calls=record.calls,
        findings=tuple(_sentence(stream, record.streams.horizon_calls) for stream in shifted),
        certificate=certificate,
        certificate_stands=stands,
        promise=promise,
        streams=streams,
        points=_points(record),
        apart=dict(record.apart.most_common()),
        notes=(*untested, *record.notes),
    )


def _stream(figure: str, model: str, detector: Detector, chance: float) -> StreamDrift:
    alarm = detector.alarm
    before = Totals() if alarm is None else alarm.start.before
    shift = shift_between(before, detector.totals.minus(before), reference=detector.reference)
    return StreamDrift(
        figure=figure,
        model=model,
        calls=int(detector.totals.count),
        chance=chance,
        shifted=alarm is not None,
        shift=shift if figure in DIFFERENCES else as_factor(shift),
        since_call=None if alarm is None else alarm.start.call,
        since_time=None if alarm is None else alarm.start.time,
        detected_call=None if alarm is None else alarm.call,
    )


def _points(record: Record) -> tuple[PointDrift, ...]:
    grid = record.streams.grid
    rows: list[PointDrift] = []
    for figure, reference in record.streams.references.items():
        for (column, name), tally in sorted(record.tallies.items()):
            if name != figure:
                continue
            count, cells = tally.residuals.count, float(reference.count[0, column])
            shift = shift_between(Totals(), tally.residuals, reference=cells)
            shift = shift if figure in DIFFERENCES else as_factor(shift)
            row = PointDrift(
                point=grid.names[column],
                model=grid.points[column].model,
                figure=figure,
                calls=int(count),
                forecast=tally.forecast / count,
                outcome=tally.outcome / count,
                shift=shift,
            )
            rows.append(row)
    place = {name: j for j, name in enumerate(grid.names)}
    return tuple(sorted(rows, key=lambda row: place[row.point]))


def _promise(record: Record, policy: Policy) -> PromiseCheck:
    expected, totals = policy.document.expected, record.promise
    low = -math.inf if expected.quality_low is None else expected.quality_low
    high = math.inf if expected.quality_high is None else expected.quality_high
    radius = confidence_radius(totals)
    mean = totals.mean
    verdict = "unknown" if not totals.count else "kept"
    if mean + radius < low:
        verdict = "below"
    elif mean - radius > high:
        verdict = "above"
    return PromiseCheck(
        calls=int(totals.count),
        quality=mean,
        low=max(mean - radius, 0.0),
        high=min(mean + radius, 1.0),
        promised=expected.quality,
        promised_low=expected.quality_low,
        promised_high=expected.quality_high,
        verdict=verdict,
    )


def certificate_state(
    record: Record, policy: Policy, shifted: list[StreamDrift], promise: PromiseCheck
) -> tuple[bool | None, str]:
    """Return whether the certificate stands, and the sentence; a policy without one has a promise alone.

    Returns:
        None and a sentence about the promise where the policy has no certificate.
    """
    certificate = policy.document.certificate
    about_cost = certificate is not None and certificate.cap_usd is not None
    broken = [stream for stream in shifted if _breaks(stream, about_cost=about_cost)]
    is_below = promise.verdict == "below" and not about_cost
    if broken:
        what = " and ".join(dict.fromkeys(_subject(stream) for stream in broken))
        state = f"no longer stands: it holds for calls like the logged ones, and {what} shifted"
    elif is_below and certificate is None:
        state = f"no longer stands: {_below(promise)}"
    elif not promise.calls:
        state = "is untested: no call has both a quality and a forecast"
    else:
        state = f"still stands: nothing that it rests on shifted in {record.calls:,} calls"
        state += f"; but {_below(promise)}" if is_below else ""
    if certificate is None:
        return None, f"The policy carries no certificate. The promise {state}."
    return not broken, f"The certificate ({certificate.claim}) {state}."


def _breaks(stream: StreamDrift, *, about_cost: bool) -> bool:
    """Return whether a shift takes away what a claim rests on; a shift to the better does not."""
    if stream.figure in ("unfamiliar", "features"):
        return True
    if about_cost:
        return stream.figure in ("completion_tokens", "cost_usd") and stream.shift.value > 1
    return stream.figure == "quality" and stream.shift.value < 0


def _below(promise: PromiseCheck) -> str:
    return (
        f"quality over all calls is {promise.quality:.3f} [{promise.low:.3f}, {promise.high:.3f}], below the promised "
        f"{promise.promised:.3f}"
    )


def _subject(stream: StreamDrift) -> str:
    if stream.figure == "unfamiliar":
        return "the share of unfamiliar queries"
    if stream.figure == "features":
        return "the queries"
    return f"{_NAMES.get(stream.figure, stream.figure)} of {stream.model}"


def _sentence(stream: StreamDrift, horizon_calls: int) -> str:
    """Word a detected change: what, by how much, since when, and how surely."""
    since = f"call {stream.since_call:,}" if stream.since_call else "the first call"
    if stream.since_time is not None:
        since = f"{time_text(stream.since_time)} ({since})"
    chance = "less than 0.01%" if stream.chance < 1e-4 else f"at most {stream.chance:.2%}"
    return (
        f"{_change(stream)} since about {since}, detected after {stream.detected_call:,} calls; where nothing changes, "
        f"the chance of such evidence within {horizon_calls:,} calls is {chance}."
    )


def _change(stream: StreamDrift) -> str:
    value, low, high = stream.shift.value, stream.shift.low, stream.shift.high
    if stream.figure == "features":
        return (
            f"The queries differ from the logged ones: their feature {stream.model} shifted by {value:+.2f} standard "
            f"deviations [{low:+.2f}, {high:+.2f}]"
        )
    name = _subject(stream)[0].upper() + _subject(stream)[1:]
    if stream.figure in DIFFERENCES:
        unit = "points" if stream.figure == "quality" else "points of 100"
        verb = "fell" if value < 0 else "rose"
        ends = sorted((100 * abs(low), 100 * abs(high))) if low * high > 0 else None
        size = f"{100 * abs(value):.1f} {unit}"
        interval = f"[{ends[0]:.1f}, {ends[1]:.1f}]" if ends else f"[{100 * low:+.1f}, {100 * high:+.1f}]"
        return f"{name} {verb} by {size} {interval}"
    return f"{name} {'fell' if value < 1 else 'rose'} to x{value:.2f} of its forecast level {_factors(stream.shift)}"


def _factors(shift: Shift) -> str:
    return f"[x{shift.low:.2f}, x{shift.high:.2f}]"


def time_text(seconds: float) -> str:
    """Return a time in UTC as text; the number itself where no calendar has it.

    Example:
        >>> time_text(0.0)
        '1970-01-01 00:00 UTC'
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s"
