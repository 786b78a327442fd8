"""Pooled slopes: a mixed model of one figure on the logged cells alone, in closed form, for logs of few cells a query.

With x the features of query i, centred on the log, and z what is known of point j (its mean figures, standardised):

    y_ij = c + a_j + x_i . (b + sum_d z_jd g_d + h_j) + noise of variance s^2 / w_ij
    a_j ~ N(0, t^2),  b, g_d, h_j ~ N(0, s^2 / strength I)

so that all points share a slope, points with similar means share how theirs differs from it, and each has its own as
far as its runs support it. t^2 is estimated from the means (Morris, "Parametric empirical Bayes inference: theory and
applications", Journal of the American Statistical Association 78(381), 1983, doi:10.1080/01621459.1983.10477920); the
strengths are those of the least cross-validated error. The h_j and a_j of different points do not meet in any cell, and
are eliminated point by point (Schur complement), which makes the cost linear in cells and in points.

What labels of the queries add at all points alike is a shared effect d_i, taken off first. The part of it that features
tell, x_i . e by ridge regression, is added to every slope again: a planner sees the features, and no labels.

No cell is imputed: a completed panel would partly learn from cells that it filled itself. Everything, means included,
is refitted without each fold of queries, and the out-of-fold forecasts are returned: on thin logs the luck that makes
a point look good would otherwise also vouch for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.fitting.methods.pooled_means import NEVER, Cells, PointMeans, point_means, shared_effects

COMMON = (1.0, 3.0, 10.0, 30.0, 100.0, NEVER)
BETWEEN = (3.0, 10.0, 30.0, 100.0, NEVER)
OWN = (1.0, 3.0, 10.0, 30.0, 100.0, NEVER)
LEAST_OWN_FEATURES = 16  # leading features that a point's own slope reads at least
RUNS_PER_FEATURE = 2.0
LABEL_STRENGTH = 3.0  # of the ridge on the effects of labels, in runs
FEATURE_STRENGTH = COMMON[3]  # of that on the effects of features on the points' means


@dataclass(frozen=True)
class Coefficients:
    """A fitted model: figure_j = base_j + (x - centre) . slope_j.

    Args:
        base: ``(points,)``.
        slope: ``(width, points)``.
    """

    base: Floats
    slope: Floats


@dataclass(frozen=True)
class PooledSlopes:
    """The model of one panel.

    Args:
        base: figures at the mean features, ``(points,)``.
        slope: ``(width, points)``.
        centre: mean features, ``(width,)``.
        means: of the points, without any feature.
        forecast: out of fold, ``(queries, points)``.
        by_query: the part of the forecast that the features add, ``(queries, points)``.
        fold_means: the means without each fold, ``(folds, points)``.
        of_labels: what the query's labels add to the forecasts beyond its features, out of fold, ``(queries,)``; 0 on
            average.
        told_of_labels: what the features tell of the labels, out of fold, ``(queries,)``; ``by_query`` has it too.
    """

    base: Floats
    slope: Floats
    centre: Floats
    means: PointMeans
    forecast: Floats
    by_query: Floats
    fold_means: Floats
    of_labels: Floats
    told_of_labels: Floats


def fit(
    cells: Cells,
    features: Floats,
    covariates: Sequence[Floats],
    fold: NDArray[np.int64],
    *,
    labels: Floats | None = None,
) -> PooledSlopes:
    """Fit the model on all queries and without each fold.

    Args:
        cells: the logged ones.
        features: of the queries, ``(queries, width)``.
        covariates: further figures by which slopes may differ between points, each as forecast without the query's
            own fold and, in the last row, by all queries, ``(folds + 1, points)``.
        fold: of every query, ``(queries,)``.
        labels: one-hot labels of the queries, such as tags, ``(queries, labels)``. What they add at all points alike is
            taken off first, so that a point is not judged by the labels that it was called for; what the features tell
            of it is in the forecasts.
    """
    folds = int(fold.max()) + 1
    controls = np.zeros((len(features), 0)) if labels is None else labels - labels.mean(0)
    centre = features.mean(0)
    size, axes = np.linalg.eigh((features - centre).T @ (features - centre))
    axes = axes[:, np.argsort(-size)]
    turned = (features - centre) @ axes
    own = int(np.clip(len(cells.value) / (RUNS_PER_FEATURE * cells.points), LEAST_OWN_FEATURES, turned.shape[1]))
    own = min(own, turned.shape[1])
    raw = [cells.take(fold[cells.query] != k) for k in range(folds)] + [cells]
    effects = [controls @ shared_effects(part, controls, LABEL_STRENGTH) for part in raw]
    parts = [part.minus(effect) for part, effect in zip(raw, effects, strict=True)]
    # Points met different queries: their means are compared at the mean features.
    means = [point_means(part.minus(turned @ shared_effects(part, turned, FEATURE_STRENGTH))) for part in parts]
    systems = [
        _System.of(part, turned, own, [_standard(mean.mean), *(_standard(one[k]) for one in covariates)], mean)
        for k, (part, mean) in enumerate(zip(parts, means, strict=True))
    ]
    of_labels = np.stack(effects[:-1])[fold, np.arange(len(fold))]
    told = _slopes_of_labels(np.stack(effects), turned, fold)
    tuning = _tuned(systems[:-1], cells.minus(of_labels), turned, fold)
    last = systems[-1].solved(tuning.all)
    forecast, by_query = np.zeros((2, len(features), cells.points))
    told_of_labels = np.einsum("if,if->i", turned, told[fold])
    for k, (system, strengths) in enumerate(zip(systems[:-1], tuning.without, strict=True)):
        fitted, inside = system.solved(strengths), fold == k
        by_query[inside] = turned[inside] @ (fitted.slope + told[k, :, None])
        forecast[inside] = fitted.base + by_query[inside]
    return PooledSlopes(
        base=last.base,
        slope=axes @ (last.slope + told[-1, :, None]),
        centre=centre,
        means=means[-1],
        forecast=forecast,
        by_query=by_query,
        fold_means=np.stack([mean.mean for mean in means[:-1]]),
        of_labels=of_labels - told_of_labels,
        told_of_labels=told_of_labels,
    )


def _slopes_of_labels(effects: Floats, features: Floats, fold: NDArray[np.int64]) -> Floats:
    """Regress what labels add on the features, at the strength of the least error out of fold.

    Args:
        effects: what the query's labels add, without each fold and, in the last row, by all, ``(folds + 1, queries)``.
        features: centred, ``(queries, width)``.
        fold: of every query, ``(queries,)``.

    Returns:
        Slopes without each fold and, in the last row, by all queries, ``(folds + 1, width)``.
    """
    best, least = np.zeros((len(effects), features.shape[1])), np.inf
    for strength in COMMON:
        slopes, error = np.zeros_like(best), 0.0
        for k, effect in enumerate(effects):
            x, d = features[fold != k], effect[fold != k]
            slopes[k] = np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ d)
            error += float(((effect - features @ slopes[k])[fold == k] ** 2).sum())
        if error < least:
            best, least = slopes, error
    return best


def _standard(figures: Floats) -> Floats:
    """Centre and scale figures of the points; equal ones become 0."""
    scale = float(figures.std())
    return (figures - figures.mean()) / scale if scale > 1e-9 else np.zeros_like(figures)


@dataclass(frozen=True)
class _Strengths:
    """Strengths of the common slope, of how slopes vary with the covariates, and of the points' own."""

    common: float
    between: float
    own: float


