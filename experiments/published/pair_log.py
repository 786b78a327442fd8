"""The log of RouteLLM's evaluation, split into its two benchmarks, with MMLU's subjects as tags."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

import paretoroute as pr

BENCHMARKS = ("mmlu", "gsm8k")
PAIR = ("mixtral-8x7b-instruct-v0.1", "gpt-4-1106-preview")  # weak, strong
COLUMNS = (
    "query_id", "query", "model", "budget_kind", "budget_label", "quality", "cost_usd", "prompt_tokens",
    "completion_tokens",
)  # fmt: skip


def read_benchmark(path: str | Path, benchmark: str, *, limit: int | None = None) -> pr.Runs:
    """Read the runs of the pair on one benchmark.

    Args:
        path: the Parquet file, or a folder with an outcomes.parquet.
        benchmark: one of :data:`BENCHMARKS`.
        limit: number of queries, those with the least hashes of their ids; None: all.
    """
    file = Path(path)
    table = pq.read_table(file / "outcomes.parquet" if file.is_dir() else file)
    table = table.filter(pc.equal(table["benchmark"], benchmark))
    table = table.select([*COLUMNS, "category"]).rename_columns([*COLUMNS, "tag"])
    runs = pr.read_runs(table)
    return runs if limit is None else runs.select(sampled(runs.query_ids, limit))


def sampled(groups: Sequence[str], count: int, *, seed: int = 0) -> np.ndarray:
    """Choose whole groups, in the order of their hashes, until ``count`` queries or a few more: bool ``(queries,)``."""
    size = Counter(groups)
    chosen: set[str] = set()
    total = 0
    for name in sorted(size, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        if total >= count:
            break
        chosen.add(name)
        total += size[name]
    return np.array([name in chosen for name in groups])
