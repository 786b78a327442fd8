"""Hashed n-grams and a few readable statistics of a text.

They need no download and no vocabulary, and work for any language and script. A text becomes a sparse bag of hashed
words, word pairs and character 3- to 5-grams; the learned parts (document frequencies, a projection) are in the
featurizer.

Texts above 64 kB of UTF-8 are cut to their first and last 32 kB, since instructions stand at either end. Character
n-grams treat all digits alike, so that ``17+25`` and ``31+48`` have the same ones.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

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
    grams: list[NDArray[np.uint64]] = []
    for order in range(2, 6):
        if len(codes) < order:
            break
        rolling = rolling[:-1] * np.uint64(0x100000001B3) ^ codes[order - 1 :]
        if order >= 3:
            grams.append(rolling)
    return np.concatenate(grams) if grams else codes[:0]


def _buckets(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    return ((hashes * _MIX) >> np.uint64(64 - BUCKET_BITS + 1)).astype(np.int64)


class NgramCounts(NamedTuple):
    """Hashed n-grams of one text; empty for a text of spaces.

    Args:
        buckets: sorted bucket numbers in [0, WIDTH), ``(buckets hit,)``.
        values: 1 + log(count) of each, ``(buckets hit,)``.
    """

    buckets: NDArray[np.int64]
    values: Floats


class TextTable(NamedTuple):
    """Hashed n-grams and statistics of many texts; the n-grams are a compressed sparse row matrix, (texts, WIDTH).

    Args:
        indptr: start of each text among the entries, ``(texts + 1,)``.
        buckets: column of every entry, ``(entries,)``.
        values: 1 + log(count) of every entry, ``(entries,)``.
        statistics: ``(texts, 12)``.
    """

    indptr: NDArray[np.int64]
    buckets: NDArray[np.int64]
    values: Floats
    statistics: Floats


def hashed(text: str) -> NgramCounts:
    """Count the hashed n-grams of one text."""
    lowered = " ".join(capped(text).casefold().split())
    words = _buckets(_word_hashes(_WORD.findall(lowered)))
    grams = _buckets(_character_hashes(lowered)) + HALF
    both = np.sort(np.concatenate([words, grams]))
    first = np.flatnonzero(np.diff(both, prepend=-1))
    counts = np.diff(np.append(first, len(both)))
    return NgramCounts(both[first], 1.0 + np.log(counts))


def statistics(text: str) -> Floats:
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


def featurize(texts: Sequence[str]) -> TextTable:
    """Count hashed n-grams and measure statistics of many texts."""
    if not texts:
        return TextTable(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(STATISTICS))))
    rows = [hashed(text) for text in texts]
    return TextTable(
        indptr=np.concatenate([[0], np.cumsum([len(row.buckets) for row in rows])]).astype(np.int64),
        buckets=np.concatenate([row.buckets for row in rows]),
        values=np.concatenate([row.values for row in rows]),
        statistics=np.stack([statistics(text) for text in texts]),
    )
