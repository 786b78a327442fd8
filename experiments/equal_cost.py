"""Read policies at equal cost: each one's path of mean cost and quality on held-out queries, at the same eight costs.

A path comes from a policy's choices at sixty prices. Prices meet no target, so that no target is missed by one policy
and not by another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from logs import filled, split

import paretoroute as pr
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import Request

PRICES = np.geomspace(1e-2, 1e6, 60)  # quality per USD
RESAMPLES = 1000
READ_AT = 8


def choices(policy: pr.Policy, test: pr.Runs) -> np.ndarray:
    """Return the point that each price chooses, ``(prices, queries)``."""
    forecaster, every = Forecaster(policy, None), np.ones(len(policy.grid.points), bool)
    reads = policy.document.features.reads_embedding
    chosen = np.zeros((len(PRICES), len(test.texts)), np.intp)
    for i, text in enumerate(test.texts):
        embedding = test.embeddings[i] if reads and test.embeddings is not None else None
        quality, cost, _ = forecaster.at(Request(text=text, callable=every, embedding=embedding)).rule_figures
        chosen[:, i] = (quality - PRICES[:, None] * cost).argmax(axis=1)
    return chosen


class Side:
    """The held-out queries of a split, with every policy's outcomes at every price.

    Args:
        runs: all runs.
        seed: of the split.
        arms: names of the policies.
        fitted: from the training runs and a name to a policy.
    """

    def __init__(
        self, runs: pr.Runs, seed: int, arms: Sequence[str], fitted: Callable[[pr.Runs, str], pr.Policy]
    ) -> None:
        train, test = split(runs, seed)
        self.rows = np.searchsorted(np.array(runs.query_ids), np.array(test.query_ids))
        chosen, points = {}, None
        for arm in arms:
            policy = fitted(train, arm)
            assert points in (None, policy.grid.points)
            points, chosen[arm] = policy.grid.points, choices(policy, test)
        columns = [test.points.index(point) for point in points or ()]
        quality, cost = filled(test, "quality")[:, columns], filled(test, "cost_usd")[:, columns]
        train_cost = filled(train, "cost_usd")[:, [train.points.index(point) for point in points or ()]].mean(0)
        self.costs = np.geomspace(train_cost.min(), train_cost.max(), READ_AT + 2)[1:-1]
        each = np.arange(len(quality))
        self.paths = {arm: (quality[each, chosen[arm]], cost[each, chosen[arm]]) for arm in arms}

    def score(self, arm: str, weight: np.ndarray) -> float:
        """Return mean quality over the costs, with weights of the queries, in points of 100."""
        quality, cost = (table @ weight / weight.sum() for table in self.paths[arm])
        order = np.argsort(cost, kind="stable")
        return 100 * float(np.interp(self.costs, cost[order], quality[order]).mean())


def compared(sides: Sequence[Side], queries: int, arms: Sequence[str]) -> None:
    """Print each policy's mean, and its paired change against the first one.

    Args:
        sides: the splits.
        queries: number of queries of the whole log.
        arms: names of the policies.
    """
    rng = np.random.default_rng(0)
    draws = [np.ones(queries), *(rng.multinomial(queries, np.full(queries, 1 / queries)) for _ in range(RESAMPLES))]
    scores = {
        arm: np.array([np.mean([side.score(arm, weight[side.rows] * 1.0) for side in sides]) for weight in draws])
        for arm in arms
    }
    for arm in arms:
        change = scores[arm] - scores[arms[0]]
        low, high = np.quantile(change[1:], [0.05, 0.95])
        ones = [np.ones(len(side.rows)) for side in sides]
        by_split = [side.score(arm, one) - side.score(arms[0], one) for side, one in zip(sides, ones, strict=True)]
        error = np.std(by_split, ddof=1) / len(sides) ** 0.5 if len(sides) > 1 else float("nan")
        each = " ".join(f"{value:+.2f}" for value in by_split)
        print(
            f"{arm:24} {scores[arm][0]:6.2f}  change {change[0]:+.2f} [{low:+.2f}, {high:+.2f}]  standard error over "
            f"splits {error:.2f}  by split: {each}"
        )
