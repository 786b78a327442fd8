"""Exploring: a share of the calls goes to points that the policy would not call, so that the next fit knows them.

With e the share, pi the probabilities of the policy at a query and mu a distribution over the other points that keep
every limit of the call, point j is called with probability

    P_j = (1 - e) pi_j + e mu_j,    mu_j ~ a_j (sigma_j / n_j)^2.

Here a_j is the probability that the score of j is higher than that of the best point, given the errors of the points'
logged means (the challengers of top-two sampling: Russo, "Simple Bayesian algorithms for best-arm identification",
Operations Research 68(6), 2020, doi:10.1287/opre.2019.1911), sigma_j the spread of its outcomes and n_j its logged
queries. A later policy that calls j with probability a_j is valued from the log with a variance of about
sum_j a_j sigma_j^2 / n_j, and mu_j is in proportion to what one more run at j takes from it. So a point with few runs
within reach of the best one is tried often, and a point that is worse for certain never.

Limits on the population: with u the policy's expected figure at a query and f_j that of a point, the mean of the
figure grows by at most the mean of sum_j e mu_j max(f_j - u, 0). At every query this sum is held under the room that
the policy leaves on the logged queries, 0 where the limit binds. Whatever the mix of queries, exploring then adds no
more than that room in expectation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, MinQualityOf, PopulationLimit, on_grid
from paretoroute.planner.admission import Admitted
from paretoroute.planner.query_forecast import QueryForecast
from paretoroute.planner.request import Request
from paretoroute.policy.policy import Policy
from paretoroute.solver.argmax import Weights, scored
from paretoroute.solver.rules import Draw, PointProbability, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One query with the policy's probabilities, ``(points,)`` each.

    Args:
        own: probability with which the policy calls each point.
        callable: whether a point keeps every limit of the call.
        raw_quality: before calibration, as the policy's rule reads it.
        raw_cost_usd: likewise.
        quality: calibrated.
        cost_usd: calibrated.
        latency_s: NaN where none was logged.
        weights: of the figures in the policy's score.
        labels: of the query, by kind.
    """

    own: Floats
    callable: Mask
    raw_quality: Floats
    raw_cost_usd: Floats
    quality: Floats
    cost_usd: Floats
    latency_s: Floats
    weights: Weights
    labels: Mapping[str, str]

    @property
    def others(self) -> Mask:
        """The points that may be called, and that the policy itself would not call, bool ``(points,)``."""
        return self.callable & (self.own == 0)

    @property
    def scores(self) -> Floats:
        """The score of every point, ``(points,)``."""
        return scored(self.raw_quality, self.raw_cost_usd, np.nan_to_num(self.latency_s), self.weights)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The log's evidence on every point, ``(points,)`` each.

    Args:
        runs: logged queries; an unlogged point counts as one.
        quality_error: standard error of mean quality.
        relative_cost_error: standard error of mean cost, as a share of it.
    """

    runs: Floats
    quality_error: Floats
    relative_cost_error: Floats

    @staticmethod
    def of(policy: Policy) -> Evidence:
        """Return the evidence of the log that a policy was fitted on."""
        runs, surface = np.maximum(policy.surface.queries, 1.0), policy.surface
        return Evidence(runs, surface.quality.scale.spread / np.sqrt(runs), surface.amount.scale.spread / np.sqrt(runs))

    def score_errors(self, call: Call) -> Floats:
        """Return the standard errors of the scores, ``(points,)``."""
        cost = call.weights.cost * self.relative_cost_error * call.raw_cost_usd
        return np.hypot(call.weights.quality * self.quality_error, cost)


def chances(call: Call, evidence: Evidence) -> Floats:
    """Return the probability that each of the other points has a higher score than the best one, ``(points,)``.

    It is 0 at points that are not explored. Where every probability vanishes, the nearest to the best one has 1.
    """
    scores, others = call.scores, call.others
    best = int(np.where(call.callable, scores, -np.inf).argmax())
    errors = evidence.score_errors(call)
    error, gap = np.hypot(errors, errors[best]), np.maximum(scores[best] - scores, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(others, np.where(gap > 0, gap / error, 0.0), np.inf)
    chance = np.array([math.erfc(one / math.sqrt(2)) / 2 for one in distance])
    return chance if chance.sum() > 0 else (others & (gap <= gap[others].min())).astype(np.float64)


def allocation(call: Call, evidence: Evidence) -> Floats:
    """Return the distribution of exploring calls over the other points, ``(points,)``."""
    chance = chances(call, evidence)
    gain = chance * evidence.score_errors(call) ** 2 / evidence.runs
    return gain / gain.sum() if gain.sum() > 0 else chance / chance.sum()


def own_probabilities(distribution: Sequence[PointProbability], points: int) -> Floats:
    """Return a rule's probability of every point at one query, ``(points,)``."""
    own = np.zeros(points)
    for probability, point in distribution:
        own[point] += probability
    return own


