"""A control: one point for all queries, the best whose mean cost on the training queries keeps to the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.plans import Single


@dataclass(frozen=True)
class _Always:
    point: int

    def plan(self, batch: QueryBatch) -> Single:
        """Call the same point for all queries."""
        return Single(np.full(len(batch.texts), self.point))


@dataclass(frozen=True)
class _Points:
    quality: Floats
    cost_usd: Floats

    @property
    def knobs(self) -> Floats:
        """Positions of the points in the grid, ``(points,)``."""
        return np.arange(len(self.quality), dtype=np.float64)

    def at(self, knob: float) -> _Always:
        """Return the strategy that always calls one point."""
        return _Always(int(knob))

    def within(self, cost_usd: float) -> _Always:
        """Return the best point within a mean cost, the cheapest of equals, or the cheapest point if none is."""
        allowed = np.where(self.cost_usd <= cost_usd * (1 + 1e-12), self.quality, -np.inf)
        if not np.isfinite(allowed).any():
            return _Always(int(self.cost_usd.argmin()))
        best = allowed == allowed.max()
        return _Always(int(np.where(best, self.cost_usd, np.inf).argmin()))


@dataclass(frozen=True)
class BestSingle:
    """Calls one point for every query, without mixing."""

    name: str = "best-single"

    def fit(self, training: Training) -> _Points:
        """Average over the training queries."""
        return _Points(fill_missing(training.quality).mean(0), fill_missing(training.cost_usd).mean(0))
