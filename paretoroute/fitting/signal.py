"""The signal test: whether a panel's forecasts beat the context-free means by more than luck.

Forecasts that leave out a query still know it in two ways. The means of all points are pooled towards one another, so
that forecasts gain merely by moving a point's mean, without a query; only what varies within a point is therefore
compared. And heads are weighed by forecasts of other queries that have read this one: on noise the weights favour heads
that agree with it by chance. Where that could decide, the test is on :class:`HonestForecasts`: whole folds are left out
of heads and weights alike (nested cross-validation: Varma and Simon, "Bias in error estimation when using
cross-validation for model selection", BMC Bioinformatics 7:91, 2006, doi:10.1186/1471-2105-7-91).

A signal is reported as found beyond 1.645 standard errors, and followed beyond one: the weights of heads that hardly
help are small, so that following a faint signal costs less on noise than it gains where it is real. What decides is not
how hard a query is at all points but how they differ on it: quality is also followed if that part alone is beyond one
standard error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.fitting.draft import PanelDraft, heads_at, heads_left_out
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import second_level, stacking
from paretoroute.fitting.result import Signal
from paretoroute.fitting.sample import FOLDS, Sample
from paretoroute.surface.panel import second_level_inputs

FOLLOWED_SE = 1.0  # a panel follows the query if its out-of-fold gain exceeds so many standard errors
CERTAIN_SE = 6.0  # beyond all that weights which have read a query reach on noise (3.7): no nested folds are needed
LEAST_VARIANCE = 1e-18  # within points, in squared logs or quality: rounding of forecasts that are exact
MOST_TRIALS = 16.0  # a cell of more trials counts as one of so many


def signal_of(
    logged: LoggedPanel, base: Floats, forecast: Floats, sample: Sample, *, followed_se: float = FOLLOWED_SE
) -> Signal:
    """Test whether forecasts explain what varies within points, out of fold.

    With r and f the logged values and the forecasts minus the context-free means, both minus their means over the
    point's logged cells, the gain of a query is sum_j w_ij (r_ij^2 - (r_ij - f_ij)^2). The standard error is over
    groups of queries: copies and turns of one conversation count once. Of quality, the same is computed with r and f
    minus their means over the query's logged cells.

    Args:
        logged: the logged means of all queries.
        base: context-free means, ``(points,)``.
        forecast: out-of-fold forecasts, NaN in cells that do not count, ``(sample, points)``.
        sample: the queries; if all have the same features, the query explains nothing.
        followed_se: standard errors beyond which a signal is followed.
    """
    if sample.is_uniform:
        return Signal(logged.name, 0.0, 0.0, False)
    values, count = logged.values[sample.rows], logged.count[sample.rows]
    counts = (count > 0) & ~np.isnan(forecast)
    weight = np.where(counts, np.minimum(count, MOST_TRIALS), 0.0)
    deviation, expected = (_within_points(figure - base, weight) for figure in (values, forecast))
    group = sample.group[sample.rows]
    whole = _explained(deviation, expected, weight, group)
    is_followed = whole.share > followed_se * whole.error
    if logged.name == "quality" and not is_followed:
        between = _explained(_within_queries(deviation, weight), _within_queries(expected, weight), weight, group)
        is_followed = between.share > followed_se * between.error
    return Signal(logged.name, whole.share, whole.error, is_followed)


class _Explained(NamedTuple):
    """A share of variance and its standard error; both 0 where nothing varies."""

    share: float
    error: float


def _explained(deviation: Floats, expected: Floats, weight: Floats, group: Indices) -> _Explained:
    """Compute the share of deviations that the expected ones explain, ``(sample, points)`` each."""
    gain = (weight * (deviation**2 - (deviation - expected) ** 2)).sum(1)
    scale = float((weight * deviation**2).sum())
    if scale <= LEAST_VARIANCE * float(weight.sum()):
        return _Explained(0.0, 0.0)
    return _Explained(float(gain.sum()) / scale, _error_of_sum(gain, group) / scale)


def _within_queries(figure: Floats, weight: Floats) -> Floats:
    """Subtract from a figure ``(sample, points)`` its mean over the logged cells of each query; 0 in other cells."""
    return _within_points(figure.T, weight.T).T


def _within_points(figure: Floats, weight: Floats) -> Floats:
    """Subtract from a figure ``(sample, points)`` its mean over the logged cells of each point; 0 in other cells."""
    figure = np.where(weight > 0, figure, 0.0)
    mean = (weight * figure).sum(0) / np.maximum(weight.sum(0), 1e-300)
    return np.where(weight > 0, figure - mean, 0.0)


def _error_of_sum(values: Floats, group: Indices) -> float:
    """Compute the standard error of a sum of values that are independent between groups; infinite for one group."""
    total = np.bincount(np.unique(group, return_inverse=True)[1], values)
    return float(total.std(ddof=1)) * len(total) ** 0.5 if len(total) > 1 else np.inf


@dataclass(frozen=True)
class HonestForecasts:
    """Forecasts of whole folds by heads, weights and a second level that were fitted on the other folds alone.

    Args:
        drafts: first levels by panel.
        sample: the queries.
        reads_tokens: whether the second level of quality reads the forecasts of tokens.
    """

    drafts: Mapping[str, PanelDraft]
    sample: Sample
    reads_tokens: bool = True

    def test(self, name: str, components: Floats) -> Signal:
        """Test whether a panel follows the query.

        Args:
            name: of the panel.
            components: its own out-of-fold components, which are optimistic, ``(sample, components)``. Honest ones are
                made only where they could change the outcome.
        """
        draft = self.drafts[name]
        signal = signal_of(draft.logged, draft.base, draft.forecast(components), self.sample)
        if not signal.used or signal.explained > CERTAIN_SE * signal.explained_se:
            return signal
        return signal_of(draft.logged, draft.base, self.forecast(name), self.sample)

    def forecast(self, name: str) -> Floats:
        """Forecast a panel, ``(sample, points)``; NaN in points with few runs, whose cells read a query's own run."""
        draft = self.drafts[name]
        components = np.zeros((len(self.sample.rows), draft.basis.shape[1]))
        for f in range(FOLDS):
            inside = self.sample.fold == f
            if inside.any():
                components[inside] = self._fold(name, inside)
        return np.where(np.isnan(draft.left_out), draft.base + components @ draft.basis.T, np.nan)

    def _fold(self, name: str, inside: Mask) -> Floats:
        """Forecast one fold's components of a panel."""
        rest = _without(self.sample, inside)
        if rest is None:
            return np.zeros((int(inside.sum()), self.drafts[name].basis.shape[1]))
        quality = self._first_level(name, rest, inside)
        if name != "quality":
            return quality.inside
        tokens = self._first_level("tokens", rest, inside)
        draft = self.drafts[name]
        level = second_level.fit(
            second_level_inputs(tokens.rest * self.reads_tokens, quality.rest),
            quality.rest,
            draft.targets[self.sample.rows][~inside],
            query_weight=draft.logged_share[~inside],
            fold=rest.fold,
            folds=int(rest.fold.max()) + 1,
        ).level
        inputs = second_level_inputs(tokens.inside * self.reads_tokens, quality.inside)
        return level.components(quality.inside, inputs)

    def _first_level(self, name: str, rest: Sample, inside: Mask) -> _FoldComponents:
        draft, sample = self.drafts[name], self.sample
        targets, share = draft.targets[sample.rows][~inside], draft.logged_share[~inside]
        heads = heads_left_out(rest, targets)
        weights = stacking.stack(heads, targets, share, rest.fold, folds=int(rest.fold.max()) + 1)
        forecast = np.einsum("hik,hk->ik", heads_at(sample, inside, rest, targets), weights[-1])
        return _FoldComponents(forecast, stacking.cross_fitted(heads, weights, rest.fold))


class _FoldComponents(NamedTuple):
    """Components of one fold, and those of the other folds, out of fold among themselves."""

    inside: Floats
    rest: Floats


def _without(sample: Sample, inside: Mask) -> Sample | None:
    """Return the sample without a fold, as if it were all queries; None if fewer than two folds are left."""
    rows = np.flatnonzero(~inside)
    folds, fold = np.unique(sample.fold[rows], return_inverse=True)
    if len(folds) < 2:
        return None
    features = sample.features[rows]
    return replace(
        sample,
        rows=np.arange(len(rows)),
        features=features,
        fold=fold,
        group=sample.group[sample.rows[rows]],
        all_features=features,
    )
