"""Features of the logged texts as those of new ones would be: by a projection that did not see them.

Singular vectors of a few thousand short texts follow single texts: on those very texts trailing features have three
times the variance that they have on new ones. Forecasts of the logged queries then differ more than those of the
queries that a policy will meet, which would cost something else at the same price, and slopes are fitted to noise. Each
fold's features are therefore those of the singular vectors of the other folds, turned by the orthogonal matrix that
brings the others' features closest to those of the whole log (Schonemann, "A generalized solution of the orthogonal
Procrustes problem", Psychometrika 31(1), 1966, doi:10.1007/BF02289451).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from paretoroute._arrays import Floats
from paretoroute.fitting.sample import FOLDS
from paretoroute.fitting.text_features import LEAST_SINGULAR, Featurized, weighted_ngrams
from paretoroute.runs.folds import folds, groups_of
from paretoroute.runs.table import Runs
from paretoroute.surface.featurizer import Featurizer

MOST_QUERIES = 3000  # above, few texts have a direction of their own, and decomposing the products takes minutes


def left_out_features(runs: Runs, featurizer: Featurizer, features: Floats, *, seed: int) -> Floats:
    """Return the features of a log's queries with those of their texts replaced, ``(queries, width)``.

    Args:
        runs: the log.
        featurizer: fitted on all its texts.
        features: of its queries, ``(queries, width)``.
        seed: of the folds.
    """
    fold = folds(groups_of(runs), FOLDS, seed=seed)
    return with_left_out_features(runs.texts, Featurized(featurizer, features), fold).features


def with_left_out_features(texts: Sequence[str], fitted: Featurized, fold: NDArray[np.int64]) -> Featurized:
    """Replace the features of the logged texts by those of the fits without each text's fold.

    Args:
        texts: the logged ones.
        fitted: the featurizer of all of them, with their features.
        fold: of every text; equal texts share one, ``(queries,)``.
    """
    rank = fitted.featurizer.rank
    if len(texts) > MOST_QUERIES or rank < 2 or (fold == fold[0]).all():
        return fitted
    ngrams = weighted_ngrams(texts, fitted.featurizer)
    products = np.asarray((ngrams @ ngrams.T).toarray(), np.float64)
    features = fitted.features.copy()
    for k in range(int(fold.max()) + 1):
        inside, others = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        features[inside, :rank] = _left_out(products, inside, others, fitted.features[others, :rank])
    # Products of equal rows may differ in their last bits, and queries with equal texts have to tie.
    first: dict[str, int] = {}
    return Featurized(fitted.featurizer, features[[first.setdefault(text, i) for i, text in enumerate(texts)]])


def _left_out(products: Floats, inside: NDArray[np.intp], others: NDArray[np.intp], whole: Floats) -> Floats:
    """Compute the features of a fold, ``(inside, rank)``.

    Args:
        products: of all pairs of texts, ``(queries, queries)``.
        inside: the queries of the fold.
        others: all others.
        whole: their features by the projection of the whole log, ``(others, rank)``.
    """
    last = len(others) - 1
    square, vectors = eigh(products[np.ix_(others, others)], subset_by_index=(max(last - whole.shape[1] + 1, 0), last))
    kept = square > LEAST_SINGULAR**2 * max(float(square[-1]), 1e-300)
    size, vectors = np.sqrt(square[kept]), vectors[:, kept]
    left, _, right = np.linalg.svd((vectors * size).T @ whole, full_matrices=False)
    return np.asarray((products[np.ix_(inside, others)] @ vectors / size) @ (left @ right), np.float64)
