"""Full matrices of outcomes to replay as bandits: logs whose queries were answered at every point, and a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from logs import filled, read_log

import paretoroute as pr

LEAST_COST = 1e-9


@dataclass(frozen=True)
class World:
    """Outcomes of every query at every point.

    Args:
        texts: of the queries.
        points: (model, budget kind, budget label, budget), one per column.
        quality: ``(queries, points)``.
        cost_usd: ``(queries, points)``.
        usd_per_quality: what a right answer in place of a wrong one is worth: the policies maximise quality minus
            cost over it.
    """

    texts: list[str]
    points: list[tuple]
    quality: np.ndarray
    cost_usd: np.ndarray
    usd_per_quality: float

    def utility(self, rows, columns) -> np.ndarray:
        """Return quality - cost / usd_per_quality of some cells, in quality points of 100."""
        return 100 * (self.quality[rows, columns] - self.cost_usd[rows, columns] / self.usd_per_quality)


def logged_world(path: Path) -> World:
    """Read the queries of a log that were answered at every point."""
    runs = read_log(str(path))
    means = runs.means("quality").mean
    kept = ~np.isnan(means).any(axis=1)
    runs = runs.select(kept)
    quality, cost = filled(runs, "quality"), np.maximum(filled(runs, "cost_usd"), LEAST_COST)
    points = [(point.model, point.budget.kind, point.budget.label, point.budget.amount) for point in runs.points]
    return World(list(runs.texts), points, quality, cost, middle_worth(quality, cost))


def simulated_world(seed: int, queries: int = 8000, points: int = 12, topics: int = 8) -> World:
    """Draw a world whose words name the topic: qualities of points by topic, and costs 30-fold apart."""
    rng = np.random.default_rng([seed, 14])
    vocabulary = [[f"{chr(97 + t)}{i:02}word" for i in range(12)] for t in range(topics)]
    topic = rng.integers(topics, size=queries)
    texts = [" ".join(rng.choice(vocabulary[t], 10)) + f" {i}" for i, t in enumerate(topic)]
    strength = np.linspace(-0.8, 1.2, points) + rng.normal(0, 0.5, points)
    skill = strength + rng.normal(0, 0.9, (topics, points)) + rng.normal(0, 0.5, (topics, 1))
    chance = 1 / (1 + np.exp(-(skill[topic] + rng.normal(0, 0.6, (queries, 1)))))
    quality = (rng.random(chance.shape) < chance).astype(float)
    cost = np.geomspace(1e-4, 3e-3, points) * rng.lognormal(0, 0.3, (queries, points))
    columns = [(f"model-{j:02}", None, None, None) for j in range(points)]
    return World(texts, columns, quality, cost, middle_worth(quality, cost))


def middle_worth(quality: np.ndarray, cost: np.ndarray) -> float:
    """Return the worth of a right answer at which the best static choice is in the middle of the cost-quality curve."""
    line = pr.frontier(pr.Forecast(quality=quality.mean(0)[None], cost_usd=cost.mean(0)[None]))
    prices = line.price[line.price > 0]
    return float(1 / np.exp(np.mean(np.log(prices))))
