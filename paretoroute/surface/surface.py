"""The surface: the fitted functions from a query to quality, tokens and latency at every point. NumPy only.

It forecasts tokens rather than money: cost is tokens times prices, so that a price change needs no new fit. Prompt
tokens are counted from the text: a panel forecasts those of a text of typical length, and :class:`TextGrowth` is the
factor for the length at hand. A panel alone would stay inside its logged range, however long the text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Mask, single
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.neighbours import Neighbours
from paretoroute.surface.panel import JoinedPanels, Panel, times

if TYPE_CHECKING:
    from paretoroute.surface.logging_policy import LoggingPolicy

NO_LABELS: Mapping[str, str] = MappingProxyType({})
LEAST_GROWTH = 1e-3  # of a figure with the length of the text: rounding must not leave an empty or negative prompt


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

    def leverage(self, vectors: Floats) -> Floats:
        """Return z'(Z'Z + 3 I)^-1 z: the variance of a ridge forecast at each query, in units of one run's."""
        centred = vectors - self.centre
        return np.maximum((times(centred, self.inverse) * centred).sum(axis=1), 0.0)  # it is rounded to float32

    def is_unfamiliar(self, leverage: Floats, known_share: Floats) -> Mask:
        """Return whether queries of these leverages, with these shares of known n-grams, lie too far from the log."""
        return (known_share < self.least_known) | (leverage > self.most_leverage)


class TextSize(NamedTuple):
    """Length of a text in UTF-8, whose tokens differ in length by script.

    Args:
        ascii_bytes: bytes of ASCII characters.
        other_bytes: bytes of all others, two to four each.
    """

    ascii_bytes: float
    other_bytes: float

    @staticmethod
    def of(text: str | None) -> TextSize | None:
        """Measure a text; None for None and for a blank text, whose length says nothing."""
        if text is None or not text or text.isspace():
            return None
        if text.isascii():
            return TextSize(len(text), 0)
        ascii_bytes = len(text.encode("ascii", "ignore"))
        return TextSize(ascii_bytes, len(text.encode("utf-8", "replace")) - ascii_bytes)


_UNKNOWN_SIZE = TextSize(math.nan, math.nan)


