"""Coverage of replay on partial logs: python experiments/replay_coverage/run.py FOLDER [--estimated] [--seed 1].

A full matrix is replayed as a bandit: queries are drawn with replacement, and a logger with known chances picks one
point for each. Two policies, fitted once on other queries, are then replayed on many such logs. The truth is their mean
over the whole population.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import read_log

import paretoroute as pr
from paretoroute.calibration.intervals import Z90
from paretoroute.calibration.off_policy import estimators
from paretoroute.calibration.off_policy.clusters import mean_error
from paretoroute.calibration.off_policy.estimators import OffPolicyLog, balance, effective_size
from paretoroute.calibration.off_policy.recalibration import recalibrated_amount, recalibrated_quality
from paretoroute.evaluation.planned_calls import features_of, planned_calls
from paretoroute.fitting.methods import logistic
from paretoroute.fitting.partial_logs import logging_policy
from paretoroute.fitting.partial_logs.propensities import Propensities
from paretoroute.runs.align import on_grid

TRAINING, MOST_QUERIES, SIZES = 1000, 4000, (500, 2000)
WRONG = 1.3  # factor of the propensities that the alarm has to find
ESTIMATORS = ("DR", "DR, no floor", "SNIPS", "IPS", "matched rows", "forecasts")


@dataclass(frozen=True)
class Population:
    """A full matrix, and two policies on it.

    Args:
        quality: ``(queries, points)``.
        cost_usd: ``(queries, points)``.
        features: ``(queries, width)``.
        calls: action probabilities and forecasts of each policy.
    """

    quality: np.ndarray
    cost_usd: np.ndarray
    features: np.ndarray
    calls: tuple


def population(folder: str, seed: int) -> Population:
    """Fit two policies on 1,000 queries: as good as the best point, and at a mean cost below it."""
    runs = read_log(folder)
    order = np.random.default_rng(seed).permutation(len(runs.query_ids))
    masks = [np.zeros(len(order), bool) for _ in range(2)]
    masks[0][order[:TRAINING]], masks[1][order[TRAINING : TRAINING + MOST_QUERIES]] = True, True
    policy = pr.fit(runs.select(masks[0]), seed=0)
    costs = [point.cost_usd for entry in policy.document.grid for point in entry.points]
    middle = float(np.sqrt(min(costs) * policy.document.expected.best_single.cost_usd))
    test = on_grid(runs.select(masks[1]), policy.grid)
    quality, cost = test.means("quality").mean, test.means("cost_usd").mean
    full = ~np.isnan(quality + cost).any(axis=1)
    test = test.select(full)
    planners = [pr.Planner(policy), pr.Planner(policy.solve(pr.MaxCost(usd=middle)))]
    calls = tuple(planned_calls(planner, test) for planner in planners)
    return Population(quality[full], cost[full], features_of(planners[0], test), calls)


def loggers(world: Population) -> dict[str, np.ndarray]:
    """Return the chances of every point by logger, ``(queries, points)``."""
    queries, points = world.quality.shape
    by_cost = np.argsort(world.cost_usd.mean(axis=0))
    biased = np.full(points, 0.3 / (points - 1))
    biased[by_cost[points // 2]] = 0.7
    rank = world.features[:, 0].argsort().argsort() / queries  # of the first feature of the text
    favourite = by_cost[np.minimum((rank * points).astype(int), points - 1)]
    chances = {"uniform": np.full((queries, points), 1 / points), "biased": np.tile(biased, (queries, 1))}
    for share in (0.5, 0.1):
        looks = np.full((queries, points), share / points)
        looks[np.arange(queries), favourite] += 1 - share
        chances[f"looks, explores {share:g}"] = looks
    return chances


@dataclass(frozen=True)
class Log:
    """A log of one point per query.

    Args:
        rows: the queries, in the population.
        point: the logged point of each.
        chance: of the logged points, ``(queries,)``.
    """

    rows: np.ndarray
    point: np.ndarray
    chance: np.ndarray

    @staticmethod
    def draw(chances: np.ndarray, queries: int, rng: np.random.Generator) -> Log:
        """Draw queries with replacement, and the point of each."""
        rows = rng.integers(len(chances), size=queries)
        point = (chances[rows].cumsum(axis=1) > rng.random((queries, 1))).argmax(axis=1)
        return Log(rows, point, chances[rows, point])

    def placed(self, values: np.ndarray, empty: float, points: int) -> np.ndarray:
        """Place one value per query at its logged point."""
        table = np.full((len(self.rows), points), empty)
        table[np.arange(len(self.rows)), self.point] = values
        return table


def estimated(world: Population, log: Log, seed: int) -> Propensities:
    """Estimate the propensities as a replay does without a column, and compare them with the logged ones."""
    points = world.quality.shape[1]
    cells = logging_policy.CellCounts(log.placed(np.ones(len(log.rows)), 0.0, points), True)
    design = logistic.Design(world.features[log.rows], csr_array((len(log.rows), 0)))
    names = [str(row) for row in log.rows]
    model = logging_policy.fit_logger(cells, logging_policy.LoggerView(design, ()), names, seed=seed)
    model = model if model is not None and model.is_better else None
    shares = np.tile(cells.share, (len(log.rows), 1))
    groups = np.unique(log.rows, return_inverse=True)[1]
    probability = shares if model is None else model.probability
    return Propensities(
        policy=logging_policy.shares_only(cells) if model is None else model.policy,
        source="marginal" if model is None else "estimated",
        looks=model is not None,
        chosen=True,
        probability=probability,
        reference=cells.left_out(groups) if model is None else model.probability,
        weight=np.where(cells.logged, 1 / np.maximum(probability, 1e-300), 0.0),
        per_run=probability[np.arange(len(log.rows)), log.point],
        groups=groups,
    )


def alarms(estimates: Propensities, log: Log, *, factor: float) -> bool:
    """Return whether the alarm goes off if the logged propensities are multiplied by a factor."""
    points = estimates.weight.shape[1]
    weight = log.placed(1 / np.minimum(factor * log.chance, 1.0), 0.0, points)
    return replace(estimates, source="logged", weight=weight).is_off


def share_alarms(log: Log, points: int, *, factor: float) -> bool:
    """Return whether the mean of 1/p alone is off."""
    weight = log.placed(1 / np.minimum(factor * log.chance, 1.0), 0.0, points)
    return balance(weight, np.ones(points)).is_off


@dataclass(frozen=True)
class Outcome:
    """One policy on one log: errors of the estimators, whether the intervals hold the truth, and the effective size."""

    errors: dict[str, float]
    covers: dict[str, bool]
    effective: float
    half_width: float


def outcome(world: Population, log: Log, chance: np.ndarray, which: int, fold: np.ndarray) -> Outcome:
    """Replay one policy on one log."""
    calls, points = world.calls[which].take(log.rows), world.quality.shape[1]
    action, weight = calls.action, log.placed(1 / chance, 0.0, points)
    sides = {}
    for name, table, recalibrated in (
        ("quality", world.quality, recalibrated_quality),
        ("cost_usd", world.cost_usd, recalibrated_amount),
    ):
        logged = log.placed(table[log.rows, log.point], np.nan, points)
        sides[name] = OffPolicyLog(action, weight, logged, recalibrated(getattr(calls, name), logged, fold))
    truth = {name: float((world.calls[which].action * getattr(world, name)).sum(axis=1).mean()) for name in sides}
    quality, cost = estimators.doubly_robust(sides["quality"]), estimators.doubly_robust_amount(sides["cost_usd"])
    side = sides["quality"]
    values = (
        quality.value,
        quality.value,
        estimators.self_normalised(side),
        estimators.inverse_propensity(side),
        estimators.matched_rows(side),
        float((side.action * side.forecast).sum(axis=1).mean()),
    )
    margin = Z90 * mean_error(side.terms)
    covers = {
        "DR": quality.low <= truth["quality"] <= quality.high,
        "DR, no floor": abs(quality.value - truth["quality"]) <= margin,
        "cost": cost.low <= truth["cost_usd"] <= cost.high,
    }
    errors = {name: value - truth["quality"] for name, value in zip(ESTIMATORS, values, strict=True)}
    effective = effective_size(side.policy_weight.sum(axis=1))
    return Outcome(errors, covers, effective, quality.high - quality.value)


def outcomes(world: Population, chances: np.ndarray, queries: int, args: argparse.Namespace, key: int) -> Iterator:
    """Replay both policies on many logs of one logger; yields the outcomes and, per log, the alarms."""
    points = world.quality.shape[1]
    for replication in range(args.replications):
        rng = np.random.default_rng([args.seed, key, queries, replication])
        log = Log.draw(chances, queries, rng)
        fold = rng.integers(5, size=queries)
        chance, flags = log.chance, [share_alarms(log, points, factor=factor) for factor in (1.0, WRONG)]
        if args.estimated:
            estimates = estimated(world, log, replication)
            chance = estimates.per_run
            flags = [alarms(estimates, log, factor=factor) for factor in (1.0, WRONG)]
        yield [outcome(world, log, chance, which, fold) for which in range(2)], flags


def main() -> None:
    """Print a table with a row per logger, size and policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--estimated", action="store_true", help="estimate propensities in place of reading them")
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    world = population(args.folder, args.seed)
    print("| logger | n | policy | effective | bias | half width | covers: quality | no floor | cost |", end="")
    print(" bias SNIPS, matched, forecasts | false alarms | x1.3 found |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for key, (name, chances) in enumerate(loggers(world).items()):
        for queries in SIZES:
            pairs, flags = zip(*outcomes(world, chances, queries, args, key), strict=True)
            found = np.mean(flags, axis=0)
            for which in range(2):
                print(_row(name, queries, which, [pair[which] for pair in pairs], found), flush=True)


def _row(name: str, queries: int, which: int, outcomes: list[Outcome], found: np.ndarray) -> str:
    def bias(estimator: str) -> float:
        return 100 * float(np.nanmean([one.errors[estimator] for one in outcomes]))

    covers = [np.mean([one.covers[what] for one in outcomes]) for what in ("DR", "DR, no floor", "cost")]
    cells = [
        name,
        str(queries),
        "AB"[which],
        f"{np.median([one.effective for one in outcomes]):.0f}",
        f"{bias('DR'):+.1f}",
        f"{100 * np.median([one.half_width for one in outcomes]):.1f}",
        *(f"{share:.3f}" for share in covers),
        ", ".join(f"{bias(estimator):+.1f}" for estimator in ("SNIPS", "matched rows", "forecasts")),
        *(f"{share:.3f}" for share in found),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
