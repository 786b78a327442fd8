"""RouterArena's score (Lu et al., 2025, arXiv:2510.00202): a weighted harmonic mean of accuracy and cheapness.

With c the cost in USD per 1,000 queries and A the accuracy,

    K = (log2 200 - log2 c) / (log2 200 - log2 0.0044),   S = (1 + beta) A K / (beta A + K),   beta = 0.1
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats

MOST_USD = 200.0
LEAST_USD = 0.0044
BETA = 0.1


def score(accuracy: float, usd_per_1k: float, *, beta: float = BETA, clamp: bool = False) -> float:
    """Return S; 0 where accuracy and cheapness are both 0.

    Args:
        accuracy: in [0, 1].
        usd_per_1k: cost of 1,000 queries, above 0.
        beta: weight of cheapness.
        clamp: keep the cost within [0.0044, 200], as one of the benchmark's two scripts does; without, S
            above 200 means nothing: its sign depends on that of beta A + K.
    """
    cost = float(np.clip(usd_per_1k, LEAST_USD, MOST_USD)) if clamp else usd_per_1k
    cheapness = (np.log2(MOST_USD) - np.log2(cost)) / (np.log2(MOST_USD) - np.log2(LEAST_USD))
    total = beta * accuracy + cheapness
    return float((1 + beta) * accuracy * cheapness / total) if total else 0.0


@dataclass(frozen=True)
class FileScore:
    """A router's file of answers.

    Args:
        queries: their number.
        accuracy: mean over the queries with one.
        total_usd: sum of the positive costs.
        score: S at the mean cost.
    """

    queries: int
    accuracy: float
    total_usd: float
    score: float

    @property
    def usd_per_query(self) -> float:
        """Total cost over all queries, also those without a cost, as the benchmark divides it."""
        return self.total_usd / self.queries


def of_file(accuracy: Floats, cost_usd: Floats) -> FileScore:
    """Score answers, with the benchmark's treatment of gaps.

    A missing accuracy is left out of the mean. A missing, zero or negative cost is left out of the sum, but its query
    counts in the average, which makes the router look cheaper than it is.

    Args:
        accuracy: NaN where missing, ``(queries,)``.
        cost_usd: NaN where missing, ``(queries,)``.
    """
    total = float(cost_usd[cost_usd > 0].sum())
    mean = float(np.nanmean(accuracy))
    return FileScore(len(accuracy), mean, total, score(mean, 1000 * total / len(accuracy)))
