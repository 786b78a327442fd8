"""Hybrid LLM: Cost-Efficient and Quality-Aware Query Routing (Ding et al., ICLR 2024, arXiv:2404.14618).

A query goes to the small of two models if p(x) >= tau, where p is fitted to a label y in [0, 1]:

- det: y = 1[q(S) >= q(L)], from one answer each
- prob: y = P(q(S) >= q(L)), over all pairs of sampled answers
- trans: y(t) = P(q(S) >= q(L) - t), at the t* that makes labels differ most: argmax_t mean_ij |y_i(t) - y_j(t)|

tau is the threshold of largest cost advantage whose loss of quality stays within a bound on calibration queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.rules.arrays import log_softmax


def match_probability(small: Floats, large: Floats, t: float = 0.0) -> Floats:
    """Return the share of pairs of answers with q(S) >= q(L) - t, ``(queries,)``.

    Args:
        small: quality of sampled answers, NaN where fewer were sampled, ``(queries, samples)``.
        large: likewise, with samples of its own number.
        t: by how much the small model's answer may be worse.
    """
    pairs = ~(np.isnan(small)[:, :, None] | np.isnan(large)[:, None, :])
    wins = (small[:, :, None] >= large[:, None, :] - t) & pairs
    count = pairs.sum((1, 2))
    return np.divide(wins.sum((1, 2)), count, out=np.full(len(small), np.nan), where=count > 0)


def deterministic_label(small: Floats, large: Floats, t: float = 0.0) -> Floats:
    """Return 1 where the small model's first answer is at least as good as the large one's first - t, ``(queries,)``.

    The paper has t = 0; the authors' code shifts this label too.
    """
    return match_probability(small[:, :1], large[:, :1], t)


def spread_of_labels(labels: Floats) -> float:
    """Return the mean of |y_i - y_j| over all ordered pairs of queries, the objective of t*.

    NaN is left out. Sorting gives the sum in O(N log N): sum_ij |y_i - y_j| = 2 sum_i (2i - N + 1) y_(i).
    """
    y = np.sort(labels[~np.isnan(labels)])
    n = len(y)
    if not n:
        return 0.0
    return float(2 * ((2 * np.arange(n) - n + 1) * y).sum() / n**2)


def best_t(small: Floats, large: Floats, grid: Floats) -> float:
    """Return the t of a grid whose labels differ most, the first of equals."""
    spreads = [spread_of_labels(match_probability(small, large, float(t))) for t in grid]
    return float(grid[int(np.argmax(spreads))])


def cross_entropy(logits: Floats, label: Floats) -> float:
    """Return the mean of -(y log p + (1 - y) log(1 - p)), with p the softmax over two classes.

    Args:
        logits: of the small and of the large model, ``(queries, 2)``.
        label: y, ``(queries,)``.
    """
    logs = log_softmax(logits)
    return float(-(label * logs[:, 0] + (1 - label) * logs[:, 1]).mean())


def takes_small(match: Floats, tau: float) -> Mask:
    """Return the queries that go to the small model: p(x) >= tau, ``(queries,)``."""
    return match >= tau


@dataclass(frozen=True)
class Threshold:
    """A calibrated threshold.

    Args:
        tau: queries with p(x) >= tau go to the small model; infinity sends none.
        cost_advantage: share of the calibration queries that the small model takes.
        loss: (quality of the large model - quality of the mix) / quality of the large model, on the same queries.
    """

    tau: float
    cost_advantage: float
    loss: float


def calibrate(match: Floats, small: Floats, large: Floats, *, most_loss: float = 0.01) -> Threshold:
    """Return the threshold of largest cost advantage whose relative loss of quality is within a bound.

    Every distinct p(x) is tried, so the search is exact on the calibration queries.

    Args:
        match: p(x), ``(queries,)``.
        small: quality of the small model, ``(queries,)``.
        large: quality of the large model, ``(queries,)``.
        most_loss: greatest relative loss; the paper calibrates at 1%.
    """
    order = np.argsort(-match, kind="stable")
    drop = np.cumsum((large - small)[order]) / (len(match) * large.mean() if large.mean() != 0 else 1.0)
    last = np.append(np.diff(match[order]) != 0, True)  # queries of equal p move together
    allowed = np.flatnonzero(last & (drop <= most_loss + 1e-12))
    if not len(allowed):
        return Threshold(np.inf, 0.0, 0.0)
    k = int(allowed[-1])
    return Threshold(float(match[order][k]), (k + 1) / len(match), float(drop[k]))
