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
from equal_cost import Side, compared
from logs import read_log

import paretoroute as pr
from paretoroute._arrays import Floats
from paretoroute.encoders.base import encoded
from paretoroute.fitting import fit as fitting
from paretoroute.fitting import pipeline, signal
from paretoroute.fitting.draft import head_weights
from paretoroute.fitting.features.log import FeaturedLog, featured
from paretoroute.fitting.methods import stacking
from paretoroute.fitting.sample import Sample

ARMS = ("n-grams alone", "vectors instead", "both", "both, all weights")
NOISE = 64  # random numbers per text


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
    compared([Side(runs, seed, ARMS, fitted) for seed in range(options.splits)], len(runs.query_ids), ARMS)


if __name__ == "__main__":
    main()
