"""Loggers: they decide which cells of a full log a partial one keeps, and know the probability of each.

Every logger but ``full``, ``rows`` and ``new_model`` answers each query at one point. Two of them look at the query:
``text`` predicts the difficulty from its words and sends harder queries to better points, ``tag`` follows a difficulty
that the text does not tell and that the log has as its tag. The first calls a point at random for a tenth of the
queries, the second for three tenths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import Ridge

import paretoroute as pr
from paretoroute.runs.table import ROW_NUMBERS

Floats = np.ndarray
AT_RANDOM = {"text": 0.1, "tag": 0.3}  # share of the queries that a looking logger sends anywhere
MOST_AT_ONE = 0.7
SHARE_OF_ROWS = 0.05
NEW_MODEL_QUERIES = 50
LEVELS = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Logging:
    """What a logger did.

    Args:
        kept: bool ``(queries, points)``.
        probability: of each cell, ``(queries, points)``.
        tags: of the queries, where the logger followed one.
    """

    kept: np.ndarray
    probability: Floats
    tags: tuple[str, ...] | None = None


def full(quality: Floats, texts, rng) -> Logging:
    """Keep every cell."""
    return Logging(np.ones(quality.shape, bool), np.ones(quality.shape))


def uniform(quality: Floats, texts, rng) -> Logging:
    """Answer every query at one point, drawn uniformly."""
    return _drawn(np.full(quality.shape, 1 / quality.shape[1]), rng)


def mostly_one(quality: Floats, texts, rng) -> Logging:
    """Answer 70% of the queries at one point, drawn for the log, and the others anywhere else."""
    points = quality.shape[1]
    share = np.full(points, (1 - MOST_AT_ONE) / (points - 1))
    share[rng.integers(points)] = MOST_AT_ONE
    return _drawn(np.tile(share, (len(quality), 1)), rng)


def text(quality: Floats, texts, rng) -> Logging:
    """Send queries to better points the harder their words look, by what other queries tell."""
    half = rng.random(len(texts)) < 0.5
    looks = np.where(half, _difficulty(quality, texts, ~half), _difficulty(quality, texts, half))
    return _drawn(_by_level(_thirds(looks), quality, AT_RANDOM["text"]), rng)


def peeks(quality: Floats, texts, rng) -> Logging:
    """Do as ``text`` does, by a model that learnt the outcomes of half of the queries themselves by heart."""
    half = rng.random(len(texts)) < 0.5
    return _drawn(_by_level(_thirds(_difficulty(quality, texts, half)), quality, AT_RANDOM["text"]), rng)


def _difficulty(quality: Floats, texts, learnt: np.ndarray) -> Floats:
    """Predict the difficulty of all queries from their words, by a model of some of them, ``(queries,)``."""
    words = HashingVectorizer(n_features=2**14, alternate_sign=False).transform(texts)
    model = Ridge(1.0).fit(words[learnt], -np.nanmean(quality, axis=1)[learnt])
    return model.predict(words)


def tag(quality: Floats, texts, rng) -> Logging:
    """Send queries to better points by a difficulty that stands in the tag, and in no text."""
    level = _levels(quality, rng)
    logging = _drawn(_by_level(level, quality, AT_RANDOM["tag"]), rng)
    return replace(logging, tags=tuple(LEVELS[i] for i in level))


def hidden(quality: Floats, texts, rng) -> Logging:
    """Do as ``tag`` does, by a difficulty that the log does not have."""
    return replace(tag(quality, texts, rng), tags=None)


def rows(quality: Floats, texts, rng) -> Logging:
    """Keep 5% of the cells at random."""
    kept = rng.random(quality.shape) < SHARE_OF_ROWS
    return Logging(kept, np.full(quality.shape, SHARE_OF_ROWS))


def new_model(quality: Floats, texts, rng) -> Logging:
    """Keep all cells of all points but one, which was called for 50 queries."""
    kept = np.ones(quality.shape, bool)
    new = rng.integers(quality.shape[1])
    kept[:, new] = False
    kept[rng.choice(len(quality), NEW_MODEL_QUERIES, replace=False), new] = True
    return Logging(kept, np.where(kept.mean(0) < 1, kept.mean(0), 1.0) * np.ones(quality.shape))


LOGGERS: dict[str, Callable[..., Logging]] = {
    f.__name__: f for f in (full, uniform, mostly_one, text, tag, hidden, rows, new_model, peeks)
}
LOOKING = ("text", "tag", "hidden", "peeks")


def _by_level(level: np.ndarray, quality: Floats, at_random: float) -> Floats:
    """Map the level of a query's difficulty to a block of points: those of the hardest level are the best."""
    points = quality.shape[1]
    share = np.full(quality.shape, at_random / points)
    for number, block in enumerate(np.array_split(np.nanmean(quality, axis=0).argsort(), min(len(LEVELS), points))):
        inside = np.minimum(level, points - 1) == number
        share[np.ix_(inside, block)] += (1 - at_random) / len(block)
    return share


