"""Compare predictions with held-out queries: python experiments/promises/run.py RUNS... [--folds 5] [--only points].

Every query is held out once: a policy is fitted on the other folds and solved for eight mean costs, and the logged
outcomes of its choices are compared with its predictions. Then the coverage of the intervals of the points' mean
qualities. Prints the tables of the README. ``--seen`` learns the projection of the n-grams from the held-out texts too,
which no policy can: what that changes is due to a projection that knows logged texts better than new ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from coverage import coverage_table
from expected_choices import HeldOutPolicy
from logs import filled, read_log

import paretoroute as pr
from paretoroute.fitting import pipeline
from paretoroute.fitting.text_features import Featurized, fit_texts
from paretoroute.runs.folds import folds, groups_of

TARGETS = 8
BINS = 10
DRAWS = 100
Z90 = 1.645
MOST_QUALITY, MOST_COST, MOST_TARGET = 1.0, 0.05, 0.1  # largest differences that the claims allow


@dataclass(frozen=True)
class FoldResult:
    """Predictions and outcomes of one fold at one target.

    Args:
        groups: group of every query.
        target_usd: target mean cost.
        status: of the solution.
        file_quality: predicted by the policy file.
        file_cost_usd: likewise.
        predicted_quality: by the decisions, ``(queries,)``.
        predicted_cost_usd: likewise.
        quality: realised, ``(queries,)``.
        cost_usd: likewise.
        forecast: quality of every point, ``(queries, points)``.
        weights: probability of every point, ``(queries, points)``.
        logged: quality of every point, ``(queries, points)``.
    """

    groups: np.ndarray
    target_usd: float
    status: str
    file_quality: float
    file_cost_usd: float
    predicted_quality: np.ndarray
    predicted_cost_usd: np.ndarray
    quality: np.ndarray
    cost_usd: np.ndarray
    forecast: np.ndarray
    weights: np.ndarray
    logged: np.ndarray


@contextmanager
def projection_of(texts) -> Iterator[None]:
    """Learn the projection of the n-grams from some texts in place of those of the log that is fitted."""

    def featurized(runs, kind, seed, *, second=None):
        featurizer = fit_texts(texts, seed=seed).featurizer
        return Featurized(featurizer, np.array([one.vector for one in featurizer.of_texts(runs.texts)]))

    own, pipeline.featurized = pipeline.featurized, featurized
    try:
        yield
    finally:
        pipeline.featurized = own


def held_out(runs, fold, groups, *, seed: int, seen: bool) -> list[FoldResult]:
    """Fit without one fold, and return its predictions and outcomes per target."""
    train, test = runs.select(~fold), runs.select(fold)
    quality, cost = filled(test, "quality"), filled(test, "cost_usd")
    train_quality, train_cost = filled(train, "quality").mean(0), filled(train, "cost_usd").mean(0)
    with projection_of(runs.texts) if seen else nullcontext():
        policy = HeldOutPolicy(pr.fit(train, seed=seed), test)
    order = [runs.points.index(point) for point in policy.grid.points]
    results = []
    for target in np.geomspace(train_cost.min(), train_cost[train_quality.argmax()], TARGETS + 2)[1:-1]:
        choice = policy.choose(pr.MaxCost(usd=float(target)))
        document = choice.document
        results.append(
            FoldResult(
                groups=groups[fold],
                target_usd=target,
                status=document.solution.status,
                file_quality=document.expected.quality,
                file_cost_usd=document.expected.cost_usd,
                predicted_quality=choice.predicted_quality,
                predicted_cost_usd=choice.predicted_cost_usd,
                quality=choice.mean_of(quality[:, order]),
                cost_usd=choice.mean_of(cost[:, order]),
                forecast=choice.quality,
                weights=choice.weights,
                logged=quality[:, order],
            )
        )
    return results


@dataclass(frozen=True)
class Compared:
    """A realised figure against its reference, with 90% noise; ``beyond`` if off by more than limit and noise."""

    value: float
    reach: float
    beyond: bool


def quality_against(quality, reference, noise, groups) -> Compared:
    """Return realised minus predicted mean quality, in points."""
    value = 100 * (quality.mean() - reference)
    reach = 100 * Z90 * mean_error(noise, groups)
    return Compared(value, reach, abs(value) > max(MOST_QUALITY, reach))


def cost_against(cost, reference, noise, groups, *, most) -> Compared:
    """Return realised mean cost over its reference."""
    value, reach = cost.mean() / reference, Z90 * mean_error(noise, groups) / cost.mean()
    return Compared(value, reach, abs(value - 1) > max(most, reach))


def compared_at(rows: list[FoldResult]) -> tuple[float, dict[str, Compared]]:
    """Compare the predictions of all folds at one target: the files' mean quality, and every comparison."""
    quality, cost, predicted, predicted_cost, groups = (
        np.concatenate([getattr(row, name) for row in rows])
        for name in ("quality", "cost_usd", "predicted_quality", "predicted_cost_usd", "groups")
    )
    size = np.array([len(row.quality) for row in rows])
    file_quality, file_cost, target = (
        np.average([getattr(row, name) for row in rows], weights=size)
        for name in ("file_quality", "file_cost_usd", "target_usd")
    )
    # A file predicts for traffic, a decision for its query: the noise of queries, or of outcomes around forecasts.
    return file_quality, {
        "file quality": quality_against(quality, file_quality, quality, groups),
        "decision quality": quality_against(quality, predicted.mean(), quality - predicted, groups),
        "file cost": cost_against(cost, file_cost, cost, groups, most=MOST_COST),
        "decision cost": cost_against(cost, predicted_cost.mean(), cost - predicted_cost, groups, most=MOST_COST),
        "target cost": cost_against(cost, target, cost, groups, most=MOST_TARGET),
    }


