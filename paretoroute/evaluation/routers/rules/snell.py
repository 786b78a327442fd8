"""Compute-optimal test-time scaling (Snell et al., 2024, arXiv:2408.03314): the best strategy per bin of difficulty.

Queries are cut into quantile bins of a model's success (5 in the paper): its pass rate, or a forecast of it. Within a
bin, the strategy theta and its compute N that answer best on training queries are used on new ones:

    theta*(N) = argmax_theta E 1[answer is right],   per bin

For a cap per call the best strategy under the cap is taken; for a mean cost, one price lambda for all bins,
argmax of quality - lambda cost (the Lagrangian of the multiple-choice knapsack over bins).
"""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import mean_logged

BINS = 5


def bin_edges(success: Floats, bins: int = BINS) -> Floats:
    """Return the inner quantiles that cut training queries into bins of equal size, ``(bins - 1,)``.

    Args:
        success: pass rate or its forecast, ``(queries,)``.
        bins: their number.
    """
    return np.quantile(success, np.arange(1, bins) / bins)


def bin_of(success: Floats, edges: Floats) -> Indices:
    """Return the bin of each query, 0 the hardest; a value on an edge belongs to the easier bin: ``(queries,)``."""
    return np.searchsorted(edges, success, side="right")


def bin_means(table: Floats, member: Indices, bins: int) -> Floats:
    """Average over the queries of every bin, leaving out NaN: ``(bins, points)``.

    A point that was not logged in a bin, or a bin without a query, has the mean over all queries.
    """
    overall = mean_logged(table)
    means = np.stack([mean_logged(table[member == k]) for k in range(bins)])
    return np.where(np.isnan(means), overall, means)


def best_under_cap(quality: Floats, cost: Floats, cap: float) -> Indices:
    """Return every bin's best point whose mean cost is within a cap, the cheapest of equals: ``(bins,)``.

    Where no point is within it, the cheapest is returned.

    Args:
        quality: mean per bin, ``(bins, points)``.
        cost: mean per bin, ``(bins, points)``.
        cap: greatest mean cost in any bin.
    """
    allowed = np.where(cost <= cap, quality, -np.inf)
    best = allowed == allowed.max(1, keepdims=True)
    return np.where(best, cost, np.inf).argmin(1)


def best_at_price(quality: Floats, cost: Floats, lam: float) -> Indices:
    """Return every bin's point of greatest quality - lambda cost, the cheapest of equals: ``(bins,)``."""
    score = quality - lam * cost
    best = score >= score.max(1, keepdims=True) - 1e-12
    return np.where(best, cost, np.inf).argmin(1)


def inference_multiplier(size_ratio: float, *, inference_per_pretraining: float) -> float:
    """Return how much more inference a smaller model may spend at equal total FLOPs, M + 3 (D_pre / D_inf)(M - 1).

    Args:
        size_ratio: M, the larger model's parameters over the smaller one's.
        inference_per_pretraining: D_inf / D_pre, tokens of inference over tokens of pretraining.
    """
    return size_ratio + 3 / inference_per_pretraining * (size_ratio - 1)
