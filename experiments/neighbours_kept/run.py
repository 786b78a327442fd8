"""What fewer neighbours cost: python run.py RUNS... [--splits 3] (folders with an outcomes.parquet).

A policy is fitted on 70% of a log's queries. Then its surface keeps the first KEPT of the logged queries for look-up
(their order is random), and the rest of the queries is decided at equal cost.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log

import paretoroute as pr
from paretoroute.evaluation.routers.base import QueryBatch
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.paretoroute import FittedPolicy
from paretoroute.surface import neighbours

KEPT = (4000, 2500, 1500, 800)
COSTS = 8


def with_kept(policy: pr.Policy, kept: int) -> pr.Policy:
    """Return the policy with fewer neighbours."""
    surface = policy.surface
    changes = {
        name: replace(panel, first_level=replace(panel.first_level, targets=panel.first_level.targets[:kept]))
        for name in ("quality", "amount", "prompt", "latency")
        if (panel := getattr(surface, name)) is not None
    }
    near = neighbours.index(surface.neighbours.features[:kept].astype(np.float64), surface.featurizer.rank)
    return replace(policy, surface=replace(surface, neighbours=near, **changes))


def line(policy: pr.Policy, test: pr.Runs, quality: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return cost and quality on the held-out queries over a range of prices, ``(prices, 2)``."""
    batch = QueryBatch(test.texts, (None,) * len(test.texts), test.query_ids, np.zeros((len(test.texts), 1)))
    forecast = FittedPolicy(policy, np.ones(1)).forecast(batch)
    rows, scale = np.arange(len(quality)), 1 / np.median(cost[cost > 0])
    prices = [0.0, *(scale * np.logspace(-4, 3, 220))]
    choices = [(forecast.quality - price * forecast.cost_usd).argmax(1) for price in prices]
    return np.array([(cost[rows, chosen].mean(), quality[rows, chosen].mean()) for chosen in choices])


def at_costs(points: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Return the best quality at some costs, mixtures included."""
    found = pr.frontier(pr.Forecast(quality=points[:, 1][None], cost_usd=points[:, 0][None]))
    return np.interp(costs, found.cost_usd, found.quality)


def one_split(runs: pr.Runs, seed: int) -> dict[int, float]:
    """Return the change in quality points, averaged over eight costs, for each number of neighbours."""
    rows = np.random.default_rng(seed).permutation(len(runs.texts))
    is_train = np.zeros(len(rows), bool)
    is_train[rows[: int(0.7 * len(rows))]] = True
    policy, test = pr.fit(runs.select(is_train), seed=seed), runs.select(~is_train)
    own = [list(test.points).index(point) for point in policy.grid.points]
    quality, cost = (fill_missing(test.means(name).mean[:, own]) for name in ("quality", "cost_usd"))
    whole = line(policy, test, quality, cost)
    costs = np.geomspace(*np.quantile(whole[:, 0], [0.05, 0.95]), COSTS)
    full, had = at_costs(whole, costs), len(policy.surface.neighbours.features)
    found = {had: 0.0}
    for kept in KEPT:
        if kept < had:
            points = line(with_kept(policy, kept), test, quality, cost)
            found[kept] = float(100 * (at_costs(points, costs) - full).mean())
    return found


def main() -> None:
    """Print one line per log and split."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--splits", type=int, default=3)
    arguments = parser.parse_args()
    for path in arguments.runs:
        runs = read_log(path)
        for seed in range(arguments.splits):
            found = one_split(runs, seed)
            print(Path(path).name, seed, {kept: round(change, 3) for kept, change in found.items()}, flush=True)


if __name__ == "__main__":
    main()
