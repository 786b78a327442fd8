"""Print the tables of cells: python experiments/partial_logs/tables.py CELLS.jsonl [--by-log] [--seeds FIRST END]."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

Z90 = 1.645


def covers(value: float, low: float | None, high: float | None, truth: float, noise: float) -> bool | None:
    """Whether an interval, widened by the noise of the truth, holds it; None without an interval."""
    if low is None or high is None:
        return None
    below, above = np.hypot(value - low, Z90 * noise), np.hypot(high - value, Z90 * noise)
    return value - below <= truth <= value + above


def figures(cells: list[dict]) -> dict[str, float]:
    """Summarise cells: biases in points of 100, shares that intervals cover, spending and gains."""
    rows = [row for cell in cells for row in cell["targets"]]
    at_cost = [row for row in rows if row["target"] != "default"]
    default = [row for row in rows if row["target"] == "default"]

    def bias(some):
        return 100 * float(np.mean([row["promise"][0] - row["truth"][0] for row in some]))

    quality = [covers(*row["promise"], *row["truth"]) for row in rows]
    cost = [covers(*row["cost"], *row["spent"]) for row in rows]
    error = np.array([100 * (row["promise"][0] - row["truth"][0]) for row in rows])
    widths = [50 * (r["promise"][2] - r["promise"][1]) for r in rows if r["promise"][1] is not None]
    below = [c["logger"][0] - r["truth"][0] > 0.005 and r["spent"][0] >= 0.9 * c["logger"][1]
             for c in cells for r in c["targets"]]  # fmt: skip
    spent = [row["spent"][0] / row["target"] for row in at_cost if row["status"] != "infeasible"]
    return {
        "cells": len(cells),
        "bias": bias(rows),
        "bias cost targets": bias(at_cost),
        "bias default": bias(default),
        "bias best single": 100 * float(np.mean([c["best_single"][0] - c["best_single"][1] for c in cells])),
        "rmse": float(np.sqrt((error**2).mean())),
        "cover": float(np.mean([c for c in quality if c is not None] or [np.nan])),
        "cover cost": float(np.mean([c for c in cost if c is not None] or [np.nan])),
        "no interval": float(np.mean([c is None for c in quality])),
        "half width": float(np.median(widths or [np.nan])),
        "effective": float(np.median([row["effective"] for row in rows])),
        "spent/asked": float(np.mean(spent or [np.nan])),
        "spent/promised": float(np.mean([r["spent"][0] / max(r["cost"][0], 1e-12) for r in rows])),
        "gain": 100 * float(np.mean([row["truth"][0] - row["static"] for row in at_cost])),
        "below logger": float(np.mean(below)),
        "seconds": float(np.mean([c["seconds"] for c in cells])),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=Path)
    parser.add_argument("--by-log", action="store_true")
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 10**9])
    args = parser.parse_args()
    groups: dict[tuple, list[dict]] = defaultdict(list)
    errors = []
    for line in args.cells.read_text(encoding="utf-8").splitlines():
        cell = json.loads(line)
        name, logger, column, seed = cell["cell"]
        if not args.seeds[0] <= seed < args.seeds[1]:
            continue
        if "error" in cell:
            errors.append((cell["cell"], cell["error"]))
            continue
        setting = logger + (" + column" if column else "")
        world = name.startswith(("topics", "noise"))
        groups[(name, "") if world else (setting, name if args.by_log else "")].append(cell)
    for number, (key, cells) in enumerate(sorted(groups.items())):
        row = figures(cells)
        if not number:
            print("| log | " + " | ".join(row) + " |\n|---|" + "---|" * len(row))
        values = [f"{v:+.1f}" if k.startswith(("bias", "gain")) else f"{v:.3g}" for k, v in row.items()]
        print(f"| {' '.join(key).strip()} | " + " | ".join(values) + " |")
    for where, error in errors:
        print(where, error[:200])


if __name__ == "__main__":
    main()
