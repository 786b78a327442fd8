"""Folds over queries: copies of a text and turns of one conversation stay together; and the hashes of queries seen.

Out-of-fold estimates would be optimistic if a copy of the query were on the other side. Texts of one template that
differ in their numbers are not copies: new queries of the template come as they came in the log, and holding out a
whole template made predictions too low (Reasoning Gym: by two to four quality points).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Mask
from paretoroute.query import LONE_MESSAGE
from paretoroute.runs.table import Runs

_NOT_WORD = re.compile(r"[\W_]+")
_NEXT_MESSAGE = re.compile(r"\n(?:system|developer|user|assistant|tool|function): ")


def group_key(query_id: str, text: str, conversation: str | None = None) -> str:
    """Return the key of the group that a query belongs to.

    The key is its conversation if one was logged, else its text, casefolded and without punctuation, else its id.

    Example:
        >>> group_key("a", "What is 2 + 2?") == group_key("b", "what is 2+2")
        True
        >>> group_key("a", "What is 2 + 2?") == group_key("b", "What is 31 + 7?")
        False
    """
    if conversation is not None:
        return f"conversation:{conversation}"
    is_lone = text.startswith(LONE_MESSAGE) and not _NEXT_MESSAGE.search(text)
    plain = _plain(text.removeprefix(LONE_MESSAGE) if is_lone else text)
    return f"text:{plain}" if plain else f"id:{query_id}"


def _plain(text: str) -> str:
    return _NOT_WORD.sub(" ", text.casefold()).strip()


def groups_of(runs: Runs) -> tuple[str, ...]:
    """Name the group of every query: copies and turns of one conversation share one."""
    queries = zip(runs.query_ids, runs.texts, runs.conversations, strict=True)
    return tuple(group_key(*query) for query in queries)


def query_hashes(runs: Runs, salt: str) -> NDArray[np.uint64]:
    """Hash every query of a log in 64 bits, so that :func:`is_seen` recognises it without its text.

    A policy keeps them of the queries that it was fitted on: 8 bytes a query, 16 where conversations were logged. The
    hashes hide no text from someone who has it and asks whether it is there.

    Args:
        runs: the log.
        salt: so that equal queries of two logs have different hashes.

    Returns:
        Ascending, without repeats, ``(hashes,)``.
    """
    names: set[str] = set()
    for query_id, text, conversation in zip(runs.query_ids, runs.texts, runs.conversations, strict=True):
        names.add(group_key(query_id, text, conversation))
        if conversation is not None:
            names.add(f"turn {group_key(query_id, text)}")
        elif runs.embeddings is not None:
            names.add(f"beside {group_key(query_id, '')}")
    return np.unique(np.array([_hash64(name, salt) for name in names], np.uint64))


def is_seen(runs: Runs, hashes: NDArray[np.uint64], salt: str) -> Mask:
    """Return which queries of a log, or copies of them or turns of their conversations, are among hashed ones.

    Texts are compared wherever one of the two logs has no conversations, and ids wherever one has no texts.

    Args:
        runs: the log.
        hashes: as :func:`query_hashes` returns them.
        salt: that they were made with.

    Returns:
        Bool ``(queries,)``.
    """

    def among(names: list[str]) -> Mask:
        return np.isin(np.array([_hash64(name, salt) for name in names], np.uint64), hashes)

    queries = list(zip(runs.query_ids, runs.texts, runs.conversations, strict=True))
    seen = among(list(groups_of(runs))) | among([group_key(query_id, text) for query_id, text, _ in queries])
    # Earlier versions hashed a chat of one message with its role.
    lone = [
        f"text:{_plain(LONE_MESSAGE + text.removeprefix(LONE_MESSAGE))}" if text.strip() else "" for text in runs.texts
    ]
    seen |= among(lone)
    seen |= among([group_key(query_id, "") for query_id, *_ in queries])
    # Turns of a fitted conversation count as copies only of queries without one: short turns recur in all of them.
    single = np.array([conversation is None for *_, conversation in queries])
    seen |= single & among([f"turn {group_key(query_id, text)}" for query_id, text, _ in queries])
    seen |= single & among([f"turn {name}" for name in lone])
    bare = np.array([not text.strip() for text in runs.texts])
    return seen | (bare & among([f"beside {group_key(query_id, '')}" for query_id, *_ in queries]))


def _hash64(name: str, salt: str) -> int:
    key = hashlib.sha256(salt.encode()).digest()
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), key=key, digest_size=8).digest(), "big")


def folds(groups: Sequence[str], count: int, *, seed: int) -> NDArray[np.int64]:
    """Assign groups to folds by their hash.

    Groups are ordered by a hash of seed and name, and each goes to the fold with the fewest queries. Folds are of
    nearly equal size, and the order of the queries does not matter.

    Args:
        groups: the group of every query, ``(queries,)``.
        count: number of folds, at least 2.
        seed: of the order of the groups.

    Returns:
        The fold of every query, ``(queries,)``, in [0, count).
    """
    size = Counter(groups)
    fold_of_group: dict[str, int] = {}
    load = np.zeros(count, np.int64)
    for name in sorted(size, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode("utf-8", "replace")).digest()):
        fold_of_group[name] = int(load.argmin())
        load[fold_of_group[name]] += size[name]
    return np.array([fold_of_group[name] for name in groups], np.int64)
