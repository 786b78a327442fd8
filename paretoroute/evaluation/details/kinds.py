"""Kinds of query: the tags of the log that are frequent enough to be judged on their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.runs.folds import groups_of
from paretoroute.runs.table import Runs

MOST_KINDS = 24
LEAST_QUERIES = 10


@dataclass(frozen=True)
class QueryKind:
    """The queries of one tag.

    Args:
        tag: as logged.
        rows: which queries have it, bool ``(queries,)``.
    """

    tag: str
    rows: Mask


def kinds_of(runs: Runs) -> tuple[QueryKind, ...]:
    """List the most frequent tags, the most frequent first; none if all queries share one.

    Tags of fewer than 10 queries and all beyond the first 24 are left out; copies and turns of one conversation count
    as one query.
    """
    counts = Counter(tag for tag in runs.tags if tag is not None)
    if any(count == len(runs.tags) for count in counts.values()):
        return ()
    own = {tag: set[str]() for tag in counts}
    for tag, group in zip(runs.tags, groups_of(runs), strict=True):
        if tag is not None:
            own[tag].add(group)
    frequent = sorted((tag for tag in counts if len(own[tag]) >= LEAST_QUERIES), key=lambda t: (-counts[t], t))
    return tuple(QueryKind(tag, np.array([other == tag for other in runs.tags])) for tag in frequent[:MOST_KINDS])
