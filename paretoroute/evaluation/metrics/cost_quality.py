"""Metrics over curves of mean quality against mean cost: AIQ, areas, and cost at a quality.

The hull of a curve is the least concave, non-decreasing function above its points. The same hull over single points is
RouterBench's zero router, the best mixture that ignores the query.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices


def hull(cost: Floats, quality: Floats) -> Indices:
    """Return the vertices of the non-decreasing concave hull, cheapest first: ``(vertices,)``.

    Of points of equal cost the best counts; points beyond the best quality are not on the hull.

    Args:
        cost: ``(points,)``, in any order.
        quality: ``(points,)``.
    """
    vertices: list[int] = []
    for i in np.lexsort((-quality, cost)):
        if vertices and quality[i] <= quality[vertices[-1]]:
            continue
        while len(vertices) > 1 and _is_below(cost, quality, vertices[-2], vertices[-1], int(i)):
            vertices.pop()
        vertices.append(int(i))
    return np.array(vertices, dtype=np.intp)


def _is_below(cost: Floats, quality: Floats, left: int, middle: int, right: int) -> bool:
    """Return whether the middle point lies on or below the line between its neighbours."""
    rise = (quality[right] - quality[left]) * (cost[middle] - cost[left])
    return bool((quality[middle] - quality[left]) * (cost[right] - cost[left]) <= rise)


@dataclass(frozen=True)
class CostCurve:
    """Mean quality against mean cost at several settings of a router, ``(settings,)`` each, cheapest first."""

    cost: Floats
    quality: Floats

    @property
    def hull(self) -> CostCurve:
        """The vertices of the non-decreasing concave hull."""
        vertices = hull(self.cost, self.quality)
        return CostCurve(self.cost[vertices], self.quality[vertices])

    def height(self, cost: Floats) -> Floats:
        """Interpolate linearly between the settings, flat beyond the ends."""
        return np.interp(cost, self.cost, self.quality)

    def area(self, low: float, high: float) -> float:
        """Return the integral of the height from one cost to another, exactly."""
        inside = self.cost[(self.cost > low) & (self.cost < high)]
        grid = np.concatenate([[low], inside, [high]])
        return float(np.trapezoid(self.height(grid), grid))


def aiq(curve: CostCurve, *, to: float | None = None) -> float | None:
    """Return AIQ (RouterBench, Hu et al., 2024, arXiv:2403.12031): the mean height of the hull over its range of cost.

        AIQ = 1 / (c_max - c_min) integral_{c_min}^{c_max} hull(c) dc

    Args:
        curve: of one router.
        to: c_max, such as the dearest setting of all routers; None: this router's own dearest setting.

    Returns:
        In units of quality; None where the range of cost is empty.
    """
    low, high = float(curve.cost.min()), float(curve.cost.max()) if to is None else to
    return curve.hull.area(low, high) / (high - low) if high > low else None


def code_aiq(curve: CostCurve, to: float) -> float:
    """Return AIQ as RouterBench's code computes it: from the curve's first cost, but divided by the dearest cost.

    It is no mean height, and falls when the same sum is added to all costs.

    Args:
        curve: of one router.
        to: greatest cost of a vertex of any router's hull.
    """
    return curve.hull.area(float(curve.cost.min()), to) / to


def code_hull(curve: CostCurve) -> CostCurve:
    """Return the hull as RouterBench's code lists it: its height at every setting's cost up to its last vertex."""
    vertices = curve.hull
    cost = curve.cost[curve.cost <= vertices.cost[-1]]
    return CostCurve(cost, vertices.height(cost))


def deferral_area(curve: CostCurve, dearest: float, *, share: float = 1.0) -> float:
    """Return the mean height over costs from 0 to a share of the dearest, flat at both ends (R2-Bench).

    Huang et al., 2026, arXiv:2602.02823.

    Args:
        curve: of one router.
        dearest: cost of the dearest model.
        share: upper end of the range of cost, in parts of the dearest.
    """
    return curve.area(0.0, share * dearest) / (share * dearest)


def qnc(curve: CostCurve, single: CostCurve) -> float | None:
    """Return the quality-neutral cost: least cost at which a curve has the best single point's quality, over its cost.

    Below 1 the router reaches that quality for less (R2-Bench, Huang et al., 2026, arXiv:2602.02823).

    Args:
        curve: of one router.
        single: the single points.

    Returns:
        A ratio; None if the curve never reaches that quality.
    """
    best = single.quality.max()
    own = single.cost[single.quality == best].min()
    above = np.flatnonzero(curve.quality >= best - 1e-12)
    if not len(above):
        return None
    k = int(above[0])
    if k == 0:
        return float(curve.cost[0] / own)
    rise = curve.quality[k] - curve.quality[k - 1]
    part = (best - curve.quality[k - 1]) / rise
    return float((curve.cost[k - 1] + part * (curve.cost[k] - curve.cost[k - 1])) / own)


@dataclass(frozen=True)
class AreaAgainstSingle:
    """A curve against single models, as in cascade routing's evaluation.

    Args:
        area: mean height from the cheapest to the dearest model on the hull.
        most_above: greatest difference between a setting of the curve and the hull of the models.
        most_below: least difference.
    """

    area: float
    most_above: float
    most_below: float


def area_against_single(curve: CostCurve, single: CostCurve) -> AreaAgainstSingle:
    """Compare a curve with the hull of single models (Dekoninck et al., 2025, arXiv:2410.10347, published code).

    Below its cheapest setting the curve is a straight line from the worst single quality at the cheapest model's cost;
    beyond its dearest setting it is flat. Settings outside the models' range of cost do not count.
    """
    models = single.hull
    low, high = float(models.cost[0]), float(models.cost[-1])
    worst = float(single.quality.min())
    inside = (curve.cost > low) & (curve.cost <= high)
    line = CostCurve(np.append(low, curve.cost[inside]), np.append(worst, curve.quality[inside]))
    gap = curve.quality - models.height(curve.cost)
    return AreaAgainstSingle(line.area(low, high) / (high - low), float(gap.max()), float(gap.min()))
