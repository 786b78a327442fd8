"""The decision rule: which point wins at a price, and what counts as a tie.

At a price p (quality per USD) a query takes the point with the highest score q - p c. Scores within a relative 1e-12
of the best are tied: ``low`` is the cheapest of the tied points and ``high`` the costliest; the better quality breaks
equal cost, then the lowest column. At price 0 money is no object, and equal quality still goes to the cheaper point,
so ``high`` equals ``low``.

Solver and planner both use this file, so that a policy does what the solver counted on. The row and the batch
version evaluate the same expressions in the same order and agree bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask

TIE = 1e-12


def choose(quality: Floats, cost_usd: Floats, price: float, callable: Mask | None = None) -> tuple[Indices, Indices]:
    """Find the cheapest and the costliest of the tied best points of every query.

    The score of point j is s_j = q_j - price c_j; with b the best, j is tied when
    s_b - s_j <= 1e-12 (|s_b| + price max(c_j, c_b)). Both sides of a tie count in its scale: next to a free point of
    quality 0 only the other one tells how large the rounding error is.

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
    rows = np.arange(quality.shape[0])
    toll = np.broadcast_to(price * cost_usd, quality.shape)
    scores = quality - toll
    if callable is not None:
        scores[~np.broadcast_to(callable, quality.shape)] = -np.inf
    low = scores.argmax(axis=1)
    best = scores[rows, low][:, None]
    tied = best - scores <= TIE * (np.abs(best) + np.maximum(toll, toll[rows, low][:, None]))
    high = low.copy()
    several = np.flatnonzero(tied.sum(axis=1) > 1)
    if several.size:
        cost = np.broadcast_to(cost_usd, quality.shape)[several]
        low[several], high[several] = _sides(quality[several], cost, tied[several])
    return (low, low.copy()) if price == 0 else (low, high)


def _sides(quality: Floats, cost: Floats, tied: Mask) -> tuple[Indices, Indices]:
    """Pick the cheapest and the costliest tied point, the better quality first, then the lowest column."""
    least = np.where(tied, cost, np.inf).min(axis=-1, keepdims=True)
    most = np.where(tied, cost, -np.inf).max(axis=-1, keepdims=True)
    low = np.where(tied & (cost == least), quality, -np.inf).argmax(axis=-1)
    high = np.where(tied & (cost == most), quality, -np.inf).argmax(axis=-1)
    return low, high


def choose_row(quality: Floats, cost_usd: Floats, price: float, callable: Mask | None = None) -> tuple[int, int]:
    """Find ``low`` and ``high`` for one query: :func:`choose` without the overhead of a batch.

    Args:
        quality: ``(points,)``, float64.
        cost_usd: ``(points,)``, float64, not negative.
        price: quality per USD, finite and not negative.
        callable: ``(points,)``; None: all. At least one is.
    """
    toll = price * cost_usd
    scores = quality - toll
    if callable is not None:
        scores[~callable] = -np.inf
    low = int(scores.argmax())
    best = scores[low]
    tied = best - scores <= TIE * (abs(best) + np.maximum(toll, toll[low]))
    if np.count_nonzero(tied) == 1:
        return low, low
    sides = _sides(quality, cost_usd, tied)
    return (int(sides[0]), int(sides[0])) if price == 0 else (int(sides[0]), int(sides[1]))


def cheapest(quality: Floats, cost_usd: Floats, callable: Mask | None = None) -> Indices:
    """Find every query's cheapest point (the better of equally cheap ones): the choice at an unbounded price.

    Args:
        quality: ``(queries, points)``.
        cost_usd: ``(queries, points)`` or ``(points,)``.
        callable: ``(queries, points)`` or ``(points,)``; None: all.
    """
    cost = np.broadcast_to(cost_usd, quality.shape)
    if callable is not None:
        cost = np.where(callable, cost, np.inf)
    return np.where(cost == cost.min(axis=1, keepdims=True), quality, -np.inf).argmax(axis=1)


@dataclass(frozen=True)
class Weights:
    """What a unit of each figure counts in the score of a point: quality x q - cost x c - latency x l - points_j.

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


def choose_weighted(
    quality: Floats, cost_usd: Floats, latency_s: Floats | None, weights: Weights, callable: Mask | None = None
) -> Indices:
    """Find the point with the highest weighted score, the cheapest of those within a relative 1e-12 of it.

    With weights of 1 for quality and a price for cost this is ``low`` of :func:`choose`, bit for bit.

    Args:
        quality: ``(queries, points)``, float64.
        cost_usd: ``(queries, points)`` or ``(points,)``, float64, not negative.
        latency_s: ``(queries, points)`` or ``(points,)``; read only where its weight is not 0.
        weights: of the figures.
        callable: ``(queries, points)`` or ``(points,)``; None: all. Every query needs one callable point.

    Returns:
        Columns, ``(queries,)``.
    """
    rows = np.arange(quality.shape[0])
    gain, toll = _gain_and_toll(quality, cost_usd, latency_s, weights)
    toll = np.broadcast_to(toll, quality.shape)
    scores = gain - toll
    if callable is not None:
        scores[~np.broadcast_to(callable, quality.shape)] = -np.inf
    low = scores.argmax(axis=1)
    best = scores[rows, low]
    scores[rows, low] = -np.inf
    # Almost no row has a second point so near that the tie's own scale has to be looked at.
    near = best - TIE * (np.abs(best) + max(float(np.max(toll)), 0.0))
    several = np.flatnonzero(scores[rows, scores.argmax(axis=1)] >= near)
    if several.size:
        scores[several, low[several]] = best[several]
        some, own = toll[several], best[several][:, None]
        most = np.maximum(some, some[np.arange(several.size), low[several]][:, None])
        tied = own - scores[several] <= TIE * (np.abs(own) + most)
        low[several], _ = _sides(quality[several], np.broadcast_to(cost_usd, quality.shape)[several], tied)
    return low


def scored(quality: Floats, cost_usd: Floats, latency_s: Floats | None, weights: Weights) -> Floats:
    """Give the weighted scores; shapes as in :func:`choose_weighted`, or ``(points,)`` each."""
    gain, toll = _gain_and_toll(quality, cost_usd, latency_s, weights)
    return gain - toll


def _gain_and_toll(
    quality: Floats, cost_usd: Floats, latency_s: Floats | None, weights: Weights
) -> tuple[Floats, Floats]:
    gain = quality if weights.quality == 1 else weights.quality * quality
    toll = weights.cost * cost_usd
    if weights.latency and latency_s is not None:
        toll = toll + weights.latency * latency_s
    return gain, toll if weights.points is None else toll + weights.points
