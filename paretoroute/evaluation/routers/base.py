"""What a router is given, and what it gives back.

Outcomes of the queries that are asked about are nowhere in `Asked`: a router cannot peek.
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
    """The logged queries that a router may learn from.

    Args:
        runs: single runs, texts and tags, for routers that need more than means.
        grid: the points, and their token prices.
        features: of the queries, ``(queries, width)``; nothing in them knows an outcome.
        rank: how many of the features come from the text; statistics of it follow.
        quality: mean quality, ``(queries, points)``, NaN where nothing was logged.
        cost_usd: mean cost of one call, ``(queries, points)``, NaN where it is unknown.
        counts: how many trials a mean quality rests on, ``(queries, points)``.
        groups: queries of one group must stay on one side of every split, ``(queries,)``.
        seed: same training and seed, same router.
    """

    runs: Runs
    grid: Grid
    features: Floats
    rank: int
    quality: Floats
    cost_usd: Floats
    counts: Floats
    groups: tuple[str, ...]
    seed: int

    @property
    def texts(self) -> tuple[str, ...]:
        """The queries' texts, ``(queries,)``."""
        return self.runs.texts

    @property
    def tags(self) -> tuple[str | None, ...]:
        """Their tags, ``(queries,)``."""
        return self.runs.tags


@dataclass(frozen=True)
class Asked:
    """The queries that a router is asked about.

    Args:
        texts: ``(queries,)``.
        tags: ``(queries,)``.
        query_ids: opaque keys, ``(queries,)``; for looking something up, never a feature.
        features: as those of the training, ``(queries, width)``.
        embeddings: ready ones from the log, ``(queries, embedding)``, or None.
    """

    texts: tuple[str, ...]
    tags: tuple[str | None, ...]
    query_ids: tuple[str, ...]
    features: Floats
    embeddings: NDArray[np.float32] | None = None


Predict = Callable[[Asked], Forecast]
"""A fitted router: quality and cost ``(queries, points)`` of the queries asked about."""


class Router(Protocol):
    """A way of forecasting quality and cost per query and point."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    def fit(self, training: Training) -> Predict:
        """Learn from logged queries."""
        ...
