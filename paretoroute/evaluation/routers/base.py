"""The interface of a router: the data it is fitted on, and the queries it forecasts.

A `QueryBatch` holds no outcome of its queries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
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
    """Queries to forecast.

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


Predict = Callable[[QueryBatch], Forecast]
"""A fitted router: forecasts quality and cost, ``(queries, points)`` each."""


class Router(Protocol):
    """A method that forecasts quality and cost per query and point."""

    @property
    def name(self) -> str:
        """Name in tables; unique within a comparison."""
        ...

    def fit(self, training: Training) -> Predict:
        """Fit on logged queries and return the fitted router."""
        ...
