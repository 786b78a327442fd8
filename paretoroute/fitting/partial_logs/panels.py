"""Fit a log with few cells per query: heads on the logged cells alone, cross-fitted with the points' means.

On such a log matrix completion would learn from cells that it filled itself, and means of all rows would vouch for
themselves (see :mod:`paretoroute.fitting.methods.pooled_slopes`). Where the logger looked at the query, cells count by
their inverse chance, floored, since points met different queries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Floats32, single
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import pooled_slopes
from paretoroute.fitting.methods.pooled_means import Cells, PointMeans
from paretoroute.fitting.methods.pooled_slopes import PooledSlopes
from paretoroute.fitting.methods.retransformation import mean_slopes
from paretoroute.fitting.panel import FittedPanel, scale_of
from paretoroute.fitting.partial_logs.propensities import Propensities
from paretoroute.fitting.sample import Sample
from paretoroute.fitting.signal import MOST_TRIALS, signal_of
from paretoroute.runs.findings import Finding
from paretoroute.surface.logging_policy import LoggingPolicy
from paretoroute.surface.neighbours import HEADS, SECOND_HEADS
from paretoroute.surface.panel import LEADING, FirstLevel, Panel, SecondLevel
from paretoroute.surface.traffic import LogSupport

LEAST_CHANCE = 0.3  # of an equal share; a cell of a smaller chance weighs as one of so much


@dataclass(frozen=True)
class PartialPanels:
    """The fitted panels of a partial log, by name, and how far it supports estimates.

    Args:
        panels: by name.
        support: of the sample's queries.
        logging: the chances of being logged, where the logger looked at the query.
        findings: about the support of the log.
    """

    panels: dict[str, FittedPanel]
    support: LogSupport
    logging: LoggingPolicy | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Fitted:
    """A finished panel.

    Args:
        panel: with forecasts of the fits without each query's fold.
        deployed: forecasts of the panel itself, ``(sample, points)``.
        blind: as those of ``panel``, without what the query's labels add; None if they add nothing.
    """

    panel: FittedPanel
    deployed: Floats
    blind: Floats | None


@dataclass(frozen=True)
class _Pooled:
    """A panel and its pooled slopes."""

    logged: LoggedPanel
    model: PooledSlopes


def fit_panels(
    logged: dict[str, LoggedPanel],
    sample: Sample,
    fold: NDArray[np.int64],
    propensities: Propensities,
    *,
    neighbours: int,
    labels: Floats,
) -> PartialPanels:
    """Fit every panel on its logged cells.

    Args:
        logged: the panels, by name.
        sample: the queries that represent all.
        fold: of all queries, ``(queries,)``.
        propensities: of the log.
        neighbours: number of neighbours that the surface keeps.
        labels: one-hot labels of all queries, ``(queries, labels)``.
    """
    models = _models(logged, sample, fold, propensities, labels)
    fitted = {name: _fitted(_Pooled(panel, models[name]), sample, neighbours) for name, panel in logged.items()}
    panels = {name: one.panel for name, one in fitted.items()}
    inputs = panels["tokens"].panel.basis.shape[1] + min(LEADING, propensities.weight.shape[1])
    panels["quality"] = _with_second_level(panels["quality"], inputs)
    rows, prompt = sample.rows, fitted.get("prompt tokens")
    least = propensities.policy.least_chance
    support = LogSupport(
        weight=propensities.weight[rows].astype(np.float32),
        is_supported=np.asarray(propensities.reference[rows] >= least) if propensities.looks else None,
        looks=propensities.looks,
        is_estimated=propensities.replaces_logged or propensities.source == "estimated",
        quality_error=models["quality"].means.error.astype(np.float32),
        cost_error=np.expm1(_capped(models["tokens"].means)).astype(np.float32),
        fold=sample.fold.astype(np.int8),
        deployed_quality=fitted["quality"].deployed.astype(np.float32),
        deployed_amount=fitted["tokens"].deployed.astype(np.float32),
        deployed_prompt_tokens=None if prompt is None else prompt.deployed.astype(np.float32),
        **_blind(fitted),
    )
    return PartialPanels(panels, support, propensities.policy if propensities.looks else None)


def _blind(fitted: dict[str, _Fitted]) -> dict[str, Floats32]:
    """Return the tables of choices made without labels, by name in the support; none if labels add nothing."""
    if all(fitted[name].blind is None for name in ("quality", "tokens")):
        return {}
    tables = {"blind_quality": fitted["quality"], "blind_amount": fitted["tokens"]}
    return {
        name: (one.panel.forecast if one.blind is None else one.blind).astype(np.float32)
        for name, one in tables.items()
    }


def _capped(means: PointMeans) -> Floats:
    """Return the variances of the log means, none above 1: beyond, exp() of it tells nothing."""
    return np.minimum(means.error, 1.0)


def _models(
    logged: dict[str, LoggedPanel],
    sample: Sample,
    fold: NDArray[np.int64],
    propensities: Propensities,
    labels: Floats,
) -> dict[str, PooledSlopes]:
    """Fit the model of every panel, by name; that of tokens comes first, since quality reads their means."""
    models: dict[str, PooledSlopes] = {}
    for name in sorted(logged, key=lambda name: name != "tokens"):
        panel = logged[name]
        weight = np.where(panel.count > 0, np.minimum(panel.count, MOST_TRIALS), 0.0)
        if propensities.looks:
            least = LEAST_CHANCE / weight.shape[1]
            weight = weight / np.maximum(propensities.probability, least)
        weight /= weight[weight > 0].mean()
        cells = Cells.of(panel.values, weight)
        covariates = [_means_by_fold(models["tokens"])] if name == "quality" else []
        model = pooled_slopes.fit(cells, sample.all_features, covariates, fold, labels=labels)
        models[name] = _following_means(model, cells, fold) if name in ("tokens", "latency") else model
    return models


def _following_means(model: PooledSlopes, cells: Cells, fold: NDArray[np.int64]) -> PooledSlopes:
    """Draw the slopes of a logarithm to those of the logarithm of the mean, which is what costs add up to."""
    slopes = mean_slopes(cells.minus(model.of_labels), model.by_query, fold)
    by_query = slopes.without[fold][:, None] * model.by_query
    forecast = model.forecast - model.by_query + by_query
    return replace(model, slope=slopes.all * model.slope, by_query=by_query, forecast=forecast)


def _means_by_fold(model: PooledSlopes) -> Floats:
    """Return the points' means without each fold and, in the last row, by all queries, ``(folds + 1, points)``."""
    return np.concatenate([model.fold_means, model.means.mean[None]])


