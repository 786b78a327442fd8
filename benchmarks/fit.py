"""How a fit grows with the log: python benchmarks/fit.py [--rows 1e4 1e5 1e6].

Writes made-up logs of ten points (ten runs a query) as Parquet, fits each by the command line in a process of its own,
and prints seconds, CPU seconds and peak memory of that process, reading and writing included, with the exponent of
growth from one size to the next.
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
WORDS = 20_000
MOST_ROWS_AT_ONCE = 200_000


def write_log(path: Path, rows: int, seed: int = 0) -> None:
    """Write a log in which the words of a query tell how hard it is."""
    chance = np.random.default_rng(seed)
    words = np.array([f"w{number:x}" for number in chance.permutation(WORDS)])
    hardness = chance.standard_normal(WORDS)
    points = [(model, *level) for model in MODELS for level in LEVELS]
    ability = np.linspace(-1.0, 2.0, len(points))
    writer = None
    queries = rows // len(points)
    for start in range(0, queries, MOST_ROWS_AT_ONCE // len(points)):
        count = min(MOST_ROWS_AT_ONCE // len(points), queries - start)
        drawn = np.minimum(chance.zipf(1.3, (count, 40)) - 1, WORDS - 1)
        texts = [" ".join(words[row]) for row in drawn]
        hard = hardness[drawn].mean(1) * 3
        rate = 1 / (1 + np.exp(hard[:, None] - ability[None, :]))
        tokens = np.exp(5 + 0.3 * hard[:, None] + 0.3 * ability[None, :] + 0.5 * chance.standard_normal(rate.shape))
        table = pa.table(
            {
                "query_id": np.repeat([f"q{start + i}" for i in range(count)], len(points)),
                "query": pa.array(texts).take(pa.array(np.repeat(np.arange(count), len(points)))),
                "model": np.tile([point[0] for point in points], count),
                "budget_kind": np.tile("effort", count * len(points)),
                "budget_label": np.tile([point[1] for point in points], count),
                "budget": np.tile([point[2] for point in points], count),
                "quality": (chance.random(rate.shape) < rate).astype(float).ravel(),
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
    """Fit a log in a process of its own: seconds, CPU seconds, peak memory in GB."""
    code = "import sys; from paretoroute.cli.main import main; sys.argv[0] = 'paretoroute'; main()"
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, "fit", str(log), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the fit of {log.name} failed with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e4, 1e5, 1e6])
    args = parser.parse_args()
    before = None
    with tempfile.TemporaryDirectory() as folder:
        for rows in map(int, args.rows):
            log = Path(folder) / f"{rows}.parquet"
            write_log(log, rows)
            seconds, cpu, memory = measure(log, Path(folder) / "policy.yaml")
            growth = "" if before is None else f"  growth {math.log(cpu / before[1]) / math.log(rows / before[0]):.2f}"
            print(f"{rows:>9,} rows: {seconds:6.1f} s, {cpu:6.1f} CPU s, {memory:.2f} GB{growth}", flush=True)
            before = rows, cpu


if __name__ == "__main__":
    main()
