"""Amounts of money as people read them: USD per 1,000 queries, and never with an exponent.

Files, JSON and the library count USD per query. A call often costs less than a hundredth of a cent, so that everything
people read counts 1,000 queries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

UNIT = "per 1,000 queries"
_FEWEST, _MOST = 2, 12


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


def exact_usd(usd: float) -> str:
    """Format an amount that somebody chose, such as a target or a mark on an axis, as it was chosen.

    Example:
        >>> exact_usd(0.004), exact_usd(4e-06), exact_usd(20.0), exact_usd(1000 * 0.0021)
        ('$0.004', '$0.000004', '$20', '$2.1')
    """
    return f"${Decimal(f'{usd:.12g}').normalize():f}"
