"""Avengers-Pro (Zhang et al., DAI 2025, arXiv:2508.12631): ranked scores of clusters of queries.

In cluster j an arm has mean accuracy p_ja and mean cost c_ja. The paper's rule, with ~ the scaling to [0, 1] over arms:

    x_ja = alpha p~_ja + (1 - alpha)(1 - c~_ja),   choose argmax_a sum of x_ja over the nearest clusters

The authors' code scores w_p p~ + w_c (1 - c / max c), sets arms below an accuracy floor to 0, and chooses
argmax_a sum_j pi_j / rank_j(a), with pi = softmax(-beta (1 - u . centre_j)) over the nearest clusters. The centres of
unit vectors are not unit vectors, so 1 - u . centre is not a cosine distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.evaluation.routers.rules.arrays import min_max, nearest, softmax


@dataclass(frozen=True)
class ClusterMeans:
    """Mean accuracy and cost of every arm in every cluster, NaN without a record: ``(clusters, arms)`` each."""

    accuracy: Floats
    cost_usd: Floats

    def pareto_optimal(self, cluster: int) -> Indices:
        """Return the arms of a cluster that no arm beats in accuracy and cost at once, in their order."""
        accuracy, cost = self.accuracy[cluster], self.cost_usd[cluster]
        at_least = (accuracy[None] >= accuracy[:, None]) & (cost[None] <= cost[:, None])
        better = at_least & ((accuracy[None] > accuracy[:, None]) | (cost[None] < cost[:, None]))
        return np.flatnonzero(~better.any(1) & ~np.isnan(accuracy))


def cluster_means(member: NDArray[np.integer], quality: Floats, cost_usd: Floats, clusters: int) -> ClusterMeans:
    """Average over the queries of each cluster at which an arm was logged.

    Args:
        member: cluster of every query, ``(queries,)``.
        quality: NaN where nothing was logged, ``(queries, arms)``.
        cost_usd: ``(queries, arms)``. The mean is taken over the queries whose quality was logged and whose cost is
            not NaN; the authors' code counts a missing or negative cost as 0, so pass zeros to reproduce it.
        clusters: their number.
    """

    def means(table: Floats) -> Floats:
        logged = ~np.isnan(table) & ~np.isnan(quality)
        total, count = np.zeros((clusters, table.shape[1])), np.zeros((clusters, table.shape[1]))
        np.add.at(total, member, np.where(logged, table, 0.0))
        np.add.at(count, member, logged)
        return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)

    return ClusterMeans(means(quality), means(cost_usd))


def paper_scores(means: ClusterMeans, alpha: float) -> Floats:
    """Return x = alpha p~ + (1 - alpha)(1 - c~), ``(clusters, arms)``; 0 without a record."""
    scores = alpha * min_max(means.accuracy) + (1 - alpha) * (1 - _scaled(means.cost_usd))
    return np.nan_to_num(scores, nan=0.0)


def _scaled(cost_usd: Floats) -> Floats:
    low = np.fmin.reduce(cost_usd, axis=1, keepdims=True)
    span = np.fmax.reduce(cost_usd, axis=1, keepdims=True) - low
    return np.divide(cost_usd - low, span, out=np.zeros_like(cost_usd), where=span > 0)


def code_scores(
    means: ClusterMeans, performance_weight: float, cost_weight: float, *, accuracy_floor: float = 0.0
) -> Floats:
    """Return w_p p~ + w_c (1 - c / max c), ``(clusters, arms)``; 0 below the floor or without a record."""
    dearest = np.fmax.reduce(means.cost_usd, axis=1, keepdims=True)
    relative = np.divide(means.cost_usd, dearest, out=np.zeros_like(means.cost_usd), where=dearest > 0)
    scores = performance_weight * min_max(means.accuracy) + cost_weight * (1 - relative)
    return np.where(means.accuracy >= accuracy_floor, np.nan_to_num(scores, nan=0.0), 0.0)


def choose(units: Floats, centres: Floats, scores: Floats, *, top: int) -> Indices:
    """Apply the paper's rule: the greatest sum of scores over the nearest clusters, ``(queries,)``.

    Args:
        units: unit embeddings of the queries, ``(queries, width)``.
        centres: ``(clusters, width)``.
        scores: of :func:`paper_scores`, ``(clusters, arms)``.
        top: number of nearest clusters.
    """
    return scores[nearest(units @ centres.T, top)].sum(1).argmax(1)


def code_order(
    units: Floats, centres: Floats, scores: Floats, *, top: int, beta: float = 9.0, filled: Mask | None = None
) -> Indices:
    """Apply the code's rule: order the arms by weighted reciprocal ranks, best first: ``(queries, arms)``.

    Args:
        units: unit embeddings of the queries, ``(queries, width)``.
        centres: ``(clusters, width)``.
        scores: of :func:`code_scores`, ``(clusters, arms)``; equal scores keep the order of the arms.
        top: number of nearest clusters.
        beta: of the softmax over their distances.
        filled: clusters with a training query, ``(clusters,)``; None: all.
    """
    closeness = units @ centres.T
    if filled is not None:
        closeness = np.where(filled, closeness, -np.inf)
    clusters = nearest(closeness, top if filled is None else min(top, int(filled.sum())))
    weight = softmax(-beta * (1 - np.take_along_axis(closeness, clusters, 1)))
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    total = np.einsum("qk,qka->qa", weight, 1 / (rank[clusters] + 1))
    return np.argsort(-total, axis=1, kind="stable")


def assign(units: Floats, centres: Floats) -> Indices:
    """Return the cluster of least squared distance to every unit vector, the first of equals: ``(queries,)``."""
    return ((units[:, None] - centres) ** 2).sum(2).argmin(1)
