"""Learning How Hard to Think (Damani et al., ICLR 2025, arXiv:2410.04707): allocate samples by forecast marginal gains.

With q(x, b) the quality of query x after b samples, the marginal gain is Delta(x, b) = q(x, b) - q(x, b - 1), and

    max sum_x q(x, b_x)   s.t.   sum_x b_x <= B per query x number of queries

is solved by taking the largest marginal gains, which is exact where they do not rise with b; else their concave
envelope is used. For right-or-wrong answers with success rate l, q(b) = 1 - (1 - l)^b.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats


def quality_of_best(success: Floats, most: int) -> Floats:
    """Return q(x, b) = 1 - (1 - l)^b for b from 1, where a verifier finds any right sample: ``(queries, most)``."""
    return 1 - (1 - success[:, None]) ** np.arange(1, most + 1)


def marginal_gains(success: Floats, most: int) -> Floats:
    """Return Delta(x, b) = l (1 - l)^(b - 1) for b from 1, ``(queries, most)``."""
    return success[:, None] * (1 - success[:, None]) ** np.arange(most)


def quality_of_samples(right: NDArray[np.integer], samples: int, draws: int) -> Floats:
    """Return the unbiased q(b) = 1 - C(n - c, b) / C(n, b) from n samples of which c were right, ``(queries,)``.

    Args:
        right: c, ``(queries,)``.
        samples: n.
        draws: b, at most n.
    """
    wrong = samples - np.asarray(right)[:, None]
    steps = np.arange(draws)
    return 1 - np.maximum((wrong - steps) / (samples - steps), 0.0).prod(1)


def allocate(gains: Floats, total: int) -> NDArray[np.int64]:
    """Return the number of samples of every query, ``(queries,)``.

    Blocks of the concave envelope are taken by falling mean gain, those of earlier queries first among equals. A block
    that no longer fits ends its query's allocation, and blocks without a gain are not taken.

    Args:
        gains: Delta(x, b) for b from 1, ``(queries, most)``.
        total: samples to spend over all queries.
    """
    blocks = [(-gain, x, k, size) for x, row in enumerate(gains) for k, (gain, size) in enumerate(envelope(row))]
    spent, stopped = np.zeros(len(gains), dtype=np.int64), np.zeros(len(gains), dtype=bool)
    left = total
    for loss, x, _, size in sorted(blocks):
        if loss >= 0 or stopped[x]:
            continue
        if size > left:
            stopped[x] = True
            continue
        spent[x] += size
        left -= size
    return spent


def envelope(gains: Floats) -> list[tuple[float, int]]:
    """Return the blocks of a query's concave envelope: mean gain, falling, and number of samples."""
    blocks: list[tuple[float, int]] = []
    for gain in gains:
        mean, size = float(gain), 1
        while blocks and blocks[-1][0] < mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    return blocks
