"""Token prices of one model, tokens times prices in USD, and amounts of USD as people read them.

Files, JSON and the library count USD per query. A call often costs less than a hundredth of a cent, so that texts and
pictures count 1,000 queries; no amount has an exponent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import GridError, expect, shown

TOKENS_PER_PRICE_UNIT = 1e6
UNIT = "per 1,000 queries"
MOST_USD_PER_MTOK = 1e12  # beyond any price, and far from overflow
_FEWEST, _MOST = 2, 12  # decimals


def tokens_usd(
    prompt_tokens: Floats, completion_tokens: Floats, per_prompt: Floats | float, per_completion: Floats | float
) -> Floats:
    """Return tokens times prices per token, in USD: every cost of this package is computed here."""
    return prompt_tokens * per_prompt + completion_tokens * per_completion


@dataclass(frozen=True, slots=True)
class Price:
    """Token prices of one model, in USD per million tokens.

    Args:
        input_usd_per_mtok: price of prompt tokens.
        output_usd_per_mtok: price of completion tokens, hidden reasoning included.
        cached_input_usd_per_mtok: price of prompt tokens read from a cache; None: as ``input_usd_per_mtok``.
        source: ``given`` (by the user) or ``derived`` (from logged cost and tokens).
        cache_write_usd_per_mtok: price of prompt tokens written to a cache; None: as ``input_usd_per_mtok``.
    """

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_input_usd_per_mtok: float | None = None
    source: str = "given"
    cache_write_usd_per_mtok: float | None = None

    def __post_init__(self) -> None:
        for key, usd in self._by_key.items():
            is_unset = usd is None and key not in ("input", "output")
            if not is_unset and (isinstance(usd, bool) or not isinstance(usd, Real)):
                raise GridError(f"{key} is no price: {shown(usd)}; give a number of USD, 0 or more")

    def check(self) -> None:
        """Check that the prices can be those of one model.

        Raises:
            GridError: a price is negative or not finite, reading from a cache costs more than fresh input, or writing
                to it costs something where input is free.
        """
        for key, usd in self._by_key.items():
            if usd is not None and not 0 <= usd <= MOST_USD_PER_MTOK:
                raise GridError(
                    f"{key} is no price: {shown(usd)}; give a number of USD, 0 or more, and below {MOST_USD_PER_MTOK:g}"
                )
        cached, fresh = self.cached_input_usd_per_mtok, self.input_usd_per_mtok
        if cached is not None and cached > fresh:
            raise GridError(
                f"cached_input is {cached:g}, above input at {fresh:g}: a token read from a cache never costs more "
                "than a fresh one; correct one of the two (tokens written to a cache have the key cache_write)"
            )
        if self.cache_write_usd_per_mtok and not fresh:
            raise GridError(
                f"cache_write is {self.cache_write_usd_per_mtok:g} where input is 0; give the price of fresh input too"
            )

    def times(self, factor: float) -> Price:
        """Return the prices times a factor, rounded to twelve digits: 3e-06 per token is 3 per million."""

        def scaled(usd: float | None) -> Any:
            return usd if usd is None else float(f"{usd * factor:.12g}")

        return Price(
            scaled(self.input_usd_per_mtok),
            scaled(self.output_usd_per_mtok),
            scaled(self.cached_input_usd_per_mtok),
            self.source,
            scaled(self.cache_write_usd_per_mtok),
        )

    @property
    def _by_key(self) -> dict[str, float | None]:
        """The prices by their keys in a price file."""
        return {
            "input": self.input_usd_per_mtok,
            "cached_input": self.cached_input_usd_per_mtok,
            "cache_write": self.cache_write_usd_per_mtok,
            "output": self.output_usd_per_mtok,
        }

    @property
    def parts(self) -> dict[str, float]:
        """The prices that are set, by their keys in a price file, in the order in which they are written."""
        return {key: usd for key, usd in self._by_key.items() if usd is not None}

    @property
    def cache_discount(self) -> float:
        """The share of the input price that a prompt token read from a cache saves; 0 without a cached price."""
        if self.cached_input_usd_per_mtok is None or self.input_usd_per_mtok <= 0:
            return 0.0
        return 1 - self.cached_input_usd_per_mtok / self.input_usd_per_mtok

    @property
    def cache_surcharge(self) -> float:
        """What a prompt token written to a cache costs beyond the input price, as a share of it; 0 without a price."""
        if self.cache_write_usd_per_mtok is None or self.input_usd_per_mtok <= 0:
            return 0.0
        return self.cache_write_usd_per_mtok / self.input_usd_per_mtok - 1

    def cost_usd(
        self,
        prompt_tokens: Floats,
        completion_tokens: Floats,
        cached_prompt_tokens: Floats,
        *,
        cache_write_tokens: Floats | float = 0.0,
    ) -> Floats:
        """Return the USD of calls with these tokens, of any shape.

        Args:
            prompt_tokens: of the whole prompt, those read from or written to a cache included.
            completion_tokens: of the whole answer, hidden reasoning included.
            cached_prompt_tokens: of the prompt, those read from a cache.
            cache_write_tokens: of the prompt, those written to a cache.
        """
        per_prompt = self.input_usd_per_mtok / TOKENS_PER_PRICE_UNIT
        per_completion = self.output_usd_per_mtok / TOKENS_PER_PRICE_UNIT
        fresh = prompt_tokens - cached_prompt_tokens - cache_write_tokens
        cost = tokens_usd(fresh, completion_tokens, per_prompt, per_completion)
        cost = cost + cached_prompt_tokens * _per_token(self.cached_input_usd_per_mtok, self.input_usd_per_mtok)
        return cost + cache_write_tokens * _per_token(self.cache_write_usd_per_mtok, self.input_usd_per_mtok)


def expect_prices(prices: object) -> None:
    """Refuse an argument that is no mapping of models to prices.

    Raises:
        GridError: it is of another type, or a price in it is impossible; the message names the model.
    """
    expect("prices", prices, (Mapping, type(None)), GridError)
    for model, price in (prices or {}).items():  # pyright: ignore[reportAttributeAccessIssue]  # checked above
        expect("each model of prices", model, str, GridError)
        expect(f"the price of {shown(model)}", price, Price, GridError)


def _per_token(usd_per_mtok: float | None, default: float) -> float:
    return (default if usd_per_mtok is None else usd_per_mtok) / TOKENS_PER_PRICE_UNIT


@dataclass(frozen=True)
class TokenPrices:
    """USD per token at every point, ``(points,)`` each; NaN at points whose model has no token price.

    Args:
        prompt: USD per prompt token.
        completion: USD per completion token.
    """

    prompt: Floats
    completion: Floats

    @cached_property
    def priced(self) -> Mask:
        """Which points have token prices, ``(points,)``."""
        return ~np.isnan(self.completion)


UNITS = {"token": 1e6, "thousand": 1e3}  # units that prices are mistakenly typed in, and their factor to a million
_NEAR = 3.0  # the factor within which a ratio of prices counts as a unit


def looks_like(ratio: float) -> str | None:
    """Return the unit of prices that are ``ratio`` times those expected, or None if they are of no other unit.

    Example:
        >>> looks_like(2e-3), looks_like(0.8)
        ('thousand', None)
    """
    return next((unit for unit, factor in UNITS.items() if 1 / _NEAR <= ratio * factor <= _NEAR), None)


def wrong_unit(unit: str) -> str:
    """State that prices look like those of another unit, and the fix."""
    per = "per token" if unit == "token" else "per thousand tokens"
    return f"prices look like USD {per}; give USD per million tokens (multiply by {UNITS[unit]:,.0f})"


def sum_usd(amount: float) -> str:
    """Write a sum of a bill: to the cent from one dollar on, and with three significant digits below.

    Example:
        >>> sum_usd(1234.561), sum_usd(0.2361), sum_usd(-0.00002341), sum_usd(0.0)
        ('$1,234.56', '$0.236', '-$0.0000234', '$0.00')
    """
    sign, size = "-" if amount < 0 else "", abs(amount)
    if size >= 1 or size == 0:
        return f"{sign}${size:,.2f}"
    if size >= 0.1:
        return f"{sign}${size:.3f}".removesuffix("0")
    return f"{sign}$" + np.format_float_positional(size, precision=3, fractional=False, trim="k")


def rounded_usd(usd: float, digits: int = 12) -> str:
    """Write an amount with so many significant digits; those of the default show it as somebody chose it.

    Example:
        >>> rounded_usd(4e-06), rounded_usd(1000 * 0.0021), rounded_usd(123.4, 2)
        ('$0.000004', '$2.1', '$120')
    """
    text = f"{usd:.{digits}g}"
    if "e" not in text and math.isfinite(usd):
        return f"${text}"
    from decimal import Decimal  # loaded only where a cost is far from 1

    return f"${Decimal(text).normalize():f}"


def decimals_of(usd: Iterable[float]) -> int:
    """Return the decimals that show three digits of the smallest positive cost, in USD per 1,000 queries.

    Args:
        usd: costs in USD per query that stand beside one another, as in a column.

    Example:
        >>> decimals_of([0.00236, 0.0125]), decimals_of([2.7e-06, 0.0125]), decimals_of([0.0])
        (2, 5, 2)
    """
    positive = [1000 * cost for cost in usd if cost > 0 and math.isfinite(cost)]
    if not positive:
        return _FEWEST
    return min(max(2 - math.floor(math.log10(min(positive))), _FEWEST), _MOST)


def per_thousand(usd: float, decimals: int | None = None) -> str:
    """Format a cost in USD per query as USD per 1,000 queries, without sign and unit.

    A positive cost never reads as zero, and an unknown one (NaN) reads ``unknown``.

    Args:
        usd: the cost in USD per query.
        decimals: of its column; None: those that show three digits.

    Example:
        >>> per_thousand(0.00236), per_thousand(3.288e-06), per_thousand(1e-16), per_thousand(0.01, 4)
        ('2.36', '0.00329', '<0.000000000001', '10.0000')
    """
    if math.isnan(usd):
        return "unknown"
    decimals = decimals_of([abs(usd)]) if decimals is None else decimals
    text = f"{1000 * usd:.{decimals}f}"
    return f"<{10.0**-decimals:.{decimals}f}" if usd > 0 and not float(text) else text


def costs_text(*usd: float) -> str:
    """Format costs with equal decimals: the first, and its interval in brackets where there are three.

    Example:
        >>> costs_text(3.288e-06, 3.234e-06, 3.343e-06)
        '$0.00329 [$0.00323, $0.00334] per 1,000 queries'
    """
    decimals = decimals_of(usd)
    first, *ends = (dollars_text(per_thousand(cost, decimals)) for cost in usd)
    interval = f" [{', '.join(ends)}]" if ends else ""
    return f"{first}{interval} {UNIT}"


def dollars_text(amount: str) -> str:
    """Put the dollar sign before an amount that :func:`per_thousand` formatted.

    Example:
        >>> dollars_text("2.36"), dollars_text("<0.01"), dollars_text("unknown")
        ('$2.36', '<$0.01', 'unknown')
    """
    if amount == "unknown":
        return amount
    return f"<${amount[1:]}" if amount.startswith("<") else f"${amount}"