@dataclass(frozen=True)
class _System:
    """Normal equations of one training set; common coefficients are [1, x, z_1 x_own, ...], a point's are [1, x_own].

    Args:
        own: of every point's own coefficients, ``(points, own, own)``.
        mixed: own by common, then own by values, ``(points, own, common + 1)``.
        common: ``(common, common)``.
        values: ``(common,)``.
        covariates: ``(covariates, points)``.
        width: of the features.
        prior_runs: of a point's mean.
    """

    own: Floats
    mixed: Floats
    common: Floats
    values: Floats
    covariates: Floats
    width: int
    prior_runs: float

    @staticmethod
    def of(cells: Cells, features: Floats, own: int, covariates: Sequence[Floats], means: PointMeans) -> _System:
        table, width = np.stack(covariates), features.shape[1]
        size = 1 + width + len(table) * own
        systems = np.zeros((cells.points, own + 1, own + 1))
        mixed = np.zeros((cells.points, own + 1, size + 1))
        common, values = np.zeros((size, size)), np.zeros(size)
        for j in range(cells.points):
            here = np.flatnonzero(cells.point == j)
            x, y, w = features[cells.query[here]], cells.value[here], cells.weight[here][:, None]
            one = np.ones((len(here), 1))
            mine = np.hstack([one, x[:, :own]])
            shared = np.hstack([one, x, *(z * x[:, :own] for z in table[:, j])])
            systems[j] = mine.T @ (w * mine)
            mixed[j] = np.hstack([mine.T @ (w * shared), mine.T @ (w[:, 0] * y)[:, None]])
            common += shared.T @ (w * shared)
            values += shared.T @ (w[:, 0] * y)
        return _System(systems, mixed, common, values, table, width, means.prior_runs)

    def solved(self, strengths: _Strengths) -> Coefficients:
        """Solve at given strengths."""
        own = self.own.shape[1] - 1
        size = len(self.values)
        penalty = np.concatenate(
            [[0.0], np.full(self.width, strengths.common), np.full(size - 1 - self.width, strengths.between)]
        )
        of_point = np.diag(np.concatenate([[self.prior_runs], np.full(own, strengths.own)]))
        solved = np.linalg.solve(self.own + of_point, self.mixed)
        left = self.mixed[:, :, :size]
        reduced = np.tensordot(left, solved, axes=((0, 1), (0, 1)))
        common = np.linalg.solve(self.common + np.diag(penalty) - reduced[:, :size], self.values - reduced[:, size])
        single = solved[:, :, size] - solved[:, :, :size] @ common
        slope = np.repeat(common[1 : 1 + self.width, None], len(single), axis=1).astype(np.float64)
        varying = common[1 + self.width :].reshape(len(self.covariates), own)
        slope[:own] += varying.T @ self.covariates + single[:, 1:].T
        return Coefficients(common[0] + single[:, 0], slope)


