"""The 90% intervals of the package: normal, Wilson and cluster bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

Z90 = 1.6448536269514722
RESAMPLES = 2000
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 90% interval."""

    value: float
    low: float
    high: float


def resampled(values: Floats, groups: NDArray[np.intp], *, seed: int) -> list[Interval]:
    """Find the 90% interval of each column's mean by drawing groups of queries anew.

    Args:
        values: ``(queries, columns)``; columns are resampled together.
        groups: the group of every query, numbered from 0, ``(queries,)``; queries of one are drawn together.
        seed: of the draws.
    """
    chance = np.random.default_rng(seed)
    size = np.bincount(groups)
    total = np.stack([np.bincount(groups, column) for column in values.T], axis=1)
    block = max(1, _BLOCK // len(size))
    means = []
    for start in range(0, RESAMPLES, block):
        draws = min(block, RESAMPLES - start)
        times = chance.multinomial(len(size), np.full(len(size), 1 / len(size)), size=draws).astype(np.float64)
        means.append((times @ total) / (times @ size)[:, None])
    low, high = np.quantile(np.concatenate(means), (0.05, 0.95), axis=0)
    return [Interval(*map(float, ends)) for ends in zip(values.mean(0), low, high, strict=True)]


def wilson(share: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Give the ends of the 90% score interval of a share that was seen in ``count`` independent trials.

    Example:
        >>> low, high = wilson(np.array([0.5, 1.0]), np.array([100.0, 20.0]))
        >>> [round(float(end), 3) for end in (*low, *high)]
        [0.419, 0.881, 0.581, 1.0]
    """
    pull = Z90**2 / count
    middle = (share + pull / 2) / (1 + pull)
    reach = np.sqrt(pull * share * (1 - share) + pull**2 / 4) / (1 + pull)
    return np.clip(middle - reach, 0.0, share), np.clip(middle + reach, share, 1.0)
