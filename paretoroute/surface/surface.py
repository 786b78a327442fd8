"""The surface: the fitted functions from a query to quality, tokens and latency at every point. NumPy only.

It forecasts tokens, not money: cost is tokens times prices, so that a price change needs no new fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import Neighbours
from paretoroute.surface.panel import Panel, second_level_inputs


@dataclass(frozen=True)
class OutOfDistributionCheck:
    """How far a query lies from the logged ones.

    Args:
        centre: mean features, ``(width,)``.
        inverse: (Z'Z + 3 I)^-1 of the centred features, ``(width, width)``.
        least_known: a query whose text shares a smaller part of its n-grams with the log is unfamiliar.
        most_leverage: one that pulls harder than this is unfamiliar.
    """

    centre: Floats
    inverse: Floats
    least_known: float
    most_leverage: float

    def leverage(self, vector: Floats) -> float:
        """Give z'(Z'Z + 3 I)^-1 z: the variance of a ridge forecast at the query, in units of one run's."""
        away = vector - self.centre
        return float(away @ self.inverse @ away)


@dataclass(frozen=True)
class Bounds:
    """What bounds the tokens of one call, from the log.

    Args:
        prompt_overhead_tokens: most prompt tokens beyond one per UTF-8 byte of the query (system prompt, examples,
            chat template), ``(points,)``; NaN where no prompt tokens were logged.
        most_completion_tokens: largest completion logged, ``(points,)``; NaN where none was.
    """

    prompt_overhead_tokens: Floats
    most_completion_tokens: Floats


@dataclass(frozen=True)
class Amounts:
    """What the surface forecasts at every point for one query or many, before any price: ``(..., points)``.

    Args:
        quality: in [0, 1].
        quality_se: its standard error.
        amount: completion tokens where the point is priced by tokens, else USD of one call.
        prompt_tokens: NaN where unknown.
        latency_s: NaN where unknown.
        unfamiliar: whether the query lies outside what was logged.
    """

    quality: Floats
    quality_se: Floats
    amount: Floats
    prompt_tokens: Floats
    latency_s: Floats
    unfamiliar: bool = False


@dataclass(frozen=True)
class Surface:
    """The fitted functions from a query to quality, tokens and latency at every point: kind ``stacked_heads``.

    Args:
        featurizer: text to vector.
        neighbours: the logged queries kept for looking up.
        quality: panel of quality.
        amount: panel of log completion tokens, or of log USD at points that are not priced by tokens.
        prompt: panel of log prompt tokens, or None where no point is priced by tokens.
        latency: panel of log seconds, or None where none was logged.
        queries: logged queries per point, ``(points,)``.
        familiarity: how to tell a query that is unlike the logged ones.
        bounds: of a call's tokens.
    """

    featurizer: Featurizer
    neighbours: Neighbours
    quality: Panel
    amount: Panel
    prompt: Panel | None
    latency: Panel | None
    queries: Floats
    familiarity: OutOfDistributionCheck
    bounds: Bounds

    @cached_property
    def knows_blanks(self) -> bool:
        """Whether queries without a text were logged: a kind of traffic of its own, with its own forecast."""
        texts = self.neighbours.features[:, : self.featurizer.rank]
        return bool((texts == 0).all(axis=1).any())

    def flattened(self) -> Amounts:
        """Forecast without a query: the prompt-blind means."""
        return Amounts(
            quality=self.quality.finish(self.quality.base),
            quality_se=self.quality.spread / np.sqrt(np.maximum(self.queries, 1.0)),
            amount=self.amount.finish(self.amount.base),
            prompt_tokens=self._unknown if self.prompt is None else self.prompt.finish(self.prompt.base),
            latency_s=self._unknown if self.latency is None else self.latency.finish(self.latency.base),
        )

    @cached_property
    def _unknown(self) -> Floats:
        return np.full(len(self.queries), np.nan)

    def _at(self, panel: Panel | None, vector: Floats, found: list[tuple[NDArray[np.intp], Floats]]) -> Floats:
        return self._unknown if panel is None else panel.at(panel.components(vector, found))

    def at_text(self, text: str) -> Amounts:
        """Forecast every point for one query's text."""
        return self.at(*self.featurizer.of_text(text))

    def at(self, vector: Floats, known: float = 1.0) -> Amounts:
        """Forecast every point for one feature vector ``(width,)``, of whose text a share ``known`` is familiar."""
        found = self.neighbours.nearest(vector, self.featurizer.rank)
        leverage = self.familiarity.leverage(vector)
        quality, amount = self.quality.components(vector, found), self.amount.components(vector, found)
        return Amounts(
            quality=self.quality.at(quality, second_level_inputs(amount, quality)),
            quality_se=self.quality.spread * np.sqrt(leverage + 1 / np.maximum(self.queries, 1.0)),
            amount=self.amount.at(amount),
            prompt_tokens=self._at(self.prompt, vector, found),
            latency_s=self._at(self.latency, vector, found),
            unfamiliar=known < self.familiarity.least_known or leverage > self.familiarity.most_leverage,
        )