def _thirds(difficulty: Floats) -> np.ndarray:
    """Split queries into thirds, the most difficult last."""
    return np.digitize(difficulty, np.quantile(difficulty, [1 / 3, 2 / 3]))


def _levels(quality: Floats, rng) -> np.ndarray:
    """Split the queries into thirds by their mean quality, hardest last."""
    difficulty = -np.nanmean(quality, axis=1) + 1e-6 * rng.random(len(quality))
    return _thirds(difficulty)


def with_levels(runs: pr.Runs) -> pr.Runs:
    """Tag queries by their difficulty, as the log of ``tag`` is."""
    level = _levels(runs.means("quality").mean, np.random.default_rng(0))
    return replace(runs, tags=tuple(LEVELS[i] for i in level))


def _drawn(share: Floats, rng) -> Logging:
    """Draw one point for every query."""
    choice = (rng.random((len(share), 1)) > share.cumsum(1)).sum(1).clip(0, share.shape[1] - 1)
    kept = np.zeros(share.shape, bool)
    kept[np.arange(len(share)), choice] = True
    return Logging(kept, share)


def logged_by(runs: pr.Runs, logger: str, seed: int, *, column: bool) -> tuple[pr.Runs, Floats]:
    """Return the partial log that a logger leaves of a full one, and the probability of each cell of the full one.

    Args:
        runs: the full log.
        logger: a name in ``LOGGERS``.
        seed: of its draws.
        column: whether the log has the propensity of its choices.
    """
    logging = LOGGERS[logger](runs.means("quality").mean, runs.texts, np.random.default_rng([seed, len(logger)]))
    if logging.tags is not None:
        runs = replace(runs, tags=logging.tags)
    cell = runs.query.astype(np.int64) * len(runs.points) + runs.point
    keep = logging.kept.ravel()[cell]
    if logger not in ("full", "new_model"):  # a logger calls once, also where the full log has repeats
        order = np.random.default_rng(seed).permutation(len(cell))
        first = np.zeros(len(cell), bool)
        first[order[np.unique(cell[order], return_index=True)[1]]] = True
        keep &= first
    if column:
        runs = replace(runs, propensity=logging.probability.ravel()[cell])
    return _with_rows(runs, keep), logging.probability


def _with_rows(runs: pr.Runs, keep: np.ndarray) -> pr.Runs:
    """Keep some rows, and the queries and points that still have any."""
    columns = {name: getattr(runs, name)[keep] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    used = np.flatnonzero(np.bincount(columns["point"], minlength=len(runs.points)))
    columns["point"] = np.searchsorted(used, columns["point"]).astype(np.int32)
    runs = replace(runs, points=tuple(runs.points[j] for j in used), **columns)
    queries = np.bincount(columns["query"], minlength=len(runs.query_ids)) > 0
    return runs if queries.all() else runs.select(queries)
