"""Promises kept on queries that the fit never saw: python experiments/held_out/run.py RUNS... [--seeds 3]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split  # noqa: E402

import paretoroute as pr  # noqa: E402

TARGETS = 8


def blind_mixture(train_quality, train_cost, quality, cost, spent):
    """Per query: quality and cost of the training runs' best prompt-blind mixture that spends ``spent`` on the test."""
    means = pr.Forecast(np.clip(train_quality.mean(0), 0, 1)[None], train_cost.mean(0)[None])
    line = pr.frontier(means)
    path = np.concatenate([line.start[:1], line.steps.target]).astype(int)
    path = path[np.argsort(cost[:, path].mean(0))]
    x = cost[:, path].mean(0)
    step = int(np.clip(np.searchsorted(x, spent) - 1, 0, max(len(x) - 2, 0)))
    above = path[min(step + 1, len(path) - 1)]
    width = cost[:, above].mean() - x[step]
    share = float(np.clip((spent - x[step]) / width, 0, 1)) if width > 0 else 0.0
    return (1 - share) * quality[:, path[step]] + share * quality[:, above]


def one_split(runs, seed):
    train, test = split(runs, seed)
    tables = [filled(part, name) for part in (train, test) for name in ("quality", "cost_usd")]
    train_quality, train_cost, quality, cost = tables
    policy = pr.fit(train, seed=0)
    grid = policy.grid
    best = int(train_quality.mean(0).argmax())
    low, high = train_cost.mean(0).min(), train_cost.mean(0)[best]
    rows = np.arange(len(quality))
    gains, single, spending, promised = [], [], [], []
    for target in np.geomspace(low, high, TARGETS + 2)[1:-1]:
        planner = pr.Planner(policy.solve(pr.MaxCost(usd=float(target))))
        asked = zip(test.texts, test.query_ids, strict=True)
        decisions = [planner.plan(text, query_id=key) for text, key in asked]
        picks = np.array([train.points.index(d.point) for d in decisions])
        got, spent = quality[rows, picks], cost[rows, picks]
        gains.append(100 * (got - blind_mixture(train_quality, train_cost, quality, cost, spent.mean())))
        spending.append(spent.mean() / target)
        promised.append(100 * (got.mean() - np.mean([d.expected_quality for d in decisions])))
    saver = pr.Planner(policy)
    decisions = [saver.plan(text, query_id=key) for text, key in zip(test.texts, test.query_ids, strict=True)]
    picks = np.array([train.points.index(d.point) for d in decisions])
    single = (cost[rows, picks], cost[:, best], 100 * (quality[rows, picks] - quality[:, best]))
    return np.mean(gains, axis=0), spending, promised, single, grid.names[best], policy


def interval(values):
    reach = 1.645 * np.std(values) / len(values) ** 0.5
    return f"{np.mean(values):+.2f} [{np.mean(values) - reach:+.2f}, {np.mean(values) + reach:+.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    runs = read_log(*args.runs)
    print(
        f"log {' + '.join(Path(p).name for p in args.runs)}: {len(runs)} runs, {len(runs.query_ids)} queries, "
        f"{len(runs.points)} points; {args.seeds} splits 70/30"
    )
    results = [one_split(runs, seed) for seed in range(args.seeds)]
    ids = len(results[0][0])
    # Splits share queries: the interval is that of one split's queries, around the mean of the splits.
    gain, reach = np.mean([r[0].mean() for r in results]), 1.645 * np.mean([r[0].std() for r in results]) / ids**0.5
    print(
        f"  over the prompt-blind mixture at equal spending, {TARGETS} cost targets: "
        f"{gain:+.2f} points [{gain - reach:+.2f}, {gain + reach:+.2f}]"
    )
    spending = np.concatenate([r[1] for r in results])
    print(f"  spent / asked: mean {spending.mean():.3f}, {spending.min():.2f} to {spending.max():.2f}")
    print(f"  realised minus promised quality: {np.mean([r[2] for r in results]):+.2f} points")
    for seed, (_, _, _, (cost, other, quality), name, _) in enumerate(results):
        relative = cost.mean() / other.mean()
        print(
            f"  split {seed}: aiming at the quality of {name}: cost x{relative:.3f} of its, {interval(quality)} points"
        )


if __name__ == "__main__":
    main()
