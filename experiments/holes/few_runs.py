"""A model added with few runs, against the policy of the full log: few_runs.py RUNS... [--kept 50] [--seeds 3]."""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split  # noqa: E402

import paretoroute as pr  # noqa: E402
from paretoroute.runs.table import ROW_NUMBERS  # noqa: E402

TARGETS = 24
COSTS = 12  # at which the two curves are compared
MOST = 1000  # held-out queries that are planned


def without(runs: pr.Runs, rows: np.ndarray) -> pr.Runs:
    """Leave out some rows, and points that are left without any; the queries stay."""
    columns = {name: getattr(runs, name)[~rows] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    left = np.unique(columns["point"])
    columns["point"] = np.searchsorted(left, columns["point"]).astype(np.int32)
    return replace(runs, points=tuple(runs.points[j] for j in left), **columns)


def thinned(runs: pr.Runs, model: str, kept: int, seed: int) -> pr.Runs:
    """Keep a model's runs, at all of its points, for so many queries only."""
    order = np.argsort([hashlib.sha256(f"few:{seed}:{key}".encode()).hexdigest() for key in runs.query_ids])
    others = np.ones(len(order), bool)
    others[order[:kept]] = False
    of_model = np.array([point.model == model for point in runs.points])
    return without(runs, of_model[runs.point] & others[runs.query])


def walk(policy: pr.Policy, test: pr.Runs, quality, cost, targets):
    """Quality and cost of every held-out query at every target, ``(targets, queries)`` each, cheapest first."""
    rows, got, paid, calls = np.arange(len(quality)), [], [], []
    for target in targets:
        planner = pr.Planner(policy.solve(pr.MaxCost(usd=float(target))))
        decisions = [planner.plan(t, query_id=k) for t, k in zip(test.texts, test.query_ids, strict=True)]
        picks = np.array([test.points.index(d.point) for d in decisions])
        got.append(quality[rows, picks])
        paid.append(cost[rows, picks])
        calls.append([test.points[j].model for j in picks])
    order = np.argsort([c.mean() for c in paid])
    return np.array(got)[order], np.array([c.mean() for c in paid])[order], np.array(calls)[order]


def at_cost(got, spent, usd):
    """Quality of every query where so much is spent, between the two nearest targets."""
    k = int(np.clip(np.searchsorted(spent, usd) - 1, 0, len(spent) - 2))
    width = spent[k + 1] - spent[k]
    share = float(np.clip((usd - spent[k]) / width, 0, 1)) if width > 0 else 0.0
    return (1 - share) * got[k] + share * got[k + 1]


def one_split(runs: pr.Runs, model: str, kept: int, seed: int):
    train, test = split(runs, seed)
    test = test.select(np.arange(len(test.query_ids)) % max(len(test.query_ids) // MOST, 1) == 0)
    quality, cost = filled(test, "quality"), filled(test, "cost_usd")
    train_cost, train_quality = filled(train, "cost_usd").mean(0), filled(train, "quality").mean(0)
    targets = np.geomspace(train_cost.min(), train_cost[train_quality.argmax()], TARGETS + 1)[1:]
    curves = []
    for log in (train, thinned(train, model, kept, seed)):
        curves.append(walk(pr.fit(log), test, quality, cost, targets))
    low = max(curve[1][0] for curve in curves)
    high = min(curve[1][-1] for curve in curves)
    costs = np.geomspace(low, high, COSTS)
    each = [np.array([at_cost(got, spent, usd) for usd in costs]) for got, spent, _ in curves]
    shares = [float((calls == model).mean()) for _, _, calls in curves]
    return 100 * (each[1] - each[0]), shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", help="Parquet files or folders; 'demo' is the log that ships")
    parser.add_argument("--kept", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", type=int, default=2, help="the best so many models are thinned, each by itself")
    args = parser.parse_args()
    runs = pr.demo_runs() if args.runs == ["demo"] else read_log(*args.runs)
    names = " + ".join(Path(path).name for path in args.runs)
    size = f"{len(runs.query_ids)} queries, {len(runs.points)} points"
    print(f"log {names}: {size}; {args.kept} queries of the model kept", flush=True)
    means = filled(runs, "quality").mean(0)
    best = list(dict.fromkeys(runs.points[j].model for j in np.argsort(-means)))[: args.models]
    for model in best:
        found = [one_split(runs, model, args.kept, seed) for seed in range(args.seeds)]
        per_query = [away.mean(0) for away, _ in found]
        mean = np.mean([one.mean() for one in per_query])
        reach = 1.645 * np.mean([one.std() for one in per_query]) / len(per_query[0]) ** 0.5
        least = min(away.mean(1).min() for away, _ in found)
        full, few = (np.mean([shares[i] for _, shares in found]) for i in (0, 1))
        print(
            f"  {model}: {mean:+.2f} points [{mean - reach:+.2f}, {mean + reach:+.2f}] at equal spending, splits "
            f"{', '.join(f'{one.mean():+.2f}' for one in per_query)}, worst cost {least:+.2f}; "
            f"called for {full:.0%} by the full policy, {few:.0%} by the other",
            flush=True,
        )


if __name__ == "__main__":
    main()
