"""Everything that a monitor has counted so far, which is also its state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from paretoroute.evaluation.drift.detector import Totals
from paretoroute.evaluation.drift.observations import Observed
from paretoroute.evaluation.drift.streams import Streams

RECENT = 2000  # keys: of a query, its call, its quality and its choice; what repeats one of them does not count again


@dataclass(slots=True)
class PointTally:
    """One figure of one point.

    Args:
        forecast: sum of forecasts.
        outcome: sum of outcomes.
        residuals: of the calls, minus those of the calibration sample.
    """

    forecast: float = 0.0
    outcome: float = 0.0
    residuals: Totals = field(default_factory=Totals)

    def add(self, observed: Observed, residual: float) -> None:
        """Take in one call."""
        self.forecast += observed.forecast
        self.outcome += observed.outcome
        self.residuals.add(residual)


@dataclass
class Record:
    """The counts of a monitor.

    Args:
        streams: the tests.
        tallies: by column of the point and figure.
        promise: quality of the calls that the policy chose.
        calls: number of calls that were given.
        apart: number of calls that were left out or compared otherwise, by reason.
        notes: about the calls.
        recent: keys of the last queries, of their calls, of those with a quality and of chosen ones; the oldest first.
        batches: hashes of the last batches.
        last_time: of any call so far, seconds since 1970, or None.
    """

    streams: Streams
    tallies: dict[tuple[int, str], PointTally] = field(default_factory=dict)
    promise: Totals = field(default_factory=Totals)
    calls: int = 0
    apart: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    recent: dict[str, None] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)
    last_time: float | None = None
