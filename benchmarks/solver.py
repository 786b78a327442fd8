"""Time the solver for benchmarks/README.md: python benchmarks/solver.py [--huge] [--highs].

CPU seconds (user and system) of one process with one BLAS thread; medians, sides interleaved. A read is NumPy's sum
over quality and cost; dots count the fastest pass in NumPy, the dot product of each matrix with itself.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

import paretoroute as pr

POINTS = 32
CHUNK = 200_000
DEAREST = (POINTS - 3, POINTS - 2, POINTS - 1)

Work = Callable[[], Any]


def population(queries: int, *, dtype: Any = np.float32, shared_cost: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Draw qualities from ability and difficulty, and costs that rise with ability, in chunks."""
    rng = np.random.default_rng(0)
    ability = np.sort(rng.normal(0, 1.2, POINTS)).astype(np.float32)
    dearness = np.linspace(-8, -3, POINTS, dtype=np.float32) + rng.normal(0, 0.3, POINTS).astype(np.float32)
    quality = np.empty((queries, POINTS), dtype)
    cost = np.exp(dearness).astype(dtype) if shared_cost else np.empty((queries, POINTS), dtype)
    for start in range(0, queries, CHUNK):
        rows = slice(start, min(start + CHUNK, queries))
        size = rows.stop - rows.start
        hard = rng.normal(0, 1, (size, 1)).astype(np.float32)
        quality[rows] = 1 / (1 + np.exp(hard - ability - 0.5 * rng.standard_normal((size, POINTS), dtype=np.float32)))
        if not shared_cost:
            length = rng.normal(0, 0.5, (size, 1)).astype(np.float32)
            cost[rows] = np.exp(dearness + length + 0.2 * rng.standard_normal((size, POINTS), dtype=np.float32))
    return quality, cost


def interleaved(sides: dict[str, Work], repeats: int) -> dict[str, float]:
    """Run all sides in turn, ``repeats`` times, and return their median CPU seconds."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, work in sides.items():
            start = time.process_time()
            work()
            times[name].append(time.process_time() - start)
    return {name: float(np.median(values)) for name, values in times.items()}


def passes(quality: np.ndarray, cost: np.ndarray) -> dict[str, Work]:
    """Return the two ways of reading both matrices once."""

    def dot() -> float:
        return float(np.dot(quality.ravel(), quality.ravel()) + np.dot(cost.ravel(), cost.ravel()))

    return {"read": lambda: (quality.sum(), cost.sum()), "dot": dot}


def targets(quality: np.ndarray, cost: np.ndarray) -> dict[str, pr.MaxCost | pr.MinQuality]:
    """Return a limit and a floor half-way up the reachable quality."""
    every = max(len(quality) // 20_000, 1)
    sample = pr.Forecast(quality[::every].astype(float), (cost[::every] if cost.ndim == 2 else cost).astype(float))
    line = pr.frontier(sample)
    middle = 0.5 * float(line.quality[0] + line.quality[-1])
    usd = float(np.interp(middle + 0.07, line.quality, line.cost_usd))
    return {"MaxCost": pr.MaxCost(usd), "MinQuality": pr.MinQuality(middle)}


def extra_memory(work: Work) -> float:
    """Return the peak of a call's allocations in bytes, its result included."""
    tracemalloc.start()
    held = work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del held
    return float(peak)


def one_limit(table: Table, queries: int, repeats: int, *, shared_cost: bool = False) -> dict[str, float]:
    """Add the rows of one size: constructing the forecast, and both targets."""
    quality, cost = population(queries, shared_cost=shared_cost)
    forecast = pr.Forecast(quality, cost)
    sides = passes(quality, cost) | {"Forecast": lambda: pr.Forecast(quality, cost)}
    memory = {}
    for name, target in targets(quality, cost).items():
        sides[name] = lambda target=target: pr.solve(forecast, target)
        memory[name] = f"{100 * extra_memory(sides[name]) / (quality.nbytes + cost.nbytes):.1f}%"
    times = interleaved(sides, repeats)
    goals = {1_000_000: "<= 20 reads", 10_000_000: "<= 15 reads, <= 10% memory"}
    size = f"1e{round(np.log10(queries))}{' cost (points,)' if shared_cost else ''}"
    for name in sides:
        goal = goals.get(queries, "") if name in memory and not shared_cost else ""
        row(table, f"{size} {name}", times[name], times, memory.get(name, ""), goal)
    return times


def row(table: Table, name: str, seconds: float, times: dict[str, float], memory: str, goal: str) -> None:
    """Add one row: seconds, and both kinds of reads."""
    reads, dots = seconds / times["read"], seconds / times["dot"]
    table.add_row(name, f"{seconds:.4f}", f"{reads:.1f}", memory, goal, f"{dots:.1f}")


