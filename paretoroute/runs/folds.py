"""Folds over queries: copies of a text and turns of one conversation stay together.

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

from paretoroute.runs.table import Runs

_NOT_WORD = re.compile(r"[\W_]+")


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
    plain = _NOT_WORD.sub(" ", text.casefold()).strip()
    return f"text:{plain}" if plain else f"id:{query_id}"


def groups_of(runs: Runs) -> tuple[str, ...]:
    """Name the group of every query: copies and turns of one conversation share one."""
    queries = zip(runs.query_ids, runs.texts, runs.conversations, strict=True)
    return tuple(group_key(*query) for query in queries)


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
