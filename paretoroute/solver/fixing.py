"""Variable fixing: reduce many queries to the few whose choice the price still decides.

A sample of the queries yields an interval of prices around the solution. One pass over all rows chooses for each query
at both ends. If the same point wins at both ends it wins at every price between (its lead over any other point is
linear in the price), so its variables can be fixed; only the other queries stay free (the "core" of a knapsack
problem: Balas and Zemel, "An algorithm for large zero-one knapsack problems", Operations Research 28(5), 1980,
doi:10.1287/opre.28.5.1130). After a few rounds few enough are free for their hulls to be built, from the choice at the
upper price down to the lower one. The result is exact: an unlucky sample only costs another pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights, cheapest, choose
from paretoroute.solver.block_argmax import BlockScores, CostQuality, float64_blocks, sum_chosen
from paretoroute.solver.frontier import Steps, breakpoints, cheapest_points, climb, gains, running_sum, values

T = TypeVar("T")

# Prices three standard errors out miss the solution once in 400 times, which costs one more pass.
_SIGMAS = 3.0
# Prices move out by this, so that the breakpoint sought lies strictly between them even when many slopes are equal.
_MARGIN = 1e-6
_WORTHWHILE = 0.8  # a round that leaves more than this share of the queries free is the last


@dataclass(frozen=True)
class Sizes:
    """From how many queries on choices are fixed, and the size of the sample: a larger one costs more and fixes more.

    Args:
        small: queries that are solved without fixing.
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


class Measure(Enum):
    """The figure that a target is about."""

    COST = "cost"
    QUALITY = "quality"


@dataclass(frozen=True)
class Goal:
    """A total of cost or quality, over some queries, that the choices have to reach exactly."""

    measure: Measure
    total: float

    def of(self, pair: CostQuality[T]) -> T:
        """Return the figure that the goal is about."""
        return pair.cost if self.measure is Measure.COST else pair.quality

    def without(self, done: CostQuality[float]) -> Goal:
        """Return the goal of the other queries."""
        return replace(self, total=self.total - self.of(done))


@dataclass(frozen=True)
class PriceInterval:
    """Prices between which the solution lies; 0 and ``inf`` where nothing bounds it."""

    lower: float = 0.0
    upper: float = math.inf


@dataclass(frozen=True)
class PartlyFixed:
    """Queries of which some are fixed at their point.

    Args:
        free: figures of the free queries.
        rows: the free queries, rows of all; None: all are free.
        choice: the point of every query, ``(queries,)``; meaningless at free ones.
        fixed: totals over the fixed queries.
        interval: prices at which the fixed points are optimal.
    """

    free: Tables
    rows: Indices | None
    choice: NDArray[np.int32]
    fixed: CostQuality[float]
    interval: PriceInterval

    @property
    def free_count(self) -> int:
        """Number of free queries."""
        return self.free.quality.shape[0]


def all_free(forecast: Tables) -> PartlyFixed:
    """Return the queries of a forecast with none of them fixed."""
    tables = Tables(forecast.quality, forecast.cost_usd, callable=forecast.callable)
    choice = np.zeros(tables.quality.shape[0], dtype=np.int32)
    return PartlyFixed(tables, None, choice, CostQuality(0.0, 0.0), PriceInterval())


def fix_choices(forecast: Tables, goal: Goal, *, sizes: Sizes = SIZES) -> PartlyFixed:
    """Fix all queries whose choice does not depend on where exactly the price lies.

    Args:
        forecast: quality and cost, ``(queries, points)``.
        goal: over all queries.
        sizes: of the sample, and from how many queries on to fix.
    """
    state = all_free(forecast)
    while state.free_count > sizes.small:
        before, rest = state.free_count, goal.without(state.fixed)
        rows = np.sort(np.random.default_rng(0).integers(before, size=sizes.sample(before)))
        mean = replace(rest, total=rest.total / before)
        state = _fix(state, rest, _estimate_interval(state.free.take(rows), mean, state.interval))
        if state.free_count > _WORTHWHILE * before:
            break
    return state


def _estimate_interval(sample: Tables, mean: Goal, within: PriceInterval) -> PriceInterval:
    """Estimate an interval around the price at which the mean over the queries is reached, from a sample of rows."""
    size = sample.quality.shape[0]
    start = start_at(sample, within.upper)
    steps = climb(sample, start, least=within.lower)
    if not steps.slope.size:
        return within
    at_start, gain = mean.of(values(sample, start)), mean.of(gains(sample, steps))
    line = running_sum(at_start.sum(), gain) / size
    taken = slice(0, min(np.searchsorted(line, mean.total), gain.size))
    spread = (at_start + np.bincount(steps.query[taken], gain[taken], minlength=size)).std()
    reach = _SIGMAS * float(spread) / math.sqrt(size)
    first = int(np.searchsorted(line, mean.total - reach)) - 1
    last = int(np.searchsorted(line, mean.total + reach))
    lower, upper = within.lower, within.upper
    if first >= 0:
        upper = min(upper, float(steps.slope[min(first, gain.size - 1)]) * (1 + _MARGIN))
    if last < gain.size:
        lower = max(lower, float(steps.slope[last]) * (1 - _MARGIN))
    return PriceInterval(lower, upper)


