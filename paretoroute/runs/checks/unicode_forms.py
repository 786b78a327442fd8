"""The Unicode forms in which texts and names of a log are compared.

To normalise a text takes time quadratic in its longest run of combining marks, which languages keep below ten. In a run
of more than 30, a character that stands for nothing is put after every 30, so that the time stays linear.

References:
    Unicode Standard Annex 15, "Unicode normalization forms", section 13, stream-safe text format.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from typing import Literal

MOST_GROWTH = 4  # of a text: a single ligature may have a form of 18 characters
SHORT = 1000  # characters of a text that is always compared in compatibility form
MOST_MARKS = 30
_JOINER = "\u034f"  # the combining grapheme joiner, before which marks are not reordered
# All marks are here; two that count as letters are listed.
_MAY_BE_MARKS = re.compile(rf"(?:[^\w\s\0-\x7f]|[\uff9e\uff9f]){{{MOST_MARKS + 1}}}")


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


def normalised(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """Return a text in a normal form, in time linear in its length."""
    if _MAY_BE_MARKS.search(text):
        text = _many_marks().sub(rf"\g<0>{_JOINER}", text)
    return unicodedata.normalize(form, text)


@functools.cache
def _many_marks() -> re.Pattern[str]:
    """Match 30 marks that another follows: characters whose form begins with one that may be reordered."""
    signs = (chr(code) for code in range(0x80, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    marks = "".join(map(re.escape, filter(_is_mark, signs)))
    return re.compile(f"[{marks}]{{{MOST_MARKS}}}(?=[{marks}])")


def _is_mark(sign: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", sign)[0]) > 0
