"""From a query to its feature vector, by weights and a projection learned from the logged texts.

Hashed n-gram counts are weighted by inverse document frequency, words and characters are scaled to equal length, and
the result is projected on the leading right singular vectors of the logged queries' matrix (latent semantic analysis,
Deerwester et al., 1990). Text statistics are standardised and appended. Where the log has tags, so is the chance of
each tag given these features, by linear discriminants: a planner reads it from the text, and needs no tag. Features do
not depend on any outcome.

A second view of the query, numbers that the caller brings or computes beside its text, has a featurizer of its own. Its
features follow those of the text.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretoroute._arrays import Floats, Floats32, Indices
from paretoroute.surface.ngrams import STATISTICS, WIDTH, Ngrams, hashed, statistics, statistics_of_each

STATISTICS_SCALE = 0.1  # a standard deviation of a statistic counts as a tenth of the whole bag of n-grams
STATISTICS_CLIP = 4.0
TAGS_SCALE = 0.3  # a certain tag counts as three tenths of the whole bag of n-grams
_NOTHING = np.zeros(0, np.float32)
ROWS_AT_ONCE = 512  # of the projection: in float32 they fit into a core's cache

PROBES = ("What is 17 + 25?", "Write a haiku about the sea, in French.", "def f(x):\n    return x ** 2  # \u8bf4\u660e")


class TextFeatures(NamedTuple):
    """The features of one text.

    Args:
        vector: ``(width,)``.
        known_share: share of the text's n-gram mass that the logged queries have too, in [0, 1]; 1 for an empty text.
    """

    vector: Floats
    known_share: float


class WeightedNgrams(NamedTuple):
    """Weighted n-grams of some texts, a compressed sparse row matrix ``(texts, buckets of the log)``.

    Args:
        indptr: start of each text among the entries, ``(texts + 1,)``.
        places: column of every entry, sorted within a text, ``(entries,)``.
        values: weight of every entry, ``(entries,)``.
    """

    indptr: NDArray[np.intp]
    places: Indices
    values: Floats


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
        second: featurizer of the second view, or None.
        tag_slopes: of the logits of the tags in the features before them, ``(rank + 12, tags)``, or None.
        tag_intercepts: of the same logits, ``(tags,)``.
    """

    kind: str
    buckets: NDArray[np.int32]
    weights: NDArray[np.float32]
    projection: NDArray[np.int8]
    scales: NDArray[np.float32]
    centre: Floats
    scale: Floats
    second: Featurizer | None = None
    tag_slopes: Floats | None = None
    tag_intercepts: Floats | None = None

    @property
    def rank(self) -> int:
        """Dimensions that come from the text; the statistics follow them."""
        return self.projection.shape[1]

    @property
    def own_width(self) -> int:
        """Length of a feature vector without the second view."""
        return self.text_width + self.tags

    @property
    def text_width(self) -> int:
        """Dimensions before the tags: of the text and its statistics."""
        return self.rank + (len(STATISTICS) if self.kind == "hashed_ngrams" else 0)

    @property
    def tags(self) -> int:
        """Number of tags whose chances are features."""
        return 0 if self.tag_intercepts is None else len(self.tag_intercepts)

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return self.own_width + (0 if self.second is None else self.second.width)

    def of_both(self, text: str, embedding: Floats) -> TextFeatures:
        """Featurize one text with the embedding that stands beside it, for a featurizer with a second view."""
        assert self.second is not None
        own = self.of_text(text)
        return own._replace(vector=np.concatenate([own.vector, self.second.of_embedding(embedding)]))

    def of_text(self, text: str) -> TextFeatures:
        """Featurize one text, without the second view."""
        return self.of_texts([text])[0]

    def of_texts(self, texts: Sequence[str]) -> list[TextFeatures]:
        """Featurize some texts, without the second view, each as if it came alone.

        One step is taken for all texts before the next: the tables of a step then stay in the cache.
        """
        ngrams = hashed(texts)
        found = weighted(ngrams, self._places, self._weights)
        scaled = (found.values * self._scales.take(found.places)).astype(np.float32) if len(found.places) else _NOTHING
        vectors = np.zeros((len(texts), self.own_width))
        vectors[:, self.rank : self.text_width] = self._statistics(statistics_of_each(texts))
        ends, own_ends, features = found.indptr.tolist(), ngrams.indptr.tolist(), list[TextFeatures]()
        for i, vector in enumerate(vectors):
            start, end, own = ends[i], ends[i + 1], own_ends[i + 1] - own_ends[i]
            if end > start:
                vector[: self.rank] = self._projected(found.places[start:end], scaled[start:end])
            if self.tag_slopes is not None and self.tag_intercepts is not None:
                text = vector[: self.text_width]
                vector[self.text_width :] = of_tags(text @ self.tag_slopes + self.tag_intercepts)
            features.append(TextFeatures(vector, (end - start) / own if own else 1.0))
        return features

    def _projected(self, places: Indices, scaled: Floats32) -> Floats32:
        """Sum rows of the projection by their scaled values, in float32: ``(rank,)``."""
        total = np.zeros(self.rank, np.float32)
        codes, wide = _scratch(self.rank)
        for start in range(0, len(places), ROWS_AT_ONCE):
            rows = places[start : start + ROWS_AT_ONCE]
            count = len(rows)
            self.projection.take(rows, axis=0, out=codes[:count], mode="clip")
            np.copyto(wide[:count], codes[:count])
            total += scaled[start : start + count] @ wide[:count]
        return total

    def of_embedding(self, embedding: Floats) -> Floats:
        """Standardise and project one ready embedding: ``(embedding,)`` to ``(width,)``."""
        return ((np.asarray(embedding, np.float64) - self.centre) / self.scale) @ self._wide_directions

    @cached_property
    def directions(self) -> NDArray[np.float32]:
        """The scaled projection, ``(buckets, rank)``."""
        return self.projection * self.scales.astype(np.float32)[:, None]

    @cached_property
    def _wide_directions(self) -> Floats:
        return self.directions.astype(np.float64)

    @cached_property
    def _places(self) -> NDArray[np.int16]:
        return places_of(self.buckets)

    @cached_property
    def _weights(self) -> Floats32:
        return self.weights.astype(np.float32)  # in half of the cache; they are kept in single precision

    @cached_property
    def _scales(self) -> Floats32:
        return self.scales.astype(np.float32)

    def _statistics(self, values: Floats) -> Floats:
        standard = np.minimum(np.maximum((values - self.centre) / self.scale, -STATISTICS_CLIP), STATISTICS_CLIP)
        return STATISTICS_SCALE * standard


