"""Query text to numbers, on the spot: hashed n-grams and a few readable text statistics.

No download, no vocabulary, any language and script. A text becomes a sparse bag of hashed words, word pairs and
character 3- to 5-grams; what fitting learned of that bag (document frequencies, a projection) belongs to the surface.

Texts above 64 kB of UTF-8 are cut by one rule: the first and the last 32 kB are kept, since instructions stand at
either end. Digits are read as one shape for the character n-grams, so that ``17+25`` and ``31+48`` look alike.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TEXT_CAP_BYTES = 65_536
BUCKET_BITS = 15
WIDTH = 1 << BUCKET_BITS  # buckets of words in the lower half, of character n-grams in the upper half
HALF = WIDTH // 2
_WORD = re.compile(r"\w+|[^\w\s]")
_MIX = np.uint64(0x9E3779B97F4A7C15)
STATISTICS = (
    "log_characters",
    "log_words",
    "mean_word_length",
    "share_digits",
    "share_punctuation",
    "share_uppercase",
    "share_non_ascii",
    "share_lines",
    "share_distinct_words",
    "question_marks",
    "math_signs",
    "code_signs",
)


def capped(text: str) -> str:
    """Cut a text above 64 kB of UTF-8 to its first and last 32 kB (whole characters).

    Example:
        >>> len(capped("x" * 100_000))
        65536
    """
    if len(text) * 4 <= TEXT_CAP_BYTES:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= TEXT_CAP_BYTES:
        return text
    half = TEXT_CAP_BYTES // 2
    return data[:half].decode("utf-8", "ignore") + data[-half:].decode("utf-8", "ignore")


def _word_hashes(words: list[str]) -> NDArray[np.uint64]:
    crc = zlib.crc32
    single = np.fromiter((crc(word.encode("utf-8", "replace")) for word in words), np.uint64, len(words))
    if len(single) < 2:
        return single
    return np.concatenate([single, single[:-1] * np.uint64(31) + single[1:] * np.uint64(1_000_003)])


def _character_hashes(lowered: str) -> NDArray[np.uint64]:
    codes = np.frombuffer(f" {lowered} ".encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    codes = np.where((codes >= 48) & (codes <= 57), np.uint64(48), codes)
    rolling = codes
    grams = []
    for order in range(2, 6):
        if len(codes) < order:
            break
        rolling = rolling[:-1] * np.uint64(0x100000001B3) ^ codes[order - 1 :]
        if order >= 3:
            grams.append(rolling)
    return np.concatenate(grams) if grams else codes[:0]


def _buckets(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    return ((hashes * _MIX) >> np.uint64(64 - BUCKET_BITS + 1)).astype(np.int64)


def hashed(text: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count the hashed n-grams of one text.

    Returns:
        Sorted bucket numbers in [0, WIDTH) and, for each, 1 + log(count): both ``(buckets hit,)``, none for a text
        without any character but spaces.
    """
    lowered = " ".join(capped(text).casefold().split())
    words = _buckets(_word_hashes(_WORD.findall(lowered)))
    grams = _buckets(_character_hashes(lowered)) + HALF
    both = np.sort(np.concatenate([words, grams]))
    first = np.flatnonzero(np.diff(both, prepend=-1))
    counts = np.diff(np.append(first, len(both)))
    return both[first], 1.0 + np.log(counts)


def statistics(text: str) -> NDArray[np.float64]:
    """Measure a few readable properties of one text, in the order of ``STATISTICS``: ``(12,)``, all finite."""
    text = capped(text)
    length = max(len(text), 1)
    words = text.split()
    count = max(len(words), 1)
    digits = sum(map(text.count, "0123456789"))
    letters = sum(map(str.isalpha, text))
    spaces = sum(map(str.isspace, text))
    upper = sum(map(str.isupper, text))
    return np.array(
        [
            math.log1p(len(text)),
            math.log1p(len(words)),
            min((length - spaces) / count, 50.0),
            digits / length,
            max(length - letters - spaces - digits, 0) / length,
            upper / length,
            (length - len(text.encode("ascii", "ignore"))) / length,
            text.count("\n") / length,
            len(set(words)) / count,
            math.log1p(text.count("?")),
            math.log1p(sum(map(text.count, "=+^\\$"))),
            math.log1p(sum(map(text.count, "{}();_"))),
        ]
    )


def featurize(
    texts: Sequence[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Count hashed n-grams and measure statistics of many texts.

    Returns:
        ``(indptr, buckets, values, statistics)``: a compressed sparse row matrix (texts, WIDTH) and (texts, 12).
    """
    rows = [hashed(text) for text in texts]
    indptr = np.concatenate([[0], np.cumsum([len(b) for b, _ in rows])]).astype(np.int64)
    buckets = np.concatenate([b for b, _ in rows]) if rows else np.zeros(0, np.int64)
    values = np.concatenate([v for _, v in rows]) if rows else np.zeros(0)
    stats = np.stack([statistics(text) for text in texts]) if rows else np.zeros((0, len(STATISTICS)))
    return indptr, buckets, values, stats
