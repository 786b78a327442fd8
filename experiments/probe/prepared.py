"""Fit the default on every fold of a log, and keep what the designs need: forecasts, features, and answers."""

from __future__ import annotations

import hashlib
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sampled_logs import SampledLog

import paretoroute as pr
from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.protocol.gains import StaticPath
from paretoroute.evaluation.protocol.outer_fold import OuterFold
from paretoroute.evaluation.protocol.study import study_of
from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.paretoroute import FittedPolicy
from paretoroute.evaluation.routers.plans import Execution, execute
from paretoroute.evaluation.tradeoff_curves import Outcomes

FOLDS = 5


@dataclass(frozen=True)
class Side:
    """Queries with forecasts of a surface that never saw them, and logged outcomes, ``(queries, points)`` each."""

    features: Floats
    before: Floats
    planned_usd: Floats
    quality: Floats
    cost_usd: Floats
    score: Floats


@dataclass(frozen=True)
class Fold:
    """One fold: its training side, the held-out queries, and what the default realises on these for each target."""

    rows: np.ndarray
    fold: Indices
    train: Side
    test: Side
    path: StaticPath
    default: list[Execution]


@dataclass(frozen=True)
class Prepared:
    """All folds of a log at one seed."""

    names: tuple[str, ...]
    probes: tuple[str, ...]
    groups: Indices
    folds: list[Fold]


def prepare(log: SampledLog, seed: int, kept: Path | None) -> Prepared:
    """Fit all folds, or read them from the file where an earlier call kept them."""
    if kept is not None and kept.exists():
        return pickle.loads(kept.read_bytes())
    study = study_of(log.runs, None, None, folds=FOLDS, seed=seed)
    folds = []
    for number in range(FOLDS):
        outer = OuterFold(study, number)
        folds.append(_fold(outer))
        print(f"fold {number + 1} of {FOLDS}", file=sys.stderr, flush=True)
    done = Prepared(tuple(study.grid.names), log.probes, study.groups, folds)
    if kept is not None:
        kept.write_bytes(pickle.dumps(done))
    return done


def _fold(outer: OuterFold) -> Fold:
    training, batch = outer._prepared
    answers = outer._answers
    policy = pr.fit(training.runs, grid=training.grid, seed=training.seed)
    fitted = FittedPolicy(policy, np.ones(1))
    path = StaticPath.of(Outcomes(fill_missing(training.quality), fill_missing(training.cost_usd)))
    default = [execute(fitted.within(float(usd)).plan(batch), answers) for usd in path.targets]
    forecast = fitted.forecast(batch)
    cost = np.broadcast_to(forecast.cost_usd, forecast.quality.shape)
    test = Side(batch.features, forecast.quality, cost, answers.quality, answers.cost_usd, _score(answers))
    inner = policy.document.fitted_on.seed
    return Fold(outer._rows, _inner_folds(training, inner), _train(policy, training), test, path, default)


def _score(answers) -> Floats:
    return np.full(answers.quality.shape, np.nan) if answers.score is None else answers.score


def _inner_folds(training: Training, seed: int) -> Indices:
    from paretoroute.runs.folds import folds

    return folds(training.groups, FOLDS, seed=seed + 1)


def _train(policy: pr.Policy, training: Training) -> Side:
    """Put the policy's out-of-fold forecasts in the order of the training queries."""
    ids = training.runs.query_ids
    order = sorted(range(len(ids)), key=lambda i: hashlib.sha256(ids[i].encode()).digest())
    back = np.argsort(order)
    forecast = policy.calibration_sample.forecast(policy.grid)
    cost = np.broadcast_to(forecast.cost_usd, forecast.quality.shape)
    assert len(cost) == len(ids), "the calibration sample leaves queries out"
    logged = policy.calibration_sample.logged_quality[back]
    assert np.allclose(logged, training.quality, atol=1e-3, equal_nan=True)
    return Side(training.features, forecast.quality[back], cost[back], training.quality,
                fill_missing(training.cost_usd), training.score)  # fmt: skip
