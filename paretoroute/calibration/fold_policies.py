"""The policies of the fits without each fold, as stand-ins for the deployed one on the queries that they never saw.

A fit without a fold has means of its own, and at one and the same price it may call other points than the deployed fit
and spend several times as much, where points are about equally good. The policies are therefore matched by what they
spend: at a place of the deployed frontier, each has the price at which its choices for its own fold have the forecast
cost that the deployed choices for these queries have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import Frontier, frontier, running_sum


@dataclass(frozen=True)
class FoldPolicy:
    """The policy of a fit without one fold.

    Args:
        rows: the queries of the fold, ``(rows,)``.
        line: its frontier at these queries.
        places: its place for every place of the deployed frontier, in breakpoints with a fraction.
    """

    rows: Indices
    line: Frontier
    places: Floats

    def sums(self, table: Floats) -> Floats:
        """Sum a table ``(queries, points)`` over the fold's choices, at every place of the deployed frontier."""
        own, steps, start = table[self.rows], self.line.steps, self.line.start
        change = own[steps.query, steps.target] - own[steps.query, steps.source]
        total = running_sum(float(own[np.arange(len(start)), start].sum()), change)[self.line.first]
        return np.interp(self.places, np.arange(total.size), total)

    def calls(self, point: int) -> Floats:
        """Count the fold's calls to a point at every place of the deployed frontier."""
        steps, start = self.line.steps, self.line.start
        moves = (steps.target == point).astype(np.float64) - (steps.source == point)
        total = running_sum(float((start == point).sum()), moves)[self.line.first]
        return np.interp(self.places, np.arange(total.size), total)


@dataclass(frozen=True)
class FoldPolicies:
    """The policies of all folds.

    Args:
        folds: one per fold.
        shape: queries and points.
    """

    folds: tuple[FoldPolicy, ...]
    shape: tuple[int, int]

    @staticmethod
    def of(fold: NDArray[np.int8], deployed: Forecast, left_out: Forecast, line: Frontier) -> FoldPolicies:
        """Match the policies of the folds with the deployed one.

        Args:
            fold: of every query, ``(queries,)``.
            deployed: forecasts of the deployed fit, ``(queries, points)``.
            left_out: those of the fits without each query's fold.
            line: the deployed frontier.
        """
        cost = np.broadcast_to(deployed.cost_usd, deployed.quality.shape)
        steps, policies = line.steps, list[FoldPolicy]()
        change = cost[steps.query, steps.target] - cost[steps.query, steps.source]
        for k in np.unique(fold):
            rows = np.flatnonzero(fold == k)
            own = frontier(_rows(left_out, rows))
            inside = fold[steps.query] == k
            spent = running_sum(float(cost[rows, line.start[rows]].sum()), np.where(inside, change, 0.0))[line.first]
            places = np.interp(spent / len(rows), own.cost_usd, np.arange(own.cost_usd.size))
            policies.append(FoldPolicy(rows, own, places))
        return FoldPolicies(tuple(policies), deployed.quality.shape)

    def mean(self, table: Floats) -> Floats:
        """Average a table ``(queries, points)`` over the choices at every place of the deployed frontier."""
        return np.sum([policy.sums(table) for policy in self.folds], axis=0) / self.shape[0]

    def share(self, point: int) -> Floats:
        """Compute the share of calls to a point at every place of the deployed frontier."""
        return np.sum([policy.calls(point) for policy in self.folds], axis=0) / self.shape[0]

    def chance(self, place: float) -> Floats:
        """Return the chance of each point to be called at a place of the deployed frontier, ``(queries, points)``."""
        chance = np.zeros(self.shape)
        for policy in self.folds:
            at = float(np.interp(place, np.arange(policy.places.size), policy.places))
            whole = min(int(at), max(policy.line.price.size - 1, 0))
            split = at - whole
            high = policy.line.choice(min(whole + 1, policy.line.price.size))
            np.add.at(chance, (policy.rows, policy.line.choice(whole)), 1 - split)
            np.add.at(chance, (policy.rows, high), split)
        return chance


def _rows(forecast: Forecast, rows: Indices) -> Forecast:
    """Keep quality and cost of some queries, and which points are callable."""
    some = forecast.take(rows)
    return Forecast(quality=some.quality, cost_usd=some.cost_usd, callable=some.callable)
