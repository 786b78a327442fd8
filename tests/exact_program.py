"""Linear programs in fractions, by the two-phase simplex method with Bland's rule: slow, and without any tolerance."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare
from paretoroute.solver.solution import floor_of
from paretoroute.targets import BestTrade, MaxCost


def exact_limited(forecast, target, limits):
    """Solve a target with limits in fractions: its objective as a mean over the queries; None where infeasible."""
    queries, points = forecast.quality.shape
    quality = _fractions(forecast.quality)
    cost = _fractions(np.broadcast_to(forecast.cost_usd, forecast.quality.shape))
    rows, most = [], []

    def at_most(table, mean, members=None):
        counted = range(queries) if members is None else np.flatnonzero(members)
        rows.append([table[i][j] if i in counted else Fraction(0) for i in range(queries) for j in range(points)])
        most.append(Fraction(mean) * len(counted))

    gain = quality
    if isinstance(target, MaxCost):
        at_most(cost, target.usd)
    elif isinstance(target, BestTrade):
        worth = Fraction(target.usd_per_quality)
        gain = [[q - c / worth for q, c in zip(*row, strict=True)] for row in zip(quality, cost, strict=True)]
    else:
        at_most(_negative(quality), -floor_of(target, forecast))
        gain = _negative(cost)
    for limit in limits:
        if isinstance(limit, MaxShare):
            at_most([[Fraction(int(j in limit.of)) for j in range(points)]] * queries, limit.share)
            continue
        members = None if limit.of is None else np.asarray(forecast.labels[limit.by]) == limit.of
        if isinstance(limit, MaxMeanLatency):
            latency = _fractions(np.broadcast_to(forecast.latency_s, forecast.quality.shape))
            at_most(latency, limit.seconds, members)
        elif isinstance(limit, MaxCostOf):
            at_most(cost, limit.usd, members)
        else:
            at_most(_negative(quality), -Fraction(limit.quality), members)
    best = _maximise([one for row in gain for one in row], rows, most, queries, points)
    return None if best is None else best / queries


def _fractions(table):
    return [[Fraction(float(one)) for one in row] for row in table]


def _negative(table):
    return [[-one for one in row] for row in table]


def _maximise(gain, rows, most, queries, points):
    """Maximise gain x over shares x that add up to 1 at every query, where rows x <= most."""
    size, limits = queries * points, len(rows)
    variables = size + limits + 1  # one more violates every row alike, at a price, in the first phase
    table = []
    for k, (row, rhs) in enumerate(zip(rows, most, strict=True)):
        table.append([*row, *[Fraction(int(i == k)) for i in range(limits)], Fraction(-1), rhs])
    for i in range(queries):
        table.append(
            [*[Fraction(int(j // points == i)) for j in range(size)], *[Fraction(0)] * (limits + 1), Fraction(1)]
        )
    basis = [size + k for k in range(limits)] + [i * points for i in range(queries)]
    for i in range(queries):
        _pivot(table, limits + i, i * points)
    lowest = min(range(limits), key=lambda k: table[k][-1], default=None)
    if lowest is not None and table[lowest][-1] < 0:
        _pivot(table, lowest, variables - 1)
        basis[lowest] = variables - 1
        if _climb(table, basis, [Fraction(0)] * (variables - 1) + [Fraction(-1)]) < 0:
            return None
    for row in table:  # the violation has done its work
        row[variables - 1] = Fraction(0) if variables - 1 not in basis else row[variables - 1]
    return _climb(table, basis, [*gain, *[Fraction(0)] * limits, Fraction(-(10**400))])


def _climb(table, basis, gain):
    while True:
        own = [gain[variable] for variable in basis]
        reduced = (
            gain[j] - sum(one * row[j] for one, row in zip(own, table, strict=True) if one and row[j])
            for j in range(len(gain))
        )
        entering = next((j for j, more in enumerate(reduced) if more > 0), None)
        if entering is None:
            return sum(one * row[-1] for one, row in zip(own, table, strict=True))
        leaving = min(
            (i for i, row in enumerate(table) if row[entering] > 0),
            key=lambda i: (table[i][-1] / table[i][entering], basis[i]),
        )
        _pivot(table, leaving, entering)
        basis[leaving] = entering


def _pivot(table, row, column):
    pivot = table[row][column]
    table[row] = [one / pivot for one in table[row]]
    for i, other in enumerate(table):
        if i != row and (factor := other[column]):
            table[i] = [a - factor * b if b else a for a, b in zip(other, table[row], strict=True)]
