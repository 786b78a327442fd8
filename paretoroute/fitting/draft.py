"""A panel after the first level: completed cells, basis, and heads with their out-of-fold forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import ridge, shrinkage, stacking
from paretoroute.fitting.sample import Sample, View
from paretoroute.surface import neighbours
from paretoroute.surface.neighbours import Nearest


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


def heads_left_out(sample: Sample, targets: Floats, rows: Indices | None = None) -> Floats:
    """Forecast the sample's components by every head without the query's own group: ``(heads, sample, components)``.

    Each view has heads of its own: three strengths of ridge, then neighbours.

    Leaving out one query (with its copies) in place of a fifth of them keeps these forecasts as close as possible to
    those of the deployed surface: the shadow price is set on the former and applied to the latter. Queries with equal
    features share their mean: left out one by one, their forecasts would differ only by their own outcomes with the
    sign reversed, and the second level would read them.

    Args:
        sample: the queries.
        targets: components of all queries, ``(queries, components)``.
        rows: which of the sample to forecast; None: all.
    """
    asked = np.arange(len(sample.rows)) if rows is None else rows
    return np.concatenate(
        [_left_out(view, near, sample, targets, asked) for view, near in zip(sample.views, sample.near, strict=True)]
    )


def _left_out(view: View, near: Nearest, sample: Sample, targets: Floats, asked: Indices) -> Floats:
    linear = view.decomposed.left_out(targets, sample.group, sample.rows[asked])
    own = Nearest(near.rows[asked], near.similarity[asked])
    heads = np.concatenate([linear, neighbours.averages_of_many(own, sample.shared(targets[sample.rows]))])
    for rows in view.alike:
        if (alike := np.flatnonzero(np.isin(asked, rows))).size:
            heads[:, alike] = heads[:, alike].mean(axis=1, keepdims=True)
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


def left_out_components(sample: Sample, heads: Floats, weights: Floats) -> Floats:
    """Mix the heads' forecasts by weights that leave out each query's fold: ``(sample, components)``.

    Queries with equal features have the forecast of the deployed weights. By those of their folds they would differ
    only by what the other folds' outcomes are not, and the second level would read it: of a log of which three
    quarters have no text it forecast these up to 9 points from their mean, and some points in another order.

    Args:
        sample: the queries.
        heads: out-of-fold forecasts of :func:`heads_left_out`, ``(heads, sample, components)``.
        weights: of :func:`head_weights`, ``(folds + 1, heads, components)``.
    """
    components = stacking.cross_fitted(heads, weights, sample.fold)
    for rows in sample.alike:
        components[rows] = (heads[:, rows[0]] * weights[-1]).sum(axis=0)
    return components


@dataclass(frozen=True)
class HeldOut:
    """Some queries of a sample, and the rest to fit on.

    Args:
        sample: all queries.
        rows: which are held out, ``(sample,)``.
        rest: the others, as if they were all.
    """

    sample: Sample
    rows: Mask
    rest: Sample

    @cached_property
    def _near(self) -> tuple[Nearest, ...]:
        """The neighbours of the queries held out among the rest, in each view; panels share them."""
        return tuple(
            [
                neighbours.nearest_between(fitted.features, view.features[self.rows], view.rank, measures=view.measures)
                for view, fitted in zip(self.sample.views, self.rest.views, strict=True)
            ]
        )

    def heads(self, targets: Floats) -> Floats:
        """Forecast components by every head as fitted on the rest: ``(heads, rows, components)``.

        Args:
            targets: components of the rest, ``(rest, components)``.
        """
        heads, shared = list[Floats](), self.rest.shared(targets)
        for view, fitted, near in zip(self.sample.views, self.rest.views, self._near, strict=True):
            slopes, intercepts = fitted.decomposed.coefficients(targets)
            heads.append(np.einsum("if,sfk->sik", view.features[self.rows], slopes) + intercepts[:, None])
            heads.append(neighbours.averages_of_many(near, shared))
        return np.concatenate(heads)
