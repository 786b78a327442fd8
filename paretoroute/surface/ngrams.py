"""Hashed n-grams and a few readable statistics of texts.

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
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices

TEXT_CAP_BYTES = 65_536
BUCKET_BITS = 15
WIDTH = 1 << BUCKET_BITS  # buckets of words in the lower half, of character n-grams in the upper half
HALF = WIDTH // 2
MOST_PIECES, MOST_PIECE_CHARACTERS = 20_000, 40  # whose words are kept with their hashes, 4 MB at most
ORDERS = (3, 4, 5)  # of character n-grams
MOST_CHARACTERS, MOST_TEXTS = 16_384, 1024  # hashed at once
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


class Ngrams(NamedTuple):
    """Hashed n-grams of some texts, a compressed sparse row matrix ``(texts, WIDTH)``.

    Args:
        bounds: where the words of each text start among the entries and where its characters do, in turn, and the end,
            ``(2 x texts + 1,)``.
        buckets: column of every entry, in [0, WIDTH), sorted within a text, ``(entries,)``.
        values: 1 + log(count) of every entry, ``(entries,)``.
    """

    bounds: NDArray[np.intp]
    buckets: NDArray[np.int32]
    values: Floats

    @property
    def indptr(self) -> NDArray[np.intp]:
        """Start of each text among the entries, and the end, ``(texts + 1,)``."""
        return self.bounds[::2]


def hashed(texts: Sequence[str]) -> Ngrams:
    """Count the hashed n-grams of texts, each as if it came alone; a text of spaces has none."""
    if len(texts) == 1:
        return _hashed([capped(texts[0])])
    parts = [_hashed(some) for some in _blocks([capped(text) for text in texts])]
    ends = accumulate([len(part.buckets) for part in parts], initial=0)
    return Ngrams(
        np.concatenate([[0], *(part.bounds[1:] + end for part, end in zip(parts, ends, strict=False))]),
        np.concatenate([np.zeros(0, np.int32), *(part.buckets for part in parts)]),
        np.concatenate([np.zeros(0), *(part.values for part in parts)]),
    )


def _blocks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Split texts into blocks whose hashes fit into a core's cache, of at least one text each."""
    block, characters = list[str](), 0
    for text in texts:
        if block and (characters + len(text) > MOST_CHARACTERS or len(block) == MOST_TEXTS):
            yield block
            block, characters = [], 0
        block.append(text)
        characters += len(text)
    if block:
        yield block


def _hashed(texts: Sequence[str]) -> Ngrams:
    """Count the n-grams of some texts at once: all hashes in one array, each marked with its text, then sorted."""
    lowered = [text.casefold().split() for text in texts]
    words = [[one for piece in pieces for one in _WORD_HASHES[piece]] for pieces in lowered]
    joined = [f" {' '.join(pieces)} " for pieces in lowered]
    found = words[0] if len(words) == 1 else [one for some in words for one in some]
    codes, count = _codes("".join(joined)), len(found)
    orders = [max(len(codes) - order + 1, 0) for order in ORDERS]
    starts = [*accumulate([count, max(count - 1, 0), *orders], initial=0)]
    of_words = starts[2]
    hashes = np.empty(starts[-1], np.uint64)
    hashes[:count] = found
    _hash_pairs(hashes[:count], hashes[count:of_words])
    _hash_characters(codes.astype(np.uint64), hashes[of_words:])
    hashes *= _MIX
    hashes >>= _SHIFT
    marked = hashes.astype(np.int32)
    marked[of_words:] += HALF
    if len(texts) > 1:
        _mark(marked, starts, np.cumsum([*map(len, words)]), np.cumsum([*map(len, joined)]))
    marked.sort()
    return _counted(marked, len(texts))


def _mark(ngrams: NDArray[np.int32], starts: Sequence[int], word_ends: Indices, code_ends: Indices) -> None:
    """Add the number of the text that each n-gram is of, shifted; those that run into the next text get the last.

    Args:
        ngrams: to mark, ``(n-grams,)``.
        starts: of the words, of their pairs and of each order of character n-grams in it.
        word_ends: end of each text among the words.
        code_ends: end of each text among the characters.
    """
    texts = len(word_ends)
    numbers = np.arange(texts, dtype=np.int32) << BUCKET_BITS
    of_word, of_code = numbers.repeat(np.diff(word_ends, prepend=0)), numbers.repeat(np.diff(code_ends, prepend=0))
    for i, order in enumerate((1, 2, *ORDERS)):
        own = ngrams[starts[i] : starts[i + 1]]
        owner, ends = (of_word, word_ends) if i < 2 else (of_code, code_ends)
        own += owner[: len(own)]
        across = (ends[:-1, None] - np.arange(1, order)).ravel()
        own[across[(across >= 0) & (across < len(own))]] = texts << BUCKET_BITS


def _counted(marked: NDArray[np.int32], texts: int) -> Ngrams:
    """Count equal ones of sorted n-grams that are marked with their texts, without those that run across."""
    if texts > 1:
        marked = marked[: marked.searchsorted(texts << BUCKET_BITS)]
    if not len(marked):
        return Ngrams(np.zeros(2 * texts + 1, np.intp), marked, np.zeros(0))
    is_first = np.empty(len(marked) + 1, bool)
    is_first[0] = is_first[-1] = True
    np.not_equal(marked[1:], marked[:-1], out=is_first[1:-1])
    first = is_first.nonzero()[0]
    counts = first[1:] - first[:-1]
    values = _VALUES.take(counts - 1) if counts.max() <= len(_VALUES) else 1.0 + np.log(counts)
    distinct = marked.take(first[:-1])
    bounds = distinct.searchsorted(np.arange(2 * texts + 1, dtype=np.int32) << (BUCKET_BITS - 1))
    if texts > 1:
        distinct &= WIDTH - 1
    return Ngrams(bounds, distinct, values)


def _hash_pairs(words: NDArray[np.uint64], pairs: NDArray[np.uint64]) -> None:
    """Write the hashes of the pairs of neighbouring words."""
    np.multiply(words[:-1], _FIRST, out=pairs)
    pairs += words[1:] * _SECOND


def _hash_characters(codes: NDArray[np.uint64], grams: NDArray[np.uint64]) -> None:
    """Write the hashes of the 3-, 4- and 5-grams of some characters, one order after the other."""
    rolling, end = codes[:-1] * _ROLL, 0
    rolling ^= codes[1:]
    for order in ORDERS:
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


def statistics_of_each(texts: Sequence[str]) -> Floats:
    """Measure the properties of some texts, ``(texts, 12)``."""
    return np.array([statistics(text) for text in texts]).reshape(-1, len(STATISTICS))