def _fix(state: PartlyFixed, goal: Goal, interval: PriceInterval) -> PartlyFixed:
    """Choose for every free query at both prices; keep those free that choose differently.

    Where the goal turns out to lie outside the interval, the wrong end is given up and the pass repeated.
    """
    within = state.interval
    while True:
        scan = _scan(state.free, interval)
        # At a tie either point may have been summed up: that can only give up an end which could have stayed.
        if interval.upper < within.upper and goal.of(scan.fixed) + goal.of(scan.free_at_upper) > goal.total:
            interval = replace(interval, upper=within.upper)
        elif interval.lower > within.lower and goal.of(scan.fixed) + goal.of(scan.free_at_lower) < goal.total:
            interval = replace(interval, lower=within.lower)
        else:
            break
    if state.rows is None:
        choice, rows = scan.choice, scan.free
    else:
        choice, rows = state.choice, state.rows[scan.free]
        choice[state.rows] = scan.choice
    fixed = CostQuality(state.fixed.cost + scan.fixed.cost, state.fixed.quality + scan.fixed.quality)
    return PartlyFixed(state.free.take(scan.free), rows, choice, fixed, interval)


@dataclass(frozen=True)
class _Scan:
    """One pass: every query's choice at the upper price, the rows to keep free, and totals of fixed and free rows."""

    choice: NDArray[np.int32]
    free: Indices
    fixed: CostQuality[float]
    free_at_upper: CostQuality[float]
    free_at_lower: CostQuality[float]


def _scan(tables: Tables, interval: PriceInterval) -> _Scan:
    """Choose for all rows at both ends of an interval of prices."""
    queries = tables.quality.shape[0]
    choice, differs = np.empty(queries, dtype=np.int32), np.empty(queries, dtype=bool)
    fixed: list[CostQuality[float]] = []
    at_upper: list[CostQuality[float]] = []
    at_lower: list[CostQuality[float]] = []
    kernel, upper, lower = BlockScores(tables), Weights(1.0, interval.upper), Weights(1.0, interval.lower)
    for part, block in kernel:
        first, second = _argmax(kernel, block, upper), _argmax(kernel, block, lower)
        unsure = first != second
        choice[part], differs[part] = first, unsure
        free = np.flatnonzero(unsure)
        everyone = _sum_of(block, np.arange(first.size), first)
        at_upper.append(_sum_of(block, free, first[free]))
        at_lower.append(_sum_of(block, free, second[free]))
        fixed.append(CostQuality(everyone.cost - at_upper[-1].cost, everyone.quality - at_upper[-1].quality))
    return _Scan(choice, np.flatnonzero(differs), _add_up(fixed), _add_up(at_upper), _add_up(at_lower))


def _argmax(kernel: BlockScores, block: Tables, weights: Weights) -> Indices:
    if math.isinf(weights.cost):
        return cheapest(block.quality, block.cost_usd, block.callable)
    return kernel.score(block, weights).argmax(axis=1)


def _sum_of(block: Tables, rows: Indices, point: Indices) -> CostQuality[float]:
    return CostQuality(sum_chosen(block.cost_usd, rows, point), sum_chosen(block.quality, rows, point))


def _add_up(parts: Iterable[CostQuality[float]]) -> CostQuality[float]:
    return CostQuality(*map(math.fsum, zip(*parts, strict=True)))


def start_at(tables: Tables, price: float) -> Indices:
    """Return where a climb down from this price begins: the cheapest of every query's tied points."""
    return cheapest_points(tables) if math.isinf(price) else choose_all(tables, price)[0]


def choose_all(tables: Tables, price: float) -> tuple[Indices, Indices]:
    """Apply the decision rule to all queries, block by block: ``low`` and ``high``, ``(queries,)`` each."""
    low, high = (np.empty(tables.quality.shape[0], dtype=np.intp) for _ in range(2))
    for part, block in float64_blocks(tables):
        low[part], high[part] = choose(block.quality, block.cost_usd, price, block.callable)
    return low, high


@dataclass(frozen=True)
class CriticalPrice:
    """The breakpoint at which a goal is reached, and the slope of the first step there is.

    Args:
        price: of the breakpoint; the last one where rounding leaves the goal just out of reach, 0 without any step.
        first_slope: the highest slope of the free queries; ``-inf`` without any step.
    """

    price: float
    first_slope: float


def critical_price(state: PartlyFixed, goal: Goal) -> CriticalPrice:
    """Locate the breakpoint at which the goal is reached, among the free queries.

    Args:
        state: fixed and free queries.
        goal: over all queries, within reach.
    """
    start = start_at(state.free, state.interval.upper)
    steps: Steps = climb(state.free, start, least=state.interval.lower)
    if not steps.slope.size:
        return CriticalPrice(0.0, -math.inf)
    first = breakpoints(steps.slope)
    at_start: Floats = goal.of(values(state.free, start))
    line = goal.of(state.fixed) + running_sum(at_start.sum(), goal.of(gains(state.free, steps)))[first]
    place = min(int(np.searchsorted(line[1:], goal.total)), first.size - 2)
    return CriticalPrice(float(steps.slope[first[place]]), float(steps.slope[0]))
