"""The compatibility form (NFKC) in which texts and names of a log are compared.

Logs and plans read texts in canonical form (NFC) already (:func:`paretoroute.query.query_text`).
"""

from __future__ import annotations

from paretoroute.query import normalised

MOST_GROWTH = 4  # of a text: a single ligature may have a form of 18 characters
SHORT = 1000  # characters of a text that is always compared in compatibility form


def compatible(text: str) -> str:
    r"""Return a text in compatibility form (NFKC), or in canonical form (NFC) if the former is many times as long.

    Example:
        >>> compatible("ｈｉｇｈ"), len(compatible("\ufdfa" * 2000))
        ('high', 2000)
    """
    if text.isascii():
        return text
    form = normalised(text, "NFKC")
    return form if len(form) <= MOST_GROWTH * len(text) or len(text) < SHORT else normalised(text, "NFC")
