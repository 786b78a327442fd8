"""Which totals a model is billed by: with reasoning and the tokens of a cache inside them, or beside them.

``completion_tokens`` and ``prompt_tokens`` are totals that contain ``reasoning_tokens``, ``cached_prompt_tokens`` and
``cache_write_tokens``. Some providers count these in addition. Where cost is logged it decides: the totals stay as they
are if prices explain the cost of nearly all runs, and a part is added only if that explains it and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.fitting.points.token_prices import ROW_TOLERANCE, SHARE, derive_price
from paretoroute.price import Price
from paretoroute.runs.align import token_cost_usd
from paretoroute.runs.findings import Finding
from paretoroute.runs.table import Runs

_PARTS = {
    "completion_tokens": ("reasoning_tokens",),
    "prompt_tokens": ("cached_prompt_tokens", "cache_write_tokens"),
}


class BilledTotals(NamedTuple):
    """A log whose totals are those that are billed.

    Args:
        runs: the log; the very same if nothing had to be added.
        findings: about the totals that left a part out.
    """

    runs: Runs
    findings: tuple[Finding, ...] = ()


def billed_totals(runs: Runs, given: Mapping[str, Price]) -> BilledTotals:
    """Add parts to their totals where logged cost shows that they are billed in addition.

    Args:
        runs: the log.
        given: prices by model, which decide before derived ones.
    """
    if not any(np.nansum(getattr(runs, part)) > 0 for parts in _PARTS.values() for part in parts):
        return BilledTotals(runs)
    model_of_point = np.array([point.model for point in runs.points], object)
    findings: list[Finding] = []
    for model in dict.fromkeys(model_of_point):
        at_model = (model_of_point == model)[runs.point]
        added = _added(runs, at_model, given.get(model))
        if added:
            runs = _with(runs, at_model, added)
            parts = " and ".join(part for total in added for part in _PARTS[total] if _has(runs, part, at_model))
            text = (
                f"{parts} of {model} are billed beside {' and '.join(added)}, as its logged cost shows, and are added"
            )
            findings.append(Finding("note", text))
    return BilledTotals(runs, tuple(findings))


def _added(runs: Runs, at_model: Mask, given: Price | None) -> tuple[str, ...]:
    """Return the totals that a model's parts have to be added to."""
    totals = [total for total, parts in _PARTS.items() if any(_has(runs, part, at_model) for part in parts)]
    rows = at_model & ~runs.cost_is_mean & ~np.isnan(runs.cost_usd)
    if not totals or not rows.any():
        return ()
    choices = [(), *((total,) for total in totals), *([tuple(totals)] if len(totals) > 1 else [])]
    for is_explained in ([_by_given(given)] if given else []) + [_by_derived]:
        for choice in choices:
            if is_explained(_with(runs, at_model, choice), rows):
                return choice
    return ()


def _has(runs: Runs, part: str, at_model: Mask) -> bool:
    return bool(np.nansum(getattr(runs, part)[at_model]) > 0)


def _with(runs: Runs, at_model: Mask, totals: tuple[str, ...]) -> Runs:
    """Add their parts to some totals of one model."""
    changed: dict[str, Floats] = {}
    for total in totals:
        size = np.sum([np.nan_to_num(getattr(runs, part)) for part in _PARTS[total]], axis=0)
        changed[total] = getattr(runs, total) + np.where(at_model, size, 0.0)
    return replace(runs, **changed) if changed else runs


def _by_given(price: Price) -> Callable[[Runs, Mask], bool]:
    """Return the test whether a given price explains nearly all runs."""

    def is_explained(runs: Runs, rows: Mask) -> bool:
        cost, by_tokens = runs.cost_usd[rows], token_cost_usd(runs, price, rows)
        has_tokens = ~np.isnan(by_tokens)
        close = np.abs(by_tokens - cost) <= ROW_TOLERANCE * np.abs(cost)
        return bool(has_tokens.any()) and float(close[has_tokens].mean()) >= SHARE

    return is_explained


def _by_derived(runs: Runs, rows: Mask) -> bool:
    derived = derive_price(
        runs.cost_usd[rows],
        runs.prompt_tokens[rows],
        runs.completion_tokens[rows],
        cached=runs.cached_prompt_tokens[rows],
        written=runs.cache_write_tokens[rows],
    )
    return derived.price is not None
