"""R2-Router: A New Paradigm for LLM Routing with Reasoning (Huang et al., ICML 2026, arXiv:2602.02823).

Every model has a forecast of quality at each of several output lengths. With lambda in [0, 1]:

    argmax_{m,b} (1 - lambda) q(x, m, b) - lambda cost(m, b)

where cost is that of the prompt and of b output tokens. The released code takes USD, so that lambda must be near 1
(default 0.99999), and rounds the score to 8 decimals before it takes the argmax (``decimals=8``), so that near
differences tie and the first pair wins. The paper interpolates q linearly between the lengths that were fitted.
"""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import softmax, unit

CODE_DECIMALS = 8
TOKENS_PER_WORD = 1.3


def choose(quality: Floats, cost_usd: Floats, lam: float, *, decimals: int | None = None) -> Indices:
    """Return argmax of (1 - lambda) quality - lambda cost, the first of equals: ``(queries,)``.

    Args:
        quality: in [0, 1], ``(queries, pairs)``.
        cost_usd: ``(queries, pairs)``.
        lam: in [0, 1].
        decimals: round the score to so many decimals first, as the released code does to 8; None: not at all.
    """
    score = scores(quality, cost_usd, lam)
    return (score if decimals is None else np.round(score, decimals)).argmax(1)


def scores(quality: Floats, cost_usd: Floats, lam: float) -> Floats:
    """Return (1 - lambda) quality - lambda cost, ``(queries, pairs)``; the authors call it risk."""
    return (1 - lam) * quality - lam * cost_usd


def token_cost_usd(prompt_tokens: Floats, output_tokens: Floats, usd_per_million: Floats) -> Floats:
    """Price prompt and output, ``(queries, pairs)``.

    Args:
        prompt_tokens: ``(queries,)``.
        output_tokens: the length asked for, or the forecast one without a limit, ``(queries, pairs)``.
        usd_per_million: of prompt and output tokens, ``(pairs, 2)``.
    """
    return (prompt_tokens[:, None] * usd_per_million[:, 0] + output_tokens * usd_per_million[:, 1]) / 1e6


def estimated_prompt_tokens(text: str) -> int:
    """Estimate prompt tokens as 1.3 times the number of words, at least 1, as the released code does."""
    return max(1, int(len(text.split()) * TOKENS_PER_WORD))


def interpolate(quality: Floats, lengths: Floats, asked: Floats) -> Floats:
    """Interpolate quality linearly between fitted output lengths, flat beyond them: ``(queries, asked)``.

    Args:
        quality: at the fitted lengths, ``(queries, lengths)``.
        lengths: rising, ``(lengths,)``.
        asked: lengths to forecast at, ``(asked,)``.
    """
    return np.stack([np.interp(asked, lengths, row) for row in quality])


def uniroute_features(embeddings: Floats, centres: Floats, *, sharpness: float = 10.0) -> Floats:
    """Assign queries softly to clusters as the R2-Router repository's UniRoute does, ``(queries, clusters)``.

    UniRoute itself (Jitkrittum et al., 2025, arXiv:2502.08773) takes the nearest cluster.
    """
    return softmax(sharpness * (unit(embeddings) @ unit(centres).T))


def uniroute_errors(features: Floats, cluster_error: Floats) -> Floats:
    """Return the forecast error of every model, ``(queries, models)``.

    Args:
        features: soft assignment, ``(queries, clusters)``.
        cluster_error: mean of 1 - quality, 0 for an empty cluster, ``(clusters, models)``.
    """
    return features @ cluster_error


def uniroute_choose(errors: Floats, model_cost: Floats, lam: float) -> Indices:
    """Return argmin of error + lambda cost, the first of equals: ``(queries,)``; cost is one number per model."""
    return (errors + lam * model_cost).argmin(1)
