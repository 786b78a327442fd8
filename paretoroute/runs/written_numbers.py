"""Numbers as people write them: ``16k`` tokens, ``$0.001``, ``350 ms``; read where they can mean nothing else.

A whole count may have separators of thousands. A sum of money may name USD or cents, and one in another currency is
refused by its name. A comma is a decimal where it cannot separate thousands: ``1,5`` and ``0,125``, and not ``1,234``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from paretoroute.query import Misfit
from paretoroute.runs.values import number

COUNTS = (
    *("budget", "trials", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_prompt_tokens"),
    "cache_write_tokens",
)
THOUSANDS = re.compile(r"\s*[+-]?[0-9]{1,3}(?:,[0-9]{3})+\s*", re.A)
_MOST = 100  # characters
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:([,_ \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?", re.A)
_COUNT = re.compile(
    r"([+-]?[0-9](?:[0-9,_.]|[ \u00a0\u202f](?=[0-9]))*)\s*(k|m|thousand|million)?\s*(?:tokens?|toks?|samples?)?",
    re.A | re.I,
)
_SEPARATORS = re.compile(r"[,_ \u00a0\u202f]")
_SCALES = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
_DECIMAL_COMMA = re.compile(r"[+-]?([0-9]*),([0-9]+)([eE][+-]?[0-9]+)?", re.A)
_MONEY = re.compile(r"([+-]?)\s*([^\s0-9.,+-]{0,9})\s*([+-]?[.,]?[0-9][0-9.,_e+-]*)\s*([^\s0-9.,+-]{0,9})", re.A | re.I)
_UNITS = {"": None, "$": 1.0, "us$": 1.0, "usd": 1.0, "usd$": 1.0, "dollar": 1.0, "dollars": 1.0}
_UNITS |= {"¢": 0.01, "cent": 0.01, "cents": 0.01}
_CURRENCIES = {
    **{"€": "EUR", "£": "GBP", "¥": "JPY or CNY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₪": "ILS"},
    **{"a$": "AUD", "c$": "CAD", "r$": "BRL", "hk$": "HKD", "euro": "EUR", "euros": "EUR", "yuan": "CNY", "元": "CNY"},
    **{"rmb": "CNY", "fr": "CHF", "kr": "SEK, NOK or DKK", "zł": "PLN"},
    **{name.casefold(): name for name in "EUR GBP JPY CNY INR KRW RUB TRY ILS AUD CAD BRL HKD CHF SEK NOK DKK".split()},
    **{name.casefold(): name for name in "PLN SGD TWD MXN NZD ZAR BTC ETH".split()},
}
_TIME = re.compile(
    r"([+-]?[.,]?[0-9][0-9.,e+-]*)\s*(ns|us|µs|μs|ms|msecs?|s|secs?|seconds?|mins?|minutes?|h)", re.A | re.I
)
_FIRST_NUMBER = re.compile(r"([^0-9.,]*)([.,]?[0-9][0-9.,]*)", re.A)
_SECONDS = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Written(NamedTuple):
    """A number with the unit that stands beside it.

    Args:
        value: the number.
        unit: USD or seconds in one of the unit; None where none is stated.
    """

    value: float
    unit: float | None = None

    @property
    def in_units(self) -> float:
        """The number in USD or seconds: 350 ms are 0.35 s, and not 0.35000000000000003."""
        return self.value if self.unit is None else float(f"{self.value * self.unit:.15g}")


def count(value: object) -> float:
    """Return a count: a number, also with separators of thousands, or with ``k`` and ``M``.

    Raises:
        Misfit: it is none.

    Example:
        >>> count("16k"), count("16,384"), count("1_024"), count("1.5M tokens"), count(7)
        (16000.0, 16384.0, 1024.0, 1500000.0, 7.0)
    """
    try:
        return number(value)
    except Misfit:
        text = str(value).strip()
        match = _COUNT.fullmatch(text) if isinstance(value, str) and len(text) <= _MOST else None
        if match is None:
            raise
        digits = match.group(1)
        whole = _SEPARATORS.sub("", digits) if _GROUPED.fullmatch(digits) else digits
        return number(_with_point(whole)) * _SCALES[(match.group(2) or "").casefold()]


def with_point(text: str, decimal: str) -> str:
    """Return the text of a number, and what stands around it, with a decimal point and without separated thousands.

    Args:
        text: the text; one without digits is returned as it is.
        decimal: what stands before its decimals, ``,`` or ``.``; the other one separates thousands.

    Raises:
        Misfit: its number is not written so.

    Example:
        >>> with_point("1.234,56 USD", ","), with_point("1,234", "."), with_point("85,5%", ","), with_point("good", ",")
        ('1234.56 USD', '1234', '85.5%', 'good')
    """
    match = _FIRST_NUMBER.match(text)
    if match is None:
        return text
    thousands = "," if decimal == "." else "."
    digits, _, decimals = match.group(2).partition(decimal)
    if thousands in digits:
        first, *groups = digits.split(thousands)
        if not 1 <= len(first) <= 3 or first == "0" or any(len(group) != 3 for group in groups):
            raise Misfit(f"a number whose decimals do not stand after {decimal!r}, as the mapping states")
    if not (decimals.isdigit() or not decimals):
        raise Misfit(f"a number whose decimals do not stand after {decimal!r}, as the mapping states")
    number = digits.replace(thousands, "") + ("." + decimals if decimals else "")
    return match.group(1) + number + text[match.end() :]


def usd(value: object) -> float:
    """Return a sum of money in USD; see `money`."""
    return money(value).in_units


def money(value: object) -> Written:
    """Return a sum of money, with USD in its unit where it names one.

    Raises:
        Misfit: it is none, it is in another currency, or its comma may be a decimal or thousands.

    Example:
        >>> usd("$0.001"), usd("0.001 USD"), usd("1,5e-3"), usd("3 cents"), usd("-$2")
        (0.001, 0.001, 0.0015, 0.03, -2.0)
    """
    try:
        return Written(number(value))
    except Misfit:
        text = str(value).strip()
        match = _MONEY.fullmatch(text) if isinstance(value, str) and len(text) <= _MOST else None
        if match is None:
            raise
        sign, before, digits, after = match.groups()
        names = [name.casefold().rstrip(".") for name in (before, after) if name]
        for name in names:
            if name in _CURRENCIES:
                raise Misfit(f"a sum in {_CURRENCIES[name]} where USD belong") from None
        units = {_UNITS.get(name, 0.0) for name in names} - {None}
        if 0.0 in units or len(units) > 1:
            raise
        return Written(number(_with_point(sign + digits, is_money=True)), next(iter(units), None))


def seconds(value: object) -> float:
    """Return a time in seconds; see `duration`."""
    return duration(value).in_units


def duration(value: object) -> Written:
    """Return a time, with the seconds in its unit where it names one.

    Raises:
        Misfit: it is none, or its comma may be a decimal or thousands.

    Example:
        >>> seconds("350 ms"), seconds("1,5"), seconds("2.5s"), seconds(3)
        (0.35, 1.5, 2.5, 3.0)
    """
    try:
        return Written(number(value))
    except Misfit:
        text = str(value).strip()
        if not isinstance(value, str) or len(text) > _MOST:
            raise
        match = _TIME.fullmatch(text)
        if match is None:
            return Written(number(_with_point(text)))
        unit = match.group(2).casefold()
        factor = _SECONDS["ms" if unit.startswith("ms") else unit[0]]
        return Written(number(_with_point(match.group(1))), factor)


def _with_point(text: str, *, is_money: bool = False) -> str:
    """Return the text of a number with a point for its decimal comma, and a sum of money without thousands.

    Raises:
        Misfit: the comma may be either.
    """
    match = _DECIMAL_COMMA.fullmatch(text)
    if match is None:
        return text.replace(",", "") if is_money and "." in text and _GROUPED.fullmatch(text) else text
    whole, decimals, exponent = match.groups()
    if len(decimals) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0") and not exponent:
        raise Misfit("a number whose comma may be a decimal or thousands")
    return text.replace(",", ".")
