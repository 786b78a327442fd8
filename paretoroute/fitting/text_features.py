"""Fit the featurizer: document frequencies and the projection of logged texts or embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Floats32, evenly_spaced, single
from paretoroute.surface.featurizer import STATISTICS_CLIP, STATISTICS_SCALE, Featurizer, places_of, weighted
from paretoroute.surface.ngrams import WIDTH, Ngrams, hashed, statistics_of_each

SparseRows: TypeAlias = Any  # scipy.sparse.csr_matrix, whose type stubs do not know its shape

RANK = 128
PROJECTION_CAP_BYTES = 5_500_000
FIT_SAMPLE = 20_000  # queries on which a projection is learned
OVERSAMPLING = 16
POWER_STEPS = 3
LEAST_SQUARE = 1e-13  # of the largest: a smaller eigenvalue of a Gram matrix is only rounding
LEAST_SINGULAR = 1e-5  # of the largest singular value; below it there is only rounding


class Featurized(NamedTuple):
    """A fitted featurizer with the features of the queries that it was fitted on.

    Args:
        featurizer: text or embedding to vector.
        features: ``(queries, width)``.
    """

    featurizer: Featurizer
    features: Floats


@dataclass(frozen=True)
class _Vocabulary:
    """The n-grams that features are made of.

    Args:
        buckets: their hash buckets, sorted, ``(buckets,)``.
        weights: inverse document frequencies, ``(buckets,)``.
    """

    buckets: NDArray[np.intp]
    weights: Floats32


def fit_texts(texts: Sequence[str], *, seed: int) -> Featurized:
    """Learn document frequencies and the projection from the logged texts.

    Above 20,000 queries the projection is learned on 20,000 of them, evenly spaced in their order.
    """
    ngrams, measured = hashed(texts), statistics_of_each(texts)
    rank = max(1, min(RANK, len(texts) - 2))
    vocabulary = _vocabulary(ngrams, rank)
    matrix = _matrix(ngrams, vocabulary)
    projection = _quantised(_singular_vectors(matrix, rank, seed))
    centre, scale = measured.mean(0), measured.std(0)
    centre, scale = single(centre), single(np.where(scale > 1e-9, scale, 1.0))
    featurizer = Featurizer(
        kind="hashed_ngrams",
        buckets=vocabulary.buckets.astype(np.int32),
        weights=vocabulary.weights,
        projection=projection.levels,
        scales=projection.scales,
        centre=centre,
        scale=scale,
    )
    clipped = np.clip((measured - centre) / scale, -STATISTICS_CLIP, STATISTICS_CLIP)
    text_part = matrix @ featurizer.directions.astype(np.float64)
    return Featurized(featurizer, np.hstack([text_part, STATISTICS_SCALE * clipped]))


def weighted_ngrams(texts: Sequence[str], featurizer: Featurizer) -> SparseRows:
    """Return the weighted n-grams of some texts that a featurizer knows, ``(texts, buckets)``."""
    vocabulary = _Vocabulary(featurizer.buckets.astype(np.intp), featurizer.weights)
    return _matrix(hashed(texts), vocabulary)


def _vocabulary(ngrams: Ngrams, rank: int) -> _Vocabulary:
    """Keep the n-grams of at least two texts, or of more where the projection would exceed its cap."""
    count, document = len(ngrams.indptr) - 1, np.bincount(ngrams.buckets, minlength=WIDTH)
    least = 2
    while (document >= least).sum() * rank > PROJECTION_CAP_BYTES:
        least += 1
    buckets = np.flatnonzero(document >= least)
    return _Vocabulary(buckets, (np.log((1 + count) / (1 + document[buckets])) + 1).astype(np.float32))


def _matrix(ngrams: Ngrams, vocabulary: _Vocabulary) -> SparseRows:
    """Weigh the n-grams of every text: ``(texts, buckets)``."""
    from scipy.sparse import csr_matrix

    found = weighted(ngrams, places_of(vocabulary.buckets), vocabulary.weights)
    shape = len(found.indptr) - 1, max(len(vocabulary.buckets), 1)
    return csr_matrix((found.values, found.places, found.indptr), shape=shape)


class _Quantised(NamedTuple):
    """A projection in int8.

    Args:
        levels: int8 ``(rows, rank)``.
        scales: factor of each row, ``(rows,)``.
    """

    levels: NDArray[np.int8]
    scales: Floats32


def _quantised(vectors: Floats) -> _Quantised:
    """Round each row to 255 levels of its largest entry: a quarter of the space for the largest part of a policy."""
    scales = (np.abs(vectors).max(axis=1) / 127).astype(np.float32)
    safe = np.where(scales > 0, scales, 1.0)[:, None]
    # Rows in one piece each: taking rows of any other order would copy the whole projection.
    return _Quantised(np.rint(vectors / safe).astype(np.int8, order="C"), scales)


def _singular_vectors(matrix: SparseRows, rank: int, seed: int) -> Floats:
    """Compute leading right singular vectors, ``(columns, rank)``, by subspace iteration from a fixed start.

    Halko, Martinsson and Tropp (2011), algorithm 4.4. Directions in which the queries hardly differ are dropped, and
    signs are fixed, so that a fit is reproducible to the bit.
    """
    if matrix.shape[0] > FIT_SAMPLE:
        matrix = matrix[evenly_spaced(matrix.shape[0], FIT_SAMPLE)]
    rank = min(rank, min(matrix.shape) - 1)
    if rank < 1 or matrix.nnz == 0:
        return np.zeros((matrix.shape[1], 1))
    width = min(rank + OVERSAMPLING, min(matrix.shape))
    matrix = matrix.astype(np.float32)  # for 255 levels no more is needed, and products take a quarter of the time
    transposed = matrix.T.tocsr()
    span = np.random.default_rng(seed).standard_normal((matrix.shape[1], width)).astype(np.float32)
    for _ in range(POWER_STEPS + 1):
        rows, _ = _principal(matrix @ span)
        rows, _ = _principal(rows)  # once more, since the first pass squares the rounding
        span = transposed @ rows.astype(np.float32)
    vectors, size = _principal(span)
    vectors = vectors[:, :rank][:, size[:rank] > LEAST_SINGULAR * size[0]]
    heaviest = np.abs(vectors).argmax(axis=0)
    return vectors * np.sign(vectors[heaviest, np.arange(vectors.shape[1])])


class _Principal(NamedTuple):
    """Left singular vectors of a tall matrix, ``(rows, kept)``, with the largest values first, ``(kept,)``."""

    vectors: Floats
    values: Floats


def _principal(tall: Floats | Floats32) -> _Principal:
    """Compute the left singular vectors of a tall matrix by the eigenvectors of its small Gram matrix."""
    wide = np.asarray(tall, np.float64)
    squares, turned = np.linalg.eigh(wide.T @ wide)
    kept = np.flatnonzero(squares > LEAST_SQUARE * squares[-1])[::-1]
    values = np.sqrt(squares[kept])
    return _Principal(wide @ (turned[:, kept] / values), values)


def fit_embeddings(embeddings: Floats, *, kind: str = "embedding") -> Featurized:
    """Learn centre, scale and principal directions of ready embeddings, ``(queries, embedding)``.

    Above 20,000 queries the directions are learned on 20,000 of them, evenly spaced in their order.
    """
    values = np.asarray(embeddings, np.float64)
    centre, spread = values.mean(0), values.std(0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    standard = (values - centre) / spread
    norm = max(float(np.sqrt((standard**2).sum(1).mean())), 1e-9)
    vectors = np.linalg.svd(standard[evenly_spaced(len(standard), FIT_SAMPLE)], full_matrices=False)[2][:RANK]
    heaviest = np.abs(vectors).argmax(axis=1)
    vectors = vectors * np.sign(vectors[np.arange(len(vectors)), heaviest])[:, None]
    projection = _quantised(vectors.T)
    featurizer = Featurizer(
        kind=kind,
        buckets=np.zeros(0, np.int32),
        weights=np.zeros(0, np.float32),
        projection=projection.levels,
        scales=projection.scales,
        centre=single(centre),
        scale=single(spread * norm),
    )
    standard = (values - featurizer.centre) / featurizer.scale
    return Featurized(featurizer, standard @ featurizer.directions.astype(np.float64))
