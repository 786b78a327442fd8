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
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

TEXT_CAP_BYTES = 65_536
BUCKET_BITS = 15
WIDTH = 1 << BUCKET_BITS  # buckets of words in the lower half, of character n-grams in the upper half
HALF = WIDTH // 2
MOST_PIECES, MOST_PIECE_CHARACTERS = 20_000, 40  # whose words are kept with their hashes, 4 MB at most
_WORD = re.compile(r"\w+|[^\w\s]")
_ZERO_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_VALUES = 1.0 + np.log(np.arange(1, 1025))  # of the counts of nearly all n-grams
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(64 - BUCKET_BITS + 1)
_FIRST, _SECOND, _ROLL = np.uint64(31), np.uint64(1_000_003), np.uint64(0x100000001B3)
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
_CLASSES: tuple[Callable[[str], bool], ...] = (
    str.isdigit,
    str.isalpha,
    str.isspace,
    str.isupper,
    "\n".__eq__,
    "?".__eq__,
    "=+^\\$".__contains__,
    "{}();_".__contains__,
)
_CLASSES_OF_ASCII = np.array([[is_of(chr(code)) for is_of in _CLASSES] for code in range(128)], np.float64)


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


class _WordHashes(dict[str, tuple[int, ...]]):
    """The hashes of the words and signs in each piece of text between spaces, of recent pieces."""

    def __missing__(self, piece: str) -> tuple[int, ...]:
        if len(self) >= MOST_PIECES:
            self.clear()
        hashes = tuple([zlib.crc32(word.encode("utf-8", "replace")) for word in _WORD.findall(piece)])
        if len(piece) <= MOST_PIECE_CHARACTERS:
            self[piece] = hashes
        return hashes


_WORD_HASHES = _WordHashes()


def _hash_pairs(words: NDArray[np.uint64], pairs: NDArray[np.uint64]) -> None:
    """Write the hashes of the pairs of neighbouring words."""
    np.multiply(words[:-1], _FIRST, out=pairs)
    pairs += words[1:] * _SECOND


def _hash_characters(codes: NDArray[np.uint64], grams: NDArray[np.uint64]) -> None:
    """Write the hashes of the 3-, 4- and 5-grams of some characters, one order after the other."""
    rolling, end = codes[:-1] * _ROLL, 0
    rolling ^= codes[1:]
    for order in (3, 4, 5):
        if len(codes) < order:
            return
        start, end = end, end + len(codes) - order + 1
        rolling = np.multiply(rolling[:-1], _ROLL, out=grams[start:end])
        rolling ^= codes[order - 1 :]


def _codes(text: str) -> NDArray[np.uint8] | NDArray[np.uint32]:
    """Return the code points of a text, all digits as 0."""
    if text.isascii():
        return np.frombuffer(text.encode().translate(_ZERO_DIGITS), np.uint8)
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    return np.where((codes >= 48) & (codes <= 57), np.uint32(48), codes)


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


def _buckets(pieces: Sequence[str]) -> NDArray[np.int32]:
    """Return the sorted buckets of all n-grams of a text, each as often as it occurs; ``pieces`` are between spaces."""
    words, codes = [one for piece in pieces for one in _WORD_HASHES[piece]], _codes(f" {' '.join(pieces)} ")
    count = len(words)
    of_words = max(2 * count - 1, 0)
    hashes = np.empty(of_words + sum([max(len(codes) - order + 1, 0) for order in (3, 4, 5)]), np.uint64)
    hashes[:count] = words
    if count > 1:
        _hash_pairs(hashes[:count], hashes[count:of_words])
    _hash_characters(codes.astype(np.uint64), hashes[of_words:])
    hashes *= _MIX
    hashes >>= _SHIFT
    both = hashes.astype(np.int32)
    both[of_words:] += HALF
    both.sort()
    return both


def hashed(text: str) -> NgramCounts:
    """Count the hashed n-grams of one text."""
    both = _buckets(capped(text).casefold().split())
    if not len(both):
        return NgramCounts(np.zeros(0, np.int64), np.zeros(0))
    is_first = np.empty(len(both) + 1, bool)
    is_first[0] = is_first[-1] = True
    np.not_equal(both[1:], both[:-1], out=is_first[1:-1])
    first = is_first.nonzero()[0]
    counts = first[1:] - first[:-1]
    values = _VALUES.take(counts - 1) if counts.max() <= len(_VALUES) else 1.0 + np.log(counts)
    return NgramCounts(both.take(first[:-1]).astype(np.int64), values)


def statistics(text: str) -> Floats:
    """Measure a few readable properties of one text, in the order of ``STATISTICS``: ``(12,)``, all finite.

    A blank text is as none, however many spaces it has.
    """
    text = "" if text.isspace() else capped(text)
    length = max(len(text), 1)
    words = text.split()
    count = max(len(words), 1)
    digits, letters, spaces, upper, lines, questions, math_signs, code_signs = _class_counts(text)
    return np.array(
        [
            math.log1p(len(text)),
            math.log1p(len(words)),
            min((length - spaces) / count, 50.0),
            digits / length,
            max(length - letters - spaces - digits, 0) / length,
            upper / length,
            0.0 if text and text.isascii() else (length - len(text.encode("ascii", "ignore"))) / length,
            lines / length,
            len(set(words)) / count,
            math.log1p(questions),
            math.log1p(math_signs),
            math.log1p(code_signs),
        ]
    )


def _class_counts(text: str) -> list[float]:
    """Count the characters of each of eight classes: ASCII digits, letters, spaces, capitals, and some signs."""
    if text.isascii():
        codes = np.bincount(np.frombuffer(text.encode(), np.uint8), minlength=128)
        return (codes @ _CLASSES_OF_ASCII).tolist()
    return [
        sum(map(text.count, "0123456789")),
        sum(map(str.isalpha, text)),
        sum(map(str.isspace, text)),
        sum(map(str.isupper, text)),
        text.count("\n"),
        text.count("?"),
        sum(map(text.count, "=+^\\$")),
        sum(map(text.count, "{}();_")),
    ]


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
