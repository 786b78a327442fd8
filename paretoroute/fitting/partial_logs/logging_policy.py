"""The model of the logger: which point it chose, given the query's features, tag, tenant and step.

A logistic model with an L2 penalty, mixed with the points' shares and with the uniform distribution (see
:class:`~paretoroute.surface.logging_policy.LoggingPolicy`). Estimates of a query's chances come from a model that did
not see the query, its copies or its conversation. They also decide the strength of the penalty, the mixture, and
whether the logger looked: the model forecasts the logged points better than their shares by more than two standard
errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from paretoroute._arrays import Floats, Indices, Mask, single
from paretoroute.calibration.off_policy.clusters import group_numbers, mean_error
from paretoroute.fitting.methods import logistic
from paretoroute.runs.folds import folds
from paretoroute.runs.table import Runs
from paretoroute.surface.logging_policy import LABEL_KINDS, LoggingPolicy, chances, label_places, uniform

STRENGTHS = (30.0, 3.0, 0.3)  # of the L2 penalty, in queries, strongest first
FEW_QUERIES = 4000  # up to here five folds; above, halves are as good and take a third of the time
LEAST_QUERIES = 40  # below, no model is tried
TUNING_QUERIES = 2000  # on which the strength is chosen
MOST_LABELS = 200  # of one kind; rarer ones count as no label
LEAST_OF_LABEL = 5  # queries
GATE_SE, GATE_SE_FEW = 2.0, 3.0  # standard errors, which are themselves uncertain on a short log
GATE_QUERIES = 200  # a log with fewer is short
MIXING_STEPS = 100
LEAST_CHANCE = 1e-300  # keeps logarithms and quotients finite


@dataclass(frozen=True)
class CellCounts:
    """Which cells (query, point) were logged, and by which design.

    Args:
        runs: number of runs, ``(queries, points)``.
        chosen: whether a point was chosen for each run; else every cell was included with a chance of its own.
    """

    runs: Floats
    chosen: bool

    @staticmethod
    def of(runs: Runs) -> CellCounts:
        """Count the runs of every cell. A point was chosen for each run if most queries have runs at one point only."""
        shape = (len(runs.query_ids), len(runs.points))
        cell = runs.query.astype(np.int64) * shape[1] + runs.point
        count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        return CellCounts(count, bool(np.median((count > 0).sum(axis=1)) <= 1))

    @property
    def logged(self) -> Mask:
        """Which cells have a run, ``(queries, points)``."""
        return self.runs > 0

    @property
    def is_full(self) -> bool:
        """Whether every query has a run at every point that has any."""
        return bool(self.logged[:, self.logged.any(axis=0)].all())

    @property
    def target(self) -> Floats:
        """What a model of the logger explains: each point's share of the query's runs, or whether it has any."""
        if not self.chosen:
            return self.logged.astype(np.float64)
        return self.runs / np.maximum(self.runs.sum(axis=1, keepdims=True), 1.0)

    @property
    def share(self) -> Floats:
        """The mean of the targets, ``(points,)``."""
        return self.target.mean(axis=0)

    @property
    def varying(self) -> Mask:
        """Which points have runs, but not at every query, ``(points,)``."""
        return (self.share > 0) & (self.share < 1)

    def take(self, rows: Mask) -> CellCounts:
        """Keep some queries."""
        return CellCounts(self.runs[rows], self.chosen)

    def smoothed(self, rows: Mask) -> Floats:
        """Return the shares of the points among some queries, with half a query more at each, ``(points,)``."""
        count, queries, seen = self.target[rows].sum(axis=0) + 0.5, int(rows.sum()), self.share > 0
        if self.chosen:
            return np.where(seen, count / (queries + 0.5 * seen.sum()), 0.0)
        return np.where(self.varying, count / (queries + 1), self.share)

    def left_out(self, groups: Indices) -> Floats:
        """Return the shares of the points among all queries but those of the same group, ``(queries, points)``."""
        total = np.stack([np.bincount(groups, column) for column in self.target.T], axis=1)
        others = np.maximum(len(self.runs) - np.bincount(groups), 1)
        return ((self.target.sum(axis=0) - total) / others[:, None])[groups]

    def log_likelihood(self, probability: Floats) -> Floats:
        """Return the log-likelihood of every query's logged points, ``(queries,)``."""
        logged = self.target * np.log(np.maximum(probability, LEAST_CHANCE))
        if self.chosen:
            return logged.sum(axis=1)
        other = np.log(np.maximum(1 - probability, LEAST_CHANCE))
        return (logged + np.where(self.logged, 0.0, other)).sum(axis=1)


@dataclass(frozen=True)
class LoggerModel:
    """A fitted model of the logger.

    Args:
        policy: fitted on all queries.
        probability: out of fold, ``(queries, points)``.
        gain: log-likelihood over the best mixture of the shares and the uniform distribution, mean per query, out of
            fold. Against the shares alone, that mixture has a small but certain gain where the logger is uniform.
        gain_se: its standard error.
    """

    policy: LoggingPolicy
    probability: Floats
    gain: float
    gain_se: float

    @property
    def is_better(self) -> bool:
        """Whether the logger looked: the model beats shares by more than two standard errors, on few queries three."""
        return self.gain > (GATE_SE if len(self.probability) >= GATE_QUERIES else GATE_SE_FEW) * self.gain_se


