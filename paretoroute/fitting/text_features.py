"""Fit the featurizer: document frequencies and the projection of logged texts or embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, single
from paretoroute.surface.featurizer import STATISTICS_CLIP, STATISTICS_SCALE, Featurizer
from paretoroute.surface.ngrams import HALF, WIDTH, featurize

RANK = 128
PROJECTION_CAP_BYTES = 5_500_000
FIT_SAMPLE = 20_000
OVERSAMPLING = 16
POWER_STEPS = 3
LEAST_SINGULAR = 1e-5  # of the largest singular value; below it there is nothing but rounding


def fit_texts(texts: Sequence[str], *, seed: int) -> tuple[Featurizer, Floats]:
    """Learn document frequencies and the projection from the logged texts.

    Above 20,000 queries the projection is learned on 20,000 of them, evenly spaced in their order.

    Returns:
        The featurizer and the feature vectors of ``texts``: ``(queries, width)``.
    """
    import scipy.sparse as sparse

    indptr, found, values, stats = featurize(texts)
    count = len(texts)
    document = np.bincount(found, minlength=WIDTH)
    rank = max(1, min(RANK, count - 2))
    least = 2
    while (document >= least).sum() * rank > PROJECTION_CAP_BYTES:
        least += 1
    buckets = np.flatnonzero(document >= least)
    weights = (np.log((1 + count) / (1 + document[buckets])) + 1).astype(np.float32)
    dense = np.full(WIDTH, -1)
    dense[buckets] = np.arange(len(buckets))
    row = np.repeat(np.arange(count), np.diff(indptr))
    known = dense[found] >= 0
    row, column, values = row[known], dense[found[known]], values[known]
    values = values * weights[column]
    words = buckets[column] < HALF
    for part in (words, ~words):
        norm = np.sqrt(2 * np.bincount(row[part], values[part] ** 2, minlength=count))
        values[part] /= np.where(norm > 0, norm, 1.0)[row[part]]
    matrix = sparse.csr_matrix((values, (row, column)), shape=(count, max(len(buckets), 1)))
    projection, scales = _quantised(_singular_vectors(matrix, rank, seed))
    centre, scale = stats.mean(0), stats.std(0)
    centre, scale = single(centre), single(np.where(scale > 1e-9, scale, 1.0))
    featurizer = Featurizer("hashed_ngrams", buckets.astype(np.int32), weights, projection, scales, centre, scale)
    standard = STATISTICS_SCALE * np.clip((stats - centre) / scale, -STATISTICS_CLIP, STATISTICS_CLIP)
    return featurizer, np.hstack([matrix @ featurizer.directions.astype(np.float64), standard])


def _quantised(vectors: Floats) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each row to 255 levels of its largest entry: a policy's largest part in a quarter of the space."""
    scales = (np.abs(vectors).max(axis=1) / 127).astype(np.float32)
    safe = np.where(scales > 0, scales, 1.0)[:, None]
    return np.rint(vectors / safe).astype(np.int8), scales


def _singular_vectors(matrix, rank: int, seed: int) -> Floats:
    """Leading right singular vectors, ``(columns, rank)``, by subspace iteration from a fixed start.

    Halko, Martinsson and Tropp (2011), algorithm 4.4. Directions in which the queries hardly differ are dropped, and
    signs are fixed, so that a fit can be repeated to the bit.
    """
    if matrix.shape[0] > FIT_SAMPLE:
        matrix = matrix[np.linspace(0, matrix.shape[0] - 1, FIT_SAMPLE).astype(int)]
    rank = min(rank, min(matrix.shape) - 1)
    if rank < 1 or matrix.nnz == 0:
        return np.zeros((matrix.shape[1], 1))
    width = min(rank + OVERSAMPLING, min(matrix.shape))
    rows = matrix @ np.random.default_rng(seed).standard_normal((matrix.shape[1], width))
    for _ in range(POWER_STEPS):
        rows = matrix @ (matrix.T @ np.linalg.qr(rows)[0])
    span = np.linalg.qr(rows)[0]
    _, size, vectors = np.linalg.svd((matrix.T @ span).T, full_matrices=False)
    vectors = vectors[:rank][size[:rank] > LEAST_SINGULAR * size[0]]
    heaviest = np.abs(vectors).argmax(axis=1)
    return (vectors * np.sign(vectors[np.arange(len(vectors)), heaviest])[:, None]).T


def fit_embeddings(embeddings: Floats, *, kind: str = "embedding") -> tuple[Featurizer, Floats]:
    """Learn centre, scale and principal directions of ready embeddings, ``(queries, embedding)``.

    Returns:
        The featurizer and the feature vectors of the queries: ``(queries, width)``.
    """
    values = np.asarray(embeddings, np.float64)
    centre, spread = values.mean(0), values.std(0)
    standard = (values - centre) / np.where(spread > 1e-9, spread, 1.0)
    norm = max(float(np.sqrt((standard**2).sum(1).mean())), 1e-9)
    _, _, vectors = np.linalg.svd(standard[:FIT_SAMPLE], full_matrices=False)
    vectors = vectors[:RANK]
    heaviest = np.abs(vectors).argmax(axis=1)
    vectors = vectors * np.sign(vectors[np.arange(len(vectors)), heaviest])[:, None]
    empty = np.zeros(0)
    centre, scale = single(centre), single(np.where(spread > 1e-9, spread, 1.0) * norm)
    featurizer = Featurizer(
        kind, empty.astype(np.int32), empty.astype(np.float32), *_quantised(vectors.T), centre, scale
    )
    return featurizer, ((values - centre) / scale) @ featurizer.directions.astype(np.float64)
