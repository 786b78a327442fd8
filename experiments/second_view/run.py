"""Measure a second view: python experiments/second_view/run.py RUNS --encoder FOLDER [--queries N] [--splits 3].

Four policies of each split are fitted on 70% of the queries: on n-grams alone, on the encoder's vectors instead of
them, on both beside each other, and on both with all weights of the vectors' heads, however little they were seen to
help. With ``--noise`` in place of ``--encoder`` the vectors are 64 random numbers per text. Prices come from
out-of-fold forecasts of the training queries; nothing is chosen on the held-out ones. Each policy's path of mean cost
and quality on these is read at the same eight costs, and their means are compared, in quality points of 100. 90%
intervals resample queries, the same for all policies.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split

import paretoroute as pr
from paretoroute._arrays import Floats
from paretoroute.encoders.base import encoded
from paretoroute.fitting import fit as fitting
from paretoroute.fitting import pipeline, signal
from paretoroute.fitting.draft import head_weights
from paretoroute.fitting.features.log import FeaturedLog, featured
from paretoroute.fitting.methods import stacking
from paretoroute.fitting.sample import Sample
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import Request

ARMS = ("n-grams alone", "vectors instead", "both", "both, all weights")
NOISE = 64  # random numbers per text
PRICES = np.geomspace(1e-2, 1e6, 60)  # quality per USD
RESAMPLES = 1000
READ_AT = 8


def fitted(runs: pr.Runs, arm: str) -> pr.Policy:
    """Fit a policy that reads one view or both."""
    if arm == "vectors instead":
        fitting.featured = lambda log, *_, **__: FeaturedLog(log, "embedding")
    if arm == "both, all weights":
        pipeline.head_weights = signal.head_weights = all_weights
    try:
        log = replace(runs, embeddings=None) if arm == "n-grams alone" else runs
        return pr.fit(log, pr.BestTrade(usd_per_quality=1.0), seed=0)
    finally:
        fitting.featured = featured
        pipeline.head_weights = signal.head_weights = head_weights


def all_weights(sample: Sample, heads: Floats, targets: Floats, logged_share: Floats, *, folds: int) -> Floats:
    """Stack the heads of both views alike."""
    return stacking.stack(heads, targets, logged_share, sample.fold, folds=folds)


def random_vector(text: str) -> np.ndarray:
    """Return numbers that tell nothing but which text it is."""
    return np.random.default_rng(list(text.encode())).standard_normal(NOISE).astype(np.float32)


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
    """The held-out queries of a split, with every policy's outcomes at every price."""

    def __init__(self, runs: pr.Runs, seed: int) -> None:
        train, test = split(runs, seed)
        self.rows = np.searchsorted(np.array(runs.query_ids), np.array(test.query_ids))
        policies = {arm: fitted(train, arm) for arm in ARMS}
        points = policies[ARMS[0]].grid.points
        assert all(policy.grid.points == points for policy in policies.values())
        columns = [test.points.index(point) for point in points]
        quality, cost = filled(test, "quality")[:, columns], filled(test, "cost_usd")[:, columns]
        train_cost = filled(train, "cost_usd")[:, [train.points.index(point) for point in points]].mean(0)
        self.costs = np.geomspace(train_cost.min(), train_cost.max(), READ_AT + 2)[1:-1]
        each = np.arange(len(quality))
        self.paths = {}
        for arm, policy in policies.items():
            chosen = choices(policy, test)
            self.paths[arm] = quality[each, chosen], cost[each, chosen]

    def score(self, arm: str, weight: np.ndarray) -> float:
        """Return mean quality over the costs, with weights of the queries, in points of 100."""
        quality, cost = (table @ weight / weight.sum() for table in self.paths[arm])
        order = np.argsort(cost, kind="stable")
        return 100 * float(np.interp(self.costs, cost[order], quality[order]).mean())


def compared(sides: list[Side], queries: int) -> None:
    """Print each policy's mean, and its paired change against n-grams alone."""
    rng = np.random.default_rng(0)
    draws = [np.ones(queries), *(rng.multinomial(queries, np.full(queries, 1 / queries)) for _ in range(RESAMPLES))]
    scores = {
        arm: np.array([np.mean([side.score(arm, weight[side.rows] * 1.0) for side in sides]) for weight in draws])
        for arm in ARMS
    }
    for arm in ARMS:
        change = scores[arm] - scores[ARMS[0]]
        low, high = np.quantile(change[1:], [0.05, 0.95])
        each = " ".join(
            f"{side.score(arm, np.ones(len(side.rows))) - side.score(ARMS[0], np.ones(len(side.rows))):+.2f}"
            for side in sides
        )
        print(f"{arm:16} {scores[arm][0]:6.2f}  change {change[0]:+.2f} [{low:+.2f}, {high:+.2f}]  by split: {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    vectors = parser.add_mutually_exclusive_group(required=True)
    vectors.add_argument("--encoder")
    vectors.add_argument("--noise", action="store_true")
    parser.add_argument("--queries", type=int)
    parser.add_argument("--splits", type=int, default=3)
    options = parser.parse_args()
    runs = read_log(*options.runs)
    if options.queries:
        kept = np.zeros(len(runs.query_ids), bool)
        kept[np.random.default_rng(0).permutation(len(kept))[: options.queries]] = True
        runs = runs.select(kept)
    if options.noise:
        embeddings = np.stack([random_vector(text) for text in runs.texts])
    else:
        embeddings = encoded(pr.OnnxEncoder(options.encoder, most_tokens=128), runs.texts)
    runs = replace(runs, embeddings=embeddings)
    print(f"{options.runs}: {len(runs.query_ids)} queries, {len(runs.points)} points", flush=True)
    compared([Side(runs, seed) for seed in range(options.splits)], len(runs.query_ids))


if __name__ == "__main__":
    main()
