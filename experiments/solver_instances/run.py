"""Test exactness of the solver: python experiments/solver_instances/run.py [--small 45000] [--limited 5000].

Instances are those of the tests with other seeds: ties, duplicate and dominated points, free points, masks, one query,
one point, scales from 1e-9 to 1e9, targets out of reach and exactly at a breakpoint.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))
import paretoroute as pr
from tests.reference import highs
from tests.solver import test_solve as single
from tests.solver.coupled import test_magnitudes as magnitudes
from tests.solver.coupled import test_solve as coupled
from tests.solver.instances import audit, instance, targets_of

FIRST = 100_000  # seeds beyond those that the tests draw
BLOCK = 100


def large(count: int, first: int = 0) -> list[tuple[int, str]]:
    """Compare instances of up to 2,000 queries x 16 points with HiGHS, rescaled; list the seeds that differ."""
    wrong = []
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(100, 2001)), int(rng.integers(2, 17))
        quality, cost, mask, _ = instance(seed, queries=n, points=p)
        usd, floor = targets_of(quality, cost, mask, rng)
        unit = float(cost.max()) or 1.0
        forecast = pr.Forecast(quality, cost, callable=mask)
        for target, best, scale in (
            (pr.MaxCost(usd), highs(quality, cost / unit, usd=usd / unit, callable=mask), 1.0),
            (pr.MinQuality(floor), highs(quality, cost / unit, floor=floor, callable=mask), unit),
        ):
            solution = pr.solve(forecast, target)
            value = solution.expected_quality if isinstance(target, pr.MaxCost) else solution.expected_cost_usd
            try:
                audit(quality, cost, mask, target, solution)
            except AssertionError as error:
                wrong.append((seed, str(error)[:200]))
            if best is not None and abs(value / scale - best) > 1e-6 * max(abs(best), 1e-3):
                wrong.append((seed, f"{value / scale} is not {best}"))
    return wrong


def wide(count: int, first: int = 0) -> list[tuple[int, str]]:
    """Compare instances with limits whose costs and latencies span 15 orders of magnitude; list those that differ."""
    wrong = []
    for seed in range(first, first + count):
        forecast, target, limits = magnitudes.instance(seed, -12, 3)
        try:
            problem = magnitudes.fault(forecast, target, limits, pr.solve(forecast, target, limits))
        except pr.TargetError as error:
            problem = f"refused: {error}"
        if problem:
            wrong.append((seed, problem))
    return wrong


def main() -> None:
    """Draw instances, compare, and print how many differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in (("small", 45_000), ("limited", 5_000), ("large", 60), ("wide", 500)):
        parser.add_argument(f"--{name}", type=int, default=count)
    args = parser.parse_args()
    table = Table("instances", "targets each", "compared with", "differ", "CPU s")
    rows: tuple[tuple[str, str, int, str, Callable[[int, int], list]], ...] = (
        ("small", "2", args.small, "exact fractions, relative 1e-9", lambda n, at: single.failures(n, first=at)),
        ("with limits", "1", args.limited, "HiGHS, relative 1e-6", lambda n, at: coupled.failures(n, first=at)),
        ("up to 2,000 x 16", "2", args.large, "HiGHS, relative 1e-6", large),
        ("with limits, costs of 1e-12 to 1e3", "1", args.wide, "exact fractions, relative 2e-6", wide),
    )
    for name, each, count, what, compare in rows:
        start, wrong = time.process_time(), []
        for at in track(range(FIRST, FIRST + count, BLOCK), description=name, console=Console(stderr=True)):
            wrong += compare(min(BLOCK, FIRST + count - at), at)
        table.add_row(f"{count:,} {name}", each, what, str(len(wrong)), f"{time.process_time() - start:.0f}")
        for seed, problem in wrong[:5]:
            table.add_row(f"  seed {seed}", "", problem, "", "")
    Console(width=120, highlight=False).print(table)


if __name__ == "__main__":
    main()