@dataclass(frozen=True)
class TextGrowth:
    """The growth of a figure with the length of the text: its factor over the figure of a typical text.

    factor_j = constant_j + x_j (per_ascii_byte_j ascii_bytes + per_other_byte_j other_bytes), and 1 without a text,
    with x_j = max(0, 1 - flat_bytes_j / bytes) the share of the text beyond a length up to which nothing grows. With
    the mean size of the logged texts it is 1. A point whose figure does not follow the text has constant 1, slopes 0.

    Args:
        constant: share that every prompt has, such as a system prompt, ``(points,)``.
        per_ascii_byte: not negative, ``(points,)``.
        per_other_byte: not negative, ``(points,)``.
        flat_bytes: 0 where the log shows growth; where it shows none, because its texts are too much alike, its longest
            text, beyond which tokens are counted all the same, ``(points,)``.
    """

    constant: Floats
    per_ascii_byte: Floats
    per_other_byte: Floats
    flat_bytes: Floats

    @property
    def is_flat(self) -> Mask:
        """Which points' figures do not follow the logged texts, ``(points,)``."""
        return (self.flat_bytes > 0) | (self.per_ascii_byte == 0) & (self.per_other_byte == 0)

    def at(self, size: TextSize | None) -> Floats:
        """Return the factor at every point, at least 0.001, ``(points,)``."""
        return self.at_each([size])[0]

    def at_each(self, sizes: Sequence[TextSize | None]) -> Floats:
        """Return the factors for some texts, at least 0.001, ``(texts, points)``."""
        known = np.array([size or _UNKNOWN_SIZE for size in sizes])
        ascii_bytes, other_bytes = known[:, :1], known[:, 1:]
        grown = self.per_ascii_byte * ascii_bytes + self.per_other_byte * other_bytes
        share = np.maximum(1 - self.flat_bytes / (ascii_bytes + other_bytes), 0.0)
        factors = np.maximum(self.constant + share * grown, LEAST_GROWTH)
        return np.where(np.isnan(ascii_bytes), 1.0, factors) if None in sizes else factors


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
        unfamiliar: whether the query lies too far from the logged ones; of many queries bool ``(queries,)``.
        supported: the points that the log can speak for at this query, where the logger looked at it; None: all.
    """

    quality: Floats
    quality_se: Floats
    amount: Floats
    prompt_tokens: Floats
    latency_s: Floats
    unfamiliar: bool | Mask = False
    supported: Mask | None = None

    @staticmethod
    def empty(queries: int, *, points: int) -> Amounts:
        """Return tables of many queries to :meth:`put` rows in; every point is supported."""
        one, two, three, four, five = np.empty((5, queries, points))
        return Amounts(one, two, three, four, five, np.zeros(queries, bool), np.ones((queries, points), bool))

    def put(self, rows: Mask | int, other: Amounts) -> None:
        """Write forecasts into some rows of tables that :meth:`empty` made."""
        for item in fields(Amounts):
            if (table := getattr(other, item.name)) is not None:
                getattr(self, item.name)[rows] = table

    def row(self, query: int) -> Amounts:
        """Return the forecast of one of many queries."""
        return Amounts(
            self.quality[query],
            self.quality_se[query],
            self.amount[query],
            self.prompt_tokens[query],
            self.latency_s[query],
            bool(np.asarray(self.unfamiliar)[query]),
            None if self.supported is None else self.supported[query],
        )


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
        prompt_growth: of prompt tokens with the text; None where no text was logged.
        amount_growth: of the cost of points that are not priced by tokens; None where none follows the text.
        logging: the chances with which the points were logged, where the logger looked at the query; else None.
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
    prompt_growth: TextGrowth | None = None
    amount_growth: TextGrowth | None = None
    logging: LoggingPolicy | None = None

    @cached_property
    def has_empty_queries(self) -> bool:
        """Whether queries without a text were logged; they have a forecast of their own."""
        texts = self.neighbours.features[:, : self.featurizer.rank]
        return bool((texts == 0).all(axis=1).any())

    @cached_property
    def has_uniform_queries(self) -> bool:
        """Whether all logged queries have the same features, so that they cannot be told apart."""
        return self.neighbours.is_uniform

    def context_free(self, size: TextSize | None = None) -> Amounts:
        """Forecast by the context-free means; of a text of known size, what is counted from it is counted."""
        amounts = Amounts(
            quality=self.quality.context_free(),
            quality_se=self.quality.scale.spread / np.sqrt(np.maximum(self.queries, 1.0)),
            amount=self.amount.context_free(),
            prompt_tokens=self._unknown if self.prompt is None else self.prompt.context_free(),
            latency_s=self._unknown if self.latency is None else self.latency.context_free(),
        )
        grown = amounts if size is None else self.grown(amounts, [size])
        return replace(grown, prompt_tokens=grown.prompt_tokens.ravel(), amount=grown.amount.ravel())

    def grown(self, amounts: Amounts, sizes: Sequence[TextSize | None]) -> Amounts:
        """Turn forecasts for texts of typical length into those for texts of these sizes, ``(texts, points)``.

        Args:
            amounts: of the texts, or of one for all.
            sizes: of the texts; None: typical.
        """
        prompt, amount = amounts.prompt_tokens, amounts.amount
        if self.prompt_growth is not None:
            prompt = single(prompt * self.prompt_growth.at_each(sizes))
        if self.amount_growth is not None:
            amount = single(amount * self.amount_growth.at_each(sizes))
        return replace(amounts, prompt_tokens=prompt, amount=amount)

    @cached_property
    def _mean_variance(self) -> Floats:
        """The variance of each point's mean, in units of one run's, ``(points,)``."""
        return 1 / np.maximum(self.queries, 1.0)

    @cached_property
    def _unknown(self) -> Floats:
        return np.full(len(self.queries), np.nan)

    @cached_property
    def _panels(self) -> dict[str, Panel]:
        """The panels that depend on the query."""
        named = {"quality": self.quality, "amount": self.amount, "prompt": self.prompt, "latency": self.latency}
        return {name: panel for name, panel in named.items() if panel is not None and not panel.is_constant}

    @cached_property
    def _joined(self) -> JoinedPanels | None:
        return JoinedPanels.of(self._panels) if self._panels else None

    def _figures(self, vectors: Floats) -> dict[str, Floats]:
        """Forecast the panels that depend on the query, ``(queries, points)`` each."""
        if self._joined is None:
            return {}
        return self._joined.at(vectors, self.neighbours.nearest(vectors, self.featurizer.rank))

    def supported(self, vector: Floats, labels: Mapping[str, str]) -> Mask | None:
        """Return the points that the log can speak for at a query, ``(points,)``; None: all.

        Where the logger looked at the query, points are known on the queries that it sent there. A point counts if its
        estimated chance of being logged is at least a quarter of an equal share.
        """
        if self.logging is None:
            return None
        chance = self.logging.probabilities(vector[None], {by: [name] for by, name in labels.items()})[0]
        return np.asarray(chance >= self.logging.least_chance)

    def at_text(self, text: str, *, labels: Mapping[str, str] = NO_LABELS) -> Amounts:
        """Forecast every point for one query's text."""
        return self.at(*self.featurizer.of_text(text), size=TextSize.of(text), labels=labels)

    def at(
        self,
        vector: Floats,
        known_share: float = 1.0,
        *,
        size: TextSize | None = None,
        labels: Mapping[str, str] = NO_LABELS,
    ) -> Amounts:
        """Forecast every point for one query.

        Args:
            vector: its features, ``(width,)``.
            known_share: share of its n-gram mass that the log has too, in [0, 1].
            size: of its text; None: a text of typical length stands in.
            labels: of the query by kind, as the logger may have read them.
        """
        return self.at_each(vector[None], [known_share], sizes=[size], labels=labels).row(0)

    def at_each(
        self,
        vectors: Floats,
        known_shares: Sequence[float],
        *,
        sizes: Sequence[TextSize | None],
        labels: Mapping[str, str] = NO_LABELS,
    ) -> Amounts:
        """Forecast every point for some queries, each as if it came alone.

        Args:
            vectors: their features, ``(queries, width)``.
            known_shares: share of each query's n-gram mass that the log has too, in [0, 1].
            sizes: of their texts; None: a text of typical length stands in.
            labels: of all of them, by kind.

        Returns:
            Figures ``(queries, points)``.
        """
        leverage, figures = self.familiarity.leverage(vectors), self._figures(vectors)
        supported = (
            [mask for one in vectors if (mask := self.supported(one, labels)) is not None] if self.logging else ()
        )
        amounts = Amounts(
            quality=self._figure(self.quality, figures.get("quality"), queries=len(vectors)),
            quality_se=self.quality.scale.spread * np.sqrt(leverage[:, None] + self._mean_variance),
            amount=self._figure(self.amount, figures.get("amount"), queries=len(vectors)),
            prompt_tokens=self._figure(self.prompt, figures.get("prompt"), queries=len(vectors)),
            latency_s=self._figure(self.latency, figures.get("latency"), queries=len(vectors)),
            unfamiliar=self.familiarity.is_unfamiliar(leverage, np.array(known_shares)),
            supported=np.stack(supported) if supported else None,
        )
        return self.grown(amounts, sizes)

    def _figure(self, panel: Panel | None, figures: Floats | None, *, queries: int) -> Floats:
        """Return a figure that may be unknown or the same for every query, ``(queries, points)``."""
        if figures is not None:
            return figures
        same = self._unknown if panel is None else panel.same_for_all
        return same[None] if queries == 1 else np.tile(same, (queries, 1))
