"""From a query to its feature vector: the part of the features that is learned from the logged texts.

Hashed n-gram counts are weighted by inverse document frequency, words and characters are scaled to equal length, and
the result is projected on the leading right singular vectors of the logged queries' matrix (latent semantic analysis,
Deerwester et al., 1990). Text statistics are standardised and appended. Nothing here knows an outcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretoroute.features import HALF, STATISTICS, WIDTH, featurize, hashed, statistics

RANK = 128
PROJECTION_CAP_BYTES = 5_500_000
FIT_SAMPLE = 20_000
OVERSAMPLING = 16
POWER_STEPS = 3
LEAST_SINGULAR = 1e-5  # of the largest singular value; below it there is nothing but rounding
STATISTICS_SCALE = 0.1  # a standard deviation of a statistic counts as a tenth of the whole bag of n-grams
STATISTICS_CLIP = 4.0

PROBES = ("What is 17 + 25?", "Write a haiku about the sea, in French.", "def f(x):\n    return x ** 2  # \u8bf4\u660e")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Featurizer:
    """Turns a text, or a ready embedding, into the vector that the surface reads.

    Args:
        kind: ``hashed_ngrams``, ``embedding`` (a column of the runs) or ``function`` (the user's own).
        buckets: known buckets, sorted, ``(buckets,)``; empty unless hashed.
        weights: inverse document frequencies, ``(buckets,)``.
        projection: right singular vectors, int8 ``(buckets, rank)``, or ``(embedding, rank)``.
        scales: what each row of it is to be multiplied by, ``(buckets,)`` or ``(embedding,)``.
        centre: mean of the statistics (of the embedding), ``(12,)``.
        scale: what to divide by, ``(12,)``.
    """

    kind: str
    buckets: NDArray[np.int32]
    weights: NDArray[np.float32]
    projection: NDArray[np.int8]
    scales: NDArray[np.float32]
    centre: Floats
    scale: Floats

    @property
    def rank(self) -> int:
        """Dimensions that come from the text; the statistics follow them."""
        return self.projection.shape[1]

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return self.rank + (len(STATISTICS) if self.kind == "hashed_ngrams" else 0)

    def of_text(self, text: str) -> tuple[Floats, float]:
        """Make one feature vector.

        Returns:
            The vector ``(width,)`` and the share of the text's n-gram mass that the logged queries know, in [0, 1]
            (1 for an empty text: there is nothing unknown in it).
        """
        found, values = hashed(text)
        place = np.minimum(np.searchsorted(self.buckets, found), max(len(self.buckets) - 1, 0))
        known = self.buckets[place] == found if len(self.buckets) else np.zeros(len(found), bool)
        place, values = place[known], values[known] * self.weights[place[known]]
        values = values * _balance(found[known], values)
        text_part = values @ self.directions[place].astype(np.float64)
        return np.concatenate([text_part, self._statistics(statistics(text))]), float(known.mean()) if len(
            found
        ) else 1.0

    def of_embedding(self, embedding: Floats) -> Floats:
        """Standardise and project one ready embedding: ``(embedding,)`` to ``(width,)``."""
        return ((np.asarray(embedding, np.float64) - self.centre) / self.scale) @ self.directions.astype(np.float64)

    @cached_property
    def directions(self) -> NDArray[np.float32]:
        """The projection as it is used: ``(buckets, rank)``."""
        return self.projection * self.scales.astype(np.float32)[:, None]

    def _statistics(self, values: Floats) -> Floats:
        standard = np.clip((values - self.centre) / self.scale, -STATISTICS_CLIP, STATISTICS_CLIP)
        return STATISTICS_SCALE * standard


def ngram_fingerprint() -> str:
    """Hash what this version's n-grams make of the probe texts, in hex: it changes when the features do."""
    digest = hashlib.sha256()
    for text in PROBES:
        digest.update(hashed(text)[0].astype("<i4").tobytes())
        digest.update(np.round(statistics(text), 4).astype("<f4").tobytes())
    return digest.hexdigest()


def function_fingerprint(function: Callable[[str], ArrayLike]) -> str:
    """Hash what a feature function makes of the probe texts, rounded to two decimals, in hex."""
    digest = hashlib.sha256()
    for text in PROBES:
        digest.update((np.round(np.asarray(function(text), np.float64), 2) + 0.0).astype("<f4").tobytes())
    return digest.hexdigest()


def _balance(buckets: NDArray[np.int64], values: Floats) -> Floats:
    """Scale words and characters to length 1/sqrt(2) each, so that neither drowns the other."""
    words = buckets < HALF
    square = values * values
    word_norm, gram_norm = np.sqrt(2 * square[words].sum()), np.sqrt(2 * square[~words].sum())
    return np.where(words, 1 / (word_norm or 1.0), 1 / (gram_norm or 1.0))


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
    centre, scale = _single(centre), _single(np.where(scale > 1e-9, scale, 1.0))
    featurizer = Featurizer("hashed_ngrams", buckets.astype(np.int32), weights, projection, scales, centre, scale)
    standard = STATISTICS_SCALE * np.clip((stats - centre) / scale, -STATISTICS_CLIP, STATISTICS_CLIP)
    return featurizer, np.hstack([matrix @ featurizer.directions.astype(np.float64), standard])


def _single(values: Floats) -> Floats:
    """Round to float32, which is what a policy keeps: a featurizer read back gives the same vectors."""
    return values.astype(np.float32).astype(np.float64)


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
    centre, scale = _single(centre), _single(np.where(spread > 1e-9, spread, 1.0) * norm)
    featurizer = Featurizer(
        kind, empty.astype(np.int32), empty.astype(np.float32), *_quantised(vectors.T), centre, scale
    )
    return featurizer, ((values - centre) / scale) @ featurizer.directions.astype(np.float64)