class _Room(NamedTuple):
    """A limit on the population, resolved on the grid, and how far the policy stays away from it."""

    limit: PopulationLimit
    room: float


class Explored(NamedTuple):
    """The probabilities of the other points, ``(points,)``; and the limits on the population that lowered any."""

    probability: Floats
    held_by: tuple[str, ...]


class Explorer:
    """Chooses the points of a share of calls.

    Args:
        policy: the policy that decides the other calls.
        share: of the calls, in [0, 1).

    Raises:
        TargetError: the share is 1.
    """

    def __init__(self, policy: Policy, share: float) -> None:
        if share == 1:
            raise TargetError("explore must leave calls to the policy; give a share below 1, such as explore=0.05")
        self.share, self._evidence = share, Evidence.of(policy)
        used = {entry.limit: entry.used for entry in policy.document.solution.limits}
        limits = [limit for limit in policy.limits if isinstance(limit, PopulationLimit)]
        self._rooms = [_Room(on_grid(limit, policy.grid), _room(limit, used.get(str(limit)))) for limit in limits]

    def call(
        self,
        request: Request,
        forecast: QueryForecast,
        admitted: Admitted,
        *,
        rule: Rule,
        distribution: Sequence[PointProbability],
    ) -> Call:
        """Return a request as a call that may explore.

        Args:
            request: the call.
            forecast: of every point.
            admitted: the points that keep all of its limits.
            rule: of the policy.
            distribution: of the points that are called where it does not explore.
        """
        figures = forecast.rule_figures
        return Call(
            own=own_probabilities(distribution, len(admitted.callable)),
            callable=admitted.callable,
            raw_quality=figures[0],
            raw_cost_usd=figures[1],
            quality=forecast.quality,
            cost_usd=forecast.cost_usd,
            latency_s=forecast.latency_s,
            weights=rule.weights(request.labels),
            labels=request.labels,
        )

    def redraw(self, draw: Draw, call: Call, place: float) -> Draw:
        """Draw one of the other points if ``place``, uniform in [0, 1), falls to exploring; else keep the draw.

        Either way the propensity is the total probability of the point.
        """
        explored = self.explore(call).probability
        ends = np.cumsum(explored)
        if place >= ends[-1]:
            return draw._replace(propensity=draw.propensity * (1 - float(ends[-1])))
        column = int(np.searchsorted(ends, place, side="right"))
        return Draw(column, float(explored[column]), is_random=True, explores=True)

    def explore(self, call: Call) -> Explored:
        """Return the probability with which each of the other points is called to explore.

        They add up to the share; to less where limits on the population leave no room, and to 0 where no other point
        may be called.
        """
        if not call.others.any():
            return Explored(np.zeros(call.own.shape), ())
        wanted = self.share * self.distribution(call)
        held, held_by, is_free = wanted.copy(), [], call.others.copy()
        for limit, room in self._rooms:
            if limit.group is not None and call.labels.get(limit.group.by) != limit.group.of:
                continue
            excess = _excess(limit, call)
            is_free &= excess == 0
            total = float(np.dot(held[held > 0], excess[held > 0]))
            if total > room:
                held = np.where(excess > 0, held * (room / total), held)
                held_by.append(str(limit))
        return Explored(_refilled(held, wanted, is_free), tuple(held_by))

    def distribution(self, call: Call) -> Floats:
        """Return the distribution over the other points, without limits on the population, ``(points,)``."""
        return allocation(call, self._evidence)


def _room(limit: PopulationLimit, used: float | None) -> float:
    """Return how far the policy stays away from a limit on the logged queries, in its unit; 0 where unknown."""
    if used is None:
        return 0.0
    if isinstance(limit, MinQualityOf):
        return max(used - limit.quality, 0.0)
    most = limit.share if isinstance(limit, MaxShare) else limit.usd if isinstance(limit, MaxCostOf) else limit.seconds
    return max(most - used, 0.0)


def _excess(limit: PopulationLimit, call: Call) -> Floats:
    """Return by how much each point exceeds the policy's expected figure at the query, ``(points,)``; at least 0."""
    if isinstance(limit, MaxShare):
        figure = np.isin(np.arange(len(call.own)), limit.columns or ()).astype(np.float64)
    elif isinstance(limit, MaxMeanLatency):
        figure = np.where(np.isnan(call.latency_s), np.inf, call.latency_s)
    else:
        figure = call.cost_usd if isinstance(limit, MaxCostOf) else -call.quality
    own = float(np.dot(call.own[call.own > 0], figure[call.own > 0]))
    return np.zeros(len(figure)) if math.isinf(own) else np.maximum(figure - own, 0.0)


def _refilled(held: Floats, wanted: Floats, is_free: Mask) -> Floats:
    """Give what limits took from some points to those that exceed no limit, ``(points,)``."""
    taken, free = float(wanted.sum() - held.sum()), np.where(is_free, wanted, 0.0)
    if taken <= 0:
        return held
    if not free.any():
        free = is_free.astype(np.float64)
    return held + taken * free / free.sum() if free.any() else held
