"""Measure fit time against log size: python benchmarks/fit.py [--rows 1e4 1e5 1e6].

Write synthetic logs of ten points (ten runs per query) as Parquet, fit each by the command line in a separate process,
and print seconds, CPU seconds and peak memory of that process, including reading and writing, with the growth exponent
from the previous size.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MODELS, LEVELS = ("small", "middle", "large", "huge", "other"), (("low", 1.0), ("high", 2.0))
VOCABULARY = 20_000
MOST_ROWS_AT_ONCE = 200_000


def write_log(path: Path, rows: int, seed: int = 0) -> None:
    """Write a log in which the vocabulary of a query determines its difficulty."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"w{number:x}" for number in rng.permutation(VOCABULARY)])
    hardness = rng.standard_normal(VOCABULARY)
    points = [(model, *level) for model in MODELS for level in LEVELS]
    ability = np.linspace(-1.0, 2.0, len(points))
    writer = None
    queries = rows // len(points)
    for start in range(0, queries, MOST_ROWS_AT_ONCE // len(points)):
        count = min(MOST_ROWS_AT_ONCE // len(points), queries - start)
        drawn = np.minimum(rng.zipf(1.3, (count, 40)) - 1, VOCABULARY - 1)
        texts = [" ".join(vocabulary[row]) for row in drawn]
        hard = hardness[drawn].mean(1) * 3
        rate = 1 / (1 + np.exp(hard[:, None] - ability[None, :]))
        tokens = np.exp(5 + 0.3 * hard[:, None] + 0.3 * ability[None, :] + 0.5 * rng.standard_normal(rate.shape))
        table = pa.table(
            {
                "query_id": np.repeat([f"q{start + i}" for i in range(count)], len(points)),
                "query": pa.array(texts).take(pa.array(np.repeat(np.arange(count), len(points)))),
                "model": np.tile([point[0] for point in points], count),
                "budget_kind": np.tile("effort", count * len(points)),
                "budget_label": np.tile([point[1] for point in points], count),
                "budget": np.tile([point[2] for point in points], count),
                "quality": (rng.random(rate.shape) < rate).astype(float).ravel(),
                "prompt_tokens": np.repeat(80.0, count * len(points)),
                "completion_tokens": np.ceil(tokens).ravel(),
                "cost_usd": ((80.0 + 4 * np.ceil(tokens)) * np.exp(ability) * 1e-6).ravel(),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def measure(log: Path, out: Path) -> tuple[float, float, float]:
    """Fit a log in a separate process; return seconds, CPU seconds and peak memory in GB."""
    code = "import sys; from paretoroute.cli.main import main; sys.argv[0] = 'paretoroute'; main()"
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, "fit", str(log), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the fit of {log.name} failed with exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e4, 1e5, 1e6])
    args = parser.parse_args()
    previous = None
    with tempfile.TemporaryDirectory() as folder:
        for rows in map(int, args.rows):
            log = Path(folder) / f"{rows}.parquet"
            write_log(log, rows)
            seconds, cpu, memory = measure(log, Path(folder) / "policy.yaml")
            growth = (
                "" if previous is None else f"  growth {math.log(cpu / previous[1]) / math.log(rows / previous[0]):.2f}"
            )
            print(f"{rows:>9,} rows: {seconds:6.1f} s, {cpu:6.1f} CPU s, {memory:.2f} GB{growth}", flush=True)
            previous = rows, cpu


if __name__ == "__main__":
    main()
