"""Ids that stand for different queries: a log in which they are common is refused.

Two texts of one id are *near-copies* if they differ only in case, white space, punctuation of prose and Unicode form,
or in dates, times and UUIDs beside at least 8 other words (as in a system prompt), or if one is a chat whose only
message is the other. They are *versions* of one text if
they share most of their pairs of words. A few ids with versions are questions that were edited; where they are common,
they are tasks on one document, or questions behind one long prompt, and are refused like any other difference.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute.errors import RunsError, one_line
from paretoroute.query import LONE_MESSAGE
from paretoroute.runs.checks.unicode_forms import compatible
from paretoroute.runs.findings import Finding

MOST_DIFFERENT = 0.01  # of the ids with a text; beyond it the log is refused
MOST_DIFFERING = 0.05  # likewise, of ids with different texts or versions of one
LEAST_SIMILARITY = 0.8  # of two versions: the share of their pairs of words that both have
MOST_VERSIONS = 8  # of one id
SKETCHED = 20_000  # ids of which versions are compared; others count as different
SKETCH_SIZE = 256
LEAST_WORDS = 8  # beside dates and UUIDs that do not count
LEAST_COSINE = 0.99  # of two embeddings of one text, computed twice
SHOWN = 3  # ids in a message
LEAST_OF_CALLS, MOST_OF_CALLS = 20, 0.2  # runs of a shared text, from which on ids are likely those of calls
TRACED = 1000  # ids of which sources and tags of the texts are kept, to name the likeliest cause
KEY_DIGITS = 12
_STAMPS = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})?)?(?![\w-])"
    r"|\b\d{1,2}:\d{2}:\d{2}\b"
)
_OPERATORS = re.compile(r"(?<=\d)\s*([-+*/^%=<>:×÷·]+)\s*(?=\d)")  # between numbers they are no punctuation
_OPERATOR_NAMES = {ord(sign): f"op{ord(sign)} " for sign in "-+*/^%=<>:×÷·"}
_PROSE = re.compile(r"[\s.,;:!?'\"()*_#`\-–—…“”‘’„«»¿¡。、，；：！？]+")
_WORD_OR_SYMBOL = re.compile(r"\w+|[^\w\s]")


def text_key(text: str) -> str:
    """Return the key of a text, equal for near-copies: 12 hexadecimal digits of a hash.

    Example:
        >>> text_key("What is 2 + 2?") == text_key(" what is  2+2")
        True
        >>> text_key("What is 2 + 2?") == text_key("What is 2 * 2?")
        False
    """
    return hashlib.sha256(_plain(text).encode()).hexdigest()[:KEY_DIGITS]


def differ_in_form_alone(one: str, other: str) -> bool:
    """Return whether two texts differ in case, white space and their last marks alone; much faster than their keys."""
    return _folded(one) == _folded(other) != ""


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" .!?")


@functools.lru_cache(maxsize=4)  # two texts are compared by their keys, their sketches and their sources
def _plain(text: str) -> str:
    """Return the form of a text that its near-copies share."""
    folded = compatible(text).casefold().removeprefix(LONE_MESSAGE)
    plain = _words(_STAMPS.sub(" ", folded))
    return plain if plain.count(" ") >= LEAST_WORDS - 1 else _words(folded) or folded.strip()


def _words(text: str) -> str:
    named = _OPERATORS.sub(lambda match: " " + match[1].translate(_OPERATOR_NAMES), text)
    return " ".join(_WORD_OR_SYMBOL.findall(_PROSE.sub(" ", named)))


def _sketch(text: str) -> NDArray[np.uint32]:
    """Return the 256 smallest hashes of a text's pairs of words, sorted (Broder, 1997)."""
    words = _plain(text).split()
    pairs = {zlib.crc32(f"{one} {other}".encode()) for one, other in itertools.pairwise([*words, ""])}
    return np.array(sorted(pairs)[:SKETCH_SIZE], np.uint32)


def _similarity(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    """Estimate the Jaccard similarity of two texts' pairs of words from their sketches."""
    union = np.union1d(one, other)[:SKETCH_SIZE]
    return float((np.isin(union, one) & np.isin(union, other)).mean()) if len(union) else 0.0


@dataclass
class _Origin:
    """Where one text of an id comes from: names of sources, and tags beside it."""

    sources: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)


