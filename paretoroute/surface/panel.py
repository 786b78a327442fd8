"""A panel: one figure at every point, such as quality, or the log of tokens or latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Floats32, Indices, single
from paretoroute.surface.neighbours import Nearest, averages

LEADING = 6  # components of quality that the second level reads
QUANTILES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.975, 0.985, 0.99, 0.995, 0.999)


@dataclass(frozen=True, kw_only=True)
class FirstLevel:
    """The stacked heads of a panel: from features and neighbours to components.

    With f the features and a_h the neighbours' averages of head h, component k is
    s_k = offset_k + f . slope_k + sum_h weights_hk a_hk.

    Args:
        offset: intercept, ``(components,)``.
        slope: the ridge heads, weighted and summed, ``(width, components)``.
        targets: the neighbours' components, float16 ``(neighbours, components)``.
        weights: of the neighbour heads, ``(6, components)``; ``(9, components)`` with a second view.
    """

    offset: Floats
    slope: Floats
    targets: NDArray[np.float16]
    weights: Floats

    @cached_property
    def is_zero(self) -> bool:
        """Whether no component depends on the query."""
        return not (self.slope.any() or self.weights.any())

    def components(self, vectors: Floats, nearest: Nearest) -> Floats:
        """Forecast the components of some queries, ``(queries, components)``, each by the same operations.

        Args:
            vectors: features, ``(queries, width)``.
            nearest: their neighbours.
        """
        near = averages(nearest, self._targets)
        near *= self.weights
        return self.offset + times(vectors, self.slope) + near.sum(axis=1)

    @staticmethod
    def joined(levels: Sequence[FirstLevel]) -> FirstLevel:
        """Join the components of several panels, which read the same neighbours."""
        return FirstLevel(
            offset=np.concatenate([level.offset for level in levels]),
            slope=np.concatenate([level.slope for level in levels], axis=1),
            targets=np.concatenate([level.targets for level in levels], axis=1),
            weights=np.concatenate([level.weights for level in levels], axis=1),
        )

    @cached_property
    def _targets(self) -> Floats32:
        return self.targets.astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class SecondLevel:
    """A second level of stacking: component k is t_k = shift_k + keep_k s_k + z . cross_k.

    Here s are the panel's own first-level components and z those of all panels that are read
    (:func:`second_level_inputs`).

    Args:
        keep: factor of a component's own first-level forecast, ``(components,)``.
        cross: coefficients of the inputs, ``(inputs, components)``.
        shift: intercept, ``(components,)``.
    """

    keep: Floats
    cross: Floats
    shift: Floats

    def components(self, own: Floats, inputs: Floats) -> Floats:
        """Forecast the components of some queries, ``(queries, components)``, from those of the first level."""
        return self.shift + self.keep * own + times(inputs, self.cross)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The range and the error of a panel's figure, and for logs the way back to its unit.

    Args:
        low: least figure to forecast, ``(points,)``.
        high: largest, ``(points,)``.
        spread: standard deviation of a logged cell around its out-of-fold forecast, ``(points,)``.
        smearing: for logs: smearing factor, the mean of the logged values over the mean of exp(forecast), out of fold
            (Duan, 1983), ``(points,)``; None where the figure is not a log.
        residual_quantiles: for logs: quantiles, at :data:`QUANTILES`, of logged minus forecast over ``spread``,
            ``(quantiles,)``.
    """

    low: Floats
    high: Floats
    spread: Floats
    smearing: Floats | None = None
    residual_quantiles: Floats | None = None

    def finish(self, figure: Floats) -> Floats:
        """Clip to the range, and for logs return to the unit: ``(..., points)``.

        Rounded to float32, as the calibration sample is: queries that tie there must tie here.
        """
        clipped = np.minimum(np.maximum(figure, self.low), self.high)
        unit = clipped if self.smearing is None else np.exp(clipped) * self.smearing
        return single(unit)

    def at_quantile(self, mean: Floats, quantile: float) -> Floats:
        """Return the value that a share of calls stays under, from the forecast mean of a figure kept in logs.

        It is the mean over the smearing factor, times exp(spread_j z), with z the quantile of the standardised
        out-of-fold errors of all points, whose tails may be heavier than those of a normal distribution.

        Args:
            mean: ``(..., points)``.
            quantile: in [0.5, 1); above the last of :data:`QUANTILES` that one is taken.

        Raises:
            ValueError: the figure is not kept in logs.
        """
        if self.residual_quantiles is None or self.smearing is None:
            raise ValueError("only figures kept in logs have residual quantiles")
        if quantile not in self._factors:
            z = float(np.interp(quantile, QUANTILES, self.residual_quantiles))
            self._factors[quantile] = np.exp(self.spread * z)
        return mean / self.smearing * self._factors[quantile]

    @cached_property
    def _factors(self) -> dict[float, Floats]:
        """Factors of quantiles that were asked for: a planner asks for the same few at every query."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One fitted figure at every point.

    With V the basis and t the components of a query, figure_j = base_j + sum_k V_jk t_k; t come from the first level,
    or from the second where there is one.

    Args:
        base: context-free mean, pooled, ``(points,)``.
        basis: ``(points, components)``, orthonormal columns.
        first_level: from a query to components.
        second_level: None where there is none.
        scale: range, error and unit of the figure.
    """

    base: Floats
    basis: Floats
    first_level: FirstLevel
    second_level: SecondLevel | None = None
    scale: Scale

    @cached_property
    def is_constant(self) -> bool:
        """Whether no forecast depends on the query: each is the context-free mean."""
        return self.first_level.is_zero

    def context_free(self) -> Floats:
        """Forecast without a query: the context-free means, ``(points,)``."""
        return self.same_for_all.copy()

    @cached_property
    def same_for_all(self) -> Floats:
        """The context-free means, not to be changed, ``(points,)``."""
        return self.scale.finish(self.base)

    def at(self, components: Floats, inputs: Floats | None = None) -> Floats:
        """Forecast the figure of every point for some queries: ``(queries, points)``.

        Args:
            components: by the first level, ``(queries, components)``.
            inputs: inputs of the second level, ``(queries, inputs)``; None: skip it.
        """
        if self.is_constant:
            return np.tile(self.context_free(), (len(components), 1))
        if self.second_level is not None and inputs is not None:
            components = self.second_level.components(components, inputs)
        return self.scale.finish(self.base + times(components, self.basis.T))

    def at_quantile(self, mean: Floats, quantile: float) -> Floats:
        """Return the value that a share of calls stays under, from forecast means ``(..., points)``.

        See :meth:`Scale.at_quantile`.
        """
        return self.scale.at_quantile(mean, quantile)


