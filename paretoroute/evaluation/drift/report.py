"""The report of a monitor: figures per point, streams that shifted, and findings as sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from paretoroute.calibration.intervals import Z90
from paretoroute.evaluation.drift.detector import Totals

LEVEL = 0.9
UNTESTED = "no call could be compared with a forecast, so that nothing was tested"
_TUNED_FOR = 1000.0  # calls at which the boundary of a confidence sequence is narrowest


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift of residuals, with the ends of its 90% interval.

    Quality shifts by a difference; the other figures by a factor.

    Args:
        value: the estimate; NaN without calls.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PointDrift:
    """One figure of one point since the monitor began.

    Args:
        point: its name.
        model: its model, whose points are tested together.
        figure: ``quality``, ``completion_tokens``, ``latency_s`` or ``cost_usd``.
        calls: number of calls with this figure.
        forecast: mean forecast.
        outcome: mean outcome.
        shift: of the outcome against its forecast, beyond that on the calibration sample.
    """

    point: str
    model: str
    figure: str
    calls: int
    forecast: float
    outcome: float
    shift: Shift


@dataclass(frozen=True, slots=True)
class StreamDrift:
    """The test of one stream.

    Args:
        figure: of the calls; ``unfamiliar`` and ``features`` are those of the queries.
        model: whose calls; ``""``: all.
        calls: number tested.
        chance: upper bound of the probability that a stable stream reaches this evidence, all tests counted together.
        shifted: whether a change was detected.
        shift: since the change, or since the monitor began where none was detected.
        since_call: estimated number of calls of the monitor before the change, or None.
        since_time: time of the first call after it, seconds since 1970, or None.
        detected_call: number of calls of the monitor at the detection, or None.
    """

    figure: str
    model: str
    calls: int
    chance: float
    shifted: bool
    shift: Shift
    since_call: int | None = None
    since_time: float | None = None
    detected_call: int | None = None


@dataclass(frozen=True, slots=True)
class PromiseCheck:
    """The promise of the policy and the quality of the calls that it chose.

    Args:
        calls: number of such calls with a quality.
        quality: their mean, NaN without calls.
        low: lower end of its 90% confidence sequence, which holds at all times together.
        high: upper end.
        promised: the promised quality.
        promised_low: lower end of its 90% interval, or None where the policy has none.
        promised_high: upper end.
        verdict: ``kept`` (the intervals overlap), ``below`` or ``above``; ``unknown`` without calls.
    """

    calls: int
    quality: float
    low: float
    high: float
    promised: float
    promised_low: float | None
    promised_high: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The state of a monitor.

    Args:
        drifted: whether any change was detected.
        calls: number of calls that were given.
        findings: detected changes, as sentences.
        certificate: whether the certificate still stands, as a sentence.
        certificate_stands: None where the policy has none.
        promise: of quality.
        streams: every test.
        points: every figure of every point.
        apart: number of calls that were left out or compared otherwise, by reason.
        notes: about the order and the overlap of the calls, and ``UNTESTED`` first where that is so.
    """

    drifted: bool
    calls: int
    findings: tuple[str, ...]
    certificate: str
    certificate_stands: bool | None
    promise: PromiseCheck
    streams: tuple[StreamDrift, ...]
    points: tuple[PointDrift, ...]
    apart: dict[str, int]
    notes: tuple[str, ...]


def confidence_radius(totals: Totals) -> float:
    """Return the half-width of the 90% confidence sequence of a mean: of all times together.

    The asymptotic boundary of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
    asymptotic confidence sequences", Annals of Statistics 52(6), 2024, arXiv:2103.06476.

    Infinite for one value or none.
    """
    variance, n = totals.variance, totals.count
    if math.isnan(variance):
        return math.inf
    miss = 1.0 - LEVEL
    tuning = (-2 * math.log(miss) + math.log(-2 * math.log(miss) + 1)) / _TUNED_FOR
    scale = n * tuning + 1
    variance = max(variance, 1e-4 / n)  # of n equal values
    return math.sqrt(variance * 2 * scale / (n * n * tuning) * math.log(math.sqrt(scale) / miss))


def shift_between(before: Totals, after: Totals, *, reference: float) -> Shift:
    """Return the difference of two means of residuals, whose level on the calibration sample is 0.

    Args:
        before: residuals until the change.
        after: residuals since.
        reference: number of cells of the calibration sample, which count as residuals before the change.
    """
    if not after.count:
        return Shift(math.nan, math.nan, math.nan)
    count = before.count + reference
    level = before.total / count if count else 0.0
    value = after.mean - level
    variance = after.variance if after.count > 1 else 1.0
    radius = math.hypot(confidence_radius(after), Z90 * math.sqrt(variance / max(count, 1.0)))
    return Shift(value, value - radius, value + radius)


def as_factor(shift: Shift) -> Shift:
    """Return the factor of a shift of logarithms; infinite beyond what a float holds."""
    return Shift(*(math.exp(min(value, 700.0)) for value in (shift.value, shift.low, shift.high)))
