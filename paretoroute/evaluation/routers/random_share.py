"""A control: the strong of two points on a random share of the queries. Its expectation counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.methods.pairs import SHARES, Names, Pair, pair_of
from paretoroute.evaluation.routers.plans import Mixture, Single


@dataclass(frozen=True)
class _Share:
    pair: Pair
    share: float

    def plan(self, batch: QueryBatch) -> Mixture:
        """Mix always-weak and always-strong."""
        weak, strong = (np.full(len(batch.texts), point) for point in (self.pair.weak, self.pair.strong))
        return Mixture((Single(weak), Single(strong)), (1 - self.share, self.share))


@dataclass(frozen=True)
class _Shares:
    pair: Pair

    @property
    def knobs(self) -> Floats:
        """Shares of strong calls, ``(knobs,)``."""
        return np.linspace(0.0, 1.0, SHARES)

    def at(self, knob: float) -> _Share:
        """Return the strategy at a share."""
        return _Share(self.pair, knob)


@dataclass(frozen=True)
class RandomShare:
    """Calls the strong point at random; the knob is its share of the calls.

    Args:
        pair: names of the weak and the strong point; None: the pair that is best on the training queries.
        name: in tables.
    """

    pair: Names | None = None
    name: str = "random"

    def fit(self, training: Training) -> _Shares:
        """Choose the pair."""
        return _Shares(pair_of(training, self.pair))
