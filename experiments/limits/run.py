"""Test limits on held-out queries: python experiments/limits/run.py RUNS... [--seeds 2].

A `+` joins logs to one. Per log and split, the target cost is the geometric mean of the costs of the cheapest and the
best single point. It is solved without limits, and with limits on the most called model's share, the worst tag's
quality and the most expensive tag's cost.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split

import paretoroute as pr

LEAST = 0.04  # least share of the queries of a limited tag


@dataclass(frozen=True)
class Realised:
    """Held-out quality, cost and called model, ``(queries,)`` each."""

    quality: np.ndarray
    cost_usd: np.ndarray
    model: np.ndarray


def realise(policy: pr.Policy, test: pr.Runs) -> Realised:
    """Plan the held-out queries, and look up their logged outcomes."""
    planner = pr.Planner(policy)
    queries = zip(test.texts, test.query_ids, test.tags, strict=True)
    decisions = [planner.plan(text, query_id=key, tag=tag) for text, key, tag in queries]
    choice = np.array([test.points.index(decision.point) for decision in decisions])
    rows = np.arange(len(choice))
    quality, cost = filled(test, "quality")[rows, choice], filled(test, "cost_usd")[rows, choice]
    return Realised(quality, cost, np.array([decision.model for decision in decisions]))


def realised_figure(limit, test: pr.Runs, realised: Realised) -> str:
    """Format the realised figure of a limit with its 90% interval."""
    if isinstance(limit, pr.MaxShare):
        values = (realised.model == limit.of).astype(float)
    else:
        table = realised.quality if isinstance(limit, pr.MinQualityOf) else realised.cost_usd
        values = table[np.array(test.tags) == limit.of]
    return f"{values.mean():.4g} +- {1.645 * values.std() / len(values) ** 0.5:.2g}"


def limits_of(free: pr.Policy, train: pr.Runs) -> list:
    """Choose limits that bind: tighter than the policy without limits on its own calibration sample."""
    share = {entry.model: sum(point.share for point in entry.points) for entry in free.document.grid}
    busiest = max(share, key=lambda model: share[model])
    limits: list = [pr.MaxShare(round(0.5 * share[busiest], 3), busiest)]
    record, labels = free.outcomes, free.calibration_sample.labels.get("tag")
    if labels is None:
        return limits
    chosen = record.chosen(pr.Planner(free).rule)
    quality, cost = chosen.quality, chosen.cost_usd
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
        base = realise(free, test)
        limits = limits_of(free, train)
        for some in ([], *([limit] for limit in limits), *([limits] if len(limits) > 1 else [])):
            solved = free.solve(limits=some)
            realised = realise(solved, test)
            change = 100 * (realised.quality - base.quality)
            reach = 1.645 * float(change.std()) / len(change) ** 0.5
            entries = {entry.limit: entry.used for entry in solved.document.solution.limits}
            lines = [
                f"{limit}: {entries[str(limit)]:.4g} on the log, {realised_figure(limit, test, realised)}"
                for limit in some
            ]
            table.add_row(
                f"{name} {seed}",
                "\n".join(lines) or f"none; mean cost at most ${usd:.4g}",
                solved.document.solution.status,
                f"x{realised.cost_usd.mean() / usd:.2f}",
                f"{change.mean():+.2f} +- {reach:.2f}" if some else "",
            )


def main() -> None:
    """Print every limit's realised figure on the held-out queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    table = Table(
        "log, split", "limit: realised", "status", "realised / target cost", "quality points", show_lines=True
    )
    for name in args.runs:
        runs = read_log(*name.split("+"))
        one_log(table, " + ".join(Path(path).name for path in name.split("+")), runs, args.seeds)
    Console(width=150, highlight=False).print(table)


if __name__ == "__main__":
    main()
