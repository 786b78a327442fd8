"""Cascade routing (Dekoninck, Baader and Vechev, ICML 2025, arXiv:2410.10347): choose sets of models, step by step.

With the models S already run, the best superset is

    argmax_{M >= S} E max_{m in M} q_m - lambda sum_{m in M} c_m

where the estimates of models that ran are those after their answer. If it is S the best answer so far stands; else one
model of M is run: the first in the given order. Routing is the case of sets of one without a second step. lambda is
found by bisection for a mean cost, and a budget is met exactly by choosing the dearest of tied sets with probability
(B - c_cheapest) / (c_dearest - c_cheapest). The authors' router takes that weight for the other one (``code``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask

DIGITS = 8
MOST = 10_000.0
STEPS = 50


@dataclass(frozen=True)
class TiedChoices:
    """The cheapest and the dearest of the best models per query, ``(queries,)`` each."""

    cheapest: Indices
    dearest: Indices


def route(quality: Floats, cost: Floats, lam: float, *, digits: int = DIGITS) -> TiedChoices:
    """Return the models that maximise quality - lambda cost, equal where the scores agree to so many decimals.

    Args:
        quality: estimates, ``(queries, models)``.
        cost: estimates, ``(queries, models)``.
        lam: quality per unit of cost.
        digits: decimals to which scores are rounded.
    """
    score = np.round(quality - lam * cost, digits)
    tied = score == score.max(1, keepdims=True)
    return TiedChoices(np.where(tied, cost, np.inf).argmin(1), np.where(tied, cost, -np.inf).argmax(1))


@dataclass(frozen=True)
class Mixture:
    """How to meet a mean cost exactly.

    Args:
        lam: quality per unit of cost.
        share: probability of the dearest of tied choices.
        cheapest: mean cost of the cheapest tied choices.
        dearest: mean cost of the dearest tied choices.
    """

    lam: float
    share: float
    cheapest: float
    dearest: float

    @property
    def cost(self) -> float:
        """Expected mean cost."""
        return (1 - self.share) * self.cheapest + self.share * self.dearest

    @property
    def code_cost(self) -> float:
        """Expected mean cost of the authors' router, which swaps the two probabilities; with no tie it is the same."""
        return self.share * self.cheapest + (1 - self.share) * self.dearest


def meet_budget(costs: Callable[[float], tuple[float, float]], budget: float, *, steps: int = STEPS) -> Mixture:
    """Return the least lambda, to the resolution of the bisection, whose cheapest tied choices keep to a budget.

    Args:
        costs: mean costs of the cheapest and of the dearest tied choices at a lambda.
        budget: greatest mean cost. If even the highest lambda exceeds it, that one is returned with a share of 0.
        steps: bisections of [0, 10000].
    """
    low, high = 0.0, MOST
    for _ in range(steps):
        middle = (low + high) / 2
        if costs(middle)[0] > budget:
            low = middle
        else:
            high = middle
    cheapest, dearest = costs(high)
    share = np.clip((budget - cheapest) / (dearest - cheapest), 0.0, 1.0) if dearest > cheapest else 0.0
    return Mixture(high, float(share), cheapest, dearest)


def route_within(quality: Floats, cost: Floats, budget: float) -> Mixture:
    """Solve the router's lambda for a mean cost on given estimates, ``(queries, models)`` each."""
    rows = np.arange(len(cost))

    def costs(lam: float) -> tuple[float, float]:
        tied = route(quality, cost, lam)
        return float(cost[rows, tied.cheapest].mean()), float(cost[rows, tied.dearest].mean())

    return meet_budget(costs, budget)


def expected_max(mean: Floats, deviation: Floats, normal: Floats) -> Floats:
    """Return the expected maximum of independent normal estimates, by given standard normal samples: ``(queries,)``.

    Args:
        mean: ``(queries, models)``.
        deviation: standard deviations, ``(models,)`` or ``(queries, models)``. The authors' code multiplies by the
            variance in its branch for independent errors.
        normal: standard normal samples, ``(samples, models)``; for a set of one the mean itself is returned.
    """
    if mean.shape[1] == 1:
        return mean[:, 0]
    spread = np.broadcast_to(deviation, mean.shape)[:, None] * normal
    return (mean[:, None] + spread).max(2).mean(1)


@dataclass(frozen=True)
class Estimates:
    """Estimates of quality before and after a model's answer.

    Args:
        before: ``(queries, models)``.
        after: used once the model has run, ``(queries, models)``.
        deviation_before: ``(models,)``.
        deviation_after: ``(models,)``.
        cost: ``(queries, models)``.
        normal: standard normal samples by the size of the set, ``(samples, size)``.
    """

    before: Floats
    after: Floats
    deviation_before: Floats
    deviation_after: Floats
    cost: Floats
    normal: Mapping[int, Floats]


@dataclass(frozen=True)
class Path:
    """The models run for one query, in order, and the one whose answer stands."""

    run: tuple[int, ...]
    answer_of: int