def of_tags(logits: Floats) -> Floats:
    """Turn the logits of the tags into features, their chances times 0.3: ``(..., tags)``."""
    chances = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return TAGS_SCALE * chances / chances.sum(axis=-1, keepdims=True)


def places_of(buckets: NDArray[np.integer]) -> NDArray[np.int16]:
    """Return the column of every hash bucket, -1 where no logged text has it, ``(WIDTH,)``.

    Args:
        buckets: of the log, sorted.
    """
    places = np.full(WIDTH, -1, np.int16)
    places[buckets] = np.arange(len(buckets))
    return places


def weighted(ngrams: Ngrams, places: NDArray[np.int16], weights: Floats32) -> WeightedNgrams:
    """Weigh the n-grams of texts, each text as if it came alone.

    Words and characters of a text have length 1/sqrt(2) each, so that neither drowns the other.

    Args:
        ngrams: of the texts.
        places: of :func:`places_of`.
        weights: inverse document frequencies, ``(buckets,)``.
    """
    place = places.take(ngrams.buckets)
    shared = (place >= 0).nonzero()[0]
    place = place.take(shared).astype(np.intp)
    bounds = shared.searchsorted(ngrams.bounds)
    part = np.arange(len(bounds) - 1).repeat(bounds[1:] - bounds[:-1])
    values = ngrams.values.take(shared)
    values *= weights.take(place)
    values /= np.sqrt(2 * np.bincount(part, values * values, minlength=len(bounds) - 1)).take(part)
    return WeightedNgrams(bounds[::2], place, values)


def ngram_fingerprint() -> str:
    """Hash the n-grams and statistics of the probe texts, in hex: the hash changes when the features do."""
    digest = hashlib.sha256()
    for text in PROBES:
        digest.update(hashed([text]).buckets.astype("<i4").tobytes())
        digest.update(np.round(statistics(text), 4).astype("<f4").tobytes())
    return digest.hexdigest()


def function_fingerprint(function: Callable[[str], ArrayLike]) -> str:
    """Hash the features that a function returns for the probe texts, rounded to two decimals, in hex."""
    digest = hashlib.sha256()
    for text in PROBES:
        digest.update((np.round(np.asarray(function(text), np.float64), 2) + 0.0).astype("<f4").tobytes())
    return digest.hexdigest()


def stated_fingerprint(function: Callable[[str], ArrayLike]) -> str:
    """Return the fingerprint that an encoder states of itself; of any other function that of its numbers, in hex."""
    return getattr(function, "own_fingerprint", None) or function_fingerprint(function)


class _Scratch(threading.local):
    """Rows of the projection at work, of each thread: new memory for every text would cost more than the sums."""

    rows: tuple[NDArray[np.int8], Floats32] = np.empty((0, 0), np.int8), np.empty((0, 0), np.float32)


_SCRATCH = _Scratch()


def _scratch(rank: int) -> tuple[NDArray[np.int8], Floats32]:
    if _SCRATCH.rows[0].shape[1] != rank:
        _SCRATCH.rows = np.empty((ROWS_AT_ONCE, rank), np.int8), np.empty((ROWS_AT_ONCE, rank), np.float32)
    return _SCRATCH.rows
