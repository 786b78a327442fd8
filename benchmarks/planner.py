"""Time the planner for benchmarks/README.md: python benchmarks/planner.py (about a minute).

32 points, a made-up log of 10,000 queries of 500 characters, and new queries of the same kind. CPU seconds of one
process with one BLAS thread; all sides in turn, medians. The products of a decision are those of its own formula, as
plain NumPy: the query against the kept logged queries in both measures, its n-grams against the projection, and the
heads of every panel. Imports and commands are the CPU seconds of processes of their own, which keep their bytecode.

With --against FOLDER, another checkout, imports, commands and decisions are timed in turn with those of that checkout,
each in processes of its own; the ratio of decisions is the median of those of 60 turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import HashingVectorizer

import paretoroute as pr
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.ngrams import hashed

LOGGED, ASKED, CHARACTERS = 10_000, 512, 500
MODELS, LEVELS = tuple(f"model-{i}" for i in range(8)), ("low", "medium", "high", "max")
SYLLABLES = (
    "ta re mi so la ti no ver con pro ex in al ment ion er ing ly ous est un der is ar at en or qu sh th".split()
)
REPEATS, ROUNDS = 7, 9
ROOT = Path(__file__).resolve().parents[1]
IMPORTS = {
    "numpy": "import numpy",
    "yaml and pydantic with a model": "import numpy, yaml, pydantic\nclass M(pydantic.BaseModel):\n    x: int",
    "the planner": "from paretoroute.planner.planner import Planner",
    "the planner with a policy": "from paretoroute.planner.planner import Planner\nPlanner.load({policy!r})",
}

WORKER = """
import sys, time
import planner, paretoroute as pr
texts, one = planner.texts_of(planner.ASKED, seed=2)[0], pr.Planner.load(sys.argv[1])
featurizer = one.policy.surface.featurizer
works = {
    "plan, from a text": lambda some: [one.plan(text) for text in some],
    "plan_batch, from texts": one.plan_batch,
    "features of a text": lambda some: [featurizer.of_text(text) for text in some],
    "features of 64 texts together": featurizer.of_texts,
}
for line in sys.stdin:
    turn, name = line.rstrip().split(" ", 1)
    some = texts[int(turn) % 8 * 64 :][:64]
    start = time.process_time()
    works[name](some)
    print(1e6 * (time.process_time() - start) / len(some), flush=True)
"""
TURNS = 60

Work = Callable[[], Any]


def texts_of(count: int, *, seed: int) -> tuple[list[str], np.ndarray]:
    """Write texts of words with a long tail, and return how hard each is."""
    words_rng, rng = np.random.default_rng(0), np.random.default_rng(seed)
    words = ["".join(words_rng.choice(SYLLABLES, words_rng.integers(1, 5))) for _ in range(12_000)]
    hardness = words_rng.standard_normal(len(words))
    drawn = np.minimum(rng.zipf(1.25, (count, 160)) - 1, len(words) - 1)
    return [" ".join(words[i] for i in row)[:CHARACTERS] for row in drawn], hardness[drawn].mean(1) * 10


def write_log(path: Path) -> None:
    """Write a log in which the words of a query determine its difficulty, which weak models feel most.

    Policies on it follow the text: where all models failed at the same queries, none would, and a decision that reads
    the means alone would be timed.
    """
    rng, points = np.random.default_rng(1), [(model, level) for model in MODELS for level in LEVELS]
    texts, hard = texts_of(LOGGED, seed=1)
    ability = np.linspace(-1.0, 2.0, len(points))
    rate = 1 / (1 + np.exp(hard[:, None] * np.linspace(2.0, 0.2, len(points)) - ability))
    tokens = np.ceil(np.exp(5 + 0.3 * hard[:, None] + 0.3 * ability + 0.5 * rng.standard_normal(rate.shape)))
    prices = np.repeat(np.exp(np.linspace(-1.0, 2.0, len(MODELS))), len(LEVELS))
    every = np.repeat(np.arange(LOGGED), len(points))
    table = {
        "query_id": pa.array([f"q{i}" for i in range(LOGGED)]).take(pa.array(every)),
        "query": pa.array(texts).take(pa.array(every)),
        "model": np.tile([model for model, _ in points], LOGGED),
        "budget_kind": np.tile("effort", LOGGED * len(points)),
        "budget_label": np.tile([level for _, level in points], LOGGED),
        "quality": (rng.random(rate.shape) < rate).astype(float).ravel(),
        "prompt_tokens": np.repeat(120.0, LOGGED * len(points)),
        "completion_tokens": tokens.ravel(),
        "cost_usd": ((120 + 4 * tokens) * prices * 1e-6).ravel(),
    }
    pq.write_table(pa.table(table), path)


def interleaved(sides: dict[str, Work]) -> dict[str, float]:
    """Run all sides in turn and return the median CPU microseconds of each per query."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(REPEATS):
        for name, work in sides.items():
            start = time.process_time()
            work()
            times[name].append(time.process_time() - start)
    return {name: float(np.median(values)) * 1e6 / ASKED for name, values in times.items()}


