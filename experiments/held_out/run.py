"""Compare predictions with held-out queries: python experiments/held_out/run.py RUNS... [--seeds 3]."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split

import paretoroute as pr

TARGETS = 8
Z90 = 1.645


@dataclass(frozen=True)
class SplitResult:
    """Figures of one split.

    Args:
        gain: quality points over the best static mixture at equal cost, mean over targets, ``(queries,)``.
        cost_ratio: realised / target cost, per target.
        quality_difference: realised - predicted mean quality in points, per target.
        best: name of the best single point.
        relative_cost: of the policy without a target, relative to the best point.
        quality_to_best: of the policy without a target, minus the best point's, in points, ``(queries,)``.
    """

    gain: np.ndarray
    cost_ratio: list[float]
    quality_difference: list[float]
    best: str
    relative_cost: float
    quality_to_best: np.ndarray


def static_mixture(train_quality, train_cost, quality, cost, usd):
    """Return the held-out quality ``(queries,)`` of the training runs' best static mixture with mean cost ``usd``."""
    means = pr.Forecast(np.clip(train_quality.mean(0), 0, 1)[None], train_cost.mean(0)[None])
    frontier = pr.frontier(means)
    path = np.concatenate([frontier.start[:1], frontier.steps.target]).astype(int)
    path = path[np.argsort(cost[:, path].mean(0))]
    x = cost[:, path].mean(0)
    step = int(np.clip(np.searchsorted(x, usd) - 1, 0, max(len(x) - 2, 0)))
    above = path[min(step + 1, len(path) - 1)]
    width = cost[:, above].mean() - x[step]
    share = float(np.clip((usd - x[step]) / width, 0, 1)) if width > 0 else 0.0
    return (1 - share) * quality[:, path[step]] + share * quality[:, above]


def decide(policy, runs, points):
    """Plan all queries: the decisions, and the index of each decision's point."""
    planner = pr.Planner(policy)
    decisions = [planner.plan(text, query_id=key) for text, key in zip(runs.texts, runs.query_ids, strict=True)]
    return decisions, np.array([points.index(decision.point) for decision in decisions])


def one_split(runs, seed) -> SplitResult:
    """Fit on 70% of the queries, and realise the decisions on the other 30%."""
    train, test = split(runs, seed)
    train_quality, train_cost, quality, cost = (
        filled(part, name) for part in (train, test) for name in ("quality", "cost_usd")
    )
    policy = pr.fit(train, seed=0)
    best = int(train_quality.mean(0).argmax())
    low, high = train_cost.mean(0).min(), train_cost.mean(0)[best]
    rows = np.arange(len(quality))
    gains, ratios, differences = [], [], []
    for target in np.geomspace(low, high, TARGETS + 2)[1:-1]:
        decisions, choice = decide(policy.solve(pr.MaxCost(usd=float(target))), test, train.points)
        realised, realised_cost = quality[rows, choice], cost[rows, choice].mean()
        gains.append(100 * (realised - static_mixture(train_quality, train_cost, quality, cost, realised_cost)))
        ratios.append(realised_cost / target)
        differences.append(100 * (realised.mean() - np.mean([d.expected_quality for d in decisions])))
    _, choice = decide(policy, test, train.points)
    return SplitResult(
        gain=np.mean(gains, axis=0),
        cost_ratio=ratios,
        quality_difference=differences,
        best=policy.grid.names[best],
        relative_cost=cost[rows, choice].mean() / cost[:, best].mean(),
        quality_to_best=100 * (quality[rows, choice] - quality[:, best]),
    )


def interval(values):
    reach = Z90 * np.std(values) / len(values) ** 0.5
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
    queries = len(results[0].gain)
    # Splits share queries: the interval is that of one split's queries, around the mean of the splits.
    gain = np.mean([result.gain.mean() for result in results])
    reach = Z90 * np.mean([result.gain.std() for result in results]) / queries**0.5
    print(
        f"  gain over the best static mixture at equal cost, {TARGETS} cost targets: "
        f"{gain:+.2f} points [{gain - reach:+.2f}, {gain + reach:+.2f}]"
    )
    ratios = np.concatenate([result.cost_ratio for result in results])
    print(f"  realised / target cost: mean {ratios.mean():.3f}, {ratios.min():.2f} to {ratios.max():.2f}")
    difference = np.mean([result.quality_difference for result in results])
    print(f"  realised - predicted quality: {difference:+.2f} points")
    for seed, result in enumerate(results):
        print(
            f"  split {seed}, no target: x{result.relative_cost:.3f} of the cost of {result.best}, "
            f"{interval(result.quality_to_best)} points"
        )


if __name__ == "__main__":
    main()