def three_limits(table: Table, queries: int, repeats: int) -> None:
    """Add the row of three limits: mean cost, share of the most expensive points, mean latency."""
    quality, cost = population(queries)
    latency = np.linspace(1, 30, POINTS) * np.random.default_rng(1).lognormal(0, 0.2, POINTS)
    forecast = pr.Forecast(quality, cost, latency_s=latency.astype(np.float32))
    target = targets(quality, cost)["MaxCost"]
    free = pr.solve(forecast, target)
    share, slow = float(np.isin(free.choice, DEAREST).mean()), float(latency[free.choice].mean())
    limits = [pr.MaxShare(0.5 * share, DEAREST), pr.MaxMeanLatency(0.9 * slow)]
    solutions: list[Any] = []
    sides = passes(quality, cost) | {"limits": lambda: solutions.append(pr.solve(forecast, target, limits))}
    times = interleaved(sides, repeats)
    gap = max(solution.gap for solution in solutions)
    name = f"1e{round(np.log10(queries))} three limits, {len(solutions[-1].binds)} bind, gap {gap:.0e}"
    row(table, name, times["limits"], times, "", "<= 40 reads, gap <= 1e-6")


def general_solver(quality: np.ndarray, cost: np.ndarray, usd: float) -> Callable[[], float]:
    """Build the whole linear program for HiGHS (interior point, no crossover); the result solves it when called."""
    import highspy

    queries, size = len(quality), quality.size
    model, lp = highspy.Highs(), highspy.HighsLp()
    model.silent()
    for option, value in (("solver", "ipm"), ("run_crossover", "off"), ("threads", 1), ("parallel", "off")):
        model.setOptionValue(option, value)
    lp.num_col_, lp.num_row_ = size, queries + 1
    lp.col_cost_ = -quality.ravel()
    lp.col_lower_, lp.col_upper_ = np.zeros(size), np.full(size, highspy.kHighsInf)
    lp.row_lower_ = np.concatenate([np.ones(queries), [-highspy.kHighsInf]])
    lp.row_upper_ = np.concatenate([np.ones(queries), [float(queries)]])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.arange(size + 1) * 2
    lp.a_matrix_.index_ = np.stack([np.repeat(np.arange(queries), POINTS), np.full(size, queries)], axis=1).ravel()
    lp.a_matrix_.value_ = np.stack([np.ones(size), cost.ravel() / usd], axis=1).ravel()

    def solve() -> float:
        model.passModel(lp)
        model.run()
        return -model.getInfo().objective_function_value / queries

    return solve


def against_highs(table: Table, queries: int, repeats: int) -> None:
    """Add the comparison with HiGHS."""
    quality, cost = population(queries, dtype=np.float64)
    target = targets(quality, cost)["MaxCost"]
    assert isinstance(target, pr.MaxCost)
    general, forecast = general_solver(quality, cost, target.usd), pr.Forecast(quality, cost)
    theirs: list[float] = []
    ours: list[float] = []
    times = interleaved(
        {
            "HiGHS": lambda: theirs.append(general()),
            "ours": lambda: ours.append(pr.solve(forecast, target).expected_quality),
        },
        repeats,
    )
    difference = abs(ours[-1] - theirs[-1]) / theirs[-1]
    table.add_row(
        f"1e4 HiGHS {times['HiGHS']:.2f} s over ours {1000 * times['ours']:.1f} ms, difference {difference:.0e}",
        "",
        f"x{times['HiGHS'] / times['ours']:.0f}",
        "",
        ">= x300, within 1e-6",
        "",
    )


def main() -> None:
    """Print all figures with their goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--huge", action="store_true", help="also 1e7 queries: 5 GB of memory, a minute")
    parser.add_argument("--highs", action="store_true", help="also HiGHS at 1e4 queries (needs highspy), minutes")
    args = parser.parse_args()
    table = Table("case", "CPU s", "reads", "extra memory", "goal", "dots", title=f"{POINTS} points, float32")
    one_limit(table, 100_000, args.repeats)
    million = one_limit(table, 1_000_000, args.repeats)
    one_limit(table, 1_000_000, args.repeats, shared_cost=True)
    three_limits(table, 1_000_000, args.repeats)
    if args.huge:
        more = one_limit(table, 10_000_000, args.repeats)
        for name in ("MaxCost", "MinQuality"):
            growth = np.log10(more[name] / million[name])
            table.add_row(f"growth exponent 1e6 to 1e7, {name}", "", f"{growth:.3f}", "", "<= 1.05", "")
    if args.highs:
        against_highs(table, 10_000, min(args.repeats, 3))
    Console(width=130, highlight=False).print(table)


if __name__ == "__main__":
    main()
