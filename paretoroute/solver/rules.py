"""Rules: from the forecast of a query to the points it may call, with their probabilities.

The solver's solution becomes a rule, calibration evaluates the rule on the logged queries, and the planner follows it,
so that all three agree. A :class:`PriceRule` has one price and a probability for ties; a :class:`MixtureRule`, which
keeps limits on the population, draws one of a few sets of prices for every query.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.errors import TargetError
from paretoroute.solver.argmax import Weights, choose, choose_row, choose_weighted

if TYPE_CHECKING:
    from paretoroute.forecast import Forecast
    from paretoroute.solver.constraints import Constraint, Multipliers, Objective


class ActionProbability(NamedTuple):
    """One point per query, ``(queries,)``, and the probability with which each query calls it."""

    probability: Floats | float
    point: Indices


class PointProbability(NamedTuple):
    """A point that one query may call, and the probability."""

    probability: float
    point: int


class MixtureComponent(NamedTuple):
    """Prices, and the probability with which each group of queries takes them, ``(groups,)``."""

    prices: Multipliers
    weight: Floats


class Draw(NamedTuple):
    """The point drawn for one query.

    Args:
        column: of the point.
        propensity: the probability with which it is drawn.
        is_random: whether there were several points to draw from.
        explores: whether the rule itself would not have taken the point.
    """

    column: int
    propensity: float
    is_random: bool
    explores: bool = False


class Stream:
    """A stream of random numbers that no other process, copy or thread draws from.

    A forked process, a copy and an unpickled stream would repeat this one's numbers, so that workers of one planner
    would all choose alike: they start a stream of their own, seeded by the operating system.

    Args:
        seed: of the numbers in this process; None: from the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._generator, self._process = np.random.default_rng(seed), os.getpid()

    def __reduce__(self) -> tuple[type[Stream], tuple[()]]:
        return Stream, ()

    def next(self) -> float:
        """Return the next number, uniform in [0, 1)."""
        if self._process != os.getpid():
            self._generator, self._process = np.random.default_rng(), os.getpid()
        return float(self._generator.random())


def draw_from(distribution: Sequence[PointProbability], uniform: Callable[[], float]) -> Draw:
    """Draw one of the points that a rule may take; ``uniform``, in [0, 1), is called only if there are several."""
    if len(distribution) == 1:
        return Draw(distribution[0].point, 1.0, is_random=False)
    place = uniform()
    for share, column in distribution:
        if place < share:
            return Draw(column, share, is_random=True)
        place -= share
    share, column = distribution[-1]
    return Draw(column, share, is_random=True)


@dataclass(frozen=True)
class PriceRule:
    """The point with the highest quality - price x cost; at a tie the costlier one with probability ``split``."""

    price: float
    split: float

    @property
    def usd_per_quality(self) -> float:
        """The cost before calibration that one unit of quality is worth; infinite where cost does not count."""
        return 1 / self.price if self.price > 0 else math.inf

    def action_probabilities(self, forecast: Forecast) -> list[ActionProbability]:
        """Return the points that queries may call; the probabilities of each query add up to 1."""
        low, high = choose(forecast.quality, forecast.cost_usd, self.price, forecast.callable)
        return [ActionProbability(1 - self.split, low), ActionProbability(self.split, high)]

    def at_price(self, price: float) -> PriceRule:
        """Return the same rule at another price of cost, quality per USD."""
        return replace(self, price=price)

    def weights(self, labels: Mapping[str, str]) -> Weights:
        """Return the weights of a query's score; ``labels`` do not matter to this rule."""
        return Weights(1.0, self.price)

    def distribution(
        self, quality: Floats, cost_usd: Floats, latency_s: Floats, *, labels: Mapping[str, str], callable: Mask
    ) -> list[PointProbability]:
        """Return the points that one query may call, each with its probability; figures are ``(points,)``."""
        return self._between(*choose_row(quality, cost_usd, self.price, callable))

    def distributions(
        self, quality: Floats, cost_usd: Floats, latency_s: Floats, *, labels: Mapping[str, str], callable: Mask
    ) -> list[list[PointProbability]]:
        """Return the distribution of each of some queries; figures are ``(queries, points)``."""
        if len(quality) == 1:
            return [self.distribution(quality[0], cost_usd[0], latency_s[0], labels=labels, callable=callable[0])]
        low, high = choose(quality, cost_usd, self.price, callable)
        return [self._between(*columns) for columns in zip(low.tolist(), high.tolist(), strict=True)]

    def _between(self, low: int, high: int) -> list[PointProbability]:
        if low == high or self.split in (0.0, 1.0):
            return [PointProbability(1.0, high if self.split == 1.0 else low)]
        return [PointProbability(self.split, high), PointProbability(1 - self.split, low)]


