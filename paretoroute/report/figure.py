"""What the picture of a policy shows, before it is drawn: points, the frontier, the policy, and two axes.

Cost runs to the right on a logarithmic axis, quality upwards. A cost of zero has no logarithm: it gets a place of its
own at the left edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from paretoroute.grid import Budget
from paretoroute.policy.schema import PolicyDocument

_FREE = 0.07  # part of the axis that costs of zero get
_LEAST_SPREAD = 3.0  # an axis of one cost alone still runs from a third of it to three times
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Dot:
    """One point of the grid in the picture.

    Args:
        model: position of its model in ``Chart.models``.
        name: ``model@budget_label``.
        label: the budget's label.
        share: how often the policy calls it.
        quality: mean quality.
        interval: the ends of its 90% interval; None where the policy does not have it.
        cost_usd: mean cost in the log.
        best: whether it is the best single point.
        efficient: whether no other point is both better and cheaper.
        joined: whether it stands on one line with the dot before it: same model, same kind of budget.
        logged: whether any run of it was; else its figures lie between those of two points that were.
    """

    model: int
    name: str
    label: str
    share: float
    quality: float
    interval: tuple[float, float] | None
    cost_usd: float
    best: bool
    efficient: bool
    joined: bool
    logged: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn of a policy.

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
        """Whether any point's quality has an interval."""
        return any(dot.interval is not None for dot in self.dots)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from ``low`` to ``high``, with ticks at round numbers."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Give the position of a value, 0 at ``low`` and 1 at ``high``."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Give the values to mark, and their texts."""
        step = next((step for step in (0.01, 0.02, 0.05, 0.1) if (self.high - self.low) / step <= _MOST_TICKS), 0.2)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(i * step, f"{i * step:.2f}") for i in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic axis from ``low`` to ``high`` in USD; ``free`` if it has a place for zero at its left end."""

    low: float
    high: float
    free: bool

    def place(self, usd: float) -> float:
        """Give the position of a cost, from 0 to 1."""
        start = _FREE if self.free else 0.0
        if usd <= 0:
            return 0.25 * start
        part = math.log(min(max(usd, self.low), self.high) / self.low) / math.log(self.high / self.low)
        return start + (1 - start) * part

    def ticks(self) -> list[tuple[float, str]]:
        """Give the costs to mark, and their texts."""
        for digits in ((1, 2, 5), (1, 3), (1,)):
            marked = self._marked(digits)
            if len(marked) <= _MOST_TICKS:
                break
        else:
            marked = marked[:: math.ceil(len(marked) / _MOST_TICKS)]
        return [(0.0, "$0")] * self.free + [(usd, dollars(usd)) for usd in marked]

    def _marked(self, digits: Iterable[int]) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        marked = (float(f"{digit}e{decade}") for decade in decades for digit in digits)
        return [usd for usd in marked if self.low <= usd <= self.high]


def chart(document: PolicyDocument) -> Chart:
    """Arrange a policy for drawing."""
    dots = tuple(_dots(document))
    found = document.expected
    costs = [dot.cost_usd for dot in dots] + [row.cost_usd for row in document.trade_off]
    costs += [found.cost_usd, found.cost_usd_low, found.cost_usd_high]
    qualities = [dot.quality for dot in dots] + [found.quality, found.quality_low, found.quality_high]
    qualities += [value for row in document.trade_off for value in (row.quality_low, row.quality_high)]
    return Chart(tuple(entry.model for entry in document.grid), dots, _cost_axis(costs), _quality_axis(qualities))


def dollars(usd: float) -> str:
    """Write a round amount of USD in full, very small ones as a power of ten.

    Example:
        >>> dollars(0.0005), dollars(20.0), dollars(1e-7)
        ('$0.0005', '$20', '$1e-07')
    """
    return f"${usd:.7f}".rstrip("0").rstrip(".") if usd >= 1e-5 else f"${usd:g}"


def decimals(costs: Iterable[float]) -> int:
    """Tell how many decimals show three digits of the smallest positive amount, from 2 to 8."""
    positive = [cost for cost in costs if cost > 0]
    return min(max(2 - math.floor(math.log10(min(positive))), 2), 8) if positive else 2


def _dots(document: PolicyDocument) -> Iterable[Dot]:
    every = [point for entry in document.grid for point in entry.points]
    best = _best(document)
    for number, entry in enumerate(document.grid):
        before = None
        # Amounts and known efforts give the order; where neither is known, the document's own stands.
        for point in sorted(entry.points, key=lambda p: (p.kind, Budget(p.kind, p.label, p.amount).order[0])):
            beaten = any(
                other.quality >= point.quality and other.cost_usd <= point.cost_usd
                and (other.quality, other.cost_usd) != (point.quality, point.cost_usd)
                for other in every
            )  # fmt: skip
            name = f"{entry.model}@{point.label}"
            low, high = point.quality_low, point.quality_high
            interval = None if low is None or high is None else (low, high)
            place = (point.share, point.quality, interval, point.cost_usd)
            is_best = (entry.model, point.kind, point.label) == best
            logged = point.never_logged is None
            yield Dot(number, name, point.label, *place, is_best, not beaten, before == point.kind, logged)
            before = point.kind


def _best(document: PolicyDocument) -> tuple[str, str, str] | None:
    """Find the best single point; where budgets of several kinds share its name, by its cost."""
    best = document.expected.best_single
    named = [
        (abs(point.cost_usd - best.cost_usd), (entry.model, point.kind, point.label))
        for entry in document.grid
        for point in entry.points
        if f"{entry.model}@{point.label}" == best.point
    ]
    return min(named)[1] if named else None


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
