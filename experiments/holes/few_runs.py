"""Compare a policy that has few runs of a model with that of the full log.

python experiments/holes/few_runs.py RUNS... [--kept 50] [--seeds 3] [--models 2].
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split

import paretoroute as pr
from paretoroute.runs.table import ROW_NUMBERS

TARGETS = 24
COSTS = 12  # at which the curves are compared
MOST_QUERIES = 1000  # held-out queries that are planned


def without(runs: pr.Runs, rows: np.ndarray) -> pr.Runs:
    """Drop rows, and points left without any; keep all queries."""
    columns = {name: getattr(runs, name)[~rows] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    remaining = np.unique(columns["point"])
    columns["point"] = np.searchsorted(remaining, columns["point"]).astype(np.int32)
    return replace(runs, points=tuple(runs.points[j] for j in remaining), **columns)


def thinned(runs: pr.Runs, model: str, kept: int, seed: int) -> pr.Runs:
    """Keep a model's runs, at all of its points, for ``kept`` queries only."""
    order = np.argsort([hashlib.sha256(f"few:{seed}:{key}".encode()).hexdigest() for key in runs.query_ids])
    others = np.ones(len(order), bool)
    others[order[:kept]] = False
    of_model = np.array([point.model == model for point in runs.points])
    return without(runs, of_model[runs.point] & others[runs.query])


@dataclass(frozen=True)
class Curve:
    """Realised choices of a policy at rising mean cost.

    Args:
        quality: ``(targets, queries)``.
        mean_cost_usd: ``(targets,)``, ascending.
        models: called models, ``(targets, queries)``.
    """

    quality: np.ndarray
    mean_cost_usd: np.ndarray
    models: np.ndarray

    def quality_at(self, usd: float) -> np.ndarray:
        """Interpolate the quality of every query between the two targets nearest to a mean cost."""
        k = int(np.clip(np.searchsorted(self.mean_cost_usd, usd) - 1, 0, len(self.mean_cost_usd) - 2))
        width = self.mean_cost_usd[k + 1] - self.mean_cost_usd[k]
        share = float(np.clip((usd - self.mean_cost_usd[k]) / width, 0, 1)) if width > 0 else 0.0
        return (1 - share) * self.quality[k] + share * self.quality[k + 1]


def curve_of(policy: pr.Policy, test: pr.Runs, targets) -> Curve:
    """Plan the held-out queries at every target, and look up their logged outcomes."""
    quality, cost = filled(test, "quality"), filled(test, "cost_usd")
    rows, qualities, costs, models = np.arange(len(quality)), [], [], []
    for target in targets:
        planner = pr.Planner(policy.solve(pr.MaxCost(usd=float(target))))
        decisions = planner.plan_batch(test.texts, query_ids=test.query_ids)
        choice = np.array([test.points.index(d.point) for d in decisions])
        qualities.append(quality[rows, choice])
        costs.append(cost[rows, choice].mean())
        models.append([test.points[j].model for j in choice])
    order = np.argsort(costs)
    return Curve(np.array(qualities)[order], np.array(costs)[order], np.array(models)[order])


@dataclass(frozen=True)
class Comparison:
    """The policy with few runs of a model against the policy of the full log.

    Args:
        difference: quality points at equal cost, ``(costs, queries)``.
        share: of calls to the model, by the policy of the full log.
        share_few: of calls to the model, by the policy with few runs.
    """

    difference: np.ndarray
    share: float
    share_few: float


def one_split(runs: pr.Runs, model: str, kept: int, *, seed: int) -> Comparison:
    """Compare both policies on the held-out queries of one split."""
    train, test = split(runs, seed)
    test = test.select(np.arange(len(test.query_ids)) % max(len(test.query_ids) // MOST_QUERIES, 1) == 0)
    train_cost, train_quality = filled(train, "cost_usd").mean(0), filled(train, "quality").mean(0)
    targets = np.geomspace(train_cost.min(), train_cost[train_quality.argmax()], TARGETS + 1)[1:]
    full, few = (curve_of(pr.fit(log), test, targets) for log in (train, thinned(train, model, kept, seed)))
    low = max(full.mean_cost_usd[0], few.mean_cost_usd[0])
    high = min(full.mean_cost_usd[-1], few.mean_cost_usd[-1])
    costs = np.geomspace(low, high, COSTS)
    difference = np.array([few.quality_at(usd) - full.quality_at(usd) for usd in costs])
    return Comparison(100 * difference, float((full.models == model).mean()), float((few.models == model).mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", help="Parquet files or folders; 'demo' is the shipped log")
    parser.add_argument("--kept", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", type=int, default=2, help="how many of the best models are thinned, one at a time")
    args = parser.parse_args()
    runs = pr.demo_runs() if args.runs == ["demo"] else read_log(*args.runs)
    names = " + ".join(Path(path).name for path in args.runs)
    size = f"{len(runs.query_ids)} queries, {len(runs.points)} points"
    print(f"log {names}: {size}; {args.kept} queries per thinned model", flush=True)
    means = filled(runs, "quality").mean(0)
    best = list(dict.fromkeys(runs.points[j].model for j in np.argsort(-means)))[: args.models]
    for model in best:
        report(model, [one_split(runs, model, args.kept, seed=seed) for seed in range(args.seeds)])


def report(model: str, results: list[Comparison]) -> None:
    """Print one model's mean difference over the splits; the interval is that of one split's queries."""
    per_query = [result.difference.mean(0) for result in results]
    mean = np.mean([one.mean() for one in per_query])
    reach = 1.645 * np.mean([one.std() for one in per_query]) / len(per_query[0]) ** 0.5
    worst = min(result.difference.mean(1).min() for result in results)
    print(
        f"  {model}: {mean:+.2f} points [{mean - reach:+.2f}, {mean + reach:+.2f}] at equal cost, splits "
        f"{', '.join(f'{one.mean():+.2f}' for one in per_query)}, worst cost {worst:+.2f}; share of calls "
        f"{np.mean([result.share for result in results]):.0%} of the full policy, "
        f"{np.mean([result.share_few for result in results]):.0%} with few runs",
        flush=True,
    )


if __name__ == "__main__":
    main()
