"""Runs to a surface: the joint model of quality and tokens over (query, model, budget).

Each figure (quality, log tokens, log latency) is a panel, queries by points, with holes. In turn:

1. completion: means pooled over models and budgets, holes filled by a low-rank model   (JAX, optax);
   filling: those of points with few runs from the text and the other points' outcomes
2. basis: principal components of the residuals; what points share is learned together
3. heads: ridge at three strengths and neighbours in six ways, each query left out with its copies
4. stacking: how much to trust each head for each component, pooled                     (JAX, optax)
5. second level: quality hears what the forecasts of tokens and its own leading components tell about it
6. gate: where the cross-fitted forecasts do not beat the means beyond noise, the panel stays flat, and the
   surface is the prompt-blind one

The out-of-fold forecasts go into the traffic, and everything that is promised later is judged on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from paretoroute._arrays import Floats, single
from paretoroute.errors import RunsError
from paretoroute.fitting.logged_panels import LoggedPanel, bounds_of, panels_of
from paretoroute.fitting.methods import gaussian_process, matrix_completion, ridge, second_level, stacking
from paretoroute.fitting.panel import PanelDraft, fit_panel, signal_of
from paretoroute.fitting.points import interpolation
from paretoroute.fitting.points.unlogged import PointsOnOffer
from paretoroute.fitting.result import Fit
from paretoroute.fitting.sample import (
    FOLDS,
    LEAST_QUERIES,
    Sample,
    calibration_sample,
    draw_sample,
    featurized,
    neighbour_count,
    with_shared_forecasts,
)
from paretoroute.grid import Grid
from paretoroute.runs.table import Runs
from paretoroute.surface import neighbours
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.panel import second_level_inputs
from paretoroute.surface.surface import OutOfDistributionCheck, Surface

Progress = Callable[[str], None]


def fit_surface(
    runs: Runs,
    grid: Grid,
    *,
    offer: PointsOnOffer | None = None,
    kind: str = "hashed_ngrams",
    seed: int = 0,
    progress: Progress | None = None,
) -> Fit:
    """Fit the surface of a grid on logged runs.

    Args:
        runs: the runs, of the grid's points in the grid's order.
        grid: the points and their token prices.
        offer: all points to offer; the surface then has the columns of ``offer.points``.
        kind: of the features: ``hashed_ngrams`` reads the texts, ``embedding`` and ``function`` the embeddings.
        seed: same runs and seed, same surface.
        progress: called with a few words at the start of every stage.

    Raises:
        RunsError: fewer than 20 queries, or a point whose cost is nowhere known.
    """
    say = progress or (lambda words: None)
    if len(runs.query_ids) < LEAST_QUERIES:
        raise RunsError(
            f"the log has {len(runs.query_ids)} queries; at least {LEAST_QUERIES} are needed to tell a policy's gain "
            "from luck. Log more, or pick a point by hand."
        )
    say("reading the queries")
    featurizer, features = featurized(runs, kind, seed)
    sample = draw_sample(runs, features, featurizer.rank, len(grid.points), seed)
    panels, signals, forecasts = {}, [], {}
    cells = panels_of(runs, grid)
    drafts = {}
    for cell in cells.values():
        say(f"fitting {cell.name}")
        drafts[cell.name] = _first_level(cell, grid, sample, seed)
    for name, draft in drafts.items():
        found = _second_level(drafts, sample) if name == "quality" else (None, draft.own)
        panels[name], signal, forecasts[name] = fit_panel(draft, *found, sample, neighbour_count(sample, grid))
        signals.append(signal)
    surface = Surface(
        featurizer=featurizer,
        neighbours=neighbours.index(sample.features[: neighbour_count(sample, grid)], sample.rank),
        quality=panels["quality"],
        amount=panels["tokens"],
        prompt=panels.get("prompt tokens"),
        latency=panels.get("latency"),
        queries=(cells["quality"].count > 0).sum(0).astype(np.float64),
        familiarity=_familiarity(runs, featurizer, features),
        bounds=bounds_of(runs),
    )
    fit = Fit(surface, calibration_sample(cells, forecasts, sample, grid, runs), tuple(signals))
    if offer is not None and offer.unlogged:
        fit = interpolation.widened(fit, grid.points, offer)
    return replace(fit, traffic=with_shared_forecasts(fit.traffic, fit.surface, sample))


def _first_level(cells: LoggedPanel, grid: Grid, sample: Sample, seed: int) -> PanelDraft:
    """Fill a panel's holes, find its components, and stack the heads that forecast them."""
    full = matrix_completion.complete(
        cells.values, cells.count, grid.points, rising=cells.name != "prompt tokens", seed=seed
    )
    filled = gaussian_process.fill(full, cells.values, cells.count, sample.all_features)
    full, left_out = filled.completed, filled.left_out[sample.rows]
    basis = _basis(full.residual, cells.components)
    targets = full.residual @ basis
    heads = _left_out(sample, targets)
    known = (cells.count[sample.rows] > 0).mean(1)
    weights = stacking.stack(heads, targets[sample.rows], known, sample.fold, FOLDS)
    own = stacking.cross_fitted(heads, weights, sample.fold)
    return PanelDraft(cells, full.base, basis, targets, known, weights[-1], own, left_out)