@dataclass
class TextCheck:
    """Compares the texts and the embeddings that the rows of one query state.

    Args:
        keys: key of the first text, by number of the query, once another text was met.
        sketches: of the texts, by their keys, of up to 20,000 queries whose texts are no near-copies.
        unsketched: the other queries whose texts are no near-copies.
        apart: numbers of the queries whose embeddings are of different texts.
        origins: where each text of a query comes from, by its key; of up to 1,000 queries with several texts.
    """

    keys: dict[int, str] = field(default_factory=dict)
    sketches: dict[int, dict[str, NDArray[np.uint32]]] = field(default_factory=dict)
    unsketched: set[int] = field(default_factory=set)
    apart: set[int] = field(default_factory=set)
    origins: dict[int, dict[str, _Origin]] = field(default_factory=dict)

    def compare(self, code: int, kept: str, new: str) -> None:
        """Compare two texts of the query of number ``code``; the result does not depend on their order."""
        if code not in self.keys:
            self.keys[code] = text_key(kept)
        if text_key(new) == self.keys[code]:
            return
        if code not in self.sketches and len(self.sketches) >= SKETCHED:
            self.unsketched.add(code)
            return
        sketches = self.sketches.setdefault(code, {})
        for text in (kept, new):
            if len(sketches) <= MOST_VERSIONS and (key := text_key(text)) not in sketches:
                sketches[key] = _sketch(text)

    @property
    def differing(self) -> set[int]:
        """The queries whose texts are no near-copies."""
        return self.unsketched | set(self.sketches)

    def different(self) -> set[int]:
        """Return the queries whose texts are not even versions of one text."""
        return self.unsketched | {code for code, texts in self.sketches.items() if not _are_versions(texts)}

    def trace(self, code: int, text: str, *, source: str, tag: str) -> None:
        """Record where a text of a query with several texts comes from."""
        if text and (code in self.origins or len(self.origins) < TRACED):
            origin = self.origins.setdefault(code, {}).setdefault(text_key(text), _Origin())
            origin.sources.add(source)
            origin.tags.add(tag)

    def compare_embeddings(self, code: int, kept: bytes, new: bytes) -> None:
        """Compare two embeddings of the query of number ``code``, which may differ by rounding."""
        one, other = np.frombuffer(kept, np.float32).astype(float), np.frombuffer(new, np.float32).astype(float)
        if one @ other < LEAST_COSINE * np.linalg.norm(one) * np.linalg.norm(other):
            self.apart.add(code)

    def finish(self, codes: Mapping[str, int], *, texts: int, embeddings: int) -> list[Finding]:
        """Return the finding on ids with different texts.

        Args:
            codes: number of the query by id.
            texts: how many queries have a text.
            embeddings: how many queries have an embedding.

        Raises:
            RunsError: the texts or the embeddings of more than 1% of the ids differ.
        """
        differing = self.differing
        if len(differing) > MOST_DIFFERING * texts or len(self.different()) > MOST_DIFFERENT * texts:
            raise RunsError(
                f"query_id stands for different queries: the texts of {len(differing)} of {texts} ids "
                f"({id_names(codes, differing)}) differ by more than case, spaces, punctuation and dates"
                f"{self._cause()}. Make the ids unique, or make each pair of id and text a query: --join id,text, or "
                'read_runs(..., join="id,text"). If one question is logged with several templates around it, log it '
                "without them"
            )
        if len(self.apart) > MOST_DIFFERENT * embeddings:
            raise RunsError(
                f"query_id stands for different queries: the embeddings of {len(self.apart)} of {embeddings} ids "
                f"({id_names(codes, self.apart)}) point in different directions. Make the ids unique, such as by "
                "the name of the data set in front"
            )
        if not differing:
            return []
        text = (
            f"ids with texts that differ by more than near-copies: {len(differing)} of {texts} "
            f"({id_names(codes, differing)}); their runs count as of one query, and the text that sorts first is "
            "kept"
        )
        return [Finding("note", text)]

    def _cause(self) -> str:
        """Name what separates the texts of an id, where one column does."""
        origins = [texts for code, texts in self.origins.items() if code in self.sketches]
        causes = (
            ("file", "the ids restart in every file", [[o.sources for o in texts.values()] for texts in origins]),
            ("tag", "the ids restart under every tag", [[o.tags for o in texts.values()] for texts in origins]),
        )
        for what, meaning, labels in causes:
            if all(_are_apart(sets) for sets in labels):
                return f"; each id has one text per {what}: {meaning}"
        return ""


def _are_versions(sketches: Mapping[str, NDArray[np.uint32]]) -> bool:
    """Return whether all texts of an id are versions of one."""
    if len(sketches) > MOST_VERSIONS:
        return False
    return all(_similarity(*pair) >= LEAST_SIMILARITY for pair in itertools.combinations(sketches.values(), 2))


def _are_apart(sets: list[set[str]]) -> bool:
    """Return whether no two of several sets share a member."""
    return len(set().union(*sets)) == sum(map(len, sets))


def id_names(codes: Mapping[str, int], some: set[int]) -> str:
    """Name up to three ids, in sorted order."""
    names = sorted(query_id for query_id, code in codes.items() if code in some)
    return ", ".join(repr(one_line(name, 40)) for name in names[:SHOWN]) + ", ..." * (len(names) > SHOWN)


def call_id_findings(texts: Sequence[str], *, runs: int) -> list[Finding]:
    """Ask about ids of which each has one run, where many have one text: they are likely ids or times of calls.

    Args:
        texts: of the queries.
        runs: how many the log has.
    """
    sizes = Counter(text for text in texts if text.strip())
    several = [size for size in sizes.values() if size > 1]
    if runs > len(texts) or sum(several) < max(LEAST_OF_CALLS, MOST_OF_CALLS * len(texts)):
        return []
    text = (
        f"each of the {runs:,} runs has a query_id of its own, and {sum(several):,} of them share {len(several):,} "
        "texts: if query_id is the id or the time of a call, leave that column out, so that runs of one text are of "
        "one query"
    )
    return [Finding("note", text)]
