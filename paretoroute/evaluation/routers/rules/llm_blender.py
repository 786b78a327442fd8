"""LLM-Blender: Ensembling LLMs with Pairwise Ranking and Generative Fusion (Jiang et al., ACL 2023, arXiv:2306.02561).

All models answer; a cross-encoder compares their answers in pairs. ``logits[i, j]`` is f_i - f_j as the network rates
the pair in the order (i, j). Three aggregations rank the candidates:

- max logits: s_i = sum_j (S_ij - S_ji)
- max wins: s_i = #{j: S_ij > 0} + #{j: S_ji < 0}
- bubble: one pass that keeps the better of two, n - 1 comparisons in both orders, ties to the later candidate
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.evaluation.routers.rules.arrays import log_sigmoid


def max_logits(logits: Floats) -> Floats:
    """Return sum_j (S_ij - S_ji) of every candidate, ``(queries, candidates)``.

    Args:
        logits: ``(queries, candidates, candidates)``; its diagonal does not count.
    """
    return (logits - logits.transpose(0, 2, 1)).sum(2)


def max_wins(logits: Floats) -> Floats:
    """Return the number of comparisons that every candidate wins, in both orders: ``(queries, candidates)``."""
    return (logits > 0).sum(2).astype(float) + (logits < 0).sum(1)


def code_scores(logits: Floats, method: str) -> Floats:
    """Return the scores that the authors' ``get_scores_from_cmps`` gives, ``(queries, candidates)``.

    "max_logits" is the mean over all candidates of S_ij - S_ji; "max_wins" adds the sum of wins in rows to the mean of
    wins in columns, so it is not the count that the ranks use.
    """
    if method == "max_logits":
        return max_logits(logits) / logits.shape[1]
    return (logits > 0).sum(2) + (logits < 0).mean(1)


def ranks(scores: Floats, *, tolerance: float = 1e-9) -> NDArray[np.int64]:
    """Return ranks from 1, best first; equal scores share the better rank: ``(queries, candidates)``.

    Args:
        scores: higher is better, ``(queries, candidates)``.
        tolerance: scores that differ by no more are equal, so that rounding cannot part them.
    """
    return 1 + (scores[:, None, :] > scores[:, :, None] + tolerance).sum(2)


def best_of_all(logits: Floats) -> Indices:
    """Return the candidate with the greatest mean over its row minus mean over its column: ``(queries,)``."""
    return (logits.mean(2) - logits.mean(1)).argmax(1)


@dataclass(frozen=True)
class BubblePass:
    """One pass over the candidates of one query.

    Args:
        best: the last survivor.
        worst: the survivor of the same pass for the worst candidate.
        comparisons: each step's current candidate, next candidate and the better of the two.
    """

    best: int
    worst: int
    comparisons: tuple[tuple[int, int, int], ...]


def bubble(logits: Floats, start: Sequence[int]) -> BubblePass:
    """Run the bubble pass on one query.

    Args:
        logits: ``(candidates, candidates)``.
        start: order of the candidates; the authors draw it at random.
    """
    steps = []
    best = worst = start[0]
    for candidate in start[1:]:
        better = candidate if logits[best, candidate] - logits[candidate, best] <= 0 else best
        steps.append((best, candidate, better))
        best = better
        if logits[worst, candidate] - logits[candidate, worst] > 0:
            worst = candidate
    return BubblePass(best, worst, tuple(steps))


def pair_loss(f_left: Floats, f_right: Floats, quality_left: Floats, quality_right: Floats) -> float:
    """Return the mean of -log sigmoid(sign(q_l - q_r)(f_l - f_r)), PairRanker's loss; equal quality counts log 2."""
    return float(-log_sigmoid(np.sign(quality_left - quality_right) * (f_left - f_right)).mean())


def code_pair_loss(
    f_left: Floats, f_right: Floats, quality_left: Floats, quality_right: Floats, *, method: str
) -> float:
    """Return one of the two other losses of the authors' code, which their training script does not use.

    - "BCE": logistic loss of f_l against 1[q_l > q_r] and of f_r against 1[q_r > q_l], halved
    - "MSE": squared error of both against their qualities, minus 2 (f_l - f_r)(q_l - q_r)
    """
    if method == "BCE":
        left = _logistic_loss(f_left, quality_left > quality_right)
        return float((left + _logistic_loss(f_right, quality_right > quality_left)).mean() / 2)
    squares = (f_left - quality_left) ** 2 + (f_right - quality_right) ** 2
    return float((squares - 2 * (f_left - f_right) * (quality_left - quality_right)).mean())


def _logistic_loss(score: Floats, is_better: Mask) -> Floats:
    return -np.where(is_better, log_sigmoid(score), log_sigmoid(-score))
