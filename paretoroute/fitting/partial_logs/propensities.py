"""Propensities of a log: the chance with which each logged point was chosen, logged or estimated.

In order of preference: the ``propensity`` column, if every run has one; a model of the logger, if it forecasts the
logged points out of fold better than their shares; the shares.

Two designs are told apart. Where most queries were answered at one point, a point was *chosen* for each run: chances
of a query sum to 1, and several runs of a query count as that many draws. Where most queries have runs at several
points, every cell was *included* with a chance of its own, which is 1 in a full matrix. Both reduce to one weight per
logged cell (query, point), the inverse of its chance, for which

    mean_i sum_j weight_ij g_ij = mean_i sum_j g_ij

in expectation, for any table g that does not depend on the choice, if the propensities are right (Horvitz and Thompson,
"A generalization of sampling without replacement from a finite universe", Journal of the American Statistical
Association 47(260), 1952, doi:10.1080/01621459.1952.10483446). With g = 1: the mean of 1/p is the number of points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.calibration.off_policy.clusters import group_numbers
from paretoroute.calibration.off_policy.estimators import Balance, balance
from paretoroute.errors import RunsError
from paretoroute.fitting.partial_logs.logging_policy import CellCounts, LoggerModel, LoggerView, fit_logger, shares_only
from paretoroute.runs.folds import groups_of
from paretoroute.runs.table import Runs
from paretoroute.surface.logging_policy import LoggingPolicy

Source = Literal["full", "logged", "estimated", "marginal"]

SAME = 1e-9  # difference of two propensities that are equal but for rounding


@dataclass(frozen=True)
class Propensities:
    """The chances with which a log's points were chosen; its points are the columns.

    Args:
        policy: the chances at any query; only the shares unless the logger looked. It travels in the policy.
        source: ``full`` (every query at every point), ``logged``, ``estimated`` or ``marginal``.
        looks: whether the choice of the point depended on the query.
        chosen: whether one point was chosen for each run; else every cell was included with a chance of its own.
        probability: by the model out of fold where it beats the shares, else the shares; the logged propensities in
            logged cells if the source is ``logged``, ``(queries, points)``.
        reference: by the model out of fold, or the shares among the queries of other groups, ``(queries, points)``.
        weight: inverse chance of the logged cells, 0 elsewhere, ``(queries, points)``.
        per_run: the propensity of every run, ``(runs,)``.
        groups: copies and turns of one conversation, numbered from 0, ``(queries,)``.
        is_forecast: whether the model forecasts the logged points better than their shares.
        replaces_logged: whether it stands in place of logged propensities that are not used.
        findings: about a column of propensities that is not used, or that is at odds with itself.
    """

    policy: LoggingPolicy
    source: Source
    looks: bool
    chosen: bool
    probability: Floats
    reference: Floats
    weight: Floats
    per_run: Floats
    groups: Indices
    is_forecast: bool = False
    replaces_logged: bool = False
    findings: tuple[str, ...] = ()

    @cached_property
    def mean_inverse(self) -> Balance:
        """The mean over the queries of the inverse propensities, against the number of points."""
        has_runs: Floats = np.where(self.weight.any(axis=0), 1.0, 0.0)
        return balance(self.weight, has_runs, groups=self.groups)

    @cached_property
    def mean_ratio(self) -> Balance:
        """The mean of estimated over logged propensities, against the estimates' own sum: 1 where points are chosen.

        It has a smaller error than the mean of 1/p, which few runs with small propensities decide. Part of it is that
        of the estimates themselves: if they are shares, the mean is about 1 + (chi^2 - points) / queries.
        """
        queries, points = self.weight.shape
        ratio = balance(self.weight, self.reference, groups=self.groups)
        return replace(ratio, error=math.hypot(ratio.error, math.sqrt(2 * points) / queries))

    @property
    def is_off(self) -> bool:
        """Whether the propensities cannot be right: one of the two means is off by more than 3.5 standard errors."""
        return self.mean_inverse.is_off or (self.source == "logged" and self.mean_ratio.is_off)


def fit_propensities(
    runs: Runs, features: Floats, *, groups: Sequence[str] | None = None, seed: int = 0
) -> Propensities:
    """Take the propensities from the log, or estimate them.

    Args:
        runs: the log.
        features: of its queries, as the surface's featurizer returns them, ``(queries, width)``.
        groups: of every query; queries of one group stay in one fold. None: copies and turns of one conversation.
        seed: of the folds.

    Raises:
        RunsError: there are more or fewer features than queries.
    """
    if len(features) != len(runs.query_ids):
        raise RunsError(f"{len(features)} rows of features for {len(runs.query_ids)} queries; pass one row per query")
    cells, names = CellCounts.of(runs), groups_of(runs) if groups is None else groups
    column = _Column.of(runs)
    if cells.is_full and (column.values is None or (column.values == 1).all()):
        return _result(runs, cells, None, column, source="full", looks=False, groups=group_numbers(names))
    model = fit_logger(cells, LoggerView.of(runs, features), names, seed=seed)
    looks = column.varies or (model is not None and model.is_better)
    model, source = (model, "estimated") if looks else (None, "marginal")
    if column.values is not None:
        cells, source = _design_of(cells, column.per_cell), "logged"
    return _result(runs, cells, model, column, source=source, looks=looks, groups=group_numbers(names))


@dataclass(frozen=True)
class _Column:
    """The ``propensity`` column of a log.

    Args:
        values: ``(runs,)``; None if not every run has one.
        per_cell: harmonic mean over the repeats of a cell, ``(queries, points)``, NaN where nothing was logged.
        varies: whether the values of some point differ.
        findings: about values that are missing, or that differ between repeats.
    """

    values: Floats | None
    per_cell: Floats
    varies: bool
    findings: tuple[str, ...]

    @staticmethod
    def of(runs: Runs) -> _Column:
        nothing, present = np.full((len(runs.query_ids), len(runs.points)), np.nan), ~np.isnan(runs.propensity)
        if not present.all():
            text = (
                f"{int((~present).sum())} of {len(present)} runs have no propensity: the column is not used, and the "
                "propensities of all runs are estimated"
            )
            return _Column(None, nothing, False, (text,) if present.any() else ())
        cell, most = runs.query.astype(np.int64) * len(runs.points) + runs.point, np.zeros(nothing.size)
        inverse, count = np.bincount(cell, 1 / runs.propensity, nothing.size), np.bincount(cell, None, nothing.size)
        per_cell = np.divide(count, inverse, out=nothing.ravel(), where=count > 0).reshape(nothing.shape)
        np.maximum.at(most, cell, runs.propensity)
        differing = int((most - np.nan_to_num(per_cell.ravel()) > SAME).sum())
        text = f"repeats at one point have different propensities, in {differing} cells; each run counts with its own"
        spread = np.nanmax(per_cell, axis=0, initial=-1.0) - np.nanmin(per_cell, axis=0, initial=2.0)
        varies = bool(differing or (spread > SAME).any())
        return _Column(runs.propensity, per_cell, varies, (text,) if differing else ())


def _design_of(cells: CellCounts, per_cell: Floats) -> CellCounts:
    """Tell from logged propensities whether points were chosen or cells included: the mean of 1/p decides."""
    points, inverse = int(cells.logged.any(axis=0).sum()), np.nan_to_num(1 / per_cell)
    designs = [CellCounts(cells.runs, True), CellCounts(cells.runs, False)]
    means = [float((design.target * inverse).sum(axis=1).mean()) for design in designs]
    return designs[int(np.argmin(np.abs(np.log(means) - np.log(points))))]


def _result(
    runs: Runs,
    cells: CellCounts,
    model: LoggerModel | None,
    column: _Column,
    *,
    source: Source,
    looks: bool,
    groups: Indices,
) -> Propensities:
    probability = np.tile(cells.share, (len(cells.runs), 1)) if model is None else model.probability
    reference = cells.left_out(groups) if model is None else model.probability
    if source == "logged":
        probability = np.where(cells.logged, column.per_cell, probability)
    per_run = probability[runs.query, runs.point]
    return Propensities(
        policy=shares_only(cells) if model is None else model.policy,
        source=source,
        looks=looks,
        chosen=cells.chosen,
        probability=probability,
        reference=reference,
        weight=np.divide(cells.target, probability, out=np.zeros_like(probability), where=cells.logged),
        per_run=column.values if source == "logged" and column.values is not None else per_run,
        groups=groups,
        is_forecast=model is not None and model.is_better,
        findings=column.findings,
    )