def targets_table(results: list[list[FoldResult]]) -> None:
    """Print predicted and realised figures per target, over all folds."""
    print(
        "\n| target | status | predicted quality | realised - predicted, points: file | decisions "
        "| realised / predicted cost: file | decisions | realised / target cost | by fold |"
        "\n|---|---|---|---|---|---|---|---|---|"
    )
    misses: dict[str, int] = {}
    for k in range(TARGETS):
        rows = [fold[k] for fold in results]
        file_quality, compared = compared_at(rows)
        slack = all(row.status == "slack" for row in rows)
        for name, one in compared.items():
            misses[name] = misses.get(name, 0) + (one.beyond and not (name == "target cost" and slack))
        cells = [
            f"{one.value:+.2f} ± {one.reach:.2f}" if "quality" in name else f"{one.value:.3f} ± {one.reach:.3f}"
            for name, one in compared.items()
        ]
        by_fold = [row.cost_usd.mean() / row.target_usd for row in rows]
        cells.append(f"{min(by_fold):.2f} to {max(by_fold):.2f}")
        statuses = "/".join(sorted({row.status for row in rows}))
        print(f"| {k + 1} | {statuses} | {file_quality:.3f} | {' | '.join(cells)} |", flush=True)
    counts = ", ".join(f"{name} {count}" for name, count in misses.items())
    print(f"\nTargets of {TARGETS} off by more than limit and noise: {counts}.")


def calibration_error(forecast, truth, weight):
    """Return the expected calibration error: the mean distance of forecast and outcome over bins of equal mass."""
    order = np.argsort(forecast, kind="stable")
    mass = np.cumsum(weight[order])
    place = np.minimum((BINS * (mass - weight[order] / 2) / mass[-1]).astype(int), BINS - 1)
    total = np.bincount(place, weight[order], BINS)
    means = [np.bincount(place, (weight * table)[order], BINS) / total for table in (forecast, truth)]
    return float((total * np.abs(means[0] - means[1])).sum() / total.sum())


def error_at(forecast, truth, weights):
    """Return the calibration error at the chosen points, from tables ``(queries, points)``."""
    chosen = weights > 0
    return calibration_error(forecast[chosen], truth[chosen], weights[chosen])


def ece_table(label, results: list[list[FoldResult]]) -> None:
    """Print the calibration error at the chosen points, and the floor: that of perfect forecasts."""
    rng = np.random.default_rng(0)
    forecast, weights = (
        np.concatenate([np.stack([getattr(row, name) for row in fold]) for fold in results], axis=1)
        for name in ("forecast", "weights")
    )
    truth = np.concatenate([fold[0].logged for fold in results])
    chosen = weights > 0
    flat_forecast, flat_weights = forecast[chosen], weights[chosen]
    outcome = np.broadcast_to(truth, weights.shape)
    pooled = calibration_error(flat_forecast, outcome[chosen], flat_weights)
    each = [error_at(forecast[k], truth, weights[k]) for k in range(TARGETS)]
    # Graded outcomes and means of repeats vary less than binary ones: draws are shrunk to the forecast likewise.
    error = (outcome - forecast)[chosen] ** 2
    grade = min(1.0, float(np.sqrt(error.sum() / (flat_forecast * (1 - flat_forecast)).sum())))
    floors, floors_each = [], []
    for _ in range(DRAWS):
        # Targets share queries: a query's outcome at a point is drawn once for all of them.
        uniform = rng.random(truth.shape)
        drawn = forecast + grade * ((uniform < forecast) - forecast)
        floors.append(calibration_error(flat_forecast, drawn[chosen], flat_weights))
        floors_each.append(np.mean([error_at(forecast[k], drawn[k], weights[k]) for k in range(TARGETS)]))
    print(
        f"| {label} | {len(truth):,} | **{pooled:.4f}** | {np.mean(floors):.4f}, {np.quantile(floors, 0.95):.4f} "
        f"| {np.mean(each):.4f}, {np.max(each):.4f} | {np.mean(floors_each):.4f} |",
        flush=True,
    )


def mean_error(values, groups):
    """Return the standard error of a mean; near-duplicates, which share a fold, count as one draw."""
    sums = np.bincount(groups, values - np.mean(values))
    return float((sums**2).sum() ** 0.5) / len(values)


def fold_masks(runs, count):
    """Assign the queries to folds: a mask for each, and the group of every query."""
    keys = groups_of(runs)
    assigned = folds(keys, count, seed=0)
    return [assigned == f for f in range(count)], np.unique(keys, return_inverse=True)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", choices=("forecasts", "points"), help="print one part of the tables")
    parser.add_argument("--seed", type=int, default=0, help="of the fits")
    parser.add_argument("--seen", action="store_true", help="a projection that saw the held-out texts")
    args = parser.parse_args()
    logs = {Path(name).name: read_log(name) for name in args.runs}
    if args.only != "points":
        results = {}
        for name, runs in logs.items():
            masks, groups = fold_masks(runs, args.folds)
            print(
                f"\n**{name}**: {len(groups)} queries in {groups.max() + 1} groups, {len(runs.points)} points, "
                f"{args.folds} folds"
            )
            results[name] = [held_out(runs, mask, groups, seed=args.seed, seen=args.seen) for mask in masks]
            targets_table(results[name])
        print("\n| log | queries | ECE, all targets | floor: mean, 95% | single targets: mean, maximum | their floor |")
        print("|---|---|---|---|---|---|")
        for name, by_fold in results.items():
            ece_table(name, by_fold)
    if args.only != "forecasts":
        coverage_table(logs)


if __name__ == "__main__":
    main()
