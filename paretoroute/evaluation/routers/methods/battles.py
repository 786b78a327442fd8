"""Battles between points, drawn from logged outcomes: of two answers to one query the better one wins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.base import NotApplicable
from paretoroute.evaluation.routers.methods.pairs import Pair


@dataclass(frozen=True)
class DrawnBattles:
    """Battles, ``(battles,)`` each.

    Args:
        first: point of the first answer.
        second: point of the second answer.
        query: row of the query.
        score: 1 if the first is better, 0 if the second, 0.5 for a tie.
    """

    first: Indices
    second: Indices
    query: Indices
    score: Floats


def sample_battles(quality: Floats, count: int, rng: np.random.Generator, *, pair: Pair, ties: bool) -> DrawnBattles:
    """Draw battles, half of them between a pair's points, the others between any two points.

    Args:
        quality: logged outcomes, NaN where nothing was logged, ``(queries, points)``.
        count: most battles; draws without two logged answers drop out, and ties where they are not wanted.
        rng: of the draws.
        pair: the points of half the battles.
        ties: whether to keep ties.

    Raises:
        NotApplicable: no battle is left.
    """
    queries, points = quality.shape
    half = count // 2
    first = np.concatenate([np.full(half, pair.strong), rng.integers(points, size=count - half)])
    other = (first[half:] + rng.integers(1, points, size=count - half)) % points
    second = np.concatenate([np.full(half, pair.weak), other])
    query = np.concatenate([_spread(queries, half, rng), rng.integers(queries, size=count - half)])
    left, right = quality[query, first], quality[query, second]
    kept = ~np.isnan(left) & ~np.isnan(right) & (ties | (left != right))
    if not kept.any():
        raise NotApplicable("no two answers to one query differ, so there is no battle to learn from")
    score = np.where(left > right, 1.0, np.where(left < right, 0.0, 0.5))
    return DrawnBattles(first[kept], second[kept], query[kept], score[kept])


def _spread(queries: int, count: int, rng: np.random.Generator) -> Indices:
    """Draw queries, each of them once before any twice."""
    rounds = [rng.permutation(queries) for _ in range(-(-count // queries))]
    return np.concatenate(rounds)[:count] if rounds else np.zeros(0, dtype=np.intp)
