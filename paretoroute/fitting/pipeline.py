"""From runs to a surface: the joint model of quality, tokens and latency over (query, model, budget).

Each figure (quality, log tokens, log latency) is a panel, queries by points, with missing cells. In turn:

1. matrix completion (probabilistic PCA): means pooled over models and budgets, missing cells from a low-rank model;
   a Gaussian process imputes those of points with few runs                                         (JAX, optax)
2. basis: principal components of the residuals, so that points share what they have in common
3. heads: ridge at three strengths and neighbours in six ways, each query left out with its copies; a second view of
   the query, numbers beside its text, adds ridge at three strengths and neighbours in three ways
4. stacking: weights of the heads for each component, pooled over components
5. second level: quality reads the forecasts of tokens and its own leading components
6. signal: the forecasts' deviations from the context-free means are shrunk to what cross-fitted ones explain

The out-of-fold forecasts go into the calibration sample, on which every later figure of the policy is estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from paretoroute._arrays import Floats, single
from paretoroute.errors import GridError, RunsError
from paretoroute.fitting.draft import PanelDraft, head_weights, heads_left_out, left_out_components
from paretoroute.fitting.features.tags import with_tags
from paretoroute.fitting.logged_panels import LoggedPanel, bounds_of, panels_of
from paretoroute.fitting.methods import gaussian_process, matrix_completion, ridge, second_level
from paretoroute.fitting.panel import FittedPanel, fit_panel
from paretoroute.fitting.partial_logs import panels as partial
from paretoroute.fitting.partial_logs.left_out_features import left_out_features
from paretoroute.fitting.partial_logs.logging_policy import LoggerView
from paretoroute.fitting.partial_logs.more_effective_runs import with_more_effective_runs
from paretoroute.fitting.partial_logs.propensities import fit_propensities
from paretoroute.fitting.partial_logs.support import is_partial, support_findings
from paretoroute.fitting.points import few_runs, interpolation
from paretoroute.fitting.points.unlogged import PointsOnOffer
from paretoroute.fitting.result import Fit
from paretoroute.fitting.sample import (
    FOLDS,
    LEAST_QUERIES,
    Sample,
    calibration_sample,
    draw_sample,
    featurized,
    grown,
    neighbour_count,
    with_shared_forecasts,
)
from paretoroute.fitting.signal import HonestForecasts
from paretoroute.fitting.text_features import Featurized
from paretoroute.grid import Grid
from paretoroute.runs.folds import folds, groups_of
from paretoroute.runs.table import Runs, about_set_aside
from paretoroute.surface import neighbours
from paretoroute.surface.featurizer import Featurizer
from paretoroute.surface.panel import second_level_inputs
from paretoroute.surface.surface import OutOfDistributionCheck, Surface

Progress = Callable[[str], None]

PROBE_TEXTS = 1000  # logged texts from which the out-of-distribution check takes its least share of known n-grams
LEAST_SHARE = 0.5  # of the 1% quantile of that share among logged texts: below it a text is unfamiliar
MOST_LEVERAGE = 3.0  # of the 99% quantile of the leverage of logged queries: above it a query is unfamiliar


def fit_surface(
    runs: Runs,
    grid: Grid,
    *,
    offer: PointsOnOffer | None = None,
    kind: str = "hashed_ngrams",
    second: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Fit:
    """Fit the surface of a grid on logged runs.

    Args:
        runs: the runs, of the grid's points in the grid's order.
        grid: the points and their token prices.
        offer: all points to offer; the surface then has the columns of ``offer.points``.
        kind: of the features: ``hashed_ngrams`` reads the texts, ``embedding`` and ``function`` the embeddings.
        second: kind of the second view, which reads the embeddings beside the texts; None: one view.
        seed: same runs and seed, same surface.
        progress: called with a few words at the start of every stage.

    Raises:
        RunsError: fewer than 20 queries, or a point without any known cost.
        GridError: a point was never logged, of a log with few cells per query whose logger looked at the query.
    """
    report = progress or (lambda stage: None)
    if len(runs.query_ids) < LEAST_QUERIES:
        raise RunsError(
            f"the log has {len(runs.query_ids)} queries; at least {LEAST_QUERIES} are needed to tell a policy's gain "
            f"from luck. Log more, or pick a point by hand{about_set_aside(runs) or '.'}"
        )
    report("reading the queries")
    featurizer, features = featurized(runs, kind, seed, second=second)
    if featurizer.kind == "hashed_ngrams" and is_partial(runs):
        features = left_out_features(runs, featurizer, features, seed=seed)
    elif featurizer.kind == "hashed_ngrams":
        featurizer, features = with_tags(Featurized(featurizer, features), runs, seed=seed)
    second_at = None if featurizer.second is None else featurizer.own_width
    sample = draw_sample(runs, features, featurizer.rank, points=len(grid.points), seed=seed, second_at=second_at)
    logged = panels_of(runs, grid)
    support, logging, findings = None, None, ()
    if is_partial(runs):
        report("fitting the logged cells")
        fitted = _partial_panels(runs, grid, logged, sample, seed=seed)
        panels, support, logging, findings = fitted.panels, fitted.support, fitted.logging, fitted.findings
    else:
        panels = _fitted_panels(logged, grid, sample, seed=seed, report=report)
    surface = _surface(runs, featurizer, sample, panels, kept=neighbour_count(sample, grid))
    growth = {name: panel.growth for name, panel in logged.items()}
    surface = replace(
        surface, amount_growth=growth["tokens"], prompt_growth=growth.get("prompt tokens"), logging=logging
    )
    forecasts = {name: panel.forecast for name, panel in panels.items()}
    calibration = calibration_sample(logged, forecasts, sample, runs)
    if support is not None:
        calibration = replace(calibration, support=support.take(len(calibration.quality)), fold=None)
    fit = Fit(surface, calibration, tuple(panel.signal for panel in panels.values()), findings=findings)
    if offer is not None and offer.unlogged:
        if logging is not None:
            names = ", ".join(one.point.name for one in offer.unlogged)
            raise GridError(
                f"{names}: never logged, and whoever chose the logged points looked at the query, so that the log does "
                "not tell where they could be called; leave them out, or log some runs of them"
            )
        fit = interpolation.widened(fit, grid.points, offer)
    shared = with_shared_forecasts(fit.calibration_sample, fit.surface, sample, runs)
    return replace(fit, calibration_sample=grown(shared, fit.surface, [runs.texts[i] for i in sample.rows]))


def _partial_panels(
    runs: Runs, grid: Grid, logged: dict[str, LoggedPanel], sample: Sample, *, seed: int
) -> partial.PartialPanels:
    """Fit the panels of a log with few cells per query."""
    own = fit_propensities(runs, sample.all_features, seed=seed)
    design = LoggerView.of(runs, sample.all_features).design
    propensities = with_more_effective_runs(own, runs.means("quality").mean, design)
    # Where all queries are copies of one or turns of one conversation, there is no other group to fit on.
    groups = groups_of(runs)
    fold = folds(groups if len(set(groups)) > 1 else runs.query_ids, FOLDS, seed=seed)
    sample = replace(sample, fold=fold[sample.rows])
    kept, labels = neighbour_count(sample, grid), design.labels.toarray()
    fitted = partial.fit_panels(logged, sample, fold, propensities, neighbours=kept, labels=labels)
    return replace(fitted, findings=support_findings(runs, propensities, logged=own))


def _fitted_panels(
    logged: dict[str, LoggedPanel], grid: Grid, sample: Sample, *, seed: int, report: Progress
) -> dict[str, FittedPanel]:
    """Fit every panel, by name: all first levels, then what reads them."""
    drafts: dict[str, PanelDraft] = {}
    for name, panel in logged.items():
        report(f"fitting {name}")
        drafts[name] = _first_level(panel, grid, sample, seed)
    kept, panels = neighbour_count(sample, grid), dict[str, FittedPanel]()
    honest = HonestForecasts(drafts, sample)
    signals = {name: honest.test(name, draft.components) for name, draft in drafts.items() if name != "quality"}
    of_tokens = signals["tokens"].follows
    second = _second_level(drafts, sample, of_tokens=of_tokens)
    signals["quality"] = replace(honest, of_tokens=of_tokens).test("quality", second.components)
    for name, draft in drafts.items():
        own = second if name == "quality" else None
        panels[name] = fit_panel(draft, own, sample, signal=signals[name], neighbours=kept)
    return panels


def _surface(
    runs: Runs, featurizer: Featurizer, sample: Sample, panels: dict[str, FittedPanel], *, kept: int
) -> Surface:
    prompt, latency = panels.get("prompt tokens"), panels.get("latency")
    own, *others = (view.features[:kept] for view in sample.views)
    return Surface(
        featurizer=featurizer,
        neighbours=neighbours.index(own, sample.rank, second=others[0] if others else None),
        quality=panels["quality"].panel,
        amount=panels["tokens"].panel,
        prompt=prompt and prompt.panel,
        latency=latency and latency.panel,
        queries=(runs.means("quality").trials > 0).sum(0).astype(np.float64),
        familiarity=_familiarity(runs, featurizer, sample.all_features),
        bounds=bounds_of(runs),
    )


def _first_level(logged: LoggedPanel, grid: Grid, sample: Sample, seed: int) -> PanelDraft:
    """Complete a panel, find its components, and stack the heads that forecast them."""
    rising = logged.name != "prompt tokens"
    completed = matrix_completion.complete(logged.values, logged.count, grid.points, rising=rising, seed=seed)
    few = gaussian_process.with_few_runs(logged.count)
    imputed = gaussian_process.fill(completed, logged.values, logged.count, sample.all_features, few=few)
    basis = _basis(imputed.residual, logged.components)
    targets = imputed.residual @ basis
    heads = heads_left_out(sample, targets)
    logged_share = (logged.count[sample.rows] > 0).mean(1)
    weights = head_weights(sample, heads, targets[sample.rows], logged_share, folds=FOLDS)
    return PanelDraft(
        logged=logged,
        base=imputed.base,
        basis=basis,
        targets=targets,
        logged_share=logged_share,
        weights=weights[-1],
        components=left_out_components(sample, heads, weights),
        left_out=few_runs.left_out(logged, completed, basis, weights, sample),
    )


def _second_level(drafts: dict[str, PanelDraft], sample: Sample, *, of_tokens: float) -> second_level.SecondLevelFit:
    """Fit quality on the first level's forecasts of tokens, as far as they follow the query, and of quality itself."""
    quality, tokens = drafts["quality"], drafts["tokens"]
    inputs = second_level_inputs(tokens.components * of_tokens, quality.components)
    return second_level.fit(
        inputs,
        quality.components,
        quality.targets[sample.rows],
        query_weight=quality.logged_share,
        fold=sample.fold,
        folds=FOLDS,
    )


