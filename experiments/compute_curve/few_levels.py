"""Compare a policy that has some levels of a model on few queries with that of the full log.

python experiments/compute_curve/few_levels.py RUNS... [--kept 100] [--seeds 4] [--models 2]. Every second level of the
model is dropped wholly, so 3 of 5 remain; the dropped ones are offered as unlogged points (``add_points``). With
--forecasts no level is dropped, and forecasts of the model's last level are compared with its held-out outcomes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "holes")]
from few_runs import COSTS, TARGETS, curve_of, thinned, without
from logs import filled, read_log, split

import paretoroute as pr
from paretoroute.evaluation.routers.base import QueryBatch
from paretoroute.evaluation.routers.paretoroute import FittedPolicy


def dropped_levels(runs: pr.Runs, model: str) -> list[int]:
    """Return every second of the model's levels with rising amount, the ends excepted."""
    amounts = {j: point.budget.amount for j, point in enumerate(runs.points) if point.model == model}
    levels = [j for _, j in sorted((amount, j) for j, amount in amounts.items() if amount is not None)]
    return levels[1:-1:2]


def difference(runs: pr.Runs, model: str, kept: int, seed: int) -> np.ndarray:
    """Return quality points lost at equal cost, ``(costs, queries)``: offered levels, and remaining levels alone."""
    train, test = split(runs, seed)
    dropped = dropped_levels(train, model)
    added = [train.points[j] for j in dropped]
    few = without(thinned(train, model, kept, seed), np.isin(thinned(train, model, kept, seed).point, dropped))
    cost, quality = filled(train, "cost_usd").mean(0), filled(train, "quality").mean(0)
    targets = np.geomspace(cost.min(), cost[quality.argmax()], TARGETS + 1)[1:]
    full, offered, remaining = (
        curve_of(policy, test, targets) for policy in (pr.fit(train), pr.fit(few, add_points=added), pr.fit(few))
    )
    low = max(curve.mean_cost_usd[0] for curve in (full, offered, remaining))
    high = min(curve.mean_cost_usd[-1] for curve in (full, offered, remaining))
    costs = np.geomspace(low, high, COSTS)
    return np.array([
        [100 * (one.quality_at(usd) - full.quality_at(usd)).mean() for usd in costs] for one in (offered, remaining)
    ])  # fmt: skip


def forecast_errors(runs: pr.Runs, model: str, kept: int, seed: int) -> str:
    """Write how the model's last level is forecast, from all queries and from few: correlation, slope and error."""
    train, test = split(runs, seed)
    batch = QueryBatch(test.texts, (None,) * len(test.texts), test.query_ids, np.zeros((len(test.texts), 1)))
    lines = []
    for name, some in (("all", train), ("few", thinned(train, model, kept, seed))):
        policy = pr.fit(some)
        column = max(j for j, point in enumerate(policy.grid.points) if point.model == model)
        forecast = FittedPolicy(policy, np.ones(1)).forecast(batch).quality[:, column]
        outcome = filled(test, "quality")[:, list(test.points).index(policy.grid.points[column])]
        (spread, common), _ = np.cov(forecast, outcome)
        correlation, error = np.corrcoef(forecast, outcome)[0, 1], ((forecast - outcome) ** 2).mean()
        lines.append(f"{name}: correlation {correlation:.2f}, slope {common / spread:.2f}, squared error {error:.3f}")
    return f"split {seed}, {policy.grid.points[column].name}, " + "; ".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--kept", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--forecasts", action="store_true")
    args = parser.parse_args()
    for path in args.runs:
        runs = pr.demo_runs() if path == "demo" else read_log(path, coverage=0.6)
        means = filled(runs, "quality").mean(0)
        ranked = list(dict.fromkeys(runs.points[j].model for j in np.argsort(-means)))
        models = [model for model in ranked if dropped_levels(runs, model)][: args.models]
        for model in models:
            if args.forecasts:
                print(*(forecast_errors(runs, model, args.kept, seed) for seed in range(args.seeds)), sep="\n")
                continue
            lost = np.array([difference(runs, model, args.kept, seed) for seed in range(args.seeds)])
            print(f"{Path(path).name} {model}: ", end="")
            print("; ".join(f"{name} {shown(lost[:, n])}" for n, name in enumerate(("offered", "alone"))), flush=True)


def shown(lost: np.ndarray) -> str:
    """Write the mean over splits with its 90% interval, every split, and the worst single cost, ``(splits, costs)``."""
    splits = lost.mean(1)
    reach = stats.t.ppf(0.95, len(splits) - 1) * splits.std(ddof=1) / len(splits) ** 0.5 if len(splits) > 1 else np.nan
    each = ", ".join(f"{one:+.2f}" for one in splits)
    mean = splits.mean()
    return f"{mean:+.2f} [{mean - reach:+.2f}, {mean + reach:+.2f}] ({each}), worst cost {lost.min():+.1f}"


if __name__ == "__main__":
    main()