def _fitted(pooled: _Pooled, sample: Sample, neighbours: int) -> _Fitted:
    """Test the signal of a model's forecasts, and lay it out as a panel."""
    logged, model, rows = pooled.logged, pooled.model, sample.rows
    forecast, means = model.forecast[rows], model.fold_means[sample.fold]
    # The bases differ between folds, a little higher where the fold's own outcomes are low: no signal of the query.
    by_query = model.means.mean + model.by_query[rows]
    signal = signal_of(logged, model.means.mean, by_query, sample)
    # The strengths of the slopes were chosen by cross-validation, and shrink them already.
    signal = replace(signal, follows=float(signal.is_found))
    base, slope, of_labels = model.base, model.slope, model.of_labels
    if not signal.used:
        forecast, base, slope = means, model.means.mean, np.zeros_like(slope)
        of_labels = of_labels + model.told_of_labels
    points = len(base)
    panel = Panel(
        base=single(base),
        basis=np.eye(points),
        first_level=FirstLevel(
            offset=single(-model.centre @ slope),
            slope=single(slope),
            targets=np.zeros((len(rows[:neighbours]), points), np.float16),
            weights=np.zeros((HEADS + (SECOND_HEADS if len(sample.views) > 1 else 0), points)),
        ),
        second_level=None,
        scale=scale_of(logged, forecast, sample),
    )
    deployed = panel.scale.finish(single(base) + (sample.features - model.centre) @ slope)
    blind = _finished(logged, forecast, sample)
    # Prompts of one table stand for a planner's too, which sees no labels.
    if logged.name == "prompt tokens" or not of_labels.any():
        return _Fitted(FittedPanel(panel, signal, blind), deployed, None)
    left_out = forecast + of_labels[rows, None]
    return _Fitted(FittedPanel(panel, signal, _finished(logged, left_out, sample)), deployed, blind)


def _finished(logged: LoggedPanel, forecast: Floats, sample: Sample) -> Floats:
    """Return forecasts in the figure's unit, those of each fold by the range and smearing factors of the others."""
    finished = np.zeros_like(forecast)
    for k in range(int(sample.fold.max()) + 1):
        inside = sample.fold == k
        others = replace(sample, rows=sample.rows[~inside]) if not inside.all() else sample
        scale = scale_of(logged, forecast[~inside] if not inside.all() else forecast, others)
        finished[inside] = scale.finish(forecast[inside])
    return finished


def _with_second_level(fitted: FittedPanel, inputs: int) -> FittedPanel:
    """Add a second level that changes nothing, which every panel of quality has."""
    points = len(fitted.panel.base)
    level = SecondLevel(keep=np.ones(points), cross=np.zeros((inputs, points)), shift=np.zeros(points))
    return replace(fitted, panel=replace(fitted.panel, second_level=level))
