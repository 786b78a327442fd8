"""What one value of a logged run may be: numbers, names, labels, query texts and budgets, one at a time.

Whole columns are checked by ``run_columns``; where a column is not uniform, its values come here one by one, so that
the reason given for a bad row is about that row. Absent text is ``""`` and an absent number is NaN throughout.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence

from paretoroute.grid import BUDGET_KINDS, EFFORT_ORDER, Budget

NOT_UTF8 = "not valid UTF-8 text (a stray byte or half a character)"
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)", re.I | re.A)


class Misfit(ValueError):
    """A value that does not belong where it stands; the message is the reason, without the value."""


def number(value: object) -> float:
    """Read a number that must be one: no text, no boolean.

    Raises:
        Misfit: it is something else.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str):
        raise Misfit(f"{_kind(value)} where a number belongs")
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
    if _absent(value):
        return ""
    if not isinstance(value, str):
        raise Misfit(f"{_kind(value)} where a name belongs")
    return sound(value)


def opaque(value: object) -> str:
    """Read an id, label or tag as the text that stands there; 16000 and 16000.0 give ``"16000"``.

    Raises:
        Misfit: it is a list, an object or bytes.

    Example:
        >>> opaque(True), opaque(7), opaque("007"), opaque(float("nan"))
        ('true', '7', '007', '')
    """
    if _absent(value):
        return ""
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return amount_text(value)
    raise Misfit(f"{_kind(value)} where text belongs")


def amount_text(value: float) -> str:
    """Write a number as a label: whole numbers without a point."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def query_text(value: object) -> str:
    r"""Give the one text of a query: the text itself, or chat messages as lines ``role: content``.

    Args:
        value: text, or a list of messages ``{"role": ..., "content": ...}`` whose content is text, None (a call of
            tools) or a list of parts. A part without text is shown as its type in brackets, such as ``[image_url]``.

    Raises:
        Misfit: it is something else; the message says what.

    Example:
        >>> query_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
        'system: Be brief.\nuser: Why?'
    """
    if _absent(value):
        return ""
    if isinstance(value, str):
        return sound(value)
    if not isinstance(value, Sequence) or isinstance(value, bytes | bytearray):
        raise Misfit(f"{_kind(value)} where text or a list of chat messages belongs")
    return sound("\n".join(_message(message, i) for i, message in enumerate(value, start=1)))


def _message(message: object, position: int) -> str:
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(role, str):
        raise Misfit(f"chat message {position} has no role")
    content = message.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        return f"{role}: " + "\n".join(_part(part, position) for part in content)
    if content is not None and not isinstance(content, str):
        raise Misfit(f"the content of chat message {position} is neither text nor a list of parts")
    return f"{role}: {content or ''}"


def _part(part: object, position: int) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        if isinstance(part.get("text"), str):
            return part["text"]
        if isinstance(part.get("type"), str):
            return f"[{part['type']}]"
    raise Misfit(f"a content part of chat message {position} has neither text nor a type")


def query_id_of(text: str) -> str:
    """Give the id of a query that was logged without one: it depends on the text alone."""
    return "q:" + hashlib.sha256(text.encode()).hexdigest()[:16]


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


def sound(text: str) -> str:
    """Return the text as it is.

    Raises:
        Misfit: it holds half a character, so that it could not be written to any file.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Misfit(NOT_UTF8) from None
    return text


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _kind(value: object) -> str:
    for kind, said in (
        (bool, "a boolean"),
        (str, "text"),
        (int | float, "a number"),
        (bytes, "bytes"),
        (Mapping, "an object"),
        (Sequence, "a list"),
    ):
        if isinstance(value, kind):
            return said
    return f"a {type(value).__name__}"
