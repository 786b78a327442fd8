"""Small instances of every awkward kind, and a check of a solution by the decision rule alone."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import choose
from paretoroute.solver.frontier import frontier
from paretoroute.solver.solution import floor_of
from paretoroute.targets import MaxCost

# Sums of a few dozen float64 terms, and ties of a relative 1e-12.
CLOSE = 1e-10


def instance(seed, *, queries=None, points=None):
    """Draw a small instance with ties, duplicates, dominated and free points, at scales from 1e-9 to 1e9."""
    rng = np.random.default_rng(seed)
    n = queries or int(rng.integers(1, 9))
    p = points or int(rng.integers(1, 8))
    quality, cost = rng.random((n, p)), rng.random((n, p))
    if rng.random() < 0.4:
        quality, cost = np.round(quality * 4) / 4, np.round(cost * 4) / 4
    if rng.random() < 0.3:
        quality[:] = quality[0]
        cost[:] = cost[0]
    if rng.random() < 0.2:
        cost[:] = cost[0]
    if rng.random() < 0.2:
        cost[:, rng.integers(p)] = 0.0
    if rng.random() < 0.3 and p > 1:
        quality[:, -1], cost[:, -1] = quality[:, 0], cost[:, 0]
    mask = None
    if rng.random() < 0.25:
        mask = rng.random((n, p)) < 0.7
        mask[np.arange(n), rng.integers(p, size=n)] = True
    return quality, cost * 10.0 ** rng.integers(-9, 10), mask, rng


def targets_of(quality, cost, mask, rng):
    """A limit and a floor: inside, on a breakpoint, at an end, or out of reach."""
    line = frontier(Forecast(quality, cost, callable=mask))
    at = rng.integers(5)
    k = rng.integers(line.cost_usd.size)
    usd = [
        line.cost_usd[0] + (line.cost_usd[-1] - line.cost_usd[0]) * rng.random(),
        line.cost_usd[k],
        line.cost_usd[0],
        line.cost_usd[0] * 0.5,
        line.cost_usd[-1] * 1.5 + 1e-12,
    ][at]
    floor = [
        line.quality[0] + (line.quality[-1] - line.quality[0]) * rng.random(),
        line.quality[k],
        line.quality[0],
        (1 + line.quality[-1]) / 2,
        line.quality[-1],
    ][at]
    return max(float(usd), 1e-15), min(float(floor), 1.0)


def audit(quality, cost, mask, target, solution):
    """Check a solution by the decision rule alone: its points, its draw and its totals."""
    n = quality.shape[0]
    low, high = choose(quality, cost, solution.price, mask)
    rows = np.arange(n)
    assert np.array_equal(low, solution.low) and np.array_equal(high, solution.high)
    split = solution.split
    mixed = [(1 - split) * m[rows, low].mean() + split * m[rows, high].mean() for m in (quality, cost)]
    assert mixed == pytest.approx([solution.expected_quality, solution.expected_cost_usd], rel=CLOSE, abs=1e-300)
    assert np.all((solution.choice == low) | (solution.choice == high))
    assert mask is None or mask[rows, solution.choice].all()
    assert 0 <= solution.gap <= CLOSE
    met = solution.nearest or target
    if isinstance(met, MaxCost):
        assert mixed[1] <= met.usd * (1 + CLOSE)
        # Complementary slackness: a price is paid only for a limit that is reached.
        assert solution.shadow_price == 0 or mixed[1] == pytest.approx(met.usd, rel=CLOSE)
    else:
        floor = floor_of(met, Forecast(quality, cost))
        assert mixed[0] >= floor * (1 - CLOSE)
        assert solution.shadow_price == 0 or mixed[0] == pytest.approx(floor, rel=CLOSE)
