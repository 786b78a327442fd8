"""Given prices in another unit: per token or per thousand tokens, or beside a cost in cents."""

from __future__ import annotations

import math
from collections.abc import Mapping

from paretoroute.errors import GridError, shown
from paretoroute.fitting.points.bills import bill_of
from paretoroute.price import UNITS, Price, looks_like, wrong_unit
from paretoroute.runs.findings import Finding
from paretoroute.runs.table import Runs

PLAUSIBLE_USD = 0.1  # per million tokens: dearer prices are in the right unit, so that the cost is in another one
LEAST_USD = 1e-3  # per million tokens: below it no model is sold
_CENTS = 100.0
_NEAR_CENTS = 1.5  # the factor within which a ratio counts as 100


def check_given(runs: Runs, given: Mapping[str, Price]) -> None:
    """Refuse given prices that cannot be prices, or that the logged cost shows to be in another unit.

    Raises:
        GridError: a price is impossible, or logged cost is about a million or a thousand times tokens times prices.
    """
    for model, price in given.items():
        try:
            price.check()
        except GridError as error:
            raise GridError(f"the price of {shown(model)}: {error}") from None
    for model, ratio in _ratios(runs, given).items():
        unit = looks_like(1 / ratio)
        if unit is None:
            continue
        if max(given[model].parts.values()) >= PLAUSIBLE_USD:
            raise GridError(
                f"cost_usd of {model!r} is about {UNITS[unit]:,.0f} times tokens x prices (median), as if it were in "
                f"USD / {UNITS[unit]:,.0f}; divide it, or correct the price"
            )
        raise GridError(f"{wrong_unit(unit)} (logged cost of {model!r} is about {UNITS[unit]:,.0f} times as much)")


def unit_findings(runs: Runs, given: Mapping[str, Price]) -> list[Finding]:
    """Ask about units where logged cost cannot decide."""
    ratios = list(_ratios(runs, given).values())
    largest = max((usd_per_mtok for price in given.values() for usd_per_mtok in price.parts.values()), default=0.0)
    if not ratios and 0 < largest < LEAST_USD:
        text = f"every price given is below ${LEAST_USD:g} per million tokens: are they in USD per token?"
        return [Finding("given_price", text)]
    for factor, question in ((_CENTS, "is cost_usd in cents?"), (1 / _CENTS, "are the prices in cents?")):
        if ratios and all(1 / _NEAR_CENTS <= ratio / factor <= _NEAR_CENTS for ratio in ratios):
            text = f"logged cost is about {factor:g} times tokens x prices of every given price (median): {question}"
            return [Finding("given_price", text)]
    return []


def _ratios(runs: Runs, given: Mapping[str, Price]) -> dict[str, float]:
    """Return the median of logged cost over tokens times prices by model, where both are known and positive.

    Models whose logged cost is tokens times the price given beside fees are left out: their price is in the right unit.
    """
    models = {point.model for point in runs.points}
    bills = {model: bill_of(runs, model, price) for model, price in given.items() if model in models}
    ratios = {model: bill.median_ratio for model, bill in bills.items() if not bill.is_beside_fees}
    return {model: ratio for model, ratio in ratios.items() if not math.isnan(ratio)}
