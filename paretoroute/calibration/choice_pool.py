"""Choices that were tried, with what they come to on the forecasts and on what was logged; mixed by the latter.

The value of a mixture is its objective on the forecasts, and its rows are summed up on what was logged: luck in the log
may decide whether a limit is kept, never which query is worth more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.constraints import Constraint, Multipliers, Objective
from paretoroute.solver.coupled.master_problem import MasterSolution, solve_master
from paretoroute.solver.rules import MixtureComponent

HAIR = 1e-7  # a row exceeded by less than this share of its scale is kept

Figures = list[Floats]


@dataclass
class LoggedPool:
    """One column per kind of query and set of prices.

    Args:
        forecast: figures that choices are made by and valued on.
        logged: figures that the rows are summed up on.
        objective: what is maximised.
        rows: the limits.
        kind: of every query, ``(queries,)``.
        kinds: how many.
    """

    forecast: Tables
    logged: Tables
    objective: Objective
    rows: Sequence[Constraint]
    kind: Indices
    kinds: int
    prices: list[Multipliers] = field(default_factory=list)
    value: Figures = field(default_factory=list)  # of the forecasts, (kinds,) each
    quality: Figures = field(default_factory=list)  # logged, (kinds,) each
    cost: Figures = field(default_factory=list)  # logged, (kinds,) each
    use: Figures = field(default_factory=list)  # logged, (kinds, rows) each
    foreseen: Figures = field(default_factory=list)  # use of the forecasts, (kinds, rows) each

    @property
    def totals(self) -> Floats:
        """What the rows may sum up to, ``(rows,)``."""
        return np.array([row.rhs for row in self.rows])

    @property
    def scale(self) -> Floats:
        """Unit of the rows' sums, ``(rows,)``."""
        largest = np.abs(np.stack(self.use)).max(axis=0).sum(axis=0)
        return np.maximum(np.maximum(largest, np.abs(self.totals)), 1e-300)

    @property
    def unit(self) -> float:
        """Unit of the value."""
        return float(np.abs(np.stack(self.value)).max(axis=0).sum()) or 1.0

    def knows(self, prices: Multipliers) -> bool:
        """Tell whether these prices were tried."""
        same = (p.objective == prices.objective and np.array_equal(p.limits, prices.limits) for p in self.prices)
        return any(same)

    def add(self, prices: Multipliers, choice: NDArray[np.int32]) -> None:
        """Add what the queries choose at some prices."""
        if self.knows(prices):
            return
        gain = Constraint("", 0.0, 0, quality=self.objective.quality, cost=-self.objective.cost)
        self.prices.append(prices)
        self.value.append(self._sums(gain, choice, self.forecast))
        self.quality.append(self._sums(Constraint("", 0.0, 0, quality=1.0), choice, self.logged))
        self.cost.append(self._sums(Constraint("", 0.0, 0, cost=1.0), choice, self.logged))
        for use, table in ((self.use, self.logged), (self.foreseen, self.forecast)):
            use.append(np.array([self._sums(row, choice, table) for row in self.rows]).reshape(-1, self.kinds).T)

    def _sums(self, row: Constraint, choice: NDArray[np.int32], table: Tables) -> Floats:
        return np.bincount(self.kind, figures(row, choice, table), self.kinds).astype(np.float64)

    def best(self, value: Figures, totals: Floats, rows: slice, *, may_exceed: bool = False) -> MasterSolution:
        """Mix for the highest value at which some rows keep their totals; what is found is scaled.

        Args:
            value: of every column, one of the pool's figures.
            totals: ``(rows,)``.
            rows: those that count.
            may_exceed: leave the value aside and exceed the rows by as little as possible.
        """
        table = np.concatenate(value)
        scale = self.scale
        free = np.zeros(len(totals[rows]))
        return solve_master(
            0.0 * table if may_exceed else table / (float(np.abs(np.stack(value)).max(axis=0).sum()) or 1.0),
            np.concatenate(self.use)[:, rows] / scale[rows],
            np.tile(np.arange(self.kinds), len(self.prices)),
            (totals / scale)[rows],
            low=free,
            high=free + (1.0 if may_exceed else np.inf),
        )

    def feasible(self, totals: Floats, rows: slice) -> bool:
        """Tell whether some mixture keeps these rows."""
        return not (self.best(self.value, totals, rows, may_exceed=True).violation > HAIR).any()

    def weights(self, mixed: MasterSolution) -> Floats:
        """Give the weights, ``(sets of prices, kinds)``."""
        return mixed.weight.reshape(len(self.prices), self.kinds)

    def sides(self, mixed: MasterSolution) -> list[MixtureComponent]:
        """Give prices and weights ``(kinds,)`` of what is mixed, the heaviest first."""
        weight = self.weights(mixed)
        order = [t for t in np.argsort(-weight.sum(axis=1), kind="stable") if (weight[t] > 0).any()]
        return [MixtureComponent(self.prices[t], weight[t]) for t in order]

    def total(self, mixed: MasterSolution, figure: Figures) -> Floats:
        """Sum one of the pool's figures up over a mixture: a number, or ``(rows,)``."""
        return np.tensordot(self.weights(mixed), np.stack(figure), axes=2)


def figures(row: Constraint, choice: NDArray[np.int32], table: Tables) -> Floats:
    """Give what every query adds to a row with its choice, ``(queries,)``; 0 where it does not count."""
    at = np.arange(len(choice)), choice
    cost = np.broadcast_to(table.cost_usd, table.quality.shape)
    value = row.quality * table.quality[at] + row.cost * cost[at]
    if row.latency and table.latency_s is not None:
        value = value + row.latency * np.broadcast_to(table.latency_s, table.quality.shape)[at]
    if row.points is not None:
        value = value + row.points[choice]
    return value if row.queries is None else np.where(row.queries, value, 0.0)