@dataclass(frozen=True, kw_only=True)
class JoinedPanels:
    """All panels that depend on the query, forecast by one product.

    Up to the clipping every figure is linear in the features and in the neighbours' averages, so that the second level
    and the bases become one matrix: figure_j = base_j + sum_k matrix_kj s_k, s as in :class:`FirstLevel`.

    Args:
        names: of the panels; those that are no logs come first.
        level: the first levels, without their offsets.
        base: with what offsets and shifts add, ``(panels x points,)``.
        matrix: from first-level components to figures, ``(components, panels x points)``.
        low: least figures, ``(panels x points,)``.
        high: largest.
        smearing: of the logs, which are the last panels, ``(logs x points,)``.
    """

    names: tuple[str, ...]
    level: FirstLevel
    base: Floats
    matrix: Floats
    low: Floats
    high: Floats
    smearing: Floats

    @staticmethod
    def of(panels: Mapping[str, Panel]) -> JoinedPanels:
        """Join some panels, of which ``amount`` and ``quality`` are inputs of the second level of ``quality``."""
        names = sorted(panels, key=lambda name: panels[name].scale.smearing is not None)
        ordered = [panels[name] for name in names]
        ends = np.cumsum([panel.basis.shape[1] for panel in ordered])
        places: dict[str, Indices] = {
            name: np.arange(end - panels[name].basis.shape[1], end) for name, end in zip(names, ends, strict=True)
        }
        points, components = len(ordered[0].base), int(ends[-1])
        basis, second, shift = np.zeros((components, len(names) * points)), np.eye(components), np.zeros(components)
        for i, (name, panel) in enumerate(zip(names, ordered, strict=True)):
            basis[places[name], i * points : (i + 1) * points] = panel.basis.T
            if name == "quality" and panel.second_level is not None:
                _add_second_level(second, shift, panel.second_level, places)
        level = FirstLevel.joined([panel.first_level for panel in ordered])
        logs = [panel.scale.smearing for panel in ordered if panel.scale.smearing is not None]
        return JoinedPanels(
            names=tuple(names),
            level=replace(level, offset=np.zeros(components)),
            base=np.concatenate([panel.base for panel in ordered]) + (shift + level.offset @ second) @ basis,
            matrix=second @ basis,
            low=np.concatenate([panel.scale.low for panel in ordered]),
            high=np.concatenate([panel.scale.high for panel in ordered]),
            smearing=np.concatenate([np.zeros(0), *logs]),
        )

    def at(self, vectors: Floats, nearest: Nearest) -> dict[str, Floats]:
        """Forecast every panel's figures for some queries, ``(queries, points)`` each; as :meth:`Panel.at`."""
        figures = self.base + times(self.level.components(vectors, nearest), self.matrix)
        np.maximum(figures, self.low, out=figures)
        np.minimum(figures, self.high, out=figures)
        logs = figures[:, figures.shape[1] - len(self.smearing) :]
        np.exp(logs, out=logs)
        logs *= self.smearing
        rounded = single(figures)
        points = rounded.shape[1] // len(self.names)
        return {name: rounded[:, i * points : (i + 1) * points] for i, name in enumerate(self.names)}


def _add_second_level(matrix: Floats, shift: Floats, level: SecondLevel, places: Mapping[str, Indices]) -> None:
    """Write a second level of quality into the matrix from first-level components to final ones, and their shift."""
    own, tokens = places["quality"], places.get("amount", np.zeros(0, np.intp))
    inputs = np.concatenate([tokens, own[:LEADING]])
    matrix[own, own] = level.keep
    matrix[inputs[:, None], own] += level.cross[len(level.cross) - len(inputs) :]
    shift[own] = level.shift


def times(rows: Floats, matrix: Floats) -> Floats:
    """Multiply each row by a matrix, one row at a time: a product of all would be rounded as their number has it.

    Args:
        rows: ``(queries, inputs)``.
        matrix: ``(inputs, outputs)``.
    """
    return (rows[:, None, :] @ matrix)[:, 0]


def second_level_inputs(tokens: Floats, quality: Floats) -> Floats:
    """Join the inputs of the second level: components of tokens and leading ones of quality, ``(..., inputs)``."""
    return np.concatenate([tokens, quality[..., :LEADING]], axis=-1)