@dataclass(frozen=True)
class _Tuning:
    """The strengths of the least error out of fold.

    Args:
        all: over all folds.
        without: over all folds but one, by that fold: its own errors must not choose what forecasts it, or noise would
            pass for a signal.
    """

    all: _Strengths
    without: list[_Strengths]


def _tuned(systems: Sequence[_System], cells: Cells, features: Floats, fold: NDArray[np.int64]) -> _Tuning:
    """Search the strengths one at a time; those without a fold are the best of all that were tried."""
    inside = [np.flatnonzero(fold[cells.query] == k) for k in range(len(systems))]

    def errors(strengths: _Strengths) -> Floats:
        totals: list[float] = []
        for system, here in zip(systems, inside, strict=True):
            fitted = system.solved(strengths)
            x, point = features[cells.query[here]], cells.point[here]
            forecast = fitted.base[point] + np.einsum("cf,fc->c", x, fitted.slope[:, point])
            totals.append(float((cells.weight[here] * (cells.value[here] - forecast) ** 2).sum()))
        return np.array(totals)

    best = _Strengths(COMMON[3], NEVER, NEVER)
    seen = {best: errors(best)}
    for name, choices in (("common", COMMON), ("own", OWN), ("between", BETWEEN), ("own", OWN), ("common", COMMON)):
        for value in choices:
            tried = replace(best, **{name: value})
            if tried not in seen:
                seen[tried] = errors(tried)
        best = min((replace(best, **{name: value}) for value in choices), key=lambda one: float(seen[one].sum()))
    without = [min(seen, key=lambda one: float(seen[one].sum() - seen[one][k])) for k in range(len(systems))]
    return _Tuning(best, without)
