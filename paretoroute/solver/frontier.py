"""Upper hulls of every query's points, and the frontier that their steps form together.

Maximising mean quality at a limited mean cost is the linear relaxation of a multiple-choice knapsack problem. Its
optimum climbs each query's non-decreasing upper concave hull of (cost, quality) and takes the steps of all
queries in the order of their slope, quality per USD (Sinha and Zoltners, "The multiple-choice knapsack problem",
Operations Research 27(3), 1979, doi:10.1287/opre.27.3.503). Dominated points, and of equal points all but the first,
lie on no hull.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.errors import TargetError, expect, shown
from paretoroute.forecast import Forecast, Tables, in_range
from paretoroute.solver.argmax import TIE, cheapest
from paretoroute.solver.block_argmax import CostQuality, float64_blocks

_BLOCK = 512
_LEAST_SLOPE = 1e-290  # quality per USD; below it a price, or its inverse, would leave the range of float64
_TOO_FLAT = (
    f"a forecast's quality rises by less than {_LEAST_SLOPE:g} per USD between two points, which has no price; round "
    "such small qualities to 0, or rescale cost_usd"
)


@dataclass(frozen=True)
class Steps:
    """Steps from one point of a query's hull to the next; those of one query are in climbing order.

    Args:
        query: row of the query, ``(steps,)``.
        source: column left, ``(steps,)``.
        target: column reached, ``(steps,)``.
        slope: quality per USD gained, ``(steps,)``; never rises along one query.
    """

    query: Indices
    source: Indices
    target: Indices
    slope: Floats


@dataclass(frozen=True)
class Frontier:
    """The best mean quality for every mean cost, a concave piecewise linear curve, and the choices that reach it.

    Steps are sorted by falling slope; those whose slopes agree within a relative 1e-12 form one breakpoint, a tie.

    Args:
        price: slope of each breakpoint, quality per USD, falling, ``(breakpoints,)``.
        cost_usd: mean cost before the first and after each breakpoint, ``(breakpoints + 1,)``.
        quality: mean quality at the same places, ``(breakpoints + 1,)``.
        start: the cheapest point of every query, where the climb begins, ``(queries,)``.
        steps: all steps in the order in which they are taken.
        first: index of each breakpoint's first step, and the number of steps at the end, ``(breakpoints + 1,)``.
    """

    price: Floats
    cost_usd: Floats
    quality: Floats
    start: Indices
    steps: Steps
    first: Indices

    def choice(self, breakpoints: int) -> Indices:
        """Return every query's point once so many breakpoints are taken in full, ``(queries,)``.

        Raises:
            TargetError: the frontier has fewer breakpoints.
        """
        expect("the number of breakpoints", breakpoints, Integral, TargetError)
        if not 0 <= breakpoints < len(self.first):
            raise TargetError(
                f"the number of breakpoints must be of 0 to {len(self.first) - 1}, got {shown(breakpoints)}"
            )
        taken = slice(0, self.first[breakpoints])
        point = self.start.copy()
        # A later assignment wins, and a query's steps are in climbing order.
        point[self.steps.query[taken]] = self.steps.target[taken]
        return point


def frontier(forecast: Forecast) -> Frontier:
    """Build the whole frontier of a forecast, exactly.

    Args:
        forecast: quality and cost, ``(queries, points)``; points that are not callable lie on no hull.

    Returns:
        All breakpoints with the mean cost and quality at each, summed in float64.

    Raises:
        TargetError: a cost is neither 0 nor of 1e-60 to 1e60 USD where a point may be called, or a step has a slope
            below 1e-290.

    Example:
        >>> line = frontier(Forecast(quality=np.array([[0.5, 0.9, 0.6]]), cost_usd=np.array([1.0, 2.0, 3.0])))
        >>> line.price.tolist(), line.cost_usd.tolist(), line.quality.tolist()
        ([0.4], [1.0, 2.0], [0.5, 0.9])
    """
    expect("the forecast", forecast, Forecast, TargetError)
    forecast = in_range(forecast)
    start = cheapest_points(forecast)
    steps = climb(forecast, start)
    cost, quality = values(forecast, start)
    gain_cost, gain_quality = gains(forecast, steps)
    first = breakpoints(steps.slope)
    queries = forecast.quality.shape[0]
    return Frontier(
        price=steps.slope[first[:-1]],
        cost_usd=running_sum(cost.sum(), gain_cost)[first] / queries,
        quality=running_sum(quality.sum(), gain_quality)[first] / queries,
        start=start,
        steps=steps,
        first=first,
    )


def cheapest_points(tables: Tables) -> Indices:
    """Return the cheapest callable point of every query, ``(queries,)``."""
    blocks = [cheapest(b.quality, b.cost_usd, b.callable) for _, b in float64_blocks(tables)]
    return np.concatenate(blocks or [np.empty(0, dtype=np.intp)])


def climb(tables: Tables, start: Indices, *, least: float = 0.0) -> Steps:
    """Climb every query's hull from ``start`` while the slope is positive and at least ``least``; sort the steps.

    Args:
        tables: quality and cost, ``(queries, points)``.
        start: a point on each query's hull, ``(queries,)``.
        least: slope at which to stop, quality per USD.
    """
    parts = [_Rises(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))]
    for part, block in float64_blocks(tables):
        parts += [rises._replace(query=rises.query + part.start) for rises in _climb_block(block, start[part], least)]
    query, source, target, slope = map(np.concatenate, zip(*parts, strict=True))
    # A stable sort keeps the steps of one query in climbing order where their slopes are equal.
    order = np.argsort(-slope, kind="stable")
    return Steps(query[order], source[order], target[order], slope[order])


class _Rises(NamedTuple):
    """One step of some queries each, ``(steps,)``."""

    query: Indices
    source: Indices
    target: Indices
    slope: Floats


def _climb_block(block: Tables, start: Indices, least: float) -> Iterator[_Rises]:
    """Wrap the hulls of a block of rows at once: from each point, take the step of the highest slope."""
    quality, cost = block.quality, np.broadcast_to(block.cost_usd, block.quality.shape)
    active, at = np.arange(len(quality), dtype=np.intp), start
    last = np.full(active.shape, np.inf)
    mask = None if block.callable is None else np.broadcast_to(block.callable, quality.shape)
    while active.size:
        own_quality, own_cost = quality[active], cost[active]
        here = np.arange(active.size, dtype=np.intp)
        base = own_quality[here, at][:, None]
        rise, run = own_quality - base, own_cost - own_cost[here, at][:, None]
        uphill = (run > 0) & (rise > TIE * np.abs(base))
        if mask is not None:
            uphill &= mask[active]
        slope = np.full(rise.shape, -np.inf)
        np.divide(rise, run, out=slope, where=uphill)
        steepest = slope.max(axis=1)
        if ((steepest >= 0) & (steepest < _LEAST_SLOPE)).any():
            raise TargetError(_TOO_FLAT)
        # Of collinear points the farthest is next; the ones between lie on the step.
        target = np.where(slope == steepest[:, None], run, -np.inf).argmax(axis=1)
        going = (steepest > 0) & (steepest >= least)
        # A hull's slopes fall; rounding can make the next one exceed the last.
        last = np.minimum(steepest, last)[going]
        active, source, at = active[going], at[going], target[going]
        if active.size:
            yield _Rises(active, source, at, last)


def values(tables: Tables, point: Indices) -> CostQuality[Floats]:
    """Look up the cost and the quality of one point per query, in float64, ``(queries,)`` each."""
    rows = np.arange(point.size)
    cost = tables.cost_usd[rows, point] if tables.cost_usd.ndim == 2 else tables.cost_usd[point]
    return CostQuality(cost.astype(np.float64), tables.quality[rows, point].astype(np.float64))


def gains(tables: Tables, steps: Steps) -> CostQuality[Floats]:
    """Compute the increase in cost and in quality of each step, in float64, ``(steps,)`` each."""
    quality, cost = tables.quality, np.broadcast_to(tables.cost_usd, tables.quality.shape)
    before, after = (steps.query, steps.source), (steps.query, steps.target)
    gain_cost = cost[after].astype(np.float64) - cost[before]
    return CostQuality(gain_cost, quality[after].astype(np.float64) - quality[before])


def breakpoints(slope: Floats) -> Indices:
    """Return where ties begin in falling slopes: the first step of each breakpoint, then the number of steps."""
    fresh = np.flatnonzero(slope[1:] < slope[:-1] * (1 - TIE)) + 1
    return np.concatenate([np.zeros(min(slope.size, 1), dtype=np.intp), fresh, [slope.size]]).astype(np.intp)


def running_sum(start: float, terms: Floats) -> Floats:
    """Compute the partial sums, ``(terms + 1,)``, block by block, so that rounding errors do not add up in one chain.

    Args:
        start: value before the first term.
        terms: to add, ``(terms,)``.
    """
    padded = np.zeros(-(-terms.size // _BLOCK) * _BLOCK)
    padded[: terms.size] = terms
    table = padded.reshape(-1, _BLOCK)
    ends = np.concatenate([[0.0], np.cumsum(table.sum(axis=1))[:-1]]) if table.size else np.empty(0)
    inner = np.cumsum(table, axis=1) + ends[:, None]
    return start + np.concatenate([[0.0], inner.ravel()[: terms.size]])
