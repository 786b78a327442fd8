"""RouterBench's k nearest neighbours with a willingness to pay (Hu et al., 2024, arXiv:2403.12031).

    argmax_a lambda * mean quality of the k neighbours - cost_a

lambda, in USD per unit of quality, is the willingness to pay. The authors' code takes the sum of the two unit token
prices for the cost, whatever the length of the query, and quality alone at lambda = 0 (``code=True``); the paper's
cost is that of the call.
"""

from __future__ import annotations

from paretoroute._arrays import Floats, Indices


def choose(quality: Floats, cost_usd: Floats, willingness: float, *, code: bool = False) -> Indices:
    """Return the choice at a willingness to pay, the first of equals: ``(queries,)``.

    Args:
        quality: mean over the neighbours, ``(queries, points)``.
        cost_usd: of the call, ``(queries, points)``; with ``code``, prompt price plus completion price per token,
            ``(points,)``.
        willingness: USD for one unit of quality, at least 0.
        code: at 0, choose by quality alone, as the authors' code does; else the cheapest point is chosen.
    """
    if code and willingness == 0:
        return quality.argmax(1)
    return (willingness * quality - cost_usd).argmax(1)