def _second_level(drafts: dict[str, PanelDraft], sample: Sample) -> tuple[second_level.SecondLevel, Floats]:
    """Let quality hear what the first level forecasts of tokens and of quality itself."""
    quality, tokens = drafts["quality"], drafts["tokens"]
    used = signal_of(tokens.cells, tokens.base, tokens.forecast(tokens.own), sample).used
    inputs = second_level_inputs(tokens.own * used, quality.own)
    return second_level.fit(inputs, quality.own, quality.targets[sample.rows], quality.known, sample.fold, FOLDS)


def _basis(residual: Floats, components: int) -> Floats:
    """Principal directions of the residuals, signs fixed: ``(points, components)``."""
    _, directions = np.linalg.eigh(residual.T @ residual)
    directions = directions[:, ::-1][:, :components]
    heaviest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[heaviest, np.arange(directions.shape[1])])


def _left_out(sample: Sample, targets: Floats) -> Floats:
    """Forecast the sample's components by every head without the query's own group: ``(heads, sample, components)``.

    Leaving out one query (and what must stay with it) rather than a fifth of them keeps these forecasts as close as can
    be to those of the surface that is deployed: the price is set on these and used on those. Queries that look the same
    share their mean: left out one by one their forecasts would differ only by what was left out, their own outcome
    with its sign turned, and the second level would read it.
    """
    own, group = targets[sample.rows], sample.group[sample.rows]
    linear = ridge.left_out(sample.all_features, targets, sample.group, sample.rows)
    near = neighbours.averages_between(sample.features, own, sample.features, sample.rank, apart=(group, group))
    heads = np.concatenate([linear, near])
    for rows in sample.alike:
        heads[:, rows] = heads[:, rows].mean(axis=1, keepdims=True)
    return heads


def _familiarity(runs: Runs, featurizer: Featurizer, features: Floats) -> OutOfDistributionCheck:
    centre, inverse = ridge.spread(ridge.moments(features, np.zeros((len(features), 1))))
    away = features - centre
    leverage = np.einsum("qf,fg,qg->q", away, inverse, away)
    least = 0.0
    if featurizer.kind == "hashed_ngrams":
        some = np.linspace(0, len(runs.texts) - 1, min(len(runs.texts), 1000)).astype(int)
        least = 0.5 * float(np.quantile([featurizer.of_text(runs.texts[i])[1] for i in some], 0.01))
    ends = float(np.float32(least)), float(np.float32(3.0 * np.quantile(leverage, 0.99)))
    return OutOfDistributionCheck(single(centre), single(inverse), *ends)
