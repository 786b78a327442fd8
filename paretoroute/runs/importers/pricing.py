"""Costs from tokens: the user's prices first, then the list prices of the package genai-prices.

A cost is computed where the log has none. Where it has one, the two are compared per model, and the logged one is kept.
"""

from __future__ import annotations

import datetime
import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from paretoroute.errors import GridError, MissingExtraError, name_some
from paretoroute.price import Price, sum_usd
from paretoroute.runs.findings import Finding
from paretoroute.runs.importers.calls import Call
from paretoroute.runs.importers.model_names import without_provider

_DIFFERS = 0.02  # beyond it, a billed sum is another price


@dataclass
class _Sums:
    """Costs of the calls of one model that have both.

    Args:
        calls: how many.
        billed: what the log states, in USD.
        priced: what the prices give, in USD.
        filled: calls without a logged cost that were priced.
    """

    calls: int = 0
    billed: float = 0.0
    priced: float = 0.0
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Priced:
    """Calls with their costs.

    Args:
        calls: the calls.
        computed: positions of those whose cost was computed.
        findings: sentences for the user.
    """

    calls: list[Call]
    computed: frozenset[int] = frozenset()
    findings: tuple[Finding, ...] = ()


def priced(calls: Sequence[Call], *, prices: Mapping[str, Price] | None, from_list: bool) -> Priced:
    """Return the calls with a cost wherever tokens and prices allow.

    Args:
        calls: the calls, by the names of the models that are to be used.
        prices: of the user, by model.
        from_list: whether models without a price there have the list price of genai-prices.

    Raises:
        MissingExtraError: genai-prices is not installed.
    """
    if not prices and not from_list:
        return Priced(list(calls))
    listed = _list_prices() if from_list else None
    sums: defaultdict[str, _Sums] = defaultdict(_Sums)
    unpriced: set[str] = set()
    result, computed = [], set()
    for i, call in enumerate(calls):
        usd = _usd(call, prices or {}, listed) if call.tokens.are_known else None
        if usd is None:
            unpriced |= {call.model} if call.tokens.are_known else set()
        elif call.cost_usd is None:
            call = replace(call, cost_usd=usd)
            computed.add(i)
            sums[call.model].filled += 1
        else:
            total = sums[call.model]
            total.calls, total.billed, total.priced = total.calls + 1, total.billed + call.cost_usd, total.priced + usd
        result.append(call)
    return Priced(result, frozenset(computed), (*_findings(sums), *_unpriced(unpriced)))


def _usd(call: Call, prices: Mapping[str, Price], listed: Callable[[Call], float | None] | None) -> float | None:
    price = prices.get(call.model)
    if price is not None:
        tokens = call.tokens
        assert tokens.prompt is not None and tokens.completion is not None  # the caller has checked
        usd = price.cost_usd(
            np.asarray(tokens.prompt),
            np.asarray(tokens.completion),
            np.asarray(tokens.cached or 0.0),
            cache_write_tokens=np.asarray(tokens.cache_write or 0.0),
        )
        return float(usd) * call.price_factor
    usd = None if listed is None else listed(call)
    return None if usd is None else usd * call.price_factor


def _list_prices() -> Callable[[Call], float | None]:
    """Return a function of a call that computes its cost at list prices, or None where the model has none."""
    try:
        from genai_prices import Usage, calc_price  # pyright: ignore[reportMissingImports]  # an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "genai_prices":
            raise
        raise MissingExtraError(
            "list prices need genai-prices, which is not installed; run: pip install 'paretoroute[prices]', or give a "
            "price file"
        ) from None

    @functools.cache
    def usd_at(model: str, day: datetime.datetime | None, *tokens: int) -> float | None:
        prompt, completion, cached, written = tokens
        usage = Usage(
            input_tokens=prompt, output_tokens=completion, cache_read_tokens=cached, cache_write_tokens=written
        )
        try:
            return float(calc_price(usage, model_ref=model, genai_request_timestamp=day).total_price)
        except (LookupError, ValueError):
            return None

    def usd(call: Call) -> float | None:
        tokens = call.tokens
        counts = (tokens.prompt, tokens.completion, tokens.cached, tokens.cache_write)
        return usd_at(without_provider(call.model), _day(call), *(int(tokens or 0) for tokens in counts))

    return usd


def _day(call: Call) -> datetime.datetime | None:
    """Return the hour of a call, since some prices depend on it."""
    if call.time is None:
        return None
    return datetime.datetime.fromtimestamp(call.time // 3600 * 3600, datetime.UTC)


def _findings(sums: Mapping[str, _Sums]) -> list[Finding]:
    filled = {model: total.filled for model, total in sums.items() if total.filled}
    findings: list[Finding] = []
    if filled:
        counts = ", ".join(f"{model} {number}" for model, number in sorted(filled.items()))
        findings.append(Finding("price", f"costs computed from tokens, where the log has none: {counts}"))
    for model, total in sorted(sums.items()):
        if not total.calls:
            continue
        share = (total.priced - total.billed) / total.billed if total.billed else float(total.priced > 0)
        text = (
            f"{model}: {total.calls} calls cost {sum_usd(total.priced)} at these prices and {sum_usd(total.billed)} in "
            f"the log ({share:+.1%}); the logged cost is kept"
        )
        findings.append(Finding("given_price" if abs(share) > _DIFFERS else "price", text))
    return findings


def _unpriced(models: set[str]) -> list[Finding]:
    if not models:
        return []
    text = f"models without a price, whose calls keep the cost that the log states: {name_some(sorted(models))}"
    return [Finding("price", text)]


@dataclass(frozen=True, slots=True)
class Costless:
    """Models with a point at which no call has a cost, which a fit asks for.

    Args:
        priceable: those whose tokens are known.
        others: those with neither costs nor tokens.
    """

    priceable: list[str]
    others: list[str]

    def findings(self) -> list[Finding]:
        """Return what a fit needs."""
        findings = []
        if self.priceable:
            text = f"tokens and no cost: {name_some(self.priceable)}; give prices with --prices FILE, here or at fit"
            findings.append(Finding("price", f"{text}, or with --list-prices here"))
        if self.others:
            text = (
                f"neither cost nor tokens: {name_some(self.others)}; add the column cost_usd to the runs before a fit"
            )
            findings.append(Finding("price", text))
        return findings


def costless(calls: Sequence[Call]) -> Costless:
    """Return the models with a point at which no call has a cost."""
    billed = {(call.model, call.budget) for call in calls if call.cost_usd is not None}
    without = [call for call in calls if (call.model, call.budget) not in billed]
    priceable = {call.model for call in without if call.tokens.are_known}
    return Costless(sorted(priceable), sorted({call.model for call in without} - priceable))


def price_file(prices: Mapping[str, Any]) -> Mapping[str, Price]:
    """Check the prices that a caller gives.

    Raises:
        GridError: a value is no price.
    """
    for model, price in prices.items():
        if not isinstance(price, Price):
            raise GridError(f"the price of {model!r} must be a Price, as read_prices returns them")
    return prices
