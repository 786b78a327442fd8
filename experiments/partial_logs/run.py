"""Measure promises on partial logs: python experiments/partial_logs/run.py DATA --out CELLS.jsonl [--logs ...].

One line of CELLS.jsonl per (log, logger, propensity column, seed). A cell that the file has is not run again, so that
a run which was stopped goes on where it ended. Print the tables with ``tables.py CELLS.jsonl``.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import pickle
import sys
import time
import traceback
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from loggers import LOGGERS, LOOKING, logged_by, with_levels
from logs import read_log, split
from measure import Truth, promises
from worlds import WORLDS, world

import paretoroute as pr
from paretoroute.errors import ParetorouteError
from paretoroute.fitting import pipeline, sample
from paretoroute.fitting.partial_logs import left_out_features as projected
from paretoroute.fitting.text_features import fit_texts
from paretoroute.surface.featurizer import Featurizer

# Loggers of one log share its queries, whose features do not depend on who answered them: compute them once.
sample.fit_texts = functools.lru_cache(maxsize=2)(fit_texts)
Featurizer.__hash__ = object.__hash__
Featurizer.__eq__ = object.__eq__
Featurizer.of_text = functools.lru_cache(maxsize=4 * 3000)(Featurizer.of_text)
LEFT_OUT: dict[tuple, np.ndarray] = {}


def left_out_features(runs: pr.Runs, featurizer: Featurizer, features: np.ndarray, *, seed: int) -> np.ndarray:
    """Keep the features of the last log, of which a fit otherwise takes most of its time."""
    key = (tuple(runs.query_ids), tuple(runs.texts), tuple(runs.conversations), seed)
    if key not in LEFT_OUT:
        LEFT_OUT.clear()
        LEFT_OUT[key] = projected.left_out_features(runs, featurizer, features, seed=seed)
    return LEFT_OUT[key]


pipeline.left_out_features = left_out_features

SOURCES = {"mixture": ("epoch_gpqa", "epoch_simpleqa")}
TRAIN, TEST = 2100, 800  # most queries of a log that a logger chooses from, and that promises are held against


def full_log(name: str, data: Path, cache: Path | None) -> pr.Runs:
    """Read a log, or take it from the cache."""
    kept = cache and cache / f"{name}.pickle"
    if kept and kept.exists():
        return pickle.loads(kept.read_bytes())
    runs = read_log(*(str(data / source) for source in SOURCES.get(name, (name,))))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(runs))
    return runs


def at_most(runs: pr.Runs, count: int, seed: int) -> pr.Runs:
    """Keep a random part of the queries."""
    keep = np.zeros(len(runs.query_ids), bool)
    keep[np.random.default_rng(seed).permutation(len(keep))[:count]] = True
    return runs.select(keep)


def cell(name: str, logger: str, seed: int, *, column: bool, args) -> dict:
    """Run one cell."""
    if name in WORLDS:
        drawn = world(name, seed)
        train, test = drawn.train, drawn.test
    else:
        train, test = split(full_log(name, args.data, args.cache), seed)
        train, test = at_most(train, TRAIN, seed), at_most(test, TEST, seed)
    truth = Truth.of(train, test)
    if logger == "tag":
        test = with_levels(test)
    partial, probability = logged_by(train, logger, seed, column=column)
    return promises(partial, test, truth, probability)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the logs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--logs", nargs="+", default=["mmlu_pro", "zeroeval", "reasoning_gym", "mixture", "routellm"])
    parser.add_argument("--loggers", nargs="+", default=list(LOGGERS))
    parser.add_argument("--columns", nargs="+", type=int, default=[0, 1], help="without and with propensities")
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 3], metavar=("FIRST", "END"))
    parser.add_argument("--cache", type=Path, help="folder for logs that were read")
    parser.add_argument("--as-full", action="store_true", help="complete missing cells, as in a full log")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no cell after so many")
    args = parser.parse_args()
    if args.as_full:
        pipeline.is_partial = lambda runs: False
    kept = args.out.read_text(encoding="utf-8").splitlines() if args.out.exists() else []
    done = {tuple(json.loads(line)["cell"]) for line in kept}
    start = time.perf_counter()
    for seed, name, logger, column in itertools.product(range(*args.seeds), args.logs, args.loggers, args.columns):
        key = (name, logger, column, seed)
        if key in done or column and logger not in LOOKING or name in WORLDS and logger != "uniform":
            continue
        if time.perf_counter() - start > 60 * args.minutes:
            return
        begun = time.perf_counter()
        try:
            result = cell(name, logger, seed, column=bool(column), args=args)
        except ParetorouteError as error:
            result = {"error": "".join(traceback.format_exception_only(error)).strip()}
        line = {"cell": key, "seconds": time.perf_counter() - begun, **result}
        with args.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
