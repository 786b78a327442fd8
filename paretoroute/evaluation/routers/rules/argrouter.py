"""argrouter 0.1.0a2 (Apache-2.0, no paper): a logistic model of success blended with weighted nearest neighbours.

With z the unit embedding of the query, w_i proportional to max(0, cos(z, z_i))^4 over the k nearest logged queries,
and a share s of neighbours:

    p_a = (1 - s) sigmoid(w_a . z + b_a) + s sum_i w_i Q_ia,   c_a = sum_i w_i C_ia,   choose argmax_a p_a - lambda c_a
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import nearest, sigmoid, unit, weighted_mean

POWER = 4


@dataclass(frozen=True)
class Neighbours:
    """The nearest logged queries and their weights.

    Args:
        rows: ``(queries, k)``.
        weight: sums to 1 per query, ``(queries, k)``; 0 throughout where no neighbour has a positive cosine.
    """

    rows: Indices
    weight: Floats

    def mean(self, table: Floats) -> Floats:
        """Average a table of the logged queries ``(logged, points)`` over the neighbours: ``(queries, points)``.

        NaN is left out; a query without weight gets 0, as in the original: free, and never right.
        """
        return weighted_mean(table[self.rows], self.weight, empty=0.0)


def neighbours(logged: Floats, asked: Floats, k: int) -> Neighbours:
    """Weigh the k nearest logged queries of every asked one.

    Args:
        logged: unit embeddings, ``(logged, width)``.
        asked: embeddings of any length, ``(queries, width)``.
        k: at least 1; all logged queries if there are fewer.
    """
    cosine = unit(asked) @ logged.T
    rows = nearest(cosine, k)
    weight = np.maximum(np.take_along_axis(cosine, rows, 1), 0.0) ** POWER
    total = weight.sum(1, keepdims=True)
    return Neighbours(rows, np.divide(weight, total, out=np.zeros_like(weight), where=total > 0))


def success(asked: Floats, *, coefficients: Floats, intercepts: Floats) -> Floats:
    """Return the logistic model's probability of a right answer, ``(queries, points)``.

    Args:
        asked: embeddings of any length, ``(queries, width)``.
        coefficients: ``(points, width)``.
        intercepts: ``(points,)``.
    """
    return sigmoid(unit(asked) @ coefficients.T + intercepts)


def blend(modelled: Floats, averaged: Floats, share: float) -> Floats:
    """Mix modelled and averaged quality; ``share`` is that of the neighbours, in [0, 1]."""
    return (1 - share) * modelled + share * averaged


def choose(quality: Floats, cost_usd: Floats, lam: float) -> Indices:
    """Return argmax of quality - lambda x cost, the first of equals: ``(queries,)``; lambda is per USD."""
    return (quality - lam * cost_usd).argmax(1)
