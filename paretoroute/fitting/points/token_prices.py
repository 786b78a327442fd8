"""Token prices of one model from its logged cost and tokens.

Minimise over prices ``x >= 0`` (input, output and, where logged, cached input and cache writes) the sum over rows of
``|tokens . x / cost - 1|``: relative errors, so that cheap calls count as much as expensive ones, and absolute ones, so
that a few calls that were billed differently (tools, another tier) do not bias the prices. Solved by iteratively
reweighted least squares with weights ``1 / |error|`` (Holland and Welsch 1977, doi:10.1080/03610927708827533). Prices
are accepted only if they explain nearly all rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from paretoroute._arrays import Floats
from paretoroute.price import TOKENS_PER_PRICE_UNIT, Price

ROW_TOLERANCE = 0.02  # the error within which a row counts as explained
SHARE = 0.95  # the share of rows that must be
MAX_ROWS = 20_000  # more rows do not change three numbers; all rows are checked
COLLINEAR = 1e-5  # smallest to largest singular value of the scaled columns
_STEPS = np.geomspace(1e-2, 1e-9, 30)  # errors below these weigh alike; shrinking, so that exact prices come out exact
_COLLINEAR = (
    "prompt and completion tokens always come in one proportion, so that only their joint price is known: give both "
    "with a price file to forecast tokens"
)
_DEAR_CACHE = "its cost would make a prompt token from a cache dearer than a fresh one: no price fits all its runs"
_SAME = 1e-3  # a cached price above the input price by no more than this share is the input price
_UNEXPLAINED = (
    "cost is not explained by tokens x price (caching, tools or a changed price?): cost is forecast from logged cost"
)


@dataclass(frozen=True, slots=True)
class DerivedPrice:
    """The price of one model as its log determines it.

    Args:
        price: None where the log does not determine it.
        note: why there is no price, or a caveat about it; may be empty.
    """

    price: Price | None
    note: str = ""


def derive_price(
    cost_usd: Floats, prompt_tokens: Floats, completion_tokens: Floats, *, cached: Floats, written: Floats
) -> DerivedPrice:
    """Derive the prices of one model, if its log determines them.

    Args:
        cost_usd: ``(runs,)``; NaN is unknown, here and below.
        prompt_tokens: ``(runs,)``.
        completion_tokens: ``(runs,)``.
        cached: of the prompt tokens, those read from a cache, ``(runs,)``.
        written: of the prompt tokens, those written to a cache, ``(runs,)``.
    """
    complete = ~np.isnan(cost_usd + prompt_tokens + completion_tokens)
    parts = {name: part for name, part in (("cached", cached), ("written", written)) if np.nansum(part[complete]) > 0}
    for part in parts.values():
        complete &= ~np.isnan(part)
    cost, prompt, completion = cost_usd[complete], prompt_tokens[complete], completion_tokens[complete]
    if not len(cost):
        return DerivedPrice(None, "no run has both cost and tokens of its own, so that no price can be derived")
    for column, side, word in ((prompt, "prompt", "input"), (completion, "completion", "output")):
        if not column.any():
            return DerivedPrice(None, f"{side} tokens are always 0, so that the {word} price cannot be derived")
    if not cost.any():
        return DerivedPrice(Price(0.0, 0.0, source="derived"), "its logged cost is always 0")
    of_cache = {name: part[complete] for name, part in parts.items()}
    fresh = prompt - sum(of_cache.values())
    tokens = np.column_stack([fresh, completion, *of_cache.values()]) / TOKENS_PER_PRICE_UNIT
    return _priced(tokens, cost, tuple(of_cache))


def _priced(tokens: Floats, cost: Floats, of_cache: tuple[str, ...]) -> DerivedPrice:
    """Derive the prices of the columns of ``tokens``, in millions: fresh input, output and parts of a cache."""
    fitted, collinear = _fit(tokens, cost)
    fitted[fitted * tokens.sum(axis=0) < 1e-9 * cost.sum()] = 0.0  # rounding errors in place of a price of 0
    rounded = np.array([float(f"{price:.6g}") for price in fitted])
    prices = rounded if _explained(tokens, cost, rounded) >= SHARE else fitted
    if _explained(tokens, cost, prices) < SHARE:
        return DerivedPrice(None, _UNEXPLAINED)
    if collinear:
        return DerivedPrice(None, _COLLINEAR)
    fresh, output, *rest = map(float, prices)
    cache = dict(zip(of_cache, rest, strict=True))
    if cache.get("cached", 0.0) > (1 + _SAME) * fresh or (cache.get("written") and not fresh):
        return DerivedPrice(None, _DEAR_CACHE)
    cached = min(cache["cached"], fresh) if "cached" in cache else None
    return DerivedPrice(Price(fresh, output, cached, "derived", cache.get("written")))


def _explained(tokens: Floats, cost: Floats, prices: Floats) -> float:
    """Return the share of rows whose cost is met within the tolerance; a cost of 0 only by 0."""
    return float(np.mean(np.abs(tokens @ prices - cost) <= ROW_TOLERANCE * cost))


def _fit(tokens: Floats, cost: Floats) -> tuple[Floats, bool]:
    """Fit prices to tokens ``(runs, prices)``; also return whether the columns are collinear."""
    charged = np.flatnonzero(cost > 0)
    rows = charged[np.linspace(0, len(charged) - 1, min(len(charged), MAX_ROWS)).astype(np.int64)]
    design = tokens[rows] / cost[rows, None]
    scale = np.sqrt(np.sum(design**2, axis=0))
    scale[scale == 0] = 1.0
    ones = np.ones(len(rows))
    singular = np.linalg.svd(design / scale, compute_uv=False)
    if len(rows) < design.shape[1] or singular[-1] < COLLINEAR * singular[0]:
        smallest = np.linalg.lstsq(design, ones, rcond=COLLINEAR)[0].astype(np.float64)
        return (smallest if (smallest >= 0).all() else _nonnegative(design, ones)), True
    prices = _nonnegative(design, ones)
    for step in _STEPS:
        error = np.abs(design @ prices - 1.0)
        prices = _nonnegative(design, 1.0 / np.sqrt(np.maximum(error, step)))
    return prices, False


def _nonnegative(design: Floats, weight: Floats) -> Floats:
    """Minimise ``||weight (design x - 1)||`` over ``x >= 0`` (Lawson and Hanson, 1974).

    SciPy's solver takes the tall system as it is: with three columns, a QR step before it takes longer than it saves.
    """
    return nnls(design * weight[:, None], weight)[0]
