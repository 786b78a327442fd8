"""The surface: the fitted functions from a query to quality, tokens and latency at every point. NumPy only.

It forecasts tokens rather than money: cost is tokens times prices, so that a price change needs no new fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import Nearest, Neighbours
from paretoroute.surface.panel import Panel, second_level_inputs


@dataclass(frozen=True)
class OutOfDistributionCheck:
    """The bounds beyond which a query lies too far from the logged ones.

    Args:
        centre: mean features, ``(width,)``.
        inverse: (Z'Z + 3 I)^-1 of the centred features, ``(width, width)``.
        least_known: least share of its n-gram mass that a query's text has in common with the log, in [0, 1].
        most_leverage: largest leverage of a query.
    """

    centre: Floats
    inverse: Floats
    least_known: float
    most_leverage: float

    def leverage(self, vector: Floats) -> float:
        """Return z'(Z'Z + 3 I)^-1 z: the variance of a ridge forecast at the query, in units of one run's."""
        centred = vector - self.centre
        return max(float(centred @ self.inverse @ centred), 0.0)  # the matrix is rounded to float32

    def is_unfamiliar(self, leverage: float, known_share: float) -> bool:
        """Return whether a query of this leverage, with this share of known n-grams, lies too far from the log."""
        return known_share < self.least_known or leverage > self.most_leverage


@dataclass(frozen=True)
class Bounds:
    """Upper bounds of the tokens of one call, from the log.

    Args:
        prompt_overhead_tokens: most prompt tokens beyond one per UTF-8 byte of the query (system prompt, examples,
            chat template), ``(points,)``; NaN where no prompt tokens were logged.
        most_completion_tokens: largest completion logged, ``(points,)``; NaN where none was.
    """

    prompt_overhead_tokens: Floats
    most_completion_tokens: Floats


@dataclass(frozen=True)
class Amounts:
    """A forecast at every point for one query or many, before any price: ``(..., points)`` each.

    Args:
        quality: in [0, 1].
        quality_se: its standard error.
        amount: completion tokens where the point is priced by tokens, else USD of one call.
        prompt_tokens: NaN where unknown.
        latency_s: NaN where unknown.
        unfamiliar: whether the query lies too far from the logged ones.
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
        neighbours: the logged queries kept for look-up.
        quality: panel of quality.
        amount: panel of log completion tokens, or of log USD at points that are not priced by tokens.
        prompt: panel of log prompt tokens, or None where no point is priced by tokens.
        latency: panel of log seconds, or None where none was logged.
        queries: logged queries per point, ``(points,)``.
        familiarity: out-of-distribution check.
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
    def has_empty_queries(self) -> bool:
        """Whether queries without a text were logged; they have a forecast of their own."""
        texts = self.neighbours.features[:, : self.featurizer.rank]
        return bool((texts == 0).all(axis=1).any())

    @cached_property
    def has_uniform_queries(self) -> bool:
        """Whether all logged queries have the same features, so that they cannot be told apart."""
        features = self.neighbours.features
        return bool((features == features[:1]).all())

    def context_free(self) -> Amounts:
        """Forecast without a query: the context-free means."""
        return Amounts(
            quality=self.quality.context_free(),
            quality_se=self.quality.scale.spread / np.sqrt(np.maximum(self.queries, 1.0)),
            amount=self.amount.context_free(),
            prompt_tokens=self._unknown if self.prompt is None else self.prompt.context_free(),
            latency_s=self._unknown if self.latency is None else self.latency.context_free(),
        )

    @cached_property
    def _unknown(self) -> Floats:
        return np.full(len(self.queries), np.nan)

    def _at(self, panel: Panel | None, vector: Floats, nearest: list[Nearest]) -> Floats:
        return self._unknown if panel is None else panel.at(panel.components(vector, nearest))

    def at_text(self, text: str) -> Amounts:
        """Forecast every point for one query's text."""
        return self.at(*self.featurizer.of_text(text))

    def at(self, vector: Floats, known_share: float = 1.0) -> Amounts:
        """Forecast every point for one query.

        Args:
            vector: its features, ``(width,)``.
            known_share: share of its n-gram mass that the log has too, in [0, 1].
        """
        nearest = self.neighbours.nearest(vector, self.featurizer.rank)
        leverage = self.familiarity.leverage(vector)
        quality, amount = self.quality.components(vector, nearest), self.amount.components(vector, nearest)
        return Amounts(
            quality=self.quality.at(quality, second_level_inputs(amount, quality)),
            quality_se=self.quality.scale.spread * np.sqrt(leverage + 1 / np.maximum(self.queries, 1.0)),
            amount=self.amount.at(amount),
            prompt_tokens=self._at(self.prompt, vector, nearest),
            latency_s=self._at(self.latency, vector, nearest),
            unfamiliar=self.familiarity.is_unfamiliar(leverage, known_share),
        )