def products(planner: pr.Planner, texts: list[str]) -> tuple[Work, Work]:
    """Return the matrix products of one decision on each text: with the logged queries alone, and all of them."""
    surface = planner.policy.surface
    featurizer, features = surface.featurizer, surface.neighbours.features.astype(np.float32)
    by_text, by_all = (np.ascontiguousarray(features[:, :n]) for n in (featurizer.rank + 1, features.shape[1]))
    by_all = np.hstack([by_all, by_all[:, :1]])
    projection = featurizer.projection * featurizer.scales.astype(np.float32)[:, None]
    panels = [panel for panel in (surface.quality, surface.amount, surface.prompt, surface.latency) if panel]
    targets = np.concatenate([panel.first_level.targets for panel in panels], axis=1).astype(np.float64)
    slope = np.concatenate([panel.first_level.slope for panel in panels], axis=1)
    queries = [featurizer.of_text(text).vector for text in texts]
    places = [_rows(featurizer, text) for text in texts]
    near, share = np.arange(0, 150), np.ones((3, 150)) / 150

    def with_logged() -> None:
        for vector in queries:
            one = np.append(vector, 0.0).astype(np.float32)
            by_text @ one[: by_text.shape[1]]
            by_all @ one

    def every() -> None:
        with_logged()
        for vector, rows in zip(queries, places, strict=True):
            np.ones(len(rows), np.float32) @ projection[rows]
            for _ in range(2):
                share @ targets[near]
            vector @ slope
            vector @ surface.familiarity.inverse @ vector
            for panel in panels:
                panel.basis @ np.ones(panel.basis.shape[1])

    return with_logged, every


def _rows(featurizer: Featurizer, text: str) -> np.ndarray:
    """Return the rows of the projection that a text's n-grams have."""
    buckets = hashed([text]).buckets
    return np.searchsorted(featurizer.buckets, buckets[np.isin(buckets, featurizer.buckets)])


def decisions(planner: pr.Planner, by_embedding: pr.Planner, vectors: np.ndarray) -> dict[str, float]:
    """Time decisions one by one and in batches, and features, in CPU microseconds per query."""
    texts, _ = texts_of(ASKED, seed=2)
    with_logged, every = products(planner, texts)
    featurizer, words = planner.policy.surface.featurizer, HashingVectorizer(ngram_range=(1, 2))
    nothing = [None] * ASKED

    def each(function: Callable[[str], Any]) -> Work:
        return lambda: [function(text) for text in texts]

    return interleaved(
        {
            "products with the logged queries": with_logged,
            "all products": every,
            "plan, from a text": each(planner.plan),
            "plan, from features": lambda: [by_embedding.plan(None, embedding=one) for one in vectors],
            "plan_batch, from texts": lambda: planner.plan_batch(texts),
            "plan_batch, from features": lambda: by_embedding.plan_batch(nothing, embeddings=vectors),
            "features of a text": each(featurizer.of_text),
            "features of 64 texts together": lambda: [
                featurizer.of_texts(texts[i : i + 64]) for i in range(0, ASKED, 64)
            ],
            "HashingVectorizer, words and pairs": each(lambda text: words.transform([text])),
        }
    )


def on_embeddings(runs: pr.Runs) -> tuple[pr.Planner, np.ndarray]:
    """Return the planner of the same log with 384 features in place of the texts, and those of the asked queries.

    The features are random but for one direction, which tells the difficulty.
    """
    rng = np.random.default_rng(3)
    mixing = rng.standard_normal((64, 384)) / 8
    hardness = dict(zip(*texts_of(LOGGED, seed=1), strict=True))
    logged, asked = (rng.standard_normal((count, 64)) for count in (len(runs.texts), ASKED))
    logged[:, 0], asked[:, 0] = [hardness[text] for text in runs.texts], texts_of(ASKED, seed=2)[1]
    from dataclasses import replace

    blank = ("",) * len(runs.texts)  # beside a text the numbers would be a second view
    policy = pr.fit(replace(runs, texts=blank, embeddings=(logged @ mixing).astype(np.float32)), seed=0)
    return pr.Planner(policy), asked @ mixing


