"""The interface of a router: the data it is fitted on, the queries it is asked, and the strategies that it offers.

A router is fitted once and offers strategies, one per value of its knob. A strategy plans the calls for asked queries:
which points are called, in which order, and when to stop (:mod:`~.plans`). A `QueryBatch` holds no outcome of its
queries; a plan sees the score of an answer only after it has called for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.plans import Plan
from paretoroute.forecast import Forecast
from paretoroute.grid import Grid
from paretoroute.runs.table import Runs


@dataclass(frozen=True)
class Training:
    """The logged queries that a router learns from.

    Args:
        runs: single runs, texts and tags, for routers that need more than means.
        grid: the points and their token prices.
        features: of the queries, ``(queries, width)``; computed without any outcome.
        rank: number of features that come from the text; statistics of the text follow.
        quality: mean quality, ``(queries, points)``, NaN where nothing was logged.
        cost_usd: mean cost of one call, ``(queries, points)``, NaN where it is unknown.
        trials: number of trials behind a mean quality, ``(queries, points)``.
        score: mean score of the answers, ``(queries, points)``, NaN where none was logged.
        groups: queries of one group must stay on one side of every split, ``(queries,)``.
        seed: same training data and seed, same router.
    """

    runs: Runs
    grid: Grid
    features: Floats
    rank: int
    quality: Floats
    cost_usd: Floats
    trials: Floats
    score: Floats
    groups: tuple[str, ...]
    seed: int

    @property
    def texts(self) -> tuple[str, ...]:
        """The queries' texts, ``(queries,)``."""
        return self.runs.texts

    @property
    def tags(self) -> tuple[str | None, ...]:
        """The queries' tags, ``(queries,)``."""
        return self.runs.tags


@dataclass(frozen=True)
class QueryBatch:
    """Queries to plan for.

    Args:
        texts: ``(queries,)``.
        tags: ``(queries,)``.
        query_ids: opaque keys for look-ups, never a feature, ``(queries,)``.
        features: computed like those of the training queries, ``(queries, width)``.
        embeddings: from the log, ``(queries, embedding)``, or None.
    """

    texts: tuple[str, ...]
    tags: tuple[str | None, ...]
    query_ids: tuple[str, ...]
    features: Floats
    embeddings: NDArray[np.float32] | None = None


class Strategy(Protocol):
    """A fitted router at one value of its knob."""

    def plan(self, batch: QueryBatch) -> Plan:
        """Plan the calls for some queries."""
        ...


class Strategies(Protocol):
    """A fitted router: one strategy per value of its knob.

    Fits on other training queries offer as many knobs, in the same order, so that one can be chosen by its position.
    """

    @property
    def knobs(self) -> Floats:
        """Values of the knob, ``(knobs,)``; each router documents its unit."""
        ...

    def at(self, knob: float) -> Strategy:
        """Return the strategy at a value of the knob."""
        ...


@runtime_checkable
class Forecasts(Protocol):
    """Strategies that rest on forecasts of quality and cost alone."""

    def forecast(self, batch: QueryBatch) -> Forecast:
        """Forecast quality and cost, ``(queries, points)`` each."""
        ...


@runtime_checkable
class SolvesForCost(Protocol):
    """Strategies that are solved for a mean cost by the router itself."""

    def within(self, cost_usd: float) -> Strategy:
        """Return the strategy for a mean cost per query."""
        ...


class Router(Protocol):
    """A way to choose points per query."""

    @property
    def name(self) -> str:
        """Name in tables; unique within a comparison."""
        ...

    def fit(self, training: Training) -> Strategies:
        """Fit on logged queries.

        Raises:
            NotApplicable: the log lacks what the router needs.
        """
        ...


class NotApplicable(Exception):
    """A router cannot be fitted on this log; the message is the reason, a clause such as "the log has no score"."""
