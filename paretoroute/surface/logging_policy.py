"""The logging policy: the chance that each point was logged for a query, given its features and labels. NumPy only.

A log tells of a point only where it was called. Which queries got which point decides how far the log supports a
forecast there, and by which weight a logged run stands for queries like it. The chance is a mixture

    p(j | x) = a_1 model(j | x) + a_2 share_j + a_3 / points,

of a regularised logistic model, the point's share of the log, and the uniform distribution. The weights ``a`` are those
of the greatest likelihood out of fold. Routers that explore a share of their traffic are such a mixture themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Indices

LABEL_KINDS = ("tag", "tenant", "step")


@dataclass(frozen=True)
class LoggingPolicy:
    """The estimated chance that each point was logged for a query.

    Args:
        intercept: of the logits, ``(points,)``.
        feature_weights: ``(width, points)``.
        labels: kind and name of the labels that the model reads, such as ``("tag", "law")``, ``(labels,)``.
        label_weights: ``(labels, points)``.
        share: share of the log that each point has, ``(points,)``; where a query has runs at several points, the share
            of queries that have one there.
        mixture: weights of the model, of the shares and of the uniform distribution; they sum to 1, ``(3,)``.
        one_point_per_query: whether the chances of a query sum to 1; else every point has a chance of its own.
    """

    intercept: Floats
    feature_weights: Floats
    labels: tuple[tuple[str, str], ...]
    label_weights: Floats
    share: Floats
    mixture: Floats
    one_point_per_query: bool

    def probabilities(self, features: Floats, labels: Mapping[str, Sequence[str | None]] | None = None) -> Floats:
        """Return the chance of every point at some queries, in [0, 1].

        Args:
            features: as the surface's featurizer returns them, ``(queries, width)``.
            labels: by kind (``tag``, ``tenant``, ``step``), one per query or None; unknown labels count as none.

        Returns:
            ``(queries, points)``; 0 at points that were never logged.
        """
        queries = len(features)
        if not self.mixture[0]:
            return np.tile(self._context_free, (queries, 1))
        logits = self.intercept + features @ self.feature_weights
        for rows, places in label_places(self.labels, labels or {}, queries=queries):
            logits[rows] += self.label_weights[places]
        model = chances(logits, self.share, one_point_per_query=self.one_point_per_query)
        return self.mixture[0] * model + (1 - self.mixture[0]) * self._context_free

    @property
    def least_chance(self) -> float:
        """The chance from which on the log supports a point for a query, where the logger looked: 1 / (4 points)."""
        return 0.25 / max(int((self.share > 0).sum()), 1)

    @property
    def _context_free(self) -> Floats:
        """The part of the mixture that is the same for every query, scaled to the whole, ``(points,)``."""
        _, of_share, of_uniform = self.mixture
        if not of_share + of_uniform:
            return self.share
        even = uniform(self.share, one_point_per_query=self.one_point_per_query)
        return (of_share * self.share + of_uniform * even) / (of_share + of_uniform)


class LabelPlaces(NamedTuple):
    """Queries with a known label of one kind, and its position among the known labels, ``(labelled,)`` each."""

    rows: Indices
    places: Indices


def label_places(
    coded: Sequence[tuple[str, str]], labels: Mapping[str, Sequence[str | None]], *, queries: int
) -> list[LabelPlaces]:
    """Locate the labels of some queries, kind by kind, among the known ones.

    Raises:
        ValueError: there are more or fewer labels than queries.
    """
    located: list[LabelPlaces] = []
    for kind in LABEL_KINDS:
        position = {name: i for i, (of, name) in enumerate(coded) if of == kind}
        if position and kind in labels:
            codes = np.array([position.get(name or "", -1) for name in labels[kind]], np.intp)
            if len(codes) != queries:
                raise ValueError(f"labels of {kind}: {len(codes)} for {queries} queries; pass one per query")
            rows = np.flatnonzero(codes >= 0)
            located.append(LabelPlaces(rows, codes[rows]))
    return located


def chances(logits: Floats, share: Floats, *, one_point_per_query: bool) -> Floats:
    """Turn logits into chances, ``(queries, points)``; points without any run have none.

    A point that was logged for every query keeps its chance of 1.
    """
    if one_point_per_query:
        logits = np.where(share > 0, logits, -np.inf)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)
    return np.where((share > 0) & (share < 1), 1 / (1 + np.exp(-np.clip(logits, -500, 500))), share)


def uniform(share: Floats, *, one_point_per_query: bool) -> Floats:
    """Return the chances of a logger that prefers no point, with as many runs per query as the log has, ``(points,)``.

    Points without any run have no chance; where a query has runs at several points, those logged for every query keep
    their chance of 1.
    """
    if one_point_per_query:
        return (share > 0) / max(int((share > 0).sum()), 1)
    some = (share > 0) & (share < 1)
    return np.where(some, share[some].mean() if some.any() else 0.0, share)
