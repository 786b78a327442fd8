"""Are limits kept on queries that the fit never saw? python experiments/limits/run.py RUNS... [--seeds 2].

A `+` joins logs to one. Per log and split: a mean cost half-way (in logs) between the cheapest and the best single
point, alone and with limits on half the share of the model called most, on the worst tag, and on the dearest one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split  # noqa: E402

import paretoroute as pr  # noqa: E402

LEAST = 0.04  # share of the queries that a tag needs to be limited


def outcomes(policy: pr.Policy, test: pr.Runs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the held-out quality, cost and model of what the planner calls, ``(queries,)`` each."""
    planner = pr.Planner(policy)
    asked = zip(test.texts, test.query_ids, test.tags, strict=True)
    decisions = [planner.plan(text, query_id=key, tag=tag) for text, key, tag in asked]
    picks = np.array([test.points.index(decision.point) for decision in decisions])
    rows = np.arange(len(picks))
    quality, cost = filled(test, "quality")[rows, picks], filled(test, "cost_usd")[rows, picks]
    return quality, cost, np.array([decision.model for decision in decisions])


def figure(limit, test: pr.Runs, found: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Give what a limit's figure came to, and the reach of its 90% interval."""
    quality, cost, model = found
    if isinstance(limit, pr.MaxShare):
        values = (model == limit.of).astype(float)
    else:
        table = quality if isinstance(limit, pr.MinQualityOf) else cost
        values = table[np.array(test.tags) == limit.of]
    return float(values.mean()), 1.645 * float(values.std()) / len(values) ** 0.5


def limits_of(free: pr.Policy, train: pr.Runs) -> list:
    """Choose limits that bind: what the free policy does on its own traffic, made tighter."""
    share = {entry.model: sum(point.share for point in entry.points) for entry in free.document.grid}
    busiest = max(share, key=lambda model: share[model])
    limits: list = [pr.MaxShare(round(0.5 * share[busiest], 3), busiest)]
    record, labels = free.record, free.traffic.labels.get("tag")
    if labels is None:
        return limits
    quality, cost, _ = record.chosen(pr.Planner(free).rule)
    tags = [name for name in labels.names if name and (labels.values == name).mean() >= LEAST]
    if len(tags) < 2:
        return limits
    of = {tag: (quality[labels.values == tag].mean(), cost[labels.values == tag].mean()) for tag in tags}
    worst, dearest = min(tags, key=lambda tag: of[tag][0]), max(tags, key=lambda tag: of[tag][1])
    limits.append(pr.MinQualityOf(round(min(of[worst][0] + 0.01, 1.0), 3), worst))
    if dearest != worst:
        limits.append(pr.MaxCostOf(float(f"{0.7 * of[dearest][1]:.3g}"), dearest))
    return limits


def one_log(table: Table, name: str, runs: pr.Runs, seeds: int) -> None:
    """Add the rows of one log."""
    for seed in range(seeds):
        train, test = split(runs, seed)
        mean_cost = np.sort(filled(train, "cost_usd").mean(0))
        best = filled(train, "cost_usd").mean(0)[filled(train, "quality").mean(0).argmax()]
        usd = float(np.sqrt(mean_cost[0] * best))
        free = pr.fit(train, pr.MaxCost(usd))
        base = outcomes(free, test)
        limits = limits_of(free, train)
        for some in ([], *([limit] for limit in limits), *([limits] if len(limits) > 1 else [])):
            solved = free.solve(limits=some)
            found = outcomes(solved, test)
            change = 100 * (found[0] - base[0])
            reach = 1.645 * float(change.std()) / len(change) ** 0.5
            entries = {entry.limit: entry.used for entry in solved.document.solution.limits}
            told = [
                f"{str(limit)}: {entries[str(limit)]:.4g} on the log, {value:.4g} +- {away:.2g}"
                for limit in some
                for value, away in [figure(limit, test, found)]
            ]
            table.add_row(
                f"{name} {seed}",
                "\n".join(told) or f"none; mean cost at most ${usd:.4g}",
                solved.document.solution.status,
                f"x{found[1].mean() / usd:.2f}",
                f"{change.mean():+.2f} +- {reach:.2f}" if some else "",
            )


def main() -> None:
    """Print what every limit came to on the held-out queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    table = Table("log, split", "limits: came to", "status", "spent / asked", "quality points, change", show_lines=True)
    for given in asked.runs:
        runs = read_log(*given.split("+"))
        one_log(table, " + ".join(Path(path).name for path in given.split("+")), runs, asked.seeds)
    Console(width=150, highlight=False).print(table)


if __name__ == "__main__":
    main()
