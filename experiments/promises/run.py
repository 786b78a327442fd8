"""Are a policy's promises kept: python experiments/promises/run.py RUNS... [--folds 5] [--only forecasts|points].

Every query is held out once: the policy is fitted on the other folds, solved for eight mean costs, and what was logged
at the points it chose is compared with what it promised. Then the intervals of the points' mean qualities: whether they
hold the truth as often as they say. Prints the tables of the README.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from asking import Asked  # noqa: E402
from coverage import coverage_table  # noqa: E402
from logs import filled, read_log  # noqa: E402

import paretoroute as pr  # noqa: E402
from paretoroute.runs.folds import folds, groups_of  # noqa: E402

TARGETS = 8
BINS = 10
DRAWS = 100
Z90 = 1.645


def held_out(runs, fold, groups):
    """Fit without one fold and give what was promised and what came of its queries, per target."""
    train, test = runs.select(~fold), runs.select(fold)
    quality, cost = filled(test, "quality"), filled(test, "cost_usd")
    train_quality, train_cost = filled(train, "quality").mean(0), filled(train, "cost_usd").mean(0)
    asked = Asked(pr.fit(train, seed=0), test)
    place = [runs.points.index(point) for point in asked.grid.points]
    ends = train_cost.min(), train_cost[train_quality.argmax()]
    found = []
    for target in np.geomspace(*ends, TARGETS + 2)[1:-1]:
        choice = asked.choose(pr.MaxCost(usd=float(target)))
        expected = choice.document.expected
        found.append({
            "groups": groups[fold], "asked": target, "status": choice.document.solution.status,
            "expected": expected.quality, "expected_cost": expected.cost_usd,
            "promised": choice.promised_quality, "promised_cost": choice.promised_cost_usd,
            "got": choice.of(quality[:, place]), "paid": choice.of(cost[:, place]),
            "forecast": choice.quality, "weights": choice.weights, "truth": quality[:, place],
        })  # fmt: skip
    return found


def targets_table(results):
    """Print what was promised and what came of it per target, over all folds."""
    print(
        "\n| target | status | promised quality | realised - promised, points: of the file | of the decisions "
        "| realised / promised cost: of the file | of the decisions | spent / asked | by fold |"
        "\n|---|---|---|---|---|---|---|---|---|"
    )
    misses = {"file quality": 0, "decision quality": 0, "file cost": 0, "decision cost": 0, "asked": 0}
    for k in range(TARGETS):
        rows = [fold[k] for fold in results]
        got, paid, promised, expected_cost = (
            np.concatenate([row[name] for row in rows]) for name in ("got", "paid", "promised", "promised_cost")
        )
        groups = np.concatenate([row["groups"] for row in rows])
        size = np.array([len(row["got"]) for row in rows])
        of_file, of_cost, asked = (
            np.average([row[name] for row in rows], weights=size) for name in ("expected", "expected_cost", "asked")
        )
        # A file promises for traffic, a decision for its query: the noise of queries, or of outcomes around forecasts.
        quality = [
            (100 * (got.mean() - base), 100 * Z90 * mean_error(noise, groups))
            for base, noise in ((of_file, got), (promised.mean(), got - promised))
        ]
        cost = [
            (paid.mean() / base, Z90 * mean_error(noise, groups) / paid.mean())
            for base, noise in ((of_cost, paid), (expected_cost.mean(), paid - expected_cost), (asked, paid))
        ]
        by_fold = [row["paid"].mean() / row["asked"] for row in rows]
        slack = all(row["status"] == "slack" for row in rows)
        for name, (value, reach), most in (
            ("file quality", quality[0], 1.0),
            ("decision quality", quality[1], 1.0),
            ("file cost", (cost[0][0] - 1, cost[0][1]), 0.05),
            ("decision cost", (cost[1][0] - 1, cost[1][1]), 0.05),
            ("asked", (cost[2][0] - 1, cost[2][1]), 0.1),
        ):
            misses[name] += abs(value) > max(most, reach) and not (name == "asked" and slack)
        words = [f"{value:+.2f} ± {reach:.2f}" for value, reach in quality]
        words += [f"{value:.3f} ± {reach:.3f}" for value, reach in cost]
        words.append(f"{min(by_fold):.2f} to {max(by_fold):.2f}")
        statuses = "/".join(sorted({row["status"] for row in rows}))
        print(f"| {k + 1} | {statuses} | {of_file:.3f} | {' | '.join(words)} |", flush=True)
    print(f"\nTargets of {TARGETS} where it is off by more than the limit and the noise: "
          + ", ".join(f"{name} {count}" for name, count in misses.items()) + ".")  # fmt: skip


def calibration_error(forecast, truth, weight):
    """Give the expected calibration error: the mean distance of forecast and outcome over bins of equal mass."""
    order = np.argsort(forecast, kind="stable")
    mass = np.cumsum(weight[order])
    place = np.minimum((BINS * (mass - weight[order] / 2) / mass[-1]).astype(int), BINS - 1)
    total = np.bincount(place, weight[order], BINS)
    means = [np.bincount(place, (weight * table)[order], BINS) / total for table in (forecast, truth)]
    return float((total * np.abs(means[0] - means[1])).sum() / total.sum())


def error_at(forecast, truth, weights):
    """Give the calibration error at the points that are called, from tables ``(queries, points)``."""
    kept = weights > 0
    return calibration_error(forecast[kept], truth[kept], weights[kept])


def ece_table(label, results):
    """Print the calibration error of the forecasts at the points that were chosen, and what no error would show."""
    chance = np.random.default_rng(0)
    forecast, truth, weights = [], [], []
    for fold in results:
        # Targets share queries: a query's outcome at a point is drawn once for all of them.
        forecast.append(np.stack([row["forecast"] for row in fold]))
        truth.append(fold[0]["truth"])
        weights.append(np.stack([row["weights"] for row in fold]))
    forecast, weights = np.concatenate(forecast, axis=1), np.concatenate(weights, axis=1)
    truth = np.concatenate(truth)
    kept = weights > 0
    outcome = np.broadcast_to(truth, weights.shape)
    flat = forecast[kept], weights[kept]
    pooled = calibration_error(flat[0], outcome[kept], flat[1])
    each = [error_at(forecast[k], truth, weights[k]) for k in range(TARGETS)]
    # Graded outcomes and means of repeats vary less than a yes or no: draws are drawn to the forecast likewise.
    error = (outcome - forecast)[kept] ** 2
    grade = min(1.0, float(np.sqrt(error.sum() / (flat[0] * (1 - flat[0])).sum())))
    floors, floors_each = [], []
    for _ in range(DRAWS):
        uniform = chance.random(truth.shape)
        drawn = forecast + grade * ((uniform < forecast) - forecast)
        floors.append(calibration_error(flat[0], drawn[kept], flat[1]))
        floors_each.append(np.mean([error_at(forecast[k], drawn[k], weights[k]) for k in range(TARGETS)]))
    print(
        f"| {label} | {len(truth):,} | **{pooled:.4f}** | {np.mean(floors):.4f}, {np.quantile(floors, 0.95):.4f} "
        f"| {np.mean(each):.4f}, {np.max(each):.4f} | {np.mean(floors_each):.4f} |",
        flush=True,
    )


def mean_error(values, groups):
    """Give the standard error of a mean; near-duplicates, which share a fold, count as drawn together."""
    sums = np.bincount(groups, values - np.mean(values))
    return float((sums**2).sum() ** 0.5) / len(values)


def dealt(runs, count):
    """Deal the queries to folds: a mask for each, and the group of every query."""
    keys = groups_of(runs)
    place = folds(keys, count, seed=0)
    return [place == f for f in range(count)], np.unique(keys, return_inverse=True)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", choices=("forecasts", "points"), help="one part of the tables")
    args = parser.parse_args()
    logs = {Path(name).name: read_log(name) for name in args.runs}
    if args.only != "points":
        results = {}
        for name, runs in logs.items():
            masks, groups = dealt(runs, args.folds)
            print(
                f"\n**{name}**: {len(groups)} queries in {groups.max() + 1} groups, {len(runs.points)} points, "
                f"{args.folds} folds"
            )
            results[name] = [held_out(runs, mask, groups) for mask in masks]
            targets_table(results[name])
        print("\n| log | queries | ECE, all targets | floor: mean, 95% | single targets: mean, most | their floor |")
        print("|---|---|---|---|---|---|")
        for name, found in results.items():
            ece_table(name, found)
    if args.only != "forecasts":
        coverage_table(logs)


if __name__ == "__main__":
    main()
