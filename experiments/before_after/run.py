"""Compare the fits of two source trees: python experiments/before_after/run.py --before DIR --after DIR LOGS...

A log is a Parquet file, a folder with an ``outcomes.parquet``, several joined by ``+``, or ``demo``. Each fit runs in
a process of its own with the tree first on its path, in turn before and after. Every logged query is planned at every
target; the targets depend on the log alone. Only public names of the package are used.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

KINDS = ("cost", "quality", "trade")


def fit_and_plan(tree: str, log: str, out: str, plan: str) -> None:
    """Fit twice and save the seconds to an ``.npz`` file; unless ``plan`` is empty, also choices and forecasts."""
    start = clock()
    import paretoroute as pr

    if Path(tree).resolve() not in Path(pr.__file__).resolve().parents:
        raise SystemExit(f"paretoroute was imported from {pr.__file__}, not from {tree}")
    fit = pr.fit  # loads what fitting needs
    seconds = [clock() - start]
    runs = read(log)
    for _ in range(2):
        start = clock()
        policy = fit(runs, seed=0)
        seconds.append(clock() - start)
    np.savez(out, seconds=seconds, **(planned(policy, runs) if plan else {}))


def clock() -> np.ndarray:
    """Return the time on the wall and the CPU time of this process, in seconds."""
    return np.array([time.perf_counter(), time.process_time()])


def planned(policy, runs) -> dict[str, np.ndarray]:
    """Plan all queries at all targets: choices and expectations ``(targets, queries)``, and the forecasts."""
    import paretoroute as pr

    kinds, choice, quality, cost = [], [], [], []
    for kind, target in targets(runs):
        planner = pr.Planner(policy.solve(target))
        asked = zip(runs.texts, runs.query_ids, strict=True)
        decisions = [planner.plan(text, query_id=key) for text, key in asked]
        kinds.append(kind)
        choice.append([policy.grid.points.index(one.point) for one in decisions])
        quality.append([one.expected_quality for one in decisions])
        cost.append([one.expected_cost_usd for one in decisions])
    parts = {"kinds": kinds, "choice": choice, "quality": quality, "cost": cost, "points": len(policy.grid.points)}
    return {name: np.array(part) for name, part in parts.items()} | forecasts(policy)


def read(log: str):
    """Read a log as the other experiments do."""
    import paretoroute as pr

    if log == "demo":
        return pr.demo_runs()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from logs import read_log

    return read_log(*log.split("+"))


def targets(runs):
    """Eight mean costs, four shares of the best point's quality, and three prices of quality, from logged means."""
    import paretoroute as pr

    quality, cost = (np.nanmean(runs.means(name)[0], axis=0) for name in ("quality", "cost_usd"))
    best, least = int(quality.argmax()), int(cost.argmin())
    name = pr.Grid(runs.points, {}).names[best]
    slope = (cost[best] - cost[least]) / max(quality[best] - quality[least], 0.01)
    yield from (("cost", pr.MaxCost(usd=float(usd))) for usd in np.geomspace(cost[least], cost[best], 10)[1:-1])
    yield from (("quality", pr.MinQuality(ratio=ratio, of=name)) for ratio in (0.85, 0.9, 0.95, 0.99))
    yield from (("trade", pr.BestTrade(usd_per_quality=float(slope * factor))) for factor in (0.3, 1.0, 3.0))


def forecasts(policy) -> dict[str, np.ndarray]:
    """Return the out-of-fold forecasts that the policy's side file keeps, ``(queries, points)`` each."""
    from safetensors.numpy import load_file

    with tempfile.TemporaryDirectory() as folder:
        policy.save(Path(folder) / "policy.yaml")
        (side,) = Path(folder).glob("*.safetensors")
        arrays = load_file(side)
    names = {"forecast_quality": "traffic.quality", "forecast_amount": "traffic.amount"}
    return {new: arrays[old].astype(np.float64) for new, old in names.items()}


def run_in(tree: str, log: str, repeats: int) -> dict[str, np.ndarray]:
    """Run the fit of a tree in fresh processes, planning in the first; seconds are the least of the repeats."""
    result: dict[str, np.ndarray] = {}
    seconds = []
    for repeat in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            out = str(Path(folder) / "result.npz")
            command = [sys.executable, __file__, "--worker", tree, log, out, "" if repeat else "plan"]
            subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": tree}, cwd=tree)
            latest = dict(np.load(out))
        seconds.append(latest["seconds"])
        result = result or latest
    return result | {"seconds": np.min(seconds, axis=0)}


def report(log: str, old: dict[str, np.ndarray], new: dict[str, np.ndarray]) -> None:
    """Print what differs between two fits of a log."""
    same = old["choice"] == new["choice"]
    label = "+".join(Path(part).name for part in log.split("+"))
    print(f"{label}: {same.shape[1]} queries, {old['points']} points, {len(same)} targets")
    for kind in KINDS:
        part = same[old["kinds"] == kind]
        print(f"  same choice at {kind} targets: {100 * part.mean():.2f}%, least {100 * part.mean(1).min():.2f}%")
    print(f"  same choice at all targets: {100 * same.mean():.2f}%")
    quality, cost = ((old[name].mean(1), new[name].mean(1)) for name in ("quality", "cost"))
    print(f"  expected quality, mean over the queries: changes by up to {np.abs(quality[1] - quality[0]).max():.2g}")
    print(f"  expected cost, mean over the queries: changes by up to {100 * np.abs(cost[1] / cost[0] - 1).max():.2g}%")
    drift = np.abs(new["forecast_quality"] - old["forecast_quality"])
    print(f"  forecast quality: largest difference {drift.max():.2g}, median {np.median(drift):.2g}")
    drift = 100 * np.abs(new["forecast_amount"] / np.maximum(old["forecast_amount"], 1e-12) - 1)
    print(f"  forecast tokens (or cost): largest difference {drift.max():.2g}%, median {np.median(drift):.2g}%")
    for name, one, other in zip(("import", "first fit", "second fit"), old["seconds"], new["seconds"], strict=True):
        wall, cpu = zip(one, other, strict=True)
        print(f"  {name}: {wall[0]:.2f} s before, {wall[1]:.2f} s after (CPU {cpu[0]:.2f} s, {cpu[1]:.2f} s)")
    sys.stdout.flush()


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--before", required=True, help="source tree that holds the package")
    parser.add_argument("--after", required=True, help="another one")
    parser.add_argument("--repeats", type=int, default=3, help="processes per fit; the least time counts")
    args = parser.parse_args()
    before, after = str(Path(args.before).resolve()), str(Path(args.after).resolve())
    for log in args.logs:
        place = "+".join(part if part == "demo" else str(Path(part).resolve()) for part in log.split("+"))
        report(log, run_in(before, place, args.repeats), run_in(after, place, args.repeats))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        fit_and_plan(*sys.argv[2:])
    else:
        main()
