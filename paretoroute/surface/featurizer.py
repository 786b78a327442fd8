"""From a query to its feature vector, by weights and a projection learned from the logged texts.

Hashed n-gram counts are weighted by inverse document frequency, words and characters are scaled to equal length, and
the result is projected on the leading right singular vectors of the logged queries' matrix (latent semantic analysis,
Deerwester et al., 1990). Text statistics are standardised and appended. Features do not depend on any outcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretoroute._arrays import Floats
from paretoroute.surface.ngrams import HALF, STATISTICS, hashed, statistics

STATISTICS_SCALE = 0.1  # a standard deviation of a statistic counts as a tenth of the whole bag of n-grams
STATISTICS_CLIP = 4.0

PROBES = ("What is 17 + 25?", "Write a haiku about the sea, in French.", "def f(x):\n    return x ** 2  # \u8bf4\u660e")


class TextFeatures(NamedTuple):
    """The features of one text.

    Args:
        vector: ``(width,)``.
        known_share: share of the text's n-gram mass that the logged queries have too, in [0, 1]; 1 for an empty text.
    """

    vector: Floats
    known_share: float


@dataclass(frozen=True)
class Featurizer:
    """Turns a text, or a ready embedding, into the feature vector of the surface.

    Args:
        kind: ``hashed_ngrams``, ``embedding`` (a column of the runs) or ``function`` (the user's own).
        buckets: hash buckets of the logged texts, sorted, ``(buckets,)``; empty unless hashed.
        weights: inverse document frequencies, ``(buckets,)``.
        projection: right singular vectors, int8 ``(buckets, rank)``, or ``(embedding, rank)``.
        scales: factor of each row of the projection, ``(buckets,)`` or ``(embedding,)``.
        centre: mean of the statistics (or of the embedding), ``(12,)``.
        scale: divisor of the centred statistics, ``(12,)``.
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

    def of_text(self, text: str) -> TextFeatures:
        """Featurize one text."""
        counts = hashed(text)
        place = np.minimum(np.searchsorted(self.buckets, counts.buckets), max(len(self.buckets) - 1, 0))
        shared = np.zeros(len(place), bool)
        if len(self.buckets):
            shared = self.buckets[place] == counts.buckets
        place = place[shared]
        values = counts.values[shared] * self.weights[place]
        values = values * _balance(counts.buckets[shared], values)
        vector = np.concatenate(
            [values @ self.directions[place].astype(np.float64), self._statistics(statistics(text))]
        )
        return TextFeatures(vector, float(shared.mean()) if len(shared) else 1.0)

    def of_embedding(self, embedding: Floats) -> Floats:
        """Standardise and project one ready embedding: ``(embedding,)`` to ``(width,)``."""
        return ((np.asarray(embedding, np.float64) - self.centre) / self.scale) @ self.directions.astype(np.float64)

    @cached_property
    def directions(self) -> NDArray[np.float32]:
        """The scaled projection, ``(buckets, rank)``."""
        return self.projection * self.scales.astype(np.float32)[:, None]

    def _statistics(self, values: Floats) -> Floats:
        standard = np.clip((values - self.centre) / self.scale, -STATISTICS_CLIP, STATISTICS_CLIP)
        return STATISTICS_SCALE * standard


def ngram_fingerprint() -> str:
    """Hash the n-grams and statistics of the probe texts, in hex: the hash changes when the features do."""
    digest = hashlib.sha256()
    for text in PROBES:
        digest.update(hashed(text).buckets.astype("<i4").tobytes())
        digest.update(np.round(statistics(text), 4).astype("<f4").tobytes())
    return digest.hexdigest()


def function_fingerprint(function: Callable[[str], ArrayLike]) -> str:
    """Hash the features that a function returns for the probe texts, rounded to two decimals, in hex."""
    digest = hashlib.sha256()
    for text in PROBES:
        digest.update((np.round(np.asarray(function(text), np.float64), 2) + 0.0).astype("<f4").tobytes())
    return digest.hexdigest()


def _balance(buckets: NDArray[np.int64], values: Floats) -> Floats:
    """Scale words and characters to length 1/sqrt(2) each, so that neither drowns the other."""
    is_word = buckets < HALF
    square = values * values
    word_norm, gram_norm = np.sqrt(2 * square[is_word].sum()), np.sqrt(2 * square[~is_word].sum())
    return np.where(is_word, 1 / (word_norm or 1.0), 1 / (gram_norm or 1.0))