def _basis(residual: Floats, components: int) -> Floats:
    """Principal directions of the residuals, signs fixed: ``(points, components)``."""
    _, directions = np.linalg.eigh(residual.T @ residual)
    directions = directions[:, ::-1][:, :components]
    heaviest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[heaviest, np.arange(directions.shape[1])])


def _familiarity(runs: Runs, featurizer: Featurizer, features: Floats) -> OutOfDistributionCheck:
    """Set the bounds of the out-of-distribution check from the logged queries' own leverage and n-grams."""
    centre, inverse = ridge.spread(ridge.moments(features, np.zeros((len(features), 1))))
    centred = features - centre
    leverage = np.einsum("qf,fg,qg->q", centred, inverse, centred)
    least = 0.0
    if featurizer.kind == "hashed_ngrams":
        probes = np.linspace(0, len(runs.texts) - 1, min(len(runs.texts), PROBE_TEXTS)).astype(int)
        least = LEAST_SHARE * float(np.quantile([featurizer.of_text(runs.texts[i]).known_share for i in probes], 0.01))
    return OutOfDistributionCheck(
        centre=single(centre),
        inverse=single(inverse),
        least_known=float(np.float32(least)),
        most_leverage=float(np.float32(MOST_LEVERAGE * np.quantile(leverage, 0.99))),
    )
