"""One figure of the surface at every point: quality, or the log of tokens or latency."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.surface import neighbours

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

    base: Floats
    offset: Floats
    slope: Floats
    targets: NDArray[np.float16]
    weights: Floats
    basis: Floats
    low: Floats
    high: Floats
    smear: Floats | None
    spread: Floats
    tail: Floats | None = None
    keep: Floats | None = None
    cross: Floats | None = None
    shift: Floats | None = None

    @cached_property
    def flat(self) -> bool:
        """Whether nothing in the query moves it: every forecast is the prompt-blind mean."""
        return not (self.slope.any() or self.weights.any())

    def components(self, vector: Floats, found: list[tuple[NDArray[np.intp], Floats]]) -> Floats:
        """Forecast the components of one query by the first level: ``(components,)``."""
        if self.flat:
            return np.zeros(len(self.offset))
        averages = neighbours.averages(found, self._targets)
        return self.offset + vector @ self.slope + (self.weights * averages).sum(0)

    def at(self, components: Floats, inputs: Floats | None = None) -> Floats:
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

    def finish(self, figure: Floats) -> Floats:
        """Clip to the range, and for logs return to the unit: ``(..., points)``.

        Rounded to float32, as the traffic keeps it: queries that tie there must tie here.
        """
        clipped = np.clip(figure, self.low, self.high)
        unit = clipped if self.smear is None else np.exp(clipped) * self.smear
        return unit.astype(np.float32).astype(np.float64)

    def at_quantile(self, mean: Floats, quantile: float) -> Floats:
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
    def _targets(self) -> Floats:
        return self.targets.astype(np.float64)


def second_level_inputs(tokens: Floats, quality: Floats) -> Floats:
    """Put together what a second level reads: components of tokens and leading ones of quality, ``(..., inputs)``."""
    return np.concatenate([tokens, quality[..., :LEADING]], axis=-1)
