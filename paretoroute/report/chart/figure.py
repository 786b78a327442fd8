"""The content of a policy's picture before it is drawn: its points and two axes.

Cost runs to the right on a logarithmic axis, quality upwards. A cost of zero has no logarithm and stands at the left
edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from paretoroute.grid import Budget
from paretoroute.policy.schema import PointEntry, PolicyDocument, TradeOffEntry
from paretoroute.policy.schema_types import ExpectedEntry
from paretoroute.price import rounded_usd
from paretoroute.report.labels import labels_of

_FREE = 0.07  # part of the axis that is reserved for costs of zero
_LEAST_SPREAD = 3.0  # an axis of a single cost runs from a third of it to three times
_MOST_TICKS = 8


class Ends(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


class Tick(NamedTuple):
    """A mark on an axis."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One point of the grid in the picture.

    Args:
        model: position of its model in ``Chart.models``.
        name: of the point, as people read it.
        label: the budget's label.
        share: of the calls that the policy makes.
        quality: mean quality.
        interval: of 90%, of the mean quality; None where the policy does not have it.
        cost_usd: mean cost in the log.
        best: whether it is the best single point.
        efficient: whether no other point is better and no dearer, or cheaper and no worse.
        joined: whether a line joins it to the dot before it: same model, same kind of budget, and
            an order between the two.
        logged: whether it was ever logged; else its figures are interpolated between two points that were.
    """

    model: int
    name: str
    label: str
    share: float
    quality: float
    interval: Ends | None
    cost_usd: float
    best: bool
    efficient: bool
    joined: bool
    logged: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """The points and axes of a policy's picture.

    Args:
        models: names, in the document's order.
        dots: points by model, less compute first.
        cost: the axis to the right.
        quality: the axis upwards.
    """

    models: tuple[str, ...]
    dots: tuple[Dot, ...]
    cost: LogAxis
    quality: Axis

    @property
    def intervals(self) -> bool:
        """Whether any point has an interval."""
        return any(dot.interval is not None for dot in self.dots)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from ``low`` to ``high``, with ticks at round numbers."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return the position of a value, 0 at ``low`` and 1 at ``high``."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def ticks(self) -> list[Tick]:
        """Return the marks, from the bottom."""
        step = next((step for step in (0.01, 0.02, 0.05, 0.1) if (self.high - self.low) / step <= _MOST_TICKS), 0.2)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [Tick(i * step, f"{i * step:.2f}") for i in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic axis from ``low`` to ``high`` in USD; ``free`` if zero has a place at its left end.

    Its marks count 1,000 queries.
    """

    low: float
    high: float
    free: bool

    def place(self, usd: float) -> float:
        """Return the position of a cost, from 0 to 1."""
        start = _FREE if self.free else 0.0
        if usd <= 0:
            return 0.25 * start
        part = math.log(min(max(usd, self.low), self.high) / self.low) / math.log(self.high / self.low)
        return start + (1 - start) * part

    def ticks(self) -> list[Tick]:
        """Return the marks, from the left."""
        for digits in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1, 3), (1,)):
            marked = self._marked(digits)
            if len(marked) <= _MOST_TICKS:
                break
        else:
            marked = marked[:: math.ceil(len(marked) / _MOST_TICKS)]
        return [Tick(0.0, "$0")] * self.free + [Tick(usd, rounded_usd(1000 * usd)) for usd in marked]

    def _marked(self, digits: Iterable[float]) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        marked = (float(f"{digit}e{decade}") for decade in decades for digit in digits)
        return [usd for usd in marked if self.low <= usd <= self.high]


def chart_of(document: PolicyDocument) -> Chart:
    """Arrange a policy for drawing."""
    dots = tuple(_dots(document))
    expected = document.expected
    costs = [dot.cost_usd for dot in dots] + [row.cost_usd for row in document.trade_off]
    costs += [expected.cost_usd, *cost_ends_of(expected)]
    qualities = [dot.quality for dot in dots] + [expected.quality, *ends_of(expected)]
    qualities += [value for row in document.trade_off for value in ends_of(row)]
    return Chart(tuple(entry.model for entry in document.grid), dots, _cost_axis(costs), _quality_axis(qualities))


def ends_of(offer: ExpectedEntry | TradeOffEntry | PointEntry) -> Ends:
    """Return the ends of the interval of quality; the quality itself where there is none."""
    low, high = offer.quality_low, offer.quality_high
    return Ends(offer.quality if low is None else low, offer.quality if high is None else high)


def cost_ends_of(expected: ExpectedEntry) -> Ends:
    """Return the ends of the interval of cost; the cost itself where there is none."""
    low, high = expected.cost_usd_low, expected.cost_usd_high
    return Ends(expected.cost_usd if low is None else low, expected.cost_usd if high is None else high)


def _dots(document: PolicyDocument) -> Iterator[Dot]:
    every = [point for entry in document.grid for point in entry.points]
    best, label = best_single(document), labels_of(document)
    for number, entry in enumerate(document.grid):
        before = None
        for point in sorted(entry.points, key=_compute):
            budget = Budget(point.kind, point.label, point.amount)
            yield Dot(
                model=number,
                name=label(f"{entry.model}@{point.label}"),
                label=point.label,
                share=point.share,
                quality=point.quality,
                interval=_interval(point),
                cost_usd=point.cost_usd,
                best=point is best,
                efficient=not any(_beats(other, point) for other in every),
                joined=before is not None and before.kind == budget.kind and before.place is not None,
                logged=point.never_logged is None,
            )
            before = budget


def _interval(point: PointEntry) -> Ends | None:
    low, high = point.quality_low, point.quality_high
    return None if low is None or high is None else Ends(low, high)


def _compute(point: PointEntry) -> tuple[str, float]:
    """Order points by kind of budget and compute; where neither amount nor effort is known, the document's order."""
    return point.kind, Budget(point.kind, point.label, point.amount).order[0]


def _beats(other: PointEntry, point: PointEntry) -> bool:
    at_least_as_good = other.quality >= point.quality and other.cost_usd <= point.cost_usd
    return at_least_as_good and (other.quality, other.cost_usd) != (point.quality, point.cost_usd)


def best_single(document: PolicyDocument) -> PointEntry | None:
    """Return the best single point; of several points of its name, the one that is nearest in cost."""
    best = document.expected.best_single
    named = [point for entry in document.grid for point in entry.points if f"{entry.model}@{point.label}" == best.point]
    return min(named, key=lambda point: abs(point.cost_usd - best.cost_usd), default=None)


def _cost_axis(costs: Iterable[float]) -> LogAxis:
    costs = list(costs)
    positive = [cost for cost in costs if cost > 0] or [1.0]
    low, high = min(positive), max(positive)
    room = (high / low) ** 0.06
    if high / low < _LEAST_SPREAD:
        room = _LEAST_SPREAD
    return LogAxis(low / room, high * room, min(costs) <= 0)


def _quality_axis(qualities: Iterable[float]) -> Axis:
    qualities = list(qualities)
    low, high = min(qualities), max(qualities)
    room = max(0.06 * (high - low), 0.02)
    return Axis(max(low - room, -0.02), min(high + room, 1.02))
