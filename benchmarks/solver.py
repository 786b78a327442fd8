"""Time the solver against one read of its matrices, and against HiGHS: the figures of benchmarks/README.md.

CPU seconds (user and system) in one process with one BLAS thread; medians, the sides interleaved. A read is the fastest
pass over quality and cost that NumPy has: the sum of each matrix in its own type.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

import paretoroute as pr
from paretoroute.forecast import Forecast
from paretoroute.solver import solve

POINTS = 32
CHUNK = 200_000


def population(queries: int, *, seed: int = 0, dtype=np.float32, cost_shape: str = "both") -> tuple:
    """Draw qualities that follow ability and difficulty, and costs that rise with ability, chunk by chunk."""
    rng = np.random.default_rng(seed)
    ability = np.sort(rng.normal(0, 1.2, POINTS)).astype(np.float32)
    dearness = np.linspace(-8, -3, POINTS, dtype=np.float32) + rng.normal(0, 0.3, POINTS).astype(np.float32)
    quality = np.empty((queries, POINTS), dtype)
    cost = np.empty((queries, POINTS) if cost_shape == "both" else (POINTS,), dtype)
    for start in range(0, queries, CHUNK):
        rows = slice(start, min(start + CHUNK, queries))
        size = rows.stop - rows.start
        hard = rng.normal(0, 1, (size, 1)).astype(np.float32)
        noise = rng.standard_normal((size, POINTS), dtype=np.float32)
        quality[rows] = 1 / (1 + np.exp(hard - ability - 0.5 * noise))
        if cost_shape == "both":
            length = rng.normal(0, 0.5, (size, 1)).astype(np.float32)
            cost[rows] = np.exp(dearness + length + 0.2 * rng.standard_normal((size, POINTS), dtype=np.float32))
    if cost_shape != "both":
        cost[:] = np.exp(dearness)
    return quality, cost


def cpu(work: Callable[[], object]) -> tuple[float, object]:
    """Run something; give its CPU seconds and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def interleaved(sides: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Run all sides in turn, ``repeats`` times; give each one's median CPU seconds."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, work in sides.items():
            times[name].append(cpu(work)[0])
    return {name: float(np.median(values)) for name, values in times.items()}


def targets(quality, cost) -> dict[str, object]:
    """Give a limit and a floor in the middle of what can be had."""
    every = max(len(quality) // 20_000, 1)
    sample = Forecast(quality[::every].astype(float), cost[::every].astype(float) if cost.ndim == 2 else cost.astype(float))
    line = pr.frontier(sample)
    middle = 0.5 * (line.quality[0] + line.quality[-1])
    usd = float(np.interp(0.35, np.linspace(0, 1, line.cost_usd.size), np.geomspace(line.cost_usd[0], line.cost_usd[-1], line.cost_usd.size)))
    return {"MaxCost": pr.MaxCost(usd), "MinQuality": pr.MinQuality(float(middle))}


def reads(queries: int, repeats: int, cost_shape: str = "both") -> tuple[dict[str, float], dict[str, float]]:
    """Give CPU seconds of a read, of making the forecast and of each solve; and each solve's extra memory as a share."""
    quality, cost = population(queries, cost_shape=cost_shape)
    forecast = Forecast(quality, cost)
    sides: dict[str, Callable[[], object]] = {
        "read": lambda: (quality.sum(), cost.sum()),
        "Forecast": lambda: Forecast(quality, cost),
    }
    goals = targets(quality, cost)
    for name, target in goals.items():
        sides[name] = lambda target=target: solve(forecast, target)
    memory = {name: extra_memory(lambda target=target: solve(forecast, target)) / (quality.nbytes + cost.nbytes) for name, target in goals.items()}
    return interleaved(sides, repeats), memory


def extra_memory(work: Callable[[], object]) -> float:
    """Give the peak of what a call allocates, in bytes, its result included."""
    import tracemalloc

    tracemalloc.start()
    held = work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del held
    return float(peak)


def limited(queries: int, repeats: int) -> dict[str, object]:
    """Time three limits: mean cost, a share of the dearest points, a mean latency of a matrix of its own."""
    quality, cost = population(queries)
    rng = np.random.default_rng(1)
    latency = np.linspace(1, 30, POINTS, dtype=np.float32) * rng.lognormal(0, 0.2, POINTS).astype(np.float32)
    forecast = Forecast(quality, cost, latency_s=latency)
    target = targets(quality, cost)["MaxCost"]
    free = solve(forecast, target)
    share = float(np.isin(free.choice, (POINTS - 1, POINTS - 2, POINTS - 3)).mean())
    limits = [
        pr.MaxShare(0.5 * share, (POINTS - 1, POINTS - 2, POINTS - 3)),
        pr.MaxMeanLatency(0.9 * float(latency[free.choice].mean())),
    ]
    answer: list = []
    times = interleaved(
        {
            "read": lambda: (quality.sum(), cost.sum()),
            "three limits": lambda: answer.append(solve(forecast, target, limits)),
        },
        repeats,
    )
    return {**times, "gap": answer[-1].gap, "binds": len(answer[-1].binds)}


def against_highs(queries: int, repeats: int) -> dict[str, float]:
    """Time HiGHS's interior point without crossover on the whole programme, and ours; compare the objectives."""
    import highspy

    quality, cost = population(queries, dtype=np.float64)
    target = targets(quality, cost)["MaxCost"]
    forecast = Forecast(quality, cost)
    model = highspy.Highs()
    model.silent()
    for option, value in (("solver", "ipm"), ("run_crossover", "off"), ("threads", 1), ("parallel", "off")):
        model.setOptionValue(option, value)
    size = queries * POINTS
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = size, queries + 1
    lp.col_cost_ = -quality.ravel()
    lp.col_lower_, lp.col_upper_ = np.zeros(size), np.full(size, highspy.kHighsInf)
    lp.row_lower_ = np.concatenate([np.ones(queries), [-highspy.kHighsInf]])
    lp.row_upper_ = np.concatenate([np.ones(queries), [queries * 1.0]])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.arange(size + 1) * 2
    rows = np.stack([np.repeat(np.arange(queries), POINTS), np.full(size, queries)], axis=1)
    lp.a_matrix_.index_ = rows.ravel()
    lp.a_matrix_.value_ = np.stack([np.ones(size), cost.ravel() / target.usd], axis=1).ravel()

    def general() -> float:
        model.passModel(lp)
        model.run()
        return -model.getInfo().objective_function_value / queries

    ours: list = []
    theirs: list = []
    seconds = interleaved(
        {"HiGHS": lambda: theirs.append(general()), "ours": lambda: ours.append(solve(forecast, target))}, repeats
    )
    return {**seconds, "difference": abs(ours[-1].expected_quality - theirs[-1]) / theirs[-1]}


def main() -> None:
    """Print the figures with the goals beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--huge", action="store_true", help="also 1e7 queries: 8 GB of memory, some minutes")
    parser.add_argument("--highs", action="store_true", help="also HiGHS at 1e4 queries (needs highspy)")
    asked = parser.parse_args()
    table = Table("what", "CPU s", "reads", "extra memory", "goal", title=f"solver, {POINTS} points, float32")
    seconds = {}
    for queries in (100_000, 1_000_000, *([10_000_000] if asked.huge else [])):
        times, memory = reads(queries, asked.repeats)
        seconds[queries] = times
        for name in ("read", "Forecast", "MaxCost", "MinQuality"):
            goal = {1_000_000: "<= 20 reads", 10_000_000: "<= 15 reads, <= 10%"}.get(queries, "")
            extra = f"{100 * memory[name]:.1f}%" if name in memory else ""
            ratio = times[name] / times["read"]
            table.add_row(f"{queries:.0e} {name}", f"{times[name]:.4f}", f"{ratio:.1f}", extra, goal if extra else "")
    times, memory = reads(1_000_000, asked.repeats, "points")
    for name in ("read", "MaxCost", "MinQuality"):
        extra = f"{100 * memory[name]:.1f}%" if name in memory else ""
        table.add_row(f"1e6 {name}, one cost per point", f"{times[name]:.4f}", f"{times[name] / times['read']:.1f}", extra, "")
    found = limited(1_000_000, asked.repeats)
    ratio = found["three limits"] / found["read"]
    words = f"gap {found['gap']:.0e}, {found['binds']} bind"
    table.add_row(f"1e6 three limits ({words})", f"{found['three limits']:.3f}", f"{ratio:.1f}", "", "<= 40 reads, gap <= 1e-6")
    console = Console(width=140, highlight=False)
    if asked.huge:
        for name in ("MaxCost", "MinQuality"):
            growth = np.log10(seconds[10_000_000][name] / seconds[1_000_000][name])
            table.add_row(f"growth exponent 1e6 to 1e7, {name}", "", f"{growth:.3f}", "", "<= 1.05")
    if asked.highs:
        pair = against_highs(10_000, 3)
        words = f"1e4 HiGHS interior point {pair['HiGHS']:.2f} s over ours {1000 * pair['ours']:.1f} ms"
        table.add_row(f"{words}, objectives {pair['difference']:.0e} apart", "", f"x{pair['HiGHS'] / pair['ours']:.0f}", "", ">= x300")
    console.print(table)
    console.print(f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


if __name__ == "__main__":
    main()
