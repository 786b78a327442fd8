"""Reference points of LLMRouterBench (2026, arXiv:2601.07206): the oracle, and the best model of each dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats


@dataclass(frozen=True)
class Reference:
    """Mean quality and summed cost of a reference on one dataset."""

    quality: float
    total_usd: float


def oracle(quality: Floats, cost_usd: Floats, *, code: bool = False) -> Reference:
    """Choose for every query the best outcome, the cheapest of equals.

    Args:
        quality: outcomes, NaN where nothing was logged, ``(queries, points)``.
        cost_usd: ``(queries, points)``.
        code: as the benchmark's code: every quality above 0 counts as 1, so that the cheapest such answer is taken.
    """
    worth = np.where(np.isnan(quality), -np.inf, (quality > 0).astype(float) if code else quality)
    best = worth.max(1)
    cost = np.where((worth == best[:, None]) & ~np.isnan(cost_usd), cost_usd, np.inf).min(1)
    return Reference(float(best.mean()), float(cost.sum()))


def best_point(quality: Floats, cost_usd: Floats) -> Reference:
    """Call the point of the best mean quality on every query, the first of equals (the benchmark's max expert)."""
    k = int(np.nanargmax(np.nanmean(quality, axis=0)))
    return Reference(float(np.nanmean(quality[:, k])), float(np.nansum(cost_usd[:, k])))