def cpu_ms(*arguments: str, folder: Path, cache: str) -> float:
    """Return the CPU milliseconds of a process, user and system, on the package in a checkout."""
    own = {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": cache}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=environment, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments} failed")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def processes(policy: str, folder: Path, *others: Path) -> Iterator[dict[str, float]]:
    """Time imports, beyond an empty process, and the command, for each checkout in turn."""
    sides: dict[str, tuple[str, ...]] = {
        name: ("-c", code.format(policy=policy)) for name, code in {"nothing": "", **IMPORTS}.items()
    }
    sides["the command plan, whole"] = ("-m", "paretoroute", "plan", policy, "What is 2 + 2?")
    folders = (folder, *others)
    times = {(tree, name): [] for tree in folders for name in sides}
    with tempfile.TemporaryDirectory() as cache:
        for repeat in range(ROUNDS + 1):
            for tree, name in times:
                value = cpu_ms(*sides[name], folder=tree, cache=cache)
                if repeat:  # the first round writes the bytecode
                    times[tree, name].append(value)
    for tree in folders:
        medians = {name: float(np.median(times[tree, name])) for name in sides}
        yield {name: ms - medians["nothing"] * (not name.endswith("whole")) for name, ms in medians.items()}


def decisions_in_turn(policy: str, *folders: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Time decisions by the packages of some checkouts in turn: CPU microseconds per query, ``(turns, folders)``."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, policy],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "benchmarks")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        for folder in folders
    ]

    def asked(worker: subprocess.Popen[str], turn: int, name: str) -> float:
        assert worker.stdin is not None and worker.stdout is not None
        print(turn, name, file=worker.stdin, flush=True)
        return float(worker.stdout.readline())

    names = ("plan, from a text", "plan_batch, from texts", "features of a text", "features of 64 texts together")
    for name in names:
        times = [[asked(worker, turn, name) for worker in workers] for turn in range(TURNS + 4)]
        yield name, np.array(times[4:])
    for worker in workers:
        worker.communicate()


def against(folder: Path) -> None:
    """Print the times of processes and decisions, those of another checkout, and their ratio."""
    with tempfile.TemporaryDirectory() as made:
        log, path = Path(made) / "runs.parquet", Path(made) / "policy.yaml"
        write_log(log)
        pr.fit(pr.read_runs(log), seed=0).save(path)
        for name, times in decisions_in_turn(str(path), ROOT, folder):
            here, there = np.median(times, axis=0)
            ratio = np.median(times[:, 0] / times[:, 1])
            print(f"{name:32} {here:6.0f} us {there:6.0f} us in the other   {ratio:.2f}")
    policy = str(ROOT / "policies" / "demo-max-cost.yaml")
    here, there = processes(policy, ROOT, folder)
    for name, value in here.items():
        ratio = f"{value / there[name]:.2f}" if there[name] else ""
        print(f"{name:32} {value:6.0f} ms {there[name]:6.0f} ms in the other   {ratio}")


def main() -> None:
    """Print one line per side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", type=Path)
    if (other := parser.parse_args().against) is not None:
        return against(other.resolve())
    with tempfile.TemporaryDirectory() as folder:
        log, path = Path(folder) / "runs.parquet", Path(folder) / "policy.yaml"
        write_log(log)
        runs = pr.read_runs(log)
        pr.fit(runs, seed=0).save(path)
        planner = pr.Planner.load(path)
        times = decisions(planner, *on_embeddings(runs))
        print(f"{len(planner.policy.surface.neighbours.features):,} logged queries kept; CPU per query:")
        for name, value in times.items():
            ratio = value / times["all products"]
            print(f"  {name:36} {value:8.1f} us {1e6 / value:10,.0f}/s   {ratio:5.2f} x all products")
        words = times["HashingVectorizer, words and pairs"]
        print(f"  features / HashingVectorizer: {times['features of a text'] / words:.2f}")
        (values,) = processes(str(path), ROOT)
        print(json.dumps({name: round(value) for name, value in values.items()}, indent=1), "CPU ms")


if __name__ == "__main__":
    main()