@dataclass(frozen=True)
class LoggerView:
    """What the logger may have looked at.

    Args:
        design: features and one-hot labels of all queries.
        labels: kind and name of the columns of labels.
    """

    design: logistic.Design
    labels: tuple[tuple[str, str], ...]

    @staticmethod
    def of(runs: Runs, features: Floats) -> LoggerView:
        """Collect the features and the common labels of a log's queries."""
        columns = {"tag": runs.tags, "tenant": runs.tenants, "step": runs.steps}
        labels: list[tuple[str, str]] = []
        for kind in LABEL_KINDS:
            common = Counter(name for name in columns[kind] if name).most_common(MOST_LABELS)
            labels += sorted((kind, name) for name, count in common if count >= LEAST_OF_LABEL)
        places = label_places(labels, columns, queries=len(features))
        nothing = np.zeros(0, np.intp)
        rows = np.concatenate([nothing, *(place.rows for place in places)])
        codes = np.concatenate([nothing, *(place.places for place in places)])
        one_hot = csr_array((np.ones(len(rows)), (rows, codes)), shape=(len(features), len(labels)))
        return LoggerView(logistic.Design(np.asarray(features, np.float64), one_hot), tuple(labels))


def shares_only(cells: CellCounts) -> LoggingPolicy:
    """Return the logging policy that does not look at the query."""
    points = cells.runs.shape[1]
    none = np.zeros((0, points))
    return LoggingPolicy(
        intercept=np.zeros(points),
        feature_weights=none,
        labels=(),
        label_weights=none,
        share=single(cells.share),
        mixture=np.array([0.0, 1.0, 0.0]),
        one_point_per_query=cells.chosen,
    )


def fit_logger(cells: CellCounts, view: LoggerView, groups: Sequence[str], *, seed: int) -> LoggerModel | None:
    """Fit the model of the logger in folds and on all queries; None where there is nothing or too little to explain.

    Args:
        cells: which were logged.
        view: what the logger may have looked at.
        groups: the group of every query; queries of one group stay in one fold.
        seed: of the folds.
    """
    queries = len(cells.runs)
    if not cells.varying.any() or min(queries, len(set(groups))) < LEAST_QUERIES:
        return None
    fold = folds(groups, 5 if queries <= FEW_QUERIES else 2, seed=seed)
    strength = _tuned(cells, view.design, fold)
    parts = _out_of_fold(cells, view.design, fold, strength)
    mixture = _mixed(cells, parts)
    probability = np.tensordot(mixture, parts, axes=1)
    without_model = np.tensordot(_mixed(cells, parts[1:]), parts[1:], axes=1)
    gain = cells.log_likelihood(probability) - cells.log_likelihood(without_model)
    own = logistic.fit(view.design, cells.target, strength=strength, multinomial=cells.chosen)
    policy = LoggingPolicy(
        intercept=single(own.intercept),
        feature_weights=single(own.features),
        labels=view.labels,
        label_weights=single(own.labels),
        share=single(cells.share),
        mixture=single(mixture),
        one_point_per_query=cells.chosen,
    )
    return LoggerModel(policy, probability, float(gain.mean()), mean_error(gain, group_numbers(groups)))


def _out_of_fold(cells: CellCounts, design: logistic.Design, fold: NDArray[np.int64], strength: float) -> Floats:
    """Return the chances by the model, the shares and the uniform distribution, ``(3, queries, points)``."""
    parts = np.zeros((3, *cells.runs.shape))
    for k in range(int(fold.max()) + 1):
        train = fold != k
        own = logistic.fit(design.take(train), cells.target[train], strength=strength, multinomial=cells.chosen)
        parts[:, ~train] = _parts(cells, own, design.take(~train), cells.smoothed(train))
    return parts


def _parts(cells: CellCounts, own: logistic.Coefficients, design: logistic.Design, shares: Floats) -> Floats:
    model = chances(own.logits(design), cells.share, one_point_per_query=cells.chosen)
    even = uniform(cells.share, one_point_per_query=cells.chosen)
    return np.stack([model, np.broadcast_to(shares, model.shape), np.broadcast_to(even, model.shape)])


def _tuned(cells: CellCounts, design: logistic.Design, fold: NDArray[np.int64]) -> float:
    """Return the strength of the penalty whose mixture has the greatest likelihood out of fold, on part of the log."""
    few = np.arange(len(fold)) % -(-len(fold) // TUNING_QUERIES) == 0
    cells, design, fold = cells.take(few), design.take(few), fold[few]
    scores = []
    for strength in STRENGTHS:
        parts = _out_of_fold(cells, design, fold, strength)
        mixed = np.tensordot(_mixed(cells, parts), parts, axes=1)
        scores.append(float(cells.log_likelihood(mixed).mean()))
    return STRENGTHS[int(np.argmax(scores))]


def _mixed(cells: CellCounts, parts: Floats) -> Floats:
    """Return the weights of the mixture of chances with the greatest likelihood, ``(parts,)``.

    By expectation maximisation: Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM
    algorithm", Journal of the Royal Statistical Society B 39(1), 1977, doi:10.1111/j.2517-6161.1977.tb01600.x.
    """
    if cells.chosen:
        likelihood, count = parts[:, cells.logged], cells.target[cells.logged]
    else:
        columns = cells.varying
        logged = cells.logged[:, columns]
        likelihood = np.where(logged, parts[:, :, columns], 1 - parts[:, :, columns]).reshape(len(parts), -1)
        count = np.ones(likelihood.shape[1])
    mixture = np.full(len(parts), 1 / len(parts))
    for _ in range(MIXING_STEPS if count.size else 0):
        own = mixture[:, None] * likelihood + LEAST_CHANCE
        mixture = (own / own.sum(axis=0)) @ count / count.sum()
    return mixture / mixture.sum()
