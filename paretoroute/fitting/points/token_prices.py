"""Token prices of one model from its logged cost and tokens.

Find prices ``x >= 0`` (input, output and, where logged, cached input) that minimise the sum over rows of
``|tokens . x / cost - 1|``: relative errors, so that cheap calls count like dear ones, and absolute ones, so that a few
calls that were billed otherwise (tools, another tier) do not bend the prices. Solved by least squares reweighted by
``1 / |error|`` (iteratively reweighted least squares; Holland and Welsch 1977, doi:10.1080/03610927708827533). Prices
hold only if they explain nearly all rows.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from paretoroute._arrays import Floats
from paretoroute.grid import TOKENS_PER_PRICE_UNIT, Price

TOLERANCE = 0.02  # the error within which a row counts as explained
SHARE = 0.95  # the share of rows that must be
MAX_ROWS = 20_000  # more rows do not change three numbers; all rows are checked
COLLINEAR = 1e-5  # smallest to largest singular value of the scaled columns
_STEPS = np.geomspace(1e-2, 1e-9, 30)  # errors below these weigh alike; shrinking, so that exact prices come out exact
_COLLINEAR = (
    "prompt and completion tokens always come in one proportion, so that only their joint price is known: give both "
    "with a price file to forecast tokens"
)
_UNEXPLAINED = (
    "cost is not explained by tokens x price (caching, tools or a changed price?): cost is forecast from logged cost"
)


def derive_price(
    cost_usd: Floats, prompt_tokens: Floats, completion_tokens: Floats, cached_prompt_tokens: Floats
) -> tuple[Price | None, str]:
    """Find the prices of one model, if its log determines them.

    Args:
        cost_usd: ``(runs,)``; NaN is unknown, here and below.
        prompt_tokens: ``(runs,)``.
        completion_tokens: ``(runs,)``.
        cached_prompt_tokens: ``(runs,)``.

    Returns:
        The price, or None; and why there is none, or what to know of it, or ``""``.
    """
    known = ~np.isnan(cost_usd + prompt_tokens + completion_tokens)
    caches = bool(np.nansum(cached_prompt_tokens[known]) > 0)
    if caches:
        known &= ~np.isnan(cached_prompt_tokens)
    cost, prompt, completion = cost_usd[known], prompt_tokens[known], completion_tokens[known]
    if not len(cost):
        return None, "no run has both cost and tokens of its own, so that no price can be derived"
    for column, side, word in ((prompt, "prompt", "input"), (completion, "completion", "output")):
        if not column.any():
            return None, f"{side} tokens are always 0, so that the {word} price cannot be derived"
    if not cost.any():
        return Price(0.0, 0.0, source="derived"), "its logged cost is always 0"
    cached = cached_prompt_tokens[known] if caches else np.zeros(len(cost))
    tokens = np.column_stack([prompt - cached, completion, cached][: 3 if caches else 2]) / TOKENS_PER_PRICE_UNIT
    found, collinear = _fit(tokens, cost)
    found[found * tokens.sum(axis=0) < 1e-9 * cost.sum()] = 0.0  # what rounding errors leave of a price of 0
    rounded = np.array([float(f"{price:.6g}") for price in found])
    prices = rounded if _explained(tokens, cost, rounded) >= SHARE else found
    if _explained(tokens, cost, prices) < SHARE:
        return None, _UNEXPLAINED
    if collinear:
        return None, _COLLINEAR
    return Price(float(prices[0]), float(prices[1]), float(prices[2]) if caches else None, "derived"), ""


def _explained(tokens: Floats, cost: Floats, prices: Floats) -> float:
    """Share of rows whose cost is met within the tolerance; a cost of 0 only by 0."""
    return float(np.mean(np.abs(tokens @ prices - cost) <= TOLERANCE * cost))


def _fit(tokens: Floats, cost: Floats) -> tuple[Floats, bool]:
    """Fit prices to tokens ``(runs, prices)``; also tell whether the log leaves their split open."""
    charged = np.flatnonzero(cost > 0)
    rows = charged[np.linspace(0, len(charged) - 1, min(len(charged), MAX_ROWS)).astype(np.int64)]
    design = tokens[rows] / cost[rows, None]
    scale = np.sqrt(np.sum(design**2, axis=0))
    scale[scale == 0] = 1.0
    alike = np.ones(len(rows))
    singular = np.linalg.svd(design / scale, compute_uv=False)
    if len(rows) < design.shape[1] or singular[-1] < COLLINEAR * singular[0]:
        smallest = np.linalg.lstsq(design, alike, rcond=COLLINEAR)[0].astype(np.float64)
        return (smallest if (smallest >= 0).all() else _nonnegative(design, alike)), True
    prices = _nonnegative(design, alike)
    for step in _STEPS:
        error = np.abs(design @ prices - 1.0)
        prices = _nonnegative(design, 1.0 / np.sqrt(np.maximum(error, step)))
    return prices, False


def _nonnegative(design: Floats, weight: Floats) -> Floats:
    """Minimise ``||weight (design x - 1)||`` over ``x >= 0`` (Lawson and Hanson, 1974).

    SciPy's solver takes the tall system as it is: with three columns, a QR step before it takes longer than it saves.
    """
    return nnls(design * weight[:, None], weight)[0]
