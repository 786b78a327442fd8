"""Plans of calls for asked queries, and their execution on logged answers.

Execution reveals scores step by step: a plan sees those of the points that it has called, and nothing else. The costs
and latencies of all calls of a query add up; its quality is that of the answer that the plan returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask

STOP = -1


@dataclass(frozen=True)
class Seen:
    """What is known of the queries' calls so far.

    Args:
        called: ``(queries, points)``.
        last: the point called last, or STOP before the first call, ``(queries,)``.
        score: of the answers, NaN where the point was not called or has no score, ``(queries, points)``.
    """

    called: Mask
    last: Indices
    score: Floats


class Stepwise(Protocol):
    """A plan of calls that may depend on the scores of earlier answers."""

    def next_call(self, seen: Seen) -> Indices:
        """Return the point to call next for every query, STOP where its calls end: ``(queries,)``."""
        ...

    def answer(self, seen: Seen) -> Indices:
        """Return the called point whose answer stands, ``(queries,)``."""
        ...


@dataclass(frozen=True)
class Single:
    """One call per query.

    Args:
        choice: the point, ``(queries,)``.
    """

    choice: Indices

    def next_call(self, seen: Seen) -> Indices:
        """Return the chosen point at first, then STOP."""
        return np.where(seen.last == STOP, self.choice, STOP)

    def answer(self, seen: Seen) -> Indices:
        """Return the chosen point."""
        return self.choice


@dataclass(frozen=True)
class Feedback:
    """The outcome of one call that an online strategy made: quality in [0, 1] and cost in USD."""

    quality: float
    cost_usd: float


@dataclass(frozen=True)
class Online:
    """One call per query, in the order in which they were asked, each choice informed by the outcomes of earlier ones.

    Args:
        run: takes a function from (query, point) to the outcome of that call, and returns the points, ``(queries,)``.
    """

    run: Callable[[Callable[[int, int], Feedback]], Indices]


@dataclass(frozen=True)
class Mixture:
    """A random choice of one plan per query; its expectation counts.

    Args:
        parts: the plans.
        weights: their probabilities, which sum to 1.
    """

    parts: tuple[Plan, ...]
    weights: tuple[float, ...]


Plan = Stepwise | Online | Mixture


@dataclass(frozen=True)
class Answers:
    """Logged answers of queries at every point, ``(queries, points)`` each.

    Args:
        quality: in [0, 1], without missing cells.
        cost_usd: of one call, without missing cells.
        score: known after the call, NaN where it is unknown; None: the log has none.
        latency_s: of one call, NaN where it is unknown; None: the log has none.
    """

    quality: Floats
    cost_usd: Floats
    score: Floats | None = None
    latency_s: Floats | None = None


@dataclass(frozen=True)
class Execution:
    """A plan's outcome for every query, ``(queries,)`` each; of a mixture, expectations.

    Args:
        quality: of the answer that stands.
        cost_usd: of all calls.
        latency_s: of all calls, one after another; NaN where one is unknown, None if the log has none.
        calls: number of calls.
        share: expected calls of every point, ``(queries, points)``.
    """

    quality: Floats
    cost_usd: Floats
    latency_s: Floats | None
    calls: Floats
    share: Floats


def execute(plan: Plan, answers: Answers) -> Execution:
    """Run a plan on logged answers.

    Raises:
        ValueError: a plan calls a point twice, or answers with a point that it did not call.
    """
    if isinstance(plan, Mixture):
        return _mixed([execute(part, answers) for part in plan.parts], plan.weights)
    if isinstance(plan, Online):

        def outcome(query: int, point: int) -> Feedback:
            return Feedback(float(answers.quality[query, point]), float(answers.cost_usd[query, point]))

        return _executed(Single(np.asarray(plan.run(outcome))), answers)
    return _executed(plan, answers)


def _executed(plan: Stepwise, answers: Answers) -> Execution:
    queries, points = answers.quality.shape
    rows = np.arange(queries)
    scores = np.full((queries, points), np.nan) if answers.score is None else answers.score
    called, last = np.zeros((queries, points), dtype=bool), np.full(queries, STOP, dtype=np.intp)
    going = np.ones(queries, dtype=bool)
    for _ in range(points):
        point = np.where(going, plan.next_call(Seen(called, last, np.where(called, scores, np.nan))), STOP)
        going = point != STOP
        if not going.any():
            break
        if called[rows[going], point[going]].any():
            raise ValueError("a plan called a point twice for one query")
        called = called.copy()
        called[rows[going], point[going]] = True
        last = np.where(going, point, last)
    answer = np.asarray(plan.answer(Seen(called, last, np.where(called, scores, np.nan))))
    if not called[rows, answer].all():
        raise ValueError("a plan answered with a point that it did not call")
    share = called.astype(np.float64)
    latency = None if answers.latency_s is None else np.where(called, answers.latency_s, 0.0).sum(1)
    cost = np.where(called, answers.cost_usd, 0.0).sum(1)
    return Execution(answers.quality[rows, answer], cost, latency, share.sum(1), share)


def _mixed(parts: Sequence[Execution], weights: Sequence[float]) -> Execution:
    def mean(tables: Sequence[Floats]) -> Floats:
        return np.asarray(sum(weight * table for weight, table in zip(weights, tables, strict=True)), dtype=np.float64)

    latencies = [part.latency_s for part in parts if part.latency_s is not None]
    return Execution(
        mean([part.quality for part in parts]),
        mean([part.cost_usd for part in parts]),
        mean(latencies) if len(latencies) == len(parts) else None,
        mean([part.calls for part in parts]),
        mean([part.share for part in parts]),
    )