@dataclass(frozen=True)
class MixtureRule:
    """One of a few sets of prices, drawn for every query; then the point with the highest score at them.

    Args:
        objective: to maximise.
        constraints: the target's, if it has one, and the limits'; only their weights are read.
        scopes: the label of the queries that each constraint counts, as kind and name; None: all.
        prices: at the optimum; for queries of a group that the calibration sample did not contain.
        applies: which constraints apply to each group of the sample, bool ``(groups, constraints)``.
        components: sets of prices, and their probability in each group.
    """

    objective: Objective
    constraints: Sequence[Constraint]
    scopes: Sequence[tuple[str, str] | None]
    prices: Multipliers
    applies: NDArray[np.bool_]
    components: Sequence[MixtureComponent]

    @property
    def usd_per_quality(self) -> float:
        """NaN: several prices count."""
        return math.nan

    def at_price(self, price: float) -> MixtureRule:
        """Return the same rule at another price of cost, quality per USD; the other limits keep their prices.

        Raises:
            TargetError: cost is minimised, and the price is 0.
        """
        target = next((constraint for constraint in self.constraints[:1] if constraint.is_target), None)
        if target is None:
            return replace(self, objective=replace(self.objective, cost=price))
        limits_cost = target.cost > 0
        if not limits_cost and price == 0:
            raise TargetError("a policy that minimises cost needs a price above 0; give price=, in quality per USD")
        own = price if limits_cost else 1 / price

        def repriced(prices: Multipliers) -> Multipliers:
            return replace(prices, limits=np.concatenate([[own], prices.limits[1:]]))

        components = [component._replace(prices=repriced(component.prices)) for component in self.components]
        return replace(self, prices=repriced(self.prices), components=components)

    def applies_to(self, labels: Mapping[str, str]) -> Mask:
        """Return which constraints apply to a query with these labels, ``(constraints,)``."""
        return np.array([scope is None or labels.get(scope[0]) == scope[1] for scope in self.scopes], bool)

    def applies_in(self, forecast: Forecast) -> Mask:
        """Return which constraints apply to the queries of a forecast, ``(queries, constraints)``."""
        applies = np.ones((len(forecast.quality), len(self.constraints)), bool)
        for k, scope in enumerate(self.scopes):
            if scope is not None:
                labels = (forecast.labels or {}).get(scope[0])
                applies[:, k] = False if labels is None else labels == scope[1]
        return applies

    def action_probabilities(self, forecast: Forecast) -> list[ActionProbability]:
        """Return the points that queries may call; the probabilities of each query add up to 1."""
        queries = len(forecast.quality)
        applies, group = np.unique(self.applies_in(forecast), axis=0, return_inverse=True)
        rows = [np.flatnonzero(group.ravel() == g) for g in range(len(applies))]
        mixtures = [self._mixture(tuple(one.tolist())) for one in applies]
        actions: list[ActionProbability] = []
        for place in range(max(map(len, mixtures))):
            probability, point = np.zeros(queries), np.zeros(queries, np.intp)
            for own, mixture in zip(rows, mixtures, strict=True):
                # A group with fewer components takes its first one again, with probability 0.
                drawn = mixture[place] if place < len(mixture) else mixture[0]._replace(probability=0.0)
                probability[own], point[own] = drawn.probability, _choose(forecast, own, drawn.weights)
            actions.append(ActionProbability(probability, point))
        return actions

    def weights(self, labels: Mapping[str, str]) -> Weights:
        """Return the weights of the score of a query with these labels, at the optimum's prices."""
        from paretoroute.solver.constraints import weights_at

        return weights_at(self.objective, self.constraints, self.prices, self.applies_to(labels))

    def distribution(
        self, quality: Floats, cost_usd: Floats, latency_s: Floats, *, labels: Mapping[str, str], callable: Mask
    ) -> list[PointProbability]:
        """Return the points that one query may call, each with its probability; figures are ``(points,)``."""
        from paretoroute.forecast import Tables

        figures = Tables(quality[None], cost_usd, latency_s, callable)
        shares: dict[int, float] = {}
        for probability, weights in self._mixture(tuple(self.applies_to(labels).tolist())):
            point = int(choose_weighted(figures, weights)[0])
            shares[point] = shares.get(point, 0.0) + probability
        return [PointProbability(share, point) for point, share in shares.items()]

    def distributions(
        self, quality: Floats, cost_usd: Floats, latency_s: Floats, *, labels: Mapping[str, str], callable: Mask
    ) -> list[list[PointProbability]]:
        """Return the distribution of each of some queries; figures are ``(queries, points)``."""
        rows = zip(quality, cost_usd, latency_s, callable, strict=True)
        return [self.distribution(*figures, labels=labels, callable=mask) for *figures, mask in rows]

    @cached_property
    def _mixtures(self) -> dict[tuple[bool, ...], list[_WeightedChoice]]:
        return {}

    def _mixture(self, applies: tuple[bool, ...]) -> list[_WeightedChoice]:
        """Return probabilities and weights of the queries to which these constraints apply."""
        if applies not in self._mixtures:
            self._mixtures[applies] = self._mixture_of(np.array(applies, bool))
        return self._mixtures[applies]

    def _mixture_of(self, applies: Mask) -> list[_WeightedChoice]:
        from paretoroute.solver.constraints import weights_at  # loaded only for limits

        group = np.flatnonzero((self.applies == applies).all(axis=1))
        if not group.size:
            return [_WeightedChoice(1.0, weights_at(self.objective, self.constraints, self.prices, applies))]
        return [
            _WeightedChoice(float(weight[group[0]]), weights_at(self.objective, self.constraints, prices, applies))
            for prices, weight in self.components
            if weight[group[0]] > 0
        ]


class _WeightedChoice(NamedTuple):
    """Weights of the score, and the probability with which a query takes them."""

    probability: float
    weights: Weights


Rule = PriceRule | MixtureRule


def _choose(forecast: Forecast, rows: Indices, weights: Weights) -> Indices:
    return choose_weighted(forecast.take(rows), weights)
