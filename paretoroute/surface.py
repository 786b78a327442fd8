"""The surface: the fitted functions from a query to quality, tokens and latency at every point. NumPy only.

It forecasts tokens, not money: cost is tokens times prices, so that a price change needs no new fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute import neighbours
from paretoroute.featurizer import Featurizer
from paretoroute.grid import TOKENS_PER_PRICE_UNIT, Grid
from paretoroute.neighbours import Neighbours

Array = NDArray[np.float64]
LEADING = 6  # components of quality that its second level reads for all of them
QUANTILES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.975, 0.985, 0.99, 0.995, 0.999)


@dataclass(frozen=True)
class Panel:
    """One fitted figure of every point, such as quality or the log of its tokens.

    With f the features, a_h the neighbours' averages of head h and V the basis:
    figure_j = base_j + sum_k V_jk t_k, where the first level of stacking gives
    s_k = offset_k + f . slope_k + sum_h w_hk a_hk, and t = s, or with a second level, which reads the components z of
    all panels, t_k = shift_k + keep_k s_k + z . cross_k.

    Args:
        base: prompt-blind mean, pooled, ``(points,)``.
        offset: what centring the features leaves over, ``(components,)``.
        slope: the ridge heads in one matrix, weighted, ``(width, components)``.
        targets: the neighbours' components, float16 ``(neighbours, components)``.
        weights: of the neighbour heads, ``(6, components)``.
        basis: ``(points, components)``, orthonormal columns.
        low: least figure to be forecast, ``(points,)``.
        high: largest, ``(points,)``.
        smear: for logs: mean of what was logged over mean of exp(forecast), out of fold (Duan, 1983), ``(points,)``;
            None where the figure is no log.
        spread: standard deviation of a logged cell around its out-of-fold forecast, ``(points,)``.
        tail: for logs: quantiles, at :data:`QUANTILES`, of logged minus forecast over ``spread``, ``(quantiles,)``.
        keep: of the second level, ``(components,)``, or None where there is none.
        cross: likewise, ``(inputs, components)``.
        shift: likewise, ``(components,)``.
    """

    base: Array
    offset: Array
    slope: Array
    targets: NDArray[np.float16]
    weights: Array
    basis: Array
    low: Array
    high: Array
    smear: Array | None
    spread: Array
    tail: Array | None = None
    keep: Array | None = None
    cross: Array | None = None
    shift: Array | None = None

    @cached_property
    def flat(self) -> bool:
        """Whether nothing in the query moves it: every forecast is the prompt-blind mean."""
        return not (self.slope.any() or self.weights.any())

    def components(self, vector: Array, found: list[tuple[NDArray[np.intp], Array]]) -> Array:
        """Forecast the components of one query by the first level: ``(components,)``."""
        if self.flat:
            return np.zeros(len(self.offset))
        averages = neighbours.averages(found, self._targets)
        return self.offset + vector @ self.slope + (self.weights * averages).sum(0)

    def at(self, components: Array, inputs: Array | None = None) -> Array:
        """Forecast the figure of every point for one query: ``(points,)``.

        Args:
            components: by the first level, ``(components,)``.
            inputs: what a second level reads, ``(inputs,)``; None: nothing.
        """
        if self.flat:
            return self.finish(self.base)
        if self.keep is not None and self.cross is not None and self.shift is not None and inputs is not None:
            components = self.shift + self.keep * components + inputs @ self.cross
        return self.finish(self.base + self.basis @ components)

    def finish(self, figure: Array) -> Array:
        """Clip to the range, and for logs return to the unit: ``(..., points)``.

        Rounded to float32, as the traffic keeps it: queries that tie there must tie here.
        """
        clipped = np.clip(figure, self.low, self.high)
        unit = clipped if self.smear is None else np.exp(clipped) * self.smear
        return unit.astype(np.float32).astype(np.float64)

    def at_quantile(self, mean: Array, quantile: float) -> Array:
        """Turn forecast means of a figure kept in logs into the value that a share of calls stays under.

        The mean over the smearing factor, times exp(spread_j z), with z the quantile of the standardised errors of all
        points out of fold: heavier tails than a normal one's are kept.

        Args:
            mean: ``(..., points)``.
            quantile: in [0.5, 1); above the last of :data:`QUANTILES` that one is taken.
        """
        if self.tail is None or self.smear is None:
            raise ValueError("only figures kept in logs have a tail")
        z = float(np.interp(quantile, QUANTILES, self.tail))
        return mean / self.smear * np.exp(self.spread * z)

    @cached_property
    def _targets(self) -> Array:
        return self.targets.astype(np.float64)


@dataclass(frozen=True)
class Familiarity:
    """How far a query lies from the logged ones.

    Args:
        centre: mean features, ``(width,)``.
        inverse: (Z'Z + 3 I)^-1 of the centred features, ``(width, width)``.
        least_known: a query whose text shares a smaller part of its n-grams with the log is unfamiliar.
        most_leverage: one that pulls harder than this is unfamiliar.
    """

    centre: Array
    inverse: Array
    least_known: float
    most_leverage: float

    def leverage(self, vector: Array) -> float:
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

    prompt_overhead_tokens: Array
    most_completion_tokens: Array


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

    quality: Array
    quality_se: Array
    amount: Array
    prompt_tokens: Array
    latency_s: Array
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
    queries: Array
    familiarity: Familiarity
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
    def _unknown(self) -> Array:
        return np.full(len(self.queries), np.nan)

    def _at(self, panel: Panel | None, vector: Array, found: list[tuple[NDArray[np.intp], Array]]) -> Array:
        return self._unknown if panel is None else panel.at(panel.components(vector, found))

    def at_text(self, text: str) -> Amounts:
        """Forecast every point for one query's text."""
        return self.at(*self.featurizer.of_text(text))

    def at(self, vector: Array, known: float = 1.0) -> Amounts:
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


def second_level_inputs(tokens: Array, quality: Array) -> Array:
    """Put together what a second level reads: components of tokens and leading ones of quality, ``(..., inputs)``."""
    return np.concatenate([tokens, quality[..., :LEADING]], axis=-1)


def cost_usd(amount: Array, prompt_tokens: Array, grid: Grid) -> Array:
    """Turn forecast amounts into USD per call at the grid's prices.

    Args:
        amount: completion tokens (USD for models without a token price), ``(..., points)``.
        prompt_tokens: ``(..., points)``; read only where there is a token price.
        grid: the points and prices.

    Returns:
        ``(..., points)``.
    """
    prices = [grid.prices.get(point.model) for point in grid.points]
    priced = np.array([price is not None for price in prices])
    paid_in = np.array([price.input_usd_per_mtok if price else 0.0 for price in prices]) / TOKENS_PER_PRICE_UNIT
    paid_out = np.array([price.output_usd_per_mtok if price else 1.0 for price in prices])
    paid_out = np.where(priced, paid_out / TOKENS_PER_PRICE_UNIT, 1.0)
    return np.where(priced, prompt_tokens, 0.0) * paid_in + amount * paid_out
