"""Measure what tags gain as features: python experiments/tags/run.py RUNS... [--queries N] [--seeds 20 21 22 23].

Three policies of each split are fitted on 70% of the queries: on the log without its tags, on the log as it is, and on
the log with its tags in random order. Planners of all three see the text alone. Each policy's path of mean cost and
quality on the held-out queries is read at the same eight costs, and their means are compared, in quality points of 100.
90% intervals resample queries, the same for all policies.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from equal_cost import Side, compared
from logs import read_log

import paretoroute as pr

ARMS = ("no tags", "tags", "tags in random order")


def fitted(runs: pr.Runs, arm: str) -> pr.Policy:
    """Fit a policy on a log with its tags, without them, or with them in random order."""
    tags = {
        "no tags": (None,) * len(runs.tags),
        "tags": runs.tags,
        "tags in random order": tuple(np.random.default_rng(0).permutation(np.array(runs.tags, object))),
    }
    return pr.fit(replace(runs, tags=tags[arm]), pr.BestTrade(usd_per_quality=1.0), seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--queries", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22, 23])
    options = parser.parse_args()
    runs = read_log(*options.runs)
    if options.queries and options.queries < len(runs.query_ids):
        kept = np.zeros(len(runs.query_ids), bool)
        kept[np.random.default_rng(0).permutation(len(kept))[: options.queries]] = True
        runs = runs.select(kept)
    names, tags = " + ".join(Path(p).name for p in options.runs), sum(n >= 20 for n in Counter(runs.tags).values())
    print(
        f"log {names}: {len(runs.query_ids)} queries, {len(runs.points)} points, {tags} tags of 20 queries or more; "
        f"splits {options.seeds}",
        flush=True,
    )
    compared([Side(runs, seed, ARMS, fitted) for seed in options.seeds], len(runs.query_ids), ARMS)


if __name__ == "__main__":
    main()
