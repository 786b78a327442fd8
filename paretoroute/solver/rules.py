"""What a policy goes by: a rule from the forecast of a query to the points it may call, with their probabilities.

The solver's answer becomes a rule, the logged queries are judged by it, and the planner follows it, so that all three
mean the same. A :class:`PriceRule` has one price and a coin at ties; a :class:`MixtureRule`, which keeps limits on the
population, draws one of a few sets of prices for every query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.errors import TargetError
from paretoroute.forecast import Forecast
from paretoroute.solver.argmax import Weights, choose, choose_row, choose_weighted
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, weights_at

Picks = list[tuple[Floats | float, Indices]]


@dataclass(frozen=True)
class PriceRule:
    """The point with the highest quality - price x cost; at a tie the costlier side with probability ``split``."""

    price: float
    split: float

    def action_probabilities(self, forecast: Forecast) -> Picks:
        """Give the choices that are mixed: probability and points ``(queries,)`` each."""
        low, high = choose(forecast.quality, forecast.cost_usd, self.price, forecast.callable)
        return [(1 - self.split, low), (self.split, high)]

    def at_price(self, price: float) -> PriceRule:
        """Give the same rule at another price of cost, quality per USD."""
        return replace(self, price=price)

    def weights(self, labels: Mapping[str, str]) -> Weights:
        """Say what a unit of each figure counts for a query with these labels."""
        return Weights(1.0, self.price)

    def distribution(
        self, quality: Floats, cost_usd: Floats, latency_s: Floats, labels: Mapping[str, str], callable: Mask
    ) -> list[tuple[float, int]]:
        """Give the points one query may get, each with its probability; figures are ``(points,)``."""
        low, high = choose_row(quality, cost_usd, self.price, callable)
        if low == high or self.split in (0.0, 1.0):
            return [(1.0, high if self.split == 1.0 else low)]
        return [(self.split, high), (1 - self.split, low)]


@dataclass(frozen=True)
class MixtureRule:
    """One of a few sets of prices, drawn for every query; then the point with the highest score at them.

    Args:
        objective: what is maximised.
        rows: the limits, for what they weigh; their totals and queries are not read.
        scopes: the label of the queries that each row counts, as kind and name; None: all.
        prices: at the optimum: for queries to which a set of rows applies that the traffic did not show.
        kinds: which sets of rows apply to the queries of the traffic, bool ``(kinds, rows)``.
        sides: prices, and the probability with which each kind takes them, ``(kinds,)``.
    """

    objective: Objective
    constraints: Sequence[Constraint]
    scopes: Sequence[tuple[str, str] | None]
    prices: Multipliers
    applies: NDArray[np.bool_]
    components: Sequence[tuple[Multipliers, Floats]]

    def at_price(self, price: float) -> MixtureRule:
        """Give the same rule at another price of cost, quality per USD; the other limits keep their prices.

        Raises:
            TargetError: cost is minimised, and the price is 0.
        """
        if not (self.constraints and self.constraints[0].is_target):
            return replace(self, objective=replace(self.objective, cost=price))
        limits_cost = self.constraints[0].cost > 0
        if not limits_cost and price == 0:
            raise TargetError("a policy that minimises cost needs a price above 0; give price=, in quality per USD")
        own = price if limits_cost else 1 / price

        def moved(prices: Multipliers) -> Multipliers:
            return replace(prices, limits=np.concatenate([[own], prices.limits[1:]]))

        sides = [(moved(prices), share) for prices, share in self.components]
        return replace(self, prices=moved(self.prices), components=sides)

    def member(self, labels: Mapping[str, str]) -> NDArray[np.bool_]:
        """Tell which rows count a query with these labels, ``(rows,)``."""
        return np.array([group is None or labels.get(group[0]) == group[1] for group in self.scopes], bool)

    def members(self, forecast: Forecast) -> NDArray[np.bool_]:
        """Tell which rows count the queries of a forecast, ``(queries, rows)``."""
        found = np.ones((len(forecast.quality), len(self.constraints)), bool)
        for k, group in enumerate(self.scopes):
            if group is not None:
                labels = (forecast.labels or {}).get(group[0])
                found[:, k] = False if labels is None else labels == group[1]
        return found

    def action_probabilities(self, forecast: Forecast) -> Picks:
        """Give the choices that are mixed: probability and points ``(queries,)`` each."""
        member = self.members(forecast)
        kinds, kind = np.unique(member, axis=0, return_inverse=True)
        mixed = [self._mixed(applies) for applies in kinds]
        found: Picks = []
        for place in range(max(len(sides) for sides in mixed)):
            share, point = np.zeros(len(member)), np.zeros(len(member), np.intp)
            for g, sides in enumerate(mixed):
                rows = np.flatnonzero(kind.ravel() == g)
                share[rows], weights = sides[place] if place < len(sides) else (0.0, sides[0][1])
                point[rows] = _choose(forecast, rows, weights)
            found.append((share, point))
        return found

    def weights(self, labels: Mapping[str, str]) -> Weights:
        """Say what a unit of each figure counts for a query with these labels, at the optimum's prices."""
        return weights_at(self.objective, self.constraints, self.prices, self.member(labels))

    def distribution(
        self, quality: Floats, cost_usd: Floats, latency_s: Floats, labels: Mapping[str, str], callable: Mask
    ) -> list[tuple[float, int]]:
        """Give the points one query may get, each with its probability; figures are ``(points,)``."""
        shares: dict[int, float] = {}
        for share, weights in self._at(tuple(self.member(labels).tolist())):
            point = int(choose_weighted(quality[None], cost_usd, latency_s, weights, callable)[0])
            shares[point] = shares.get(point, 0.0) + share
        return [(share, point) for point, share in shares.items()]

    @cached_property
    def _known(self) -> dict[tuple[bool, ...], list[tuple[float, Weights]]]:
        return {}

    def _at(self, member: tuple[bool, ...]) -> list[tuple[float, Weights]]:
        if member not in self._known:
            self._known[member] = self._mixed(np.array(member, bool))
        return self._known[member]

    def _mixed(self, member: NDArray[np.bool_]) -> list[tuple[float, Weights]]:
        """Give the probabilities and weights for queries that these rows count."""
        kind = np.flatnonzero((self.applies == member).all(axis=1))
        if not kind.size:
            return [(1.0, weights_at(self.objective, self.constraints, self.prices, member))]
        return [
            (float(share[kind[0]]), weights_at(self.objective, self.constraints, prices, member))
            for prices, share in self.components
            if share[kind[0]] > 0
        ]


Rule = PriceRule | MixtureRule


def _choose(forecast: Forecast, rows: Indices, weights: Weights) -> Indices:
    def some(table: NDArray | None) -> NDArray | None:
        return table[rows] if table is not None and table.ndim == 2 else table

    cost = forecast.cost_usd[rows] if forecast.cost_usd.ndim == 2 else forecast.cost_usd
    return choose_weighted(forecast.quality[rows], cost, some(forecast.latency_s), weights, some(forecast.callable))
