"""Compare all systems on logs, and rank them over the logs.

    python run.py NAME RUNS... [--jobs 2] [--cache FOLDER]      # one log: prints its table, writes results/NAME.json
    python run.py --table                                       # all logs that were run

RUNS are Parquet files or folders with an outcomes.parquet; several make one log; "demo" is the log that ships. Results
hold figures alone, no text of a query.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log

import paretoroute as pr
from paretoroute.evaluation.routers.registry import ROUTERS, routers_named

RESULTS = Path(__file__).parent / "results"
FIGURES = ("runs", "queries", "points", "folds", "seed", "best_single", "verdict")
NO_SYSTEM = ("oracle",)  # sees every outcome: not ranked
MARGIN = 0.3  # quality points by which the default may trail


def compare_log(name: str, paths: list[str], *, jobs: int, cache: str | None) -> dict:
    """Compare all systems on one log, and write the figures."""
    runs = pr.demo_runs() if paths == ["demo"] else read_log(*paths)
    began = time.monotonic()

    def progress(step: str) -> None:
        print(f"{time.monotonic() - began:7.0f} s  {step}", file=sys.stderr, flush=True)

    compared = pr.compare(runs, routers=routers_named(list(ROUTERS)), jobs=jobs, cache=cache, progress=progress)
    figures = compared.to_json()
    result = {key: figures[key] for key in FIGURES}
    result |= {"log": name, "jobs": jobs, "seconds": round(time.monotonic() - began), "routers": figures["routers"]}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def router_table(result: dict) -> str:
    """Return one log's routers as a Markdown table, best gain first."""
    lines = [
        f"{result['log']}: {result['queries']} queries, {result['points']} points, {result['seconds']} s, "
        f"{result['jobs']} jobs",
        "| router | gain | default minus router | with hindsight | calls |",
        "|---|---|---|---|---|",
    ]
    judged = [router for router in result["routers"] if router["left_out"] is None]
    for router in sorted(judged, key=lambda router: -router["gain"]):
        lead = "" if router["lead"] is None else _interval(router, "lead")
        lines.append(
            f"| {router['name']} | {_interval(router, 'gain')} | {lead} | {router['hindsight_gain']:+.2f} | "
            f"{router['metrics']['calls']:.2f} |"
        )
    lines += [f"| {r['name']} | left out: {r['left_out']} | | | |" for r in result["routers"] if r["left_out"]]
    return "\n".join([*lines, "", result["verdict"]])


def ranks(results: list[dict]) -> dict[str, list[float]]:
    """Return every system's ranks by gain among the systems of each log; NaN where it was left out."""
    names = [name for name in ("paretoroute", *ROUTERS) if name not in NO_SYSTEM]
    table: dict[str, list[float]] = {name: [] for name in names}
    for result in results:
        gain = {r["name"]: r["gain"] for r in result["routers"] if r["left_out"] is None}
        values = np.array([gain.get(name, np.nan) for name in names])
        for name, value in zip(names, values, strict=True):
            better, equal = float((values > value).sum()), float((values == value).sum())
            table[name].append(better + (equal + 1) / 2 if equal else np.nan)
    return table


def rank_table(results: list[dict]) -> str:
    """Return gains by log and the mean rank of every system as a Markdown table, best mean rank first."""
    by_rank = ranks(results)
    mean = {name: float(np.nanmean(every)) for name, every in by_rank.items() if not np.isnan(every).all()}
    heads = [result["log"] for result in results]
    lines = [f"| system | mean rank | logs | {' | '.join(heads)} |", "|---" * (3 + len(heads)) + "|"]
    gains = [{r["name"]: r["gain"] for r in result["routers"]} for result in results]
    for name in sorted(mean, key=lambda name: mean[name]):
        cells = ["" if gain.get(name) is None else f"{gain[name]:+.2f}" for gain in gains]
        count = int((~np.isnan(by_rank[name])).sum())
        lines.append(f"| {name} | {mean[name]:.1f} | {count} | {' | '.join(cells)} |")
    return "\n".join(lines)


def rival_table(results: list[dict]) -> str:
    """Return for each log the default's lead over the best other system, and whether it trails by more than 0.3."""
    lines = ["| log | queries | points | best other system | lead | lies below -0.3 |", "|---|---|---|---|---|---|"]
    for result in results:
        others = [r for r in result["routers"] if r["left_out"] is None and r["name"] not in ("paretoroute", "oracle")]
        best = max(others, key=lambda router: router["gain"])
        trails = "**yes**" if best["lead_high"] < -MARGIN else "no"
        lines.append(
            f"| {result['log']} | {result['queries']:,} | {result['points']} | {best['name']} | "
            f"{_interval(best, 'lead')} | {trails} |"
        )
    return "\n".join(lines)


def _interval(router: dict, figure: str) -> str:
    return f"{router[figure]:+.2f} [{router[f'{figure}_low']:+.2f}, {router[f'{figure}_high']:+.2f}]"


def main() -> None:
    """Run one log, or print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cache")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if not asked.table and not asked.runs:
        parser.error("name a log and its files, or ask for --table")
    if asked.table:
        results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
        print(rival_table(results), rank_table(results), sep="\n\n")
    else:
        print(router_table(compare_log(asked.name, asked.runs, jobs=asked.jobs, cache=asked.cache)))


if __name__ == "__main__":
    main()
