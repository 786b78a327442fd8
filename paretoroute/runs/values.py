"""What one value of a logged run may be: numbers, names, labels, query texts and budgets, one at a time.

Whole columns are checked by ``run_columns``; where a column is not uniform, its values come here one by one, so that
the reason given for a bad row is about that row. Absent text is ``""`` and an absent number is NaN throughout.
"""

from __future__ import annotations

import math
import re

from paretoroute.grid import BUDGET_KINDS, EFFORT_ORDER, Budget
from paretoroute.query import Misfit, is_absent, kind_of, sound

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)", re.I | re.A)


def number(value: object) -> float:
    """Read a number that must be one: no text, no boolean.

    Raises:
        Misfit: it is something else.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
        raise Misfit(f"{kind_of(value)} where a number belongs")
    try:
        return float(value)  # pyright: ignore[reportArgumentType]  (it has __float__)
    except OverflowError:
        return math.inf


def number_in_text(value: object) -> float:
    """Read a number from a CSV cell: a plain decimal, ``nan``, ``inf``, or nothing.

    Raises:
        Misfit: it is other text.

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
    """Read a model name: text, not blank.

    Raises:
        Misfit: it is a number or something else.
    """
    if is_absent(value):
        return ""
    if not isinstance(value, str):
        raise Misfit(f"{kind_of(value)} where a name belongs")
    return sound(value)


def opaque(value: object) -> str:
    """Read an id, label or tag as the text that stands there; 16000 and 16000.0 give ``"16000"``.

    Raises:
        Misfit: it is a list, an object or bytes.

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
    """Fill in what a log leaves out of a budget.

    Nothing at all is ``none``/``default``. A label alone is an effort where it names one, else of kind ``none``. A
    missing label is the amount, written out.

    Raises:
        Misfit: an unknown kind, or too little to tell one budget from another.

    Example:
        >>> budget_of("", "high", float("nan"))
        Budget(kind='effort', label='high', amount=None)
    """
    known_amount = None if math.isnan(amount) else amount
    if kind and kind not in BUDGET_KINDS:
        raise Misfit(f"unknown; use one of {', '.join(BUDGET_KINDS)}")
    if not kind and not label and known_amount is not None:
        raise Misfit(f"missing beside a budget amount; give one of {', '.join(BUDGET_KINDS)}")
    if not kind:
        kind = "effort" if label in EFFORT_ORDER else "none"
    if not label and known_amount is not None:
        label = amount_text(known_amount)
    if not label and kind != "none":
        raise Misfit("given without a budget_label or an amount")
    return Budget(kind, label or "default", known_amount)
