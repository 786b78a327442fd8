"""The signal of a panel: how much of a figure the query explains, and how far its forecasts are followed.

Forecasts that leave out a query still know it in two ways. The means of all points are pooled towards one another, so
that forecasts gain merely by moving a point's mean, without a query; only what varies within a point is therefore
compared. And heads are weighed by forecasts of other queries that have read this one: on noise the weights favour heads
that agree with it by chance. Where that could matter, the signal is that of :class:`HonestForecasts`: whole folds are
left out of heads and weights alike (nested cross-validation: Varma and Simon, "Bias in error estimation when using
cross-validation for model selection", BMC Bioinformatics 7:91, 2006, doi:10.1186/1471-2105-7-91).

A signal is reported as found beyond 1.645 standard errors. How far quality follows the query has no threshold: the
forecasts' deviations from the means are multiplied by the factor that fits the logged ones best, or rather by its
posterior mean (:mod:`paretoroute.fitting.methods.shrinkage`), and by 0 where the best fit is not above 0. On noise
little or nothing is left of them, and a signal that is faint but real is followed as far as it was seen. What decides
is not how hard a query is at all points but how they differ on it: the larger of two factors counts, for all deviations
and for those between points alone. Any other figure, with much less noise, is followed whole beyond one standard error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.fitting.draft import HeldOut, PanelDraft, head_weights, heads_left_out, left_out_components
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import second_level, shrinkage
from paretoroute.fitting.result import Signal
from paretoroute.fitting.sample import FOLDS, Sample
from paretoroute.surface.panel import second_level_inputs

FOLLOWED_SE = 1.0  # standard errors beyond which any other figure than quality is followed
CERTAIN_SE = 6.0  # beyond all that weights which have read a query reach on noise (3.7): followed whole
LEAST_VARIANCE = 1e-18  # within points, in squared logs or quality: rounding of forecasts that are exact
MOST_TRIALS = 16.0  # a cell of more trials counts as one of so many


def signal_of(logged: LoggedPanel, base: Floats, forecast: Floats, sample: Sample) -> Signal:
    """Measure how much forecasts explain of what varies within points, out of fold, and how far to follow them.

    With r and f the logged values and the forecasts minus the context-free means, both minus their means over the
    point's logged cells, the gain of a query is sum_j w_ij (r_ij^2 - (r_ij - f_ij)^2), and the factor on the
    forecasts is sum w r f / sum w f^2. The standard errors are over groups of queries: copies and turns of one
    conversation count once. For the second factor r and f are also taken minus their means over the query's cells.

    Args:
        logged: the logged means of all queries.
        base: context-free means, ``(points,)``.
        forecast: out-of-fold forecasts, NaN in cells that do not count, ``(sample, points)``.
        sample: the queries; if all have the same features, the query explains nothing.
    """
    if sample.is_uniform:
        return Signal(logged.name, 0.0, 0.0, 0.0)
    values, count = logged.values[sample.rows], logged.count[sample.rows]
    counts = (count > 0) & ~np.isnan(forecast)
    weight = np.where(counts, np.minimum(count, MOST_TRIALS), 0.0)
    deviation, expected = (_within_points(figure - base, weight) for figure in (values, forecast))
    group = sample.group[sample.rows]
    whole = _explained(deviation, expected, weight, group)
    follows = float(whole.share > FOLLOWED_SE * whole.error)
    if logged.name == "quality":
        between = _explained(_within_queries(deviation, weight), _within_queries(expected, weight), weight, group)
        follows = max(whole.factor, between.factor)
    return Signal(logged.name, whole.share, whole.error, follows)


class _Explained(NamedTuple):
    """A share of variance and its standard error, both 0 where nothing varies, and the factor to follow by."""

    share: float
    error: float
    factor: float


def _explained(deviation: Floats, expected: Floats, weight: Floats, group: Indices) -> _Explained:
    """Compute how much of deviations the expected ones explain, ``(sample, points)`` each."""
    gain = (weight * (deviation**2 - (deviation - expected) ** 2)).sum(1)
    scale = float((weight * deviation**2).sum())
    if scale <= LEAST_VARIANCE * float(weight.sum()):
        return _Explained(0.0, 0.0, 0.0)
    error = shrinkage.error_of_sum(gain, group) / scale
    return _Explained(float(gain.sum()) / scale, error, shrinkage.factor(deviation, expected, weight, group))


def _within_queries(figure: Floats, weight: Floats) -> Floats:
    """Subtract from a figure ``(sample, points)`` its mean over the logged cells of each query; 0 in other cells."""
    return _within_points(figure.T, weight.T).T


def _within_points(figure: Floats, weight: Floats) -> Floats:
    """Subtract from a figure ``(sample, points)`` its mean over the logged cells of each point; 0 in other cells."""
    figure = np.where(weight > 0, figure, 0.0)
    mean = (weight * figure).sum(0) / np.maximum(weight.sum(0), 1e-300)
    return np.where(weight > 0, figure - mean, 0.0)


@dataclass(frozen=True)
class HonestForecasts:
    """Forecasts of whole folds by heads, weights and a second level that were fitted on the other folds alone.

    Args:
        drafts: first levels by panel.
        sample: the queries.
        of_tokens: how far the second level of quality reads the forecasts of tokens, in [0, 1].
    """

    drafts: Mapping[str, PanelDraft]
    sample: Sample
    of_tokens: float = 1.0

    def test(self, name: str, components: Floats) -> Signal:
        """Measure the signal of a panel.

        Args:
            name: of the panel.
            components: its own out-of-fold components, which are optimistic, ``(sample, components)``. Where they are
                beyond doubt, no honest ones are made.
        """
        draft = self.drafts[name]
        signal = signal_of(draft.logged, draft.base, draft.forecast(components), self.sample)
        if signal.explained > CERTAIN_SE * signal.explained_se:
            return replace(signal, follows=1.0)
        return signal_of(draft.logged, draft.base, self.forecast(name), self.sample)

    def forecast(self, name: str) -> Floats:
        """Forecast a panel, ``(sample, points)``; NaN in points with few runs, whose cells read a query's own run."""
        draft = self.drafts[name]
        components = np.zeros((len(self.sample.rows), draft.basis.shape[1]))
        for inside, apart in self._folds:
            if apart is not None:
                components[inside] = self._fold(name, apart)
        return np.where(np.isnan(draft.left_out), draft.base + components @ draft.basis.T, np.nan)

    @cached_property
    def _folds(self) -> list[tuple[Mask, HeldOut | None]]:
        """The queries of each fold, apart from the others; None where there are too few others. Panels share them."""
        masks = [inside for f in range(FOLDS) if (inside := self.sample.fold == f).any()]
        return [(inside, _held_out(self.sample, inside)) for inside in masks]

    def _fold(self, name: str, apart: HeldOut) -> Floats:
        """Forecast one fold's components of a panel."""
        quality = self._first_level(name, apart)
        if name != "quality":
            return quality.inside
        tokens = self._first_level("tokens", apart)
        draft = self.drafts[name]
        level = second_level.fit(
            second_level_inputs(tokens.rest * self.of_tokens, quality.rest),
            quality.rest,
            draft.targets[self.sample.rows][~apart.rows],
            query_weight=draft.logged_share[~apart.rows],
            fold=apart.rest.fold,
            folds=int(apart.rest.fold.max()) + 1,
        ).level
        inputs = second_level_inputs(tokens.inside * self.of_tokens, quality.inside)
        return level.components(quality.inside, inputs)

    def _first_level(self, name: str, apart: HeldOut) -> _FoldComponents:
        draft, rest = self.drafts[name], apart.rest
        targets, share = draft.targets[self.sample.rows][~apart.rows], draft.logged_share[~apart.rows]
        heads = heads_left_out(rest, targets)
        weights = head_weights(rest, heads, targets, share, folds=int(rest.fold.max()) + 1)
        forecast = np.einsum("hik,hk->ik", apart.heads(targets), weights[-1])
        return _FoldComponents(forecast, left_out_components(rest, heads, weights))


class _FoldComponents(NamedTuple):
    """Components of one fold, and those of the other folds, out of fold among themselves."""

    inside: Floats
    rest: Floats


def _held_out(sample: Sample, inside: Mask) -> HeldOut | None:
    """Hold a fold out, as if the others were all queries; None if fewer than two folds are left."""
    rows = np.flatnonzero(~inside)
    folds, fold = np.unique(sample.fold[rows], return_inverse=True)
    if len(folds) < 2:
        return None
    features = sample.features[rows]
    rest = replace(
        sample,
        rows=np.arange(len(rows)),
        features=features,
        fold=fold,
        group=sample.group[sample.rows[rows]],
        all_features=features,
    )
    return HeldOut(sample, inside, rest)
