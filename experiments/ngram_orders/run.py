"""Measure fewer orders of character n-grams: python experiments/ngram_orders/run.py RUNS... [--queries N], or --times.

Policies of each split are fitted on 70% of the queries, with n-grams of other orders each. Each policy's path of mean
cost and quality on the held-out queries is read at the same eight costs, and their means are compared, in quality
points of 100. 90% intervals resample queries, the same for all policies. ``--times`` times features instead, on made-up
texts of 500 characters.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from equal_cost import Side, compared
from logs import read_log

import paretoroute as pr
from paretoroute.fitting.text_features import fit_texts
from paretoroute.surface import ngrams
from paretoroute.surface.featurizer import Featurizer

ARMS = {"3, 4, 5": (3, 4, 5), "3, 5": (3, 5), "4, 5": (4, 5), "3, 4": (3, 4), "3": (3,), "4": (4,), "5": (5,)}
WORDS, LOGGED, NEW, CHARACTERS, BATCH = 3000, 3000, 512, 500, 64
ROLL = np.uint64(0x100000001B3)


def hash_characters(codes: np.ndarray, grams: np.ndarray) -> None:
    """Write the hashes of the n-grams of some characters, of any orders; of 3, 4 and 5 they are those of a fit."""
    rolling, end = codes, 0
    for order in range(2, ngrams.ORDERS[-1] + 1):
        if len(codes) < order:
            return
        rolling = rolling[:-1] * ROLL
        rolling ^= codes[order - 1 :]
        if order in ngrams.ORDERS:
            start, end = end, end + len(rolling)
            grams[start:end] = rolling


def fitted(runs: pr.Runs, arm: str) -> pr.Policy:
    """Fit a policy on n-grams of some orders."""
    ngrams.ORDERS = ARMS[arm]
    return pr.fit(runs, pr.BestTrade(usd_per_quality=1.0), seed=0)


def print_times() -> None:
    """Time the features of texts, one by one and in batches of 64, in microseconds of CPU per text."""
    chance = np.random.default_rng(0)
    words = ["".join(chance.choice(list("abcdefghijklmnopqrstuvwxyz"), chance.integers(2, 9))) for _ in range(WORDS)]
    share = 1 / np.arange(1, WORDS + 1)
    texts = [" ".join(chance.choice(words, 90, p=share / share.sum()))[:CHARACTERS] for _ in range(LOGGED + NEW)]
    for arm, orders in ARMS.items():
        ngrams.ORDERS = orders
        featurizer = fit_texts(texts[:LOGGED], seed=0).featurizer
        alone, together = (_us_of_texts(featurizer, texts[LOGGED:], size) for size in (1, BATCH))
        print(f"{arm:8} one by one {alone:.0f} us, in batches of {BATCH} {together:.0f} us")


def _us_of_texts(featurizer: Featurizer, texts: list[str], size: int) -> float:
    taken = list[float]()
    for _ in range(5):
        began = time.process_time()
        for start in range(0, len(texts), size):
            featurizer.of_texts(texts[start : start + size])
        taken.append(time.process_time() - began)
    return min(taken) / len(texts) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--queries", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22, 23])
    options = parser.parse_args()
    ngrams._hash_characters = hash_characters
    if options.times:
        print_times()
        return
    runs = read_log(*options.runs)
    if options.queries and options.queries < len(runs.query_ids):
        kept = np.zeros(len(runs.query_ids), bool)
        kept[np.random.default_rng(0).permutation(len(kept))[: options.queries]] = True
        runs = runs.select(kept)
    names = " + ".join(Path(p).name for p in options.runs)
    print(f"log {names}: {len(runs.query_ids)} queries, {len(runs.points)} points; splits {options.seeds}", flush=True)
    arms = tuple(ARMS)
    compared([Side(runs, seed, arms, fitted) for seed in options.seeds], len(runs.query_ids), arms)


if __name__ == "__main__":
    main()