class CascadeRouting:
    """Paths of all queries at any lambda; the expected maxima of sets are computed once per state.

    Args:
        estimates: of the queries.
        forced_order: whether a cascade may only go on to later models.
        max_depth: most models to run; None: all.
        digits: decimals to which scores are rounded; equal ones are tied.
    """

    def __init__(
        self,
        estimates: Estimates,
        *,
        forced_order: bool = False,
        max_depth: int | None = None,
        digits: int = DIGITS,
    ) -> None:
        self._estimates = estimates
        self._forced = forced_order
        models = estimates.cost.shape[1]
        self._depth = models if max_depth is None else max_depth
        self._digits = digits
        sizes = range(1, self._depth + 1)
        self._sets = [members for size in sizes for members in combinations(range(models), size)]
        self._number = {members: k for k, members in enumerate(self._sets)}
        self._cost = np.stack([estimates.cost[:, list(members)].sum(1) for members in self._sets], axis=1)
        self._quality: dict[frozenset[int], Floats] = {}

    def paths(self, lam: float, *, dearest: bool = False) -> list[Path]:
        """Return every query's path; of tied sets the cheapest, or the dearest."""
        runs: list[tuple[int, ...]] = [()] * len(self._cost)
        going = True
        while going:
            following = self.step(runs, lam, dearest=dearest)
            going = any(model is not None for model in following)
            runs = [run if model is None else (*run, model) for run, model in zip(runs, following, strict=True)]
        after = self._estimates.after
        return [Path(run, max(run, key=lambda m, q=q: (after[q, m], -m))) for q, run in enumerate(runs)]

    def step(self, runs: Sequence[tuple[int, ...]], lam: float, *, dearest: bool = False) -> list[int | None]:
        """Return the model to run next for every query, None where the best answer so far stands.

        Args:
            runs: models that ran for each query, in order; their estimates are those after the answer.
            lam: quality per unit of cost.
            dearest: take the dearest of tied sets instead of the cheapest.
        """
        following: list[int | None] = [None] * len(runs)
        for state in dict.fromkeys(runs):
            rows = np.array([q for q, run in enumerate(runs) if run == state])
            for q, members in zip(rows, self._choose(state, rows, lam, dearest), strict=True):
                left = [m for m in self._sets[members] if m not in state]
                following[q] = left[0] if left else None
        return following

    def _choose(self, state: tuple[int, ...], rows: NDArray[np.intp], lam: float, dearest: bool) -> Indices:
        """Return the index of the best superset of the models that ran, ``(rows,)``."""
        quality, cost = self._qualities(frozenset(state))[rows], self._cost[rows]
        score = np.round(
            np.where(self._worthwhile(state, rows, lam, quality), quality - lam * cost, -np.inf), self._digits
        )
        tied = score == score.max(1, keepdims=True)
        if dearest:
            return np.where(tied, cost, -np.inf).argmax(1)
        return np.where(tied, cost, np.inf).argmin(1)

    def _worthwhile(self, state: tuple[int, ...], rows: NDArray[np.intp], lam: float, quality: Floats) -> Mask:
        """Return the supersets that may be optimal, ``(rows, sets)``.

        Lemma 1 of the paper: a model that adds less than lambda times its cost to a set is not part of an optimal set
        that extends it.
        """
        allowed = np.zeros(quality.shape, dtype=bool)
        later = max(state, default=-1)
        for k, members in enumerate(self._sets):
            new = [m for m in members if m not in state]
            if not set(state) <= set(members) or (self._forced and any(m < later for m in new)):
                continue
            allowed[:, k] = True
            if new and len(members) > 1:
                parent = self._number[tuple(m for m in members if m != new[-1])]
                gain = quality[:, k] - quality[:, parent] - lam * self._estimates.cost[rows, new[-1]]
                allowed[:, k] = allowed[:, parent] & (gain >= 0)
        return allowed

    def _qualities(self, state: frozenset[int]) -> Floats:
        """Return the expected maximum of every set once the models of a state have run, ``(queries, sets)``."""
        if state not in self._quality:
            e, ran = self._estimates, np.isin(np.arange(self._estimates.cost.shape[1]), list(state))
            mean = np.where(ran, e.after, e.before)
            deviation = np.where(ran, e.deviation_after, e.deviation_before)
            self._quality[state] = np.stack([self._set_quality(mean, deviation, s, state) for s in self._sets], axis=1)
        return self._quality[state]

    def _set_quality(self, mean: Floats, deviation: Floats, members: tuple[int, ...], state: frozenset[int]) -> Floats:
        if not state <= set(members):
            return np.full(len(mean), -np.inf)
        columns = list(members)
        normal = self._estimates.normal.get(len(columns), np.zeros((1, 1)))
        return expected_max(mean[:, columns], deviation[columns], normal)


def threshold_cascade(quality_after: Floats, lambdas: Sequence[float]) -> Indices:
    """Return how many models a plain cascade calls: go on while the last answer's quality < 1 - lambda, ``(queries,)``.

    Args:
        quality_after: estimated quality of each model's answer once it ran, in the order of calls,
            ``(queries, models)``.
        lambdas: one per model but the last.
    """
    going = quality_after[:, :-1] < 1 - np.asarray(lambdas)
    return np.concatenate([~going, np.ones((len(going), 1), dtype=bool)], axis=1).argmax(1) + 1
