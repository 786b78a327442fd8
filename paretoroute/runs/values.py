"""Conversion of single values of a logged run: numbers, names, labels and budgets.

Whole columns are checked by :mod:`paretoroute.runs.columns`. The values of a column that is not uniform come here one
by one, so that the reason for a bad row is about that row. Absent text is ``""``, and an absent number is NaN.
"""

from __future__ import annotations

import math
import re

from paretoroute.grid import BUDGET_KINDS, EFFORT_ORDER, Budget
from paretoroute.query import Misfit, is_absent, kind_of, sound

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)", re.I | re.A)


def number(value: object) -> float:
    """Return a number as a float; text and booleans are not numbers.

    Raises:
        Misfit: the value is no number.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
        raise Misfit(f"{kind_of(value)} where a number belongs")
    try:
        return float(value)  # pyright: ignore[reportArgumentType]  # it has __float__
    except OverflowError:
        return math.inf


def number_in_text(value: object) -> float:
    """Return the number in a CSV cell: a plain decimal, ``nan``, ``inf``, or nothing.

    Raises:
        Misfit: the cell holds other text.

    Example:
        >>> number_in_text(" 2.5e-3 ")
        0.0025
    """
    text = str(value or "").strip()
    if not text:
        return math.nan
    if not _DECIMAL.fullmatch(text):
        raise Misfit("text where a number belongs")
    return float(text)


def name(value: object) -> str:
    """Return a model's name.

    Raises:
        Misfit: the value is not text.
    """
    if is_absent(value):
        return ""
    if not isinstance(value, str):
        raise Misfit(f"{kind_of(value)} where a name belongs")
    return sound(value)


def opaque(value: object) -> str:
    """Return an id, label or tag as text; 16000 and 16000.0 both give ``"16000"``.

    Raises:
        Misfit: the value is a list, an object or bytes.

    Example:
        >>> opaque(True), opaque(7), opaque("007"), opaque(float("nan"))
        ('true', '7', '007', '')
    """
    if is_absent(value):
        return ""
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return amount_text(value)
    raise Misfit(f"{kind_of(value)} where text belongs")


def amount_text(value: float) -> str:
    """Write a number as a label: whole numbers without a point."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def budget_of(kind: str, label: str, amount: float) -> Budget:
    """Complete a budget that a log states in part.

    Without kind, label and amount the budget is ``none``/``default``. A label alone has kind ``effort`` if it names
    one, else ``none``. A missing label is the amount in digits.

    Raises:
        Misfit: the kind is unknown, or nothing distinguishes this budget from another.

    Example:
        >>> budget_of("", "high", float("nan"))
        Budget(kind='effort', label='high', amount=None)
    """
    given_amount = None if math.isnan(amount) else amount
    if kind and kind not in BUDGET_KINDS:
        raise Misfit(f"unknown; use one of {', '.join(BUDGET_KINDS)}")
    if not kind and not label and given_amount is not None:
        raise Misfit(f"missing beside a budget amount; give one of {', '.join(BUDGET_KINDS)}")
    if not kind:
        kind = "effort" if label in EFFORT_ORDER else "none"
    if not label and given_amount is not None:
        label = amount_text(given_amount)
    if not label and kind != "none":
        raise Misfit("given without a budget_label or an amount")
    return Budget(kind, label or "default", given_amount)
