"""The kinds of input of the fuzzers: each makes one input from a seed, reads it, and checks what was accepted."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.mutants import calls, logs, policies, settings, texts

Check = Callable[[random.Random, Path], bool]


KINDS: dict[str, tuple[Check, int]] = {
    # the check, and its share of 1,000,000 inputs
    "JSONL log": (logs.jsonl, 30_000),
    "JSON log": (logs.json_array, 15_000),
    "CSV log": (logs.csv, 30_000),
    "Parquet log, damaged": (logs.parquet, 12_000),
    "Arrow log, damaged": (logs.arrow, 15_000),
    "Parquet or Arrow log of odd values": (logs.table, 8_000),
    "data frame": (logs.frame, 10_000),
    "policy file": (policies.policy_yaml, 6_000),
    "side file, changed bytes": (policies.side_bytes, 4_000),
    "side file, changed numbers": (policies.side_arrays, 3_000),
    "price file": (settings.prices, 50_000),
    "grid file": (settings.grid, 40_000),
    "YAML text": (settings.yaml_text, 87_000),
    "limit": (texts.limit, 180_000),
    "option": (texts.option, 150_000),
    "number": (texts.number, 160_000),
    "query": (texts.query, 110_000),
    "query file": (texts.query_file, 50_000),
    "call of plan": (calls.plan, 20_000),
    "call of solve": (calls.solve, 20_000),
}


def one(kind: str, seed: int, folder: Path) -> bool:
    """Try one input; return whether it was accepted.

    Raises:
        AssertionError: it was accepted as something it is not, or refused badly. Any other error is untyped.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return KINDS[kind][0](random.Random(f"{kind} {seed}"), folder)
