"""BEST-Route: Adaptive LLM Routing with Test-Time Optimal Compute (Ding et al., ICML 2025, arXiv:2506.22716).

An arm is a model and a number n of sampled answers, of which a proxy reward keeps one. With S_a its true rewards and
S_r those of a reference arm, its label is the share of pairs u in S_a, v in S_r with u >= v - t. One head per arm
forecasts P(match) and P(no match); the rule is

    the cheapest of {arms with P(match) - P(no match) >= tau} and the reference
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import softmax
from paretoroute.evaluation.routers.rules.hybrid_llm import cross_entropy


def best_of_n(true_reward: Floats, proxy_reward: Floats, draws: NDArray[np.integer], *, code: bool = False) -> Floats:
    """Return the true reward of the drawn answer with the best proxy reward, ``(repeats,)``.

    Args:
        true_reward: of the sampled answers, ``(samples,)``.
        proxy_reward: of the same answers, ``(samples,)``.
        draws: answers drawn in every repeat, with replacement, ``(repeats, n)``.
        code: take the first of *all* answers with the winning proxy reward, as the authors' code does; under ties that
            may be one that was not drawn. Else the first of the drawn ones.
    """
    best = draws[np.arange(len(draws)), proxy_reward[draws].argmax(1)]
    if code:
        best = np.array([int(np.argmax(proxy_reward == proxy_reward[b])) for b in best], dtype=np.intp)
    return true_reward[best]


def cost_usd(
    prompt_tokens: float, output_tokens: Floats, draws: NDArray[np.integer], *, usd_per_token: tuple[float, float]
) -> Floats:
    """Return the cost of every repeat: the prompt once, and the sum of all drawn answers, ``(repeats,)``.

    Args:
        prompt_tokens: of the query.
        output_tokens: of the sampled answers, ``(samples,)``.
        draws: ``(repeats, n)``.
        usd_per_token: of prompt and output.
    """
    return prompt_tokens * usd_per_token[0] + output_tokens[draws].sum(1) * usd_per_token[1]


def loss(head_logits: Floats, label: Floats) -> float:
    """Return the soft cross-entropy of the heads, averaged over queries and heads.

    Args:
        head_logits: of match and no match, ``(heads, queries, 2)``.
        label: ``(queries, heads)``.
    """
    return float(np.mean([cross_entropy(logits, y) for logits, y in zip(head_logits, label.T, strict=True)]))


def margins(head_logits: Floats) -> Floats:
    """Return P(match) - P(no match) of every arm, with a last column of 1 for the reference: ``(queries, arms)``.

    Args:
        head_logits: ``(heads, queries, 2)``; one head per arm other than the reference.
    """
    probability = softmax(head_logits)
    return np.column_stack([*(probability[..., 0] - probability[..., 1]), np.ones(head_logits.shape[1])])


def thresholds(margin: Floats, count: int = 21) -> Floats:
    """Space thresholds evenly from the least margin of any head to 1, as the authors' sweep does: ``(count,)``."""
    return np.linspace(margin.min(), 1.0, count)


def choose(margin: Floats, cost: Floats, tau: float) -> Indices:
    """Return the cheapest arm whose margin reaches tau, the first of equals: ``(queries,)``.

    The reference, whose margin is 1, is chosen whenever it is the cheapest of those that qualify, not only when no
    other arm does.

    Args:
        margin: ``(queries, arms)``, the reference's 1.
        cost: of each arm, ``(queries, arms)``. The authors evaluate with realised costs; use forecast ones.
        tau: in [-1, 1].
    """
    return np.where(margin >= tau, cost, np.inf).argmin(1)
