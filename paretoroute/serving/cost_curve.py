"""The mean cost of a policy's choices at every price of cost: the curve on which a pacer looks up its price.

On the queries that the policy was fitted on, out of fold, the choice at a price p (quality per USD) maximises
quality - p x cost. Its mean cost c(p) never rises with p, so that c has an inverse: the price that meets a mean cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask, evenly_spaced
from paretoroute.forecast import Forecast
from paretoroute.planner.planner import Planner

PRICES = 200
MOST_QUERIES = 1000
_LEAST_USD = 1e-12  # a mean cost of 0 has no logarithm
_SPAN = 1e3  # prices from one over this many times the dearest cost, to this many over the cheapest


@dataclass(frozen=True)
class CostCurve:
    """Mean cost at every price, calibrated.

    Args:
        price: quality per USD, positive, rising, ``(prices,)``.
        cost_usd: mean cost per query, positive, never rising, ``(prices,)``.
        usual_usd: mean cost per query at the policy's own price.
    """

    price: Floats
    cost_usd: Floats
    usual_usd: float

    @staticmethod
    def of(planner: Planner, callable: Mask | None = None) -> CostCurve:
        """Compute the curve of a planner's policy.

        Args:
            planner: whose rule chooses.
            callable: which points may be called, bool ``(points,)``; None: all.
        """
        sample = _sample(planner.policy.outcomes.forecast, callable)
        cost = np.broadcast_to(sample.cost_usd, sample.quality.shape)
        prices, rows, ratio = _prices(cost), np.arange(len(cost)), planner.policy.document.solution.cost_ratio
        means = np.empty(len(prices))
        for place, price in enumerate(prices):
            actions = planner.rule.at_price(float(price)).action_probabilities(sample)
            means[place] = ratio * sum(float(np.mean(share * cost[rows, point])) for share, point in actions)
        usual_usd = float(planner.policy.document.expected.cost_usd)
        return CostCurve(prices, np.maximum(np.minimum.accumulate(means), _LEAST_USD), max(usual_usd, _LEAST_USD))

    def price_at(self, cost_usd: float) -> float:
        """Return the price at which the mean cost is ``cost_usd``, or the nearest of the curve."""
        if cost_usd <= self.cost_usd[-1]:
            return float(self.price[-1])
        costs, prices = np.log(self.cost_usd[::-1]), np.log(self.price[::-1])
        return float(np.exp(np.interp(np.log(cost_usd), costs, prices)))

    def cost_at(self, price: float) -> float:
        """Return the mean cost at a price."""
        return float(np.exp(np.interp(np.log(price), np.log(self.price), np.log(self.cost_usd))))


def _prices(cost_usd: Floats) -> Floats:
    costs = cost_usd[cost_usd > 0]
    if not costs.size:
        return np.geomspace(1e-3, 1e3, PRICES)
    return np.geomspace(1 / (_SPAN * costs.max()), _SPAN / costs.min(), PRICES)


def _sample(forecast: Forecast, callable: Mask | None) -> Forecast:
    """Take queries at equal distances, at the points that may be called; a query without any keeps its own."""
    rows = evenly_spaced(len(forecast.quality), MOST_QUERIES)
    taken, shape = forecast.take(rows), (len(rows), forecast.quality.shape[1])
    allowed = np.ones(shape, bool) if taken.callable is None else np.broadcast_to(taken.callable, shape)
    if callable is not None:
        both = allowed & callable
        allowed = np.where(both.any(axis=1, keepdims=True), both, allowed)
    labels = {kind: np.asarray(values)[rows] for kind, values in (forecast.labels or {}).items()}
    return Forecast(
        quality=taken.quality,
        cost_usd=taken.cost_usd,
        latency_s=taken.latency_s,
        callable=allowed,
        labels=labels or None,
    )
