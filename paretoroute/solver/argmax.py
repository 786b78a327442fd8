"""The decision rule: the point with the highest priced score, and which points are tied with it.

At a price p (quality per USD) a query takes the point with the highest score q - p c. Scores within a relative 1e-12
of the best are tied: ``low`` is the cheapest of the tied points and ``high`` the costliest; the better quality breaks
equal cost, then the lowest column. At price 0 cost does not count, but equal quality still goes to the cheaper point,
so ``high`` equals ``low``.

Solver and planner both call this module, so that a policy makes the choices that the solver counted on. The row and
the batch version evaluate the same expressions in the same order and agree bit for bit. Passes over many queries that
need no ties use :mod:`paretoroute.solver.block_argmax`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask

if TYPE_CHECKING:
    from paretoroute.forecast import Tables

TIE = 1e-12


@dataclass(frozen=True)
class Weights:
    """Weights of the figures in the score of a point: quality x q - cost x c - latency x l - points_j.

    Args:
        quality: per unit of quality, not negative.
        cost: per USD, not negative.
        latency: per second, not negative.
        points: constant of each point, ``(points,)``, or None.
    """

    quality: float
    cost: float
    latency: float = 0.0
    points: Floats | None = None


def choose(quality: Floats, cost_usd: Floats, price: float, callable: Mask | None = None) -> tuple[Indices, Indices]:
    """Choose the cheapest and the costliest of the tied best points of every query.

    The score of point j is s_j = q_j - price c_j; with b the best, j is tied when
    s_b - s_j <= 1e-12 (|s_b| + price max(c_j, c_b)). Both points of a tie count in its scale: next to a free point of
    quality 0 only the other one shows how large the rounding error is.

    Args:
        quality: ``(queries, points)``, float64.
        cost_usd: ``(queries, points)`` or ``(points,)``, float64, not negative.
        price: quality per USD, finite and not negative.
        callable: ``(queries, points)`` or ``(points,)``; None: all. Every query needs one callable point.

    Returns:
        ``low`` and ``high``, columns of shape ``(queries,)``, equal where nothing is tied.

    Example:
        >>> low, high = choose(np.array([[0.5, 0.75, 0.9]]), np.array([1.0, 2.0, 4.0]), 0.25)
        >>> int(low[0]), int(high[0])
        (0, 1)
    """
    low, high = _choose_priced(_Priced(quality, price * cost_usd), quality, cost_usd, callable)
    return (low, low.copy()) if price == 0 else (low, high)


def choose_weighted(tables: Tables, weights: Weights) -> Indices:
    """Choose the point with the highest weighted score, the cheapest of those within a relative 1e-12 of it.

    With weights of 1 for quality and a price for cost this is ``low`` of :func:`choose`, bit for bit.

    Args:
        tables: in float64; costs are not negative, and every query has a callable point. Latency is read only where
            its weight is not 0.
        weights: of the figures.

    Returns:
        Columns, ``(queries,)``.
    """
    quality, cost_usd = tables.quality, tables.cost_usd
    return _choose_priced(_priced(quality, cost_usd, tables.latency_s, weights), quality, cost_usd, tables.callable)[0]


def choose_row(quality: Floats, cost_usd: Floats, price: float, callable: Mask | None = None) -> tuple[int, int]:
    """Choose ``low`` and ``high`` for one query: :func:`choose` without the overhead of a batch.

    Args:
        quality: ``(points,)``, float64.
        cost_usd: ``(points,)``, float64, not negative.
        price: quality per USD, finite and not negative.
        callable: ``(points,)``; None: all. At least one is.
    """
    priced_cost = price * cost_usd
    scores = quality - priced_cost
    if callable is not None and not callable.all():
        scores[~callable] = -np.inf
    best = int(scores.argmax())
    least = scores[best] - TIE * (abs(scores[best]) + priced_cost.max())
    if np.count_nonzero(scores >= least) == 1:  # no other is so near that the tie's own scale has to be computed
        return best, best
    tied = _tied(scores[best], scores, priced_cost[best], priced_cost)
    if np.count_nonzero(tied) == 1:
        return best, best
    low, high = map(int, _cheapest_and_costliest(quality, cost_usd, tied))
    return (low, low) if price == 0 else (low, high)


def cheapest(quality: Floats, cost_usd: Floats, callable: Mask | None = None) -> Indices:
    """Choose every query's cheapest point, the better of equally cheap ones: the limit of an unbounded price.

    Args:
        quality: ``(queries, points)``.
        cost_usd: ``(queries, points)`` or ``(points,)``.
        callable: ``(queries, points)`` or ``(points,)``; None: all.
    """
    cost = np.broadcast_to(cost_usd, quality.shape)
    if callable is not None:
        cost = np.where(callable, cost, np.inf)
    return np.where(cost == cost.min(axis=1, keepdims=True), quality, -np.inf).argmax(axis=1)


def scored(quality: Floats, cost_usd: Floats, latency_s: Floats | None, weights: Weights) -> Floats:
    """Compute the weighted scores; arrays are ``(queries, points)`` or ``(points,)``."""
    priced = _priced(quality, cost_usd, latency_s, weights)
    return priced.gain - priced.cost


@dataclass(frozen=True)
class _Priced:
    """Scores in two parts, gain - cost; rounding errors are relative to either, not to their difference."""

    gain: Floats
    cost: Floats


def _priced(quality: Floats, cost_usd: Floats, latency_s: Floats | None, weights: Weights) -> _Priced:
    gain = quality if weights.quality == 1 else weights.quality * quality
    cost = weights.cost * cost_usd
    if weights.latency and latency_s is not None:
        cost = cost + weights.latency * latency_s
    return _Priced(gain, cost if weights.points is None else cost + weights.points)


def _choose_priced(
    priced: _Priced, quality: Floats, cost_usd: Floats, callable: Mask | None
) -> tuple[Indices, Indices]:
    """Choose the cheapest and the costliest of the tied best points at given scores."""
    rows = np.arange(len(quality), dtype=np.intp)
    cost = np.broadcast_to(priced.cost, quality.shape)
    scores = priced.gain - cost
    if callable is not None and not callable.all():
        scores[~np.broadcast_to(callable, quality.shape)] = -np.inf
    low = scores.argmax(axis=1)
    high = low.copy()
    best = scores[rows, low]
    scores[rows, low] = -np.inf
    # Almost no row has a second point so near that the tie's own scale has to be computed.
    near = best - TIE * (np.abs(best) + np.max(priced.cost, initial=0.0))
    several = np.flatnonzero(scores[rows, scores.argmax(axis=1)] >= near)
    if several.size:
        scores[several, low[several]] = best[several]
        tied = _tied(best[several, None], scores[several], cost[several, low[several]][:, None], cost[several])
        usd = np.broadcast_to(cost_usd, quality.shape)[several]
        low[several], high[several] = _cheapest_and_costliest(quality[several], usd, tied)
    return low, high


def _tied(best: Any, scores: Floats, cost_of_best: Any, cost: Floats) -> Mask:
    """Return whether each score is tied with the best of its query, at the scale of their priced costs."""
    return best - scores <= TIE * (abs(best) + np.maximum(cost, cost_of_best))


def _cheapest_and_costliest(quality: Floats, cost: Floats, tied: Mask) -> tuple[Indices, Indices]:
    """Choose the cheapest and the costliest tied point, the better quality first, then the lowest column."""
    least = np.where(tied, cost, np.inf).min(axis=-1, keepdims=True)
    most = np.where(tied, cost, -np.inf).max(axis=-1, keepdims=True)
    low = np.where(tied & (cost == least), quality, -np.inf).argmax(axis=-1)
    high = np.where(tied & (cost == most), quality, -np.inf).argmax(axis=-1)
    return low, high
