"""Narrow many queries down to the few whose choice the price still has to decide.

A sample gives two prices around the answer. In one pass over all rows each query is asked at both. If the same point
wins at both prices it wins at every price between (its lead over any other point is linear in the price), and the
query is settled; only the rest is looked at again. What is left after a few rounds is small enough for its hulls to
be built, from the choice at the upper price down to the lower one. Nothing here is approximate: a sample that misled
only costs another pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import cheapest, choose
from paretoroute.solver.frontier import CHUNK, Steps, blocks, breakpoints, climb, gains, running_sum, values

# Prices three standard errors out miss the answer once in 400 times, which costs one more pass.
_SIGMAS = 3.0
_PASS_ROWS = 2_048  # three float64 buffers of this many rows of 32 points stay in a second-level cache
# Prices move out by this, so that the breakpoint sought lies strictly between them even when many slopes are equal.
_MARGIN = 1e-6


@dataclass(frozen=True)
class Sizes:
    """How many queries are narrowed, and by a sample of how many: a larger one costs more and settles more rows.

    Args:
        small: queries that are solved as they are.
        least_sample: rows at least.
        most_sample: rows at most.
        one_in: between these bounds, one row in so many is sampled.
    """

    small: int = 6_000
    least_sample: int = 1_000
    most_sample: int = 40_000
    one_in: int = 250

    def sample(self, queries: int) -> int:
        """Return the number of rows to sample."""
        return min(max(queries // self.one_in, self.least_sample), self.most_sample)


SIZES = Sizes()


@dataclass(frozen=True)
class Narrowed:
    """What is left to decide, and what is settled.

    Args:
        rows: the open queries, rows of the forecast given; None: all are open.
        forecast: the forecast of the open queries.
        settled: the point of every query, ``(queries,)``; meaningless at open ones.
        cost, quality: totals over the settled queries.
        upper, lower: the prices between which the answer lies; ``inf`` and 0 where nothing bounds it.
    """

    rows: Indices | None
    forecast: Tables
    settled: NDArray[np.int32]
    cost: float
    quality: float
    upper: float
    lower: float


def narrow(forecast: Tables, measure: str, total: float, *, sizes: Sizes = SIZES) -> Narrowed:
    """Settle all queries whose choice the target leaves no doubt about.

    Args:
        forecast: quality and cost, ``(queries, points)``.
        measure: ``cost`` or ``quality``, the quantity the target is about.
        total: what that quantity has to sum up to over all queries.
        sizes: of the sample, and of what is left to solve.
    """
    queries = forecast.quality.shape[0]
    without_latency = Tables(forecast.quality, forecast.cost_usd, callable=forecast.callable)
    state = Narrowed(None, without_latency, np.zeros(queries, dtype=np.int32), 0.0, 0.0, math.inf, 0.0)
    while state.forecast.quality.shape[0] > sizes.small:
        left = state.forecast.quality.shape[0]
        done = state.cost if measure == "cost" else state.quality
        sample = state.forecast.take(np.sort(np.random.default_rng(0).integers(left, size=sizes.sample(left))))
        upper, lower = _guess(sample, measure, (total - done) / left, state.upper, state.lower)
        state = _settle(state, measure, total - done, upper, lower)
        if state.forecast.quality.shape[0] > 0.8 * left:
            break
    return state


def _guess(sample: Tables, measure: str, mean: float, upper: float, lower: float) -> tuple[float, float]:
    """Guess two prices around the answer from a sample of rows, inside those known already."""
    size = sample.quality.shape[0]
    start = start_at(sample, upper)
    steps = climb(sample, start, least=lower)
    if not steps.slope.size:
        return upper, lower
    which = 0 if measure == "cost" else 1
    at_start = values(sample, start)[which]
    gain = gains(sample, steps)[which]
    line = running_sum(at_start.sum(), gain) / size
    place = np.searchsorted(line, mean)
    taken = slice(0, min(place, gain.size))
    spread = (at_start + np.bincount(steps.query[taken], gain[taken], minlength=size)).std()
    slack = _SIGMAS * spread / math.sqrt(size)
    first, last = np.searchsorted(line, mean - slack) - 1, np.searchsorted(line, mean + slack)
    if first >= 0:
        upper = min(upper, float(steps.slope[min(first, gain.size - 1)]) * (1 + _MARGIN))
    if last < gain.size:
        lower = max(lower, float(steps.slope[last]) * (1 - _MARGIN))
    return upper, lower


def _settle(state: Narrowed, measure: str, total: float, upper: float, lower: float) -> Narrowed:
    """Ask every open query at both prices; keep open those that answer differently.

    Where the total sought turns out to lie outside the two prices, the wrong one is given up and the pass repeated.
    """
    while True:
        settled, keep, sums, at_upper, at_lower = _ask(state.forecast, upper, lower)
        cost, quality = sums
        which = 0 if measure == "cost" else 1
        # At a tie either side may have been summed up: that only gives an end up which could have stayed.
        if upper < state.upper and sums[which] + at_upper[which] > total:
            upper = state.upper
        elif lower > state.lower and sums[which] + at_lower[which] < total:
            lower = state.lower
        else:
            break
    rest = state.forecast.take(keep)
    if state.rows is None:
        everyone, rows = settled, keep
    else:
        everyone, rows = state.settled, state.rows[keep]
        everyone[state.rows] = settled
    return Narrowed(rows, rest, everyone, state.cost + cost, state.quality + quality, upper, lower)


def _ask(forecast: Tables, upper: float, lower: float):
    """Go over all rows once: the choice at the upper price, the rows that differ below, and totals of cost and quality.

    The totals are those of the rows that do not differ, and of the others at the upper and at the lower price.
    """
    queries, points = forecast.quality.shape
    winner = np.empty(queries, dtype=np.int32)
    differs = np.empty(queries, dtype=bool)
    buffers = np.empty((3, _PASS_ROWS, points))
    totals: list[list[tuple[float, float]]] = [[], [], []]
    for row in range(0, queries, _PASS_ROWS):
        part = slice(row, min(row + _PASS_ROWS, queries))
        quality, cost, mask, scores = _load(forecast, part, buffers)
        first = cheapest(quality, cost, mask) if math.isinf(upper) else _best(quality, cost, mask, upper, scores)
        second = _best(quality, cost, mask, lower, scores)
        unsure = first != second
        winner[part], differs[part] = first, unsure
        open_ = np.flatnonzero(unsure)
        everyone = _sums(quality, cost, np.arange(first.size), first)
        above = _sums(quality, cost, open_, first[open_])
        totals[0].append((everyone[0] - above[0], everyone[1] - above[1]))
        totals[1].append(above)
        totals[2].append(_sums(quality, cost, open_, second[open_]))
    sums = [tuple(map(math.fsum, zip(*part, strict=True))) for part in totals]
    return winner, np.flatnonzero(differs), *sums


def _sums(quality: Floats, cost: Floats, rows: Indices, point: Indices) -> tuple[float, float]:
    """Sum up the cost and the quality of one point of some rows each."""
    return float((cost[rows, point] if cost.ndim == 2 else cost[point]).sum()), float(quality[rows, point].sum())


def _load(forecast: Tables, part: slice, buffers: Floats):
    """Copy rows into float64 buffers where they are not float64 already."""
    size = part.stop - part.start
    loaded = []
    for array, buffer in ((forecast.quality, buffers[0, :size]), (forecast.cost_usd, buffers[1, :size])):
        if array.ndim == 1:
            loaded.append(array.astype(np.float64, copy=False))
        elif array.dtype == np.float64:
            loaded.append(array[part])
        else:
            np.copyto(buffer, array[part])
            loaded.append(buffer)
    mask = forecast.callable
    return *loaded, mask[part] if mask is not None and mask.ndim == 2 else mask, buffers[2, :size]


def _best(quality: Floats, cost: Floats, mask, price: float, scores: Floats) -> Indices:
    """Find the first point with the highest score in every row."""
    if cost.ndim == 2:
        np.multiply(cost, price, out=scores)
        np.subtract(quality, scores, out=scores)
    else:
        np.subtract(quality, price * cost, out=scores)
    if mask is not None:
        scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
    return scores.argmax(axis=1)


def start_at(forecast: Tables, price: float) -> Indices:
    """Find where a climb down from this price begins: the cheap side of every choice at it."""
    if math.isinf(price):
        return np.concatenate([cheapest(*block) for _, block in blocks(forecast)] or [np.empty(0, dtype=np.intp)])
    return choose_all(forecast, price)[0]


def choose_all(forecast: Tables, price: float) -> tuple[Indices, Indices]:
    """Apply the decision rule to a forecast, block by block: ``low`` and ``high``, ``(queries,)`` each."""
    low, high = (np.empty(forecast.quality.shape[0], dtype=np.intp) for _ in range(2))
    for row, (quality, cost, mask) in blocks(forecast):
        part = slice(row, row + CHUNK)
        low[part], high[part] = choose(quality, cost, price, mask)
    return low, high


def critical_price(state: Narrowed, measure: str, total: float) -> tuple[float, Steps]:
    """Find the breakpoint at which the total is reached, among the open queries.

    Args:
        state: settled and open queries.
        measure: ``cost`` or ``quality``.
        total: what the quantity has to sum up to over all queries, within reach.

    Returns:
        The price of the breakpoint (the last one where rounding leaves the total a hair out of reach; 0 where there
        is no step at all), and the steps.
    """
    start = start_at(state.forecast, state.upper)
    steps = climb(state.forecast, start, least=state.lower)
    if not steps.slope.size:
        return 0.0, steps
    which, done = (0, state.cost) if measure == "cost" else (1, state.quality)
    first = breakpoints(steps.slope)
    line = done + running_sum(values(state.forecast, start)[which].sum(), gains(state.forecast, steps)[which])[first]
    place = min(int(np.searchsorted(line[1:], total)), first.size - 2)
    return float(steps.slope[first[place]]), steps
