"""A panel after the first level: completed cells, basis, and heads with their out-of-fold forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import ridge, shrinkage, stacking
from paretoroute.fitting.sample import Sample, View
from paretoroute.surface import neighbours


@dataclass(frozen=True, kw_only=True)
class PanelDraft:
    """A panel after the first level.

    Args:
        logged: the logged means.
        base: pooled means, ``(points,)``.
        basis: ``(points, components)``.
        targets: components of all queries, ``(queries, components)``.
        logged_share: share of the points that were logged, for each of the sample's queries, ``(sample,)``.
        weights: of the heads, by all queries, ``(heads, components)``.
        components: out-of-fold forecasts of the first level, ``(sample, components)``.
        left_out: out-of-fold forecasts of points with few runs, NaN elsewhere, ``(sample, points)``.
    """

    logged: LoggedPanel
    base: Floats
    basis: Floats
    targets: Floats
    logged_share: Floats
    weights: Floats
    components: Floats
    left_out: Floats

    def forecast(self, components: Floats) -> Floats:
        """Turn out-of-fold components into out-of-fold figures, ``(sample, points)``."""
        return np.where(np.isnan(self.left_out), self.base + components @ self.basis.T, self.left_out)


def heads_left_out(sample: Sample, targets: Floats) -> Floats:
    """Forecast the sample's components by every head without the query's own group: ``(heads, sample, components)``.

    Each view has heads of its own: three strengths of ridge, then neighbours.

    Leaving out one query (with its copies) in place of a fifth of them keeps these forecasts as close as possible to
    those of the deployed surface: the shadow price is set on the former and applied to the latter. Queries with equal
    features share their mean: left out one by one, their forecasts would differ only by their own outcomes with the
    sign reversed, and the second level would read them.
    """
    return np.concatenate([_left_out(view, sample, targets) for view in sample.views])


def _left_out(view: View, sample: Sample, targets: Floats) -> Floats:
    own, group = targets[sample.rows], sample.group[sample.rows]
    linear = view.decomposed.left_out(targets, sample.group, sample.rows)
    groups = neighbours.Groups(group, group)
    near = neighbours.averages_between(
        view.features, own, view.features, view.rank, groups=groups, measures=view.measures
    )
    heads = np.concatenate([linear, near])
    for rows in view.alike:
        heads[:, rows] = heads[:, rows].mean(axis=1, keepdims=True)
    return heads


def head_weights(sample: Sample, heads: Floats, targets: Floats, logged_share: Floats, *, folds: int) -> Floats:
    """Stack the heads, those of a second view as far as they were seen to help: ``(folds + 1, heads, components)``.

    Heads of numbers that tell nothing would still get some weight by chance, and their noise would decide between
    points that are nearly equal. So the weights lie between those of the text's heads alone and those of all heads, at
    the posterior mean of the factor that fits the logged components best
    (:mod:`paretoroute.fitting.methods.shrinkage`).

    Args:
        sample: the queries.
        heads: out-of-fold forecasts of :func:`heads_left_out`, ``(heads, sample, components)``.
        targets: components to forecast, ``(sample, components)``.
        logged_share: share of the points that were logged, of each query, ``(sample,)``.
        folds: number of folds.
    """
    every = stacking.stack(heads, targets, logged_share, sample.fold, folds=folds)
    if len(sample.views) == 1:
        return every
    own = len(ridge.STRENGTHS) + sample.views[0].measures * len(neighbours.SIZES)
    alone = np.zeros_like(every)
    alone[:, :own] = stacking.stack(heads[:own], targets, logged_share, sample.fold, folds=folds)
    of_text, of_both = (stacking.cross_fitted(heads, weights, sample.fold) for weights in (alone, every))
    group = sample.group[sample.rows]
    follow = shrinkage.factor(targets - of_text, of_both - of_text, logged_share[:, None], group)
    return alone + follow * (every - alone)


def heads_at(asked: Sample, rows: Mask, rest: Sample, targets: Floats) -> Floats:
    """Forecast some queries' components by every head as fitted on other queries: ``(heads, rows, components)``.

    Args:
        asked: a sample with the queries to forecast.
        rows: which of its queries, ``(sample,)``.
        rest: the queries to fit on, all of its own sample.
        targets: their components, ``(rest, components)``.
    """
    heads: list[Floats] = []
    for view, fitted in zip(asked.views, rest.views, strict=True):
        features = view.features[rows]
        slopes, intercepts = fitted.decomposed.coefficients(targets)
        heads.append(np.einsum("if,sfk->sik", features, slopes) + intercepts[:, None])
        heads.append(neighbours.averages_between(fitted.features, targets, features, view.rank, measures=view.measures))
    return np.concatenate(heads)
