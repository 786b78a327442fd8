"""The logged queries nearest to a new one.

Two measures of nearness, cosine in the text part of the features and cosine in all of them, and three sizes of
neighbourhood give six weightings. A constant coordinate makes queries without a text neighbours of one another.

A second view of the queries has neighbours of its own, in three sizes by one measure: the cosine in all its features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Floats32, Indices

SIZES = (10, 40, 150)
MEASURES = 2
HEADS = MEASURES * len(SIZES)
SECOND_HEADS = len(SIZES)  # of a second view
CONSTANT = 0.05
LEAST_SIMILARITY = 1e-3
UNIT = 4000  # length of a unit vector in whole numbers: sums of up to 2**24 / UNIT**2 are exact in float32
_IS_WITHIN = (np.arange(SIZES[-1]) < np.array(SIZES)[:, None]).astype(np.float64)
EXCLUDED = -2.0  # similarity that marks a query of the same group: below any cosine


@dataclass(frozen=True, slots=True)
class Nearest:
    """The logged queries nearest to some queries, nearest first; one measure where both are the same.

    The measure of a second view follows those of the first.

    Args:
        rows: their positions, ``(queries, measures, at most 150)``.
        similarity: cosine similarity to the query, ``(queries, measures, at most 150)``.
    """

    rows: NDArray[np.integer]
    similarity: NDArray[np.floating]

    def beside(self, second: Nearest) -> Nearest:
        """Append the neighbours by the measure of a second view."""
        return Nearest(
            np.concatenate([self.rows, second.rows], axis=1),
            np.concatenate([self.similarity, second.similarity], axis=1),
        )


@dataclass(frozen=True)
class Units:
    """Unit vectors of queries in whole numbers and in two parts, so that one product serves both measures.

    With u the unit vector of the text part, the cosine in all features is ratio x ratio' x (u . u') + rest . rest'.
    Products of whole numbers are exact in float32 and do not depend on the order of summation: no sum of theirs exceeds
    the product of two lengths, which is below 2**24. The rounding to whole numbers, 1e-4 of a cosine, is about that of
    the stored features.

    Args:
        text: of the text part and the constant, float32 ``(queries, rank + 1)``.
        rest: the other features over the length of all, float32 ``(queries, width - rank)``.
        ratio: length of the text part over that of all features, float32 ``(queries,)``.
    """

    text: Floats32
    rest: Floats32
    ratio: Floats32

    @staticmethod
    def of(features: Floats, rank: int) -> Units:
        """Divide features, ``(queries, width)``, by their lengths; the first ``rank`` are of the text."""
        text, rest = np.empty((len(features), rank + 1)), features[:, rank:]
        text[:, :rank], text[:, rank] = features[:, :rank], CONSTANT
        of_text = np.vecdot(text, text)
        length = np.sqrt(of_text + np.vecdot(rest, rest))
        of_text = np.sqrt(of_text)
        return Units(
            np.rint(text * (UNIT / of_text)[:, None]).astype(np.float32),
            np.rint(rest * (UNIT / length)[:, None]).astype(np.float32),
            (of_text / length).astype(np.float32),
        )

    def columns(self) -> Units:
        """Return the same with a column per query, as the right side of a product reads them."""
        return Units(np.ascontiguousarray(self.text.T), np.ascontiguousarray(self.rest.T), self.ratio)


@dataclass(frozen=True)
class Neighbours:
    """The logged queries kept for look-up.

    Args:
        features: their features without the second view, float16 ``(queries, width)``.
        columns: their unit vectors, one column each.
        second: the same queries in the second view, or None.
    """

    features: NDArray[np.float16]
    columns: Units
    second: Neighbours | None = None

    @property
    def is_uniform(self) -> bool:
        """Whether all queries have the same features."""
        own = bool((self.features == self.features[:1]).all())
        return own and (self.second is None or self.second.is_uniform)

    def nearest(self, vectors: Floats, rank: int) -> Nearest:
        """Return the neighbours of each query.

        Args:
            vectors: features of all views, ``(queries, width)``.
            rank: how many of them are of the text.
        """
        if self.second is None:
            return self._nearest(vectors, rank)
        width = self.features.shape[1]
        of_second = self.second.nearest(vectors[:, width:], self.second.features.shape[1])
        return self._nearest(vectors[:, :width], rank).beside(of_second)

    def _nearest(self, vectors: Floats, rank: int) -> Nearest:
        """Return the neighbours of each query in this view; what else is asked at once does not matter."""
        own, logged = Units.of(vectors, rank), self.columns
        similar = own.text @ logged.text
        measures = [most_similar(similar)]
        if len(logged.rest):
            similar *= logged.ratio
            similar *= own.ratio[:, None]
            similar += own.rest @ logged.rest
            measures.append(most_similar(similar))
        rows, similarity = (np.stack(one, axis=1) for one in zip(*measures, strict=True))
        return Nearest(rows, similarity.astype(np.float64) / UNIT**2)


def index(features: NDArray[np.floating], rank: int, *, second: NDArray[np.floating] | None = None) -> Neighbours:
    """Index the logged queries' features, ``(queries, width)``, for look-up.

    They are rounded to float16 first, so that a stored index is the same after reading it back.

    Args:
        features: without those of the second view.
        rank: how many of them are of the text.
        second: features of the second view, ``(queries, second width)``, or None.
    """
    kept = features.astype(np.float16)
    own = Neighbours(kept, Units.of(kept.astype(np.float64), rank).columns())
    return own if second is None else replace(own, second=index(second, second.shape[1]))


def most_similar(similarity: Floats32) -> tuple[Indices, Floats32]:
    """Return the rows of the 150 most similar logged queries to each query, most similar first, and their similarity.

    Of disjoint blocks with one largest similarity each, the 150th largest of these is at most the 150th largest of all,
    so that few candidates are left. Of equally similar queries the first are taken.

    Args:
        similarity: ``(queries, logged queries)``.
    """
    queries, logged = similarity.shape
    size, flat = min(SIZES[-1], logged), similarity.ravel()
    starts: Indices = np.arange(queries + 1, dtype=np.intp) * logged
    if logged <= size:
        candidates, ends = np.arange(queries * logged, dtype=np.intp), starts
    else:
        per_block = min(max(logged // (4 * size), 1), 16)
        blocks = logged // per_block
        largest = similarity[:, : blocks * per_block].reshape(queries, per_block, blocks).max(axis=1)
        largest.partition(blocks - size, axis=1)
        candidates = (similarity >= largest[:, blocks - size, None]).ravel().nonzero()[0]
        ends = candidates.searchsorted(starts)
    own = flat.take(candidates)
    if queries == 1:
        rows = candidates.take((-own).argsort(kind="stable")[:size])[None]
    else:
        candidates -= starts[:-1].repeat(ends[1:] - ends[:-1])
        rows = _sorted_at_once(own, candidates, ends, size=size)
    return rows, flat.take(rows + starts[:-1, None])


def _sorted_at_once(similarity: Floats32, rows: Indices, ends: Indices, *, size: int) -> Indices:
    """Return the most similar candidates of each query, of equally similar ones the first: ``(queries, size)``.

    All are sorted together as whole numbers: the first bits are the query, the next the similarity, the last the row.

    Args:
        similarity: of the candidates, ``(candidates,)``.
        rows: of the candidates.
        ends: where those of each query end, after a 0, ``(queries + 1,)``.
        size: how many to return.
    """
    order = (similarity + 0.0).view(np.int32).astype(np.int64)  # 0.0 has two signs: one order for both
    order ^= (order >> 31) & 0x7FFFFFFF  # the bits of negative numbers run backwards
    keys = (np.arange(len(ends) - 1) << 32).repeat(ends[1:] - ends[:-1])
    keys -= order
    bits = int(rows.max()).bit_length()
    keys <<= bits
    keys += rows
    keys.sort()
    nearest = keys.take(ends[:-1, None] + np.arange(size))
    nearest &= (1 << bits) - 1
    return nearest


def weights(similarity: Floats, size: int) -> Floats:
    """Weigh the ``size`` nearest of ``(..., neighbours)`` by squared similarity; sums to 1 over the last axis."""
    near = np.maximum(similarity[..., :size], LEAST_SIMILARITY) ** 2
    return near / near.sum(axis=-1, keepdims=True)


def averages(nearest: Nearest, targets: Floats | Floats32) -> Floats:
    """Average the neighbours' targets, ``(logged queries, components)``, in six ways: ``(queries, 6, components)``.

    With a second view there are three more.
    """
    queries, measures, kept = nearest.rows.shape
    share = np.maximum(nearest.similarity, LEAST_SIMILARITY).astype(np.float64, copy=False)
    share *= share
    shares = share[:, :, None, :] * _IS_WITHIN[:, :kept]
    shares /= shares.sum(axis=-1, keepdims=True)
    near = targets.take(nearest.rows, axis=0).astype(np.float64)
    means = (shares @ near).reshape(queries, measures * len(SIZES), -1)
    return means if measures > 1 else np.concatenate([means] * MEASURES, axis=1)


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of queries that must not be neighbours of one another.

    Args:
        train: of the candidate neighbours, ``(train,)``.
        test: of the queries to forecast, ``(test,)``.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def averages_between(
    train: Floats,
    targets: Floats,
    test: Floats,
    rank: int,
    *,
    groups: Groups | None = None,
    measures: int = MEASURES,
) -> Floats:
    """Average targets over neighbours for many queries at once, for fitting: ``(3 x measures, test, components)``.

    The arguments are those of :func:`nearest_between` and :func:`averages_of_many`.
    """
    return averages_of_many(nearest_between(train, test, rank, groups=groups, measures=measures), targets)


def nearest_between(
    train: Floats,
    test: Floats,
    rank: int,
    *,
    groups: Groups | None = None,
    measures: int = MEASURES,
) -> Nearest:
    """Find the neighbours of many queries at once, for fitting; their similarities are not rounded.

    Args:
        train: features of the candidate neighbours, ``(train, width)``.
        test: features of the queries to forecast, ``(test, width)``.
        rank: how many features are of the text.
        groups: a query has no neighbour of its own group: its similarity is ``EXCLUDED``; None: no restriction.
        measures: 2, or 1 for the nearness in the first ``rank`` features alone.
    """
    shape = len(test), measures, min(SIZES[-1], len(train))
    near = Nearest(np.empty(shape, np.int32), np.empty(shape, np.float32))
    for measure, part in enumerate((slice(0, rank), slice(None))[:measures]):
        units, query_units = _unit(train[:, part]), _unit(test[:, part])
        for start in range(0, len(test), 1024):
            rows = slice(start, start + 1024)
            similarity = query_units[rows] @ units.T
            if groups is not None:
                similarity[groups.test[rows, None] == groups.train[None, :]] = EXCLUDED
            near.rows[rows, measure], near.similarity[rows, measure] = most_similar(similarity)
    return near


def averages_of_many(near: Nearest, targets: Floats) -> Floats:
    """Average targets, ``(train, components)``, over the neighbours of many queries: as :func:`averages_between`."""
    queries, measures, _ = near.rows.shape
    out = np.empty((measures * len(SIZES), queries, targets.shape[1]))
    for measure in range(measures):
        rows, similarity = near.rows[:, measure], near.similarity[:, measure].astype(np.float64)
        for head, count in enumerate(SIZES):
            share = np.where(similarity[:, :count] > EXCLUDED, weights(similarity, count), 0.0)
            share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
            out[measure * len(SIZES) + head] = _weighted(share, targets, rows[:, :count])
    return out


def _unit(vectors: Floats) -> NDArray[np.float32]:
    wide = np.concatenate([vectors, np.full((len(vectors), 1), CONSTANT)], axis=1)
    return (wide / np.sqrt(np.einsum("qf,qf->q", wide, wide))[:, None]).astype(np.float32)


def _weighted(share: Floats, targets: Floats, rows: NDArray[np.integer]) -> Floats:
    """Sum targets by shares, one neighbour at a time: all at once would not fit in memory."""
    total = np.zeros((len(rows), targets.shape[1]))
    for step in range(rows.shape[1]):
        total += share[:, step : step + 1] * targets[rows[:, step]]
    return total
