"""Simulated logs whose truth is known: topics that words tell, interactions of topic and point, costs 20-fold apart.

In the world ``noise`` no point is better than another for any query.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

import paretoroute as pr

Floats = np.ndarray
TOPICS, WORDS_PER_TOPIC, COMMON_WORDS, LENGTH = 6, 30, 200, 14
TEST_QUERIES = 1000


@dataclass(frozen=True)
class Size:
    """Size of a world: points, and the queries that were logged, one run each."""

    points: int
    queries: int


WORLDS = {
    "topics_3": Size(3, 600),
    "topics_20": Size(20, 1500),
    "topics_20_thin": Size(20, 100),
    "noise_3": Size(3, 600),
    "noise_20": Size(20, 1500),
    "noise_20_thin": Size(20, 100),
}


@dataclass(frozen=True)
class World:
    """A simulated log.

    Args:
        train: all cells of the queries that a logger may log, with drawn outcomes.
        test: queries with a row at every point, whose quality and cost are expectations.
    """

    train: pr.Runs
    test: pr.Runs


def world(name: str, seed: int) -> World:
    """Draw a world."""
    size, rng = WORLDS[name], np.random.default_rng([seed, len(name)])
    points, noise = size.points, name.startswith("noise")
    base_cost = 1e-4 * 20 ** (np.arange(points) / (points - 1))
    ability = 0.0 if noise else 0.8 * np.arange(points) / (points - 1) + 0.4 * rng.normal(size=points)
    topic_ability = np.zeros((TOPICS, points)) if noise else 0.9 * rng.normal(size=(TOPICS, points))
    hardness = np.zeros(TOPICS) if noise else rng.normal(size=TOPICS)
    length = np.exp(0.4 * rng.normal(size=(TOPICS, 1)) + 0.2 * rng.normal(size=(TOPICS, points)))

    def draw(count: int, prefix: str, *, outcomes: bool) -> pr.Runs:
        topic = rng.integers(TOPICS, size=count)
        own = 0.0 if noise else 0.7 * rng.normal(size=(count, 1))
        share = 1 / (1 + np.exp(-(0.4 + ability + topic_ability[topic] + hardness[topic, None] + own)))
        share = np.broadcast_to(share, (count, points))
        cost = base_cost * length[topic]
        quality = (rng.random(share.shape) < share).astype(float) if outcomes else share
        if outcomes:
            cost = cost * np.exp(0.5 * rng.normal(size=cost.shape) - 0.125)
        return _runs([_text(t, rng) for t in topic], quality, cost, prefix)

    return World(draw(size.queries, "train", outcomes=True), draw(TEST_QUERIES, "test", outcomes=False))


def _text(topic: int, rng) -> str:
    """Write a query: half of its words are those of its topic."""
    own = rng.random(LENGTH) < 0.5
    words = np.where(
        own, [f"topic{topic}word{k}" for k in rng.integers(WORDS_PER_TOPIC, size=LENGTH)],
        [f"plain{k}" for k in rng.integers(COMMON_WORDS, size=LENGTH)],
    )  # fmt: skip
    return " ".join(words)


def _runs(texts: list[str], quality: Floats, cost: Floats, prefix: str) -> pr.Runs:
    queries, points = quality.shape
    query = np.repeat(np.arange(queries), points)
    return pr.read_runs(
        pa.table(
            {
                "query_id": [f"{prefix}-{i}" for i in query],
                "query": [texts[i] for i in query],
                "model": [f"model-{j:02d}" for j in np.tile(np.arange(points), queries)],
                "quality": quality.ravel(),
                "cost_usd": cost.ravel(),
            }
        )
    )
