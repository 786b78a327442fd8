"""Conversion of single values of a logged run: numbers, names, labels and budgets.

Whole columns are checked by :mod:`paretoroute.runs.columns`. The values of a column that is not uniform come here one
by one, so that the reason for a bad row is about that row. Absent text is ``""``, and an absent number is NaN.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paretoroute.grid import BUDGET_KINDS, EFFORT_ORDER, Budget, kind_fault
from paretoroute.query import Misfit, is_absent, kind_of, listed, sound

_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)", re.I | re.A
)
_MOST_DIGITS = 4000  # of an id; Python writes no more than 4300
_MOST_NUMBER = 1000  # characters of a number
ABSENT = frozenset(  # words for an unknown number, in lower case: those of pandas, and a dash
    ("", "-", "na", "n/a", "#na", "#n/a", "#n/a n/a", "<na>", "null", "none", "nan", "-nan")
    + ("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan")
)
_QUALITY_WORDS = {
    **dict.fromkeys(("true", "yes", "pass", "passed", "correct", "right", "success"), 1.0),
    **dict.fromkeys(("false", "no", "fail", "failed", "incorrect", "wrong", "failure"), 0.0),
}
_QUALITY_LETTERS = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "t": 1.0, "f": 0.0, "y": 1.0}


def number(value: object) -> float:
    """Return a number as a float, also one that a text states; booleans are not numbers.

    Raises:
        Misfit: the value is no number.

    Example:
        >>> number(2), number("0.012"), number("N/A")
        (2.0, 0.012, nan)
    """
    if value is None:
        return math.nan
    if isinstance(value, str):
        return number_in_text(value)
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise Misfit(f"{kind_of(value)} where a number belongs")
    try:
        return float(value)  # pyright: ignore[reportArgumentType]  # it has __float__
    except OverflowError:
        return math.inf


def number_in_text(value: object) -> float:
    """Return the number that a text states: a plain decimal or ``inf``; NaN for nothing, and for a word of `ABSENT`.

    Raises:
        Misfit: it is other text.

    Example:
        >>> number_in_text(" 2.5e-3 "), number_in_text("NA"), number_in_text("-")
        (0.0025, nan, nan)
    """
    text = str(value or "").strip()
    if is_absent_text(text):
        return math.nan
    if len(text) > _MOST_NUMBER or not _DECIMAL.fullmatch(text):
        raise Misfit("text where a number belongs")
    return float(text)


def is_absent_text(text: str) -> bool:
    """Return whether a text stands for an unknown number: it is empty, or one of `ABSENT` in any case."""
    return len(text) <= _MOST_NUMBER and text.strip().casefold() in ABSENT


@dataclass(frozen=True, slots=True)
class Grade:
    """The quality that one value states.

    Args:
        value: a number as it stands there, or in [0, 1] of anything else; NaN if the value is missing.
        is_number: whether the value is a number, to which a scale applies.
        letter: the letter that states it, in upper case, or ``""``.
    """

    value: float
    is_number: bool = True
    letter: str = ""


def grade(value: object) -> Grade:
    """Return the quality that a value states: a number, a boolean, a word, a letter or a percentage.

    Words are true/false, yes/no, pass/fail, correct/incorrect and the like; letters are C, I, P, N (correct,
    incorrect, partially correct, no answer, as inspect_ai writes them), T and F, Y and N; their case is free. Which
    letters may stand together is checked over the whole column (:mod:`paretoroute.runs.checks.quality_scale`).

    Raises:
        Misfit: the value states no quality.

    Example:
        >>> grade("0.5").value, grade(True).value, grade("C").value, grade("85%").value
        (0.5, 1.0, 1.0, 0.85)
    """
    if isinstance(value, bool | np.bool_):
        return Grade(float(value), is_number=False)
    if not isinstance(value, str):
        return Grade(number(value))
    text = value.strip().casefold()
    if is_absent_text(text):
        return Grade(math.nan)
    if text in _QUALITY_WORDS:
        return Grade(_QUALITY_WORDS[text], is_number=False)
    if text in _QUALITY_LETTERS:
        return Grade(_QUALITY_LETTERS[text], is_number=False, letter=text.upper())
    if text.endswith("%") and _DECIMAL.fullmatch(text[:-1].rstrip()):
        return Grade(float(text[:-1]) / 100, is_number=False)
    return Grade(number_in_text(text))


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
        if abs(value) >= 10**_MOST_DIGITS:
            raise Misfit(f"a number of more than {_MOST_DIGITS} digits where text belongs")
        return str(value)
    if isinstance(value, float):
        return amount_text(value)
    raise Misfit(f"{kind_of(value)} where text belongs")


@dataclass(frozen=True, slots=True)
class Label:
    """The label that a value states.

    Args:
        text: the label; ``""`` if there is none.
        form: ``list`` if it is the first item of a list, ``object`` if the value is no label, else ``""``.
    """

    text: str
    form: Literal["", "list", "object"] = ""


def label(value: object) -> Label:
    """Return the label that a value states: itself, or the first item of a list or of the JSON text of one.

    Raises:
        Misfit: the text is not valid UTF-8.

    Example:
        >>> label("math").text, label(["math", "hard"]).text, label('["math"]').text, label([]).text
        ('math', 'math', 'math', '')
    """
    stated = _parsed(value) if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") else value
    items = None if isinstance(stated, str) else listed(stated)
    try:
        if items is None:
            return Label(opaque(stated))
        return Label(opaque(items[0]) if items else "", "list")
    except Misfit:
        if isinstance(stated, str):
            raise
        return Label("", "object")


def _parsed(text: str) -> object:
    """Return the list or object that a text is the JSON of, or the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def amount_text(value: float) -> str:
    """Write a number as a label: whole numbers without a point."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def budget_of(kind: str, label: str, amount: float) -> Budget:
    """Complete a budget that a log states in part.

    Without kind, label and amount the budget is ``none``/``default``. A label alone has kind ``effort`` if it names
    one, else ``none``. A missing label is the amount in digits.

    Raises:
        Misfit: the kind is blank, unprintable or long, or nothing distinguishes this budget from another.

    Example:
        >>> budget_of("", "high", float("nan"))
        Budget(kind='effort', label='high', amount=None)
    """
    given_amount = None if math.isnan(amount) else amount
    if kind and (fault := kind_fault(kind)):
        raise Misfit(fault)
    if not kind and not label and given_amount is not None:
        raise Misfit(f"missing beside a budget amount; give {', '.join(BUDGET_KINDS[1:])} or another word")
    if not kind:
        kind = "effort" if label in EFFORT_ORDER else "none"
    if not label and given_amount is not None:
        label = amount_text(given_amount)
    if not label and kind != "none":
        raise Misfit("given without a budget_label or an amount")
    return Budget(kind, label or "default", given_amount)
