"""The frontier that mixtures reach: the upper concave hull of a policy's trade-off, its points and the policy itself.

Calling one point for a part of the queries and another for the rest reaches every quality and cost on the straight
line between the two. It is straight over cost and bends on a logarithmic axis, so that it is drawn through many places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute.evaluation.metrics.cost_quality import hull
from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.chart.figure import LogAxis, ends_of

_STEPS = 24  # places between two corners


@dataclass(frozen=True, slots=True)
class Place:
    """A mean cost and the quality reached there, with its 90% interval.

    Args:
        cost_usd: per query.
        quality: mean, in [0, 1].
        low: lower end of the interval; the quality itself where none is stored.
        high: upper end.
    """

    cost_usd: float
    quality: float
    low: float
    high: float


def corners(document: PolicyDocument) -> list[Place]:
    """Return the corners of the frontier by rising cost and quality, from the cheapest place to the best."""
    offers = list(_offers(document))
    cost, quality = np.array([(place.cost_usd, place.quality) for place in offers]).T
    return [offers[i] for i in hull(cost, quality)]


def drawn(document: PolicyDocument, axis: LogAxis) -> list[Place]:
    """Return places along the frontier, close enough together for straight lines on the axis."""
    places, ends = [], corners(document)
    for start, end in zip(ends, ends[1:], strict=False):
        first = max(start.cost_usd, axis.low)
        costs = [first * (end.cost_usd / first) ** (i / _STEPS) for i in range(start.cost_usd > 0, _STEPS)]
        places += [start, *(_between(start, end, cost) for cost in costs if start.cost_usd < cost < end.cost_usd)]
    return [*places, ends[-1]]


def _offers(document: PolicyDocument) -> Iterator[Place]:
    expected: Sequence[float] = (document.expected.cost_usd, document.expected.quality)
    points = (point for entry in document.grid for point in entry.points)
    yield Place(*expected, *ends_of(document.expected))
    for offer in (*document.trade_off, *points):
        yield Place(offer.cost_usd, offer.quality, *ends_of(offer))


def _between(start: Place, end: Place, cost_usd: float) -> Place:
    """Interpolate a mixture of two places."""
    part = (cost_usd - start.cost_usd) / (end.cost_usd - start.cost_usd)
    quality, low, high = (
        a + part * (b - a) for a, b in ((start.quality, end.quality), (start.low, end.low), (start.high, end.high))
    )
    return Place(cost_usd, quality, low, high)
