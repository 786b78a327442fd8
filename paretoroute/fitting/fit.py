"""fit: logged runs in, a policy out. The one call that most users make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from paretoroute.calibration import baselines, outcomes
from paretoroute.errors import QueryError, RunsError
from paretoroute.fitting.findings import family_findings, sentences, signals, verdict, versions
from paretoroute.fitting.pipeline import fit_surface
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.points.unlogged import find_gaps, logged_part
from paretoroute.fitting.result import Fit, flattened
from paretoroute.grid import Grid, Point, Price
from paretoroute.limits import Limit
from paretoroute.limits import on_grid as limit_on_grid
from paretoroute.policy import schema as doc
from paretoroute.policy import sections
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema import FeaturesEntry, FittedOnEntry
from paretoroute.policy.solving import Provenance, solve_document
from paretoroute.runs.align import on_grid
from paretoroute.runs.table import Runs
from paretoroute.surface.featurizer import function_fingerprint, ngram_fingerprint
from paretoroute.targets import MinQuality, Target

FeatureFunction = Callable[[str], ArrayLike]


def fit(
    runs: Runs,
    target: Target | None = None,
    *,
    limits: Sequence[Limit] = (),
    grid: Grid | None = None,
    add_points: Sequence[str | Point] = (),
    prices: Mapping[str, Price] | None = None,
    features: FeatureFunction | None = None,
    seed: int = 0,
    name: str = "policy",
    progress: Callable[[str], None] | None = None,
) -> Policy:
    """Fit a policy on logged runs.

    Args:
        runs: as :func:`paretoroute.read_runs` gives them.
        target: what to meet; None: as good as the best single point, as cheaply as possible.
        limits: side conditions, such as ``MaxShare(0.2, "big-model")``.
        grid: points to choose from, with prices; None: all points of the log. A point that was never logged is
            forecast between two that were, of its model and kind of budget.
        add_points: points to offer besides, ``"model@label"`` or points; also such as were never logged.
        prices: token prices by model, in USD per million tokens; they win over those of the grid and derived ones.
        features: your own function from a text to a vector; None: the runs' ``embedding`` column where there is one,
            else hashed n-grams. A planner must be given the same function.
        seed: same runs and seed, same policy.
        name: what the policy is called in its file.
        progress: called with a few words at the start of every stage.

    Raises:
        RunsError: there is nothing to choose between, or too little to learn from.
        GridError: a point has no known cost, lies outside what was logged of its model, or is of a model that was never
            logged; or the target's point is not in the grid.

    Example:
        >>> from paretoroute import MaxCost, demo_runs
        >>> policy = fit(demo_runs(), MaxCost(usd=4e-6))
        >>> policy.document.solution.status
        'met'
    """
    runs.require_choice()
    kept_to, unlogged = logged_part(runs.points, grid, add_points)
    found, notes = build_grid(runs, kept_to, prices)
    holes = find_gaps(unlogged, found, runs.points, grid.points if grid else ())
    if len(found.points) < 2:
        raise RunsError(f"only {found.names[0]!r} is left to choose from: {' '.join(notes)}")
    offered = Grid(holes.points, found.prices)
    if isinstance(target, MinQuality) and isinstance(target.of, str):
        offered.index(target.of)
    for limit in limits:  # before minutes of fitting are lost
        limit_on_grid(limit, offered)
    kept = on_grid(runs, found)
    if features is not None:
        kept = replace(kept, embeddings=_vectors(features, kept.texts))
    kind = "function" if features else "hashed_ngrams" if kept.embeddings is None else "embedding"
    fitted = fit_surface(kept, found, holes=holes, kind=kind, seed=seed, progress=progress)
    about = FittedOnEntry(
        runs=len(kept),
        queries=len(kept.query_ids),
        points=len(found.points),
        set_aside=runs.set_aside_count,
        runs_sha256=runs.sha256,
        seed=seed,
        assumption=kept.assumption,
        findings=(*runs.notices, *notes, *sentences(holes.points, fitted.between), *family_findings(kept)),
    )
    featurizer = fitted.surface.featurizer
    entry = FeaturesEntry(
        kind=kind,
        name=getattr(features, "__qualname__", type(features).__name__) if features else f"paretoroute {kind}",
        width=featurizer.width,
        fingerprint=function_fingerprint(features) if features else ngram_fingerprint(),
        settings={"rank": featurizer.rank, "buckets": len(featurizer.buckets)},
    )
    return make_policy(fitted, replace(offered, between=fitted.between), target, about, entry, name=name, limits=limits)


def _vectors(features: FeatureFunction, texts: tuple[str, ...]) -> np.ndarray:
    rows = [np.asarray(features(text), np.float32) for text in texts]
    widths = {row.shape for row in rows}
    if len(widths) != 1 or len(next(iter(widths))) != 1:
        raise QueryError(f"the feature function must give vectors of one length, got shapes {sorted(widths)[:3]}")
    table = np.stack(rows)
    if not np.isfinite(table).all():
        raise QueryError(
            f"the feature function gives NaN or infinity for query {int(np.argwhere(~np.isfinite(table))[0][0])}"
        )
    return table


def make_policy(
    fit: Fit,
    grid: Grid,
    target: Target | None,
    about: doc.FittedOnEntry,
    features: doc.FeaturesEntry,
    *,
    name: str,
    limits: Sequence[Limit] = (),
) -> Policy:
    """Solve a fitted surface for a target and write down what was found.

    Where routing loses to the best prompt-blind mixture beyond noise, the surface is made prompt-blind.

    Args:
        fit: the fitted surface and its traffic.
        grid: points and prices.
        target: None: as good as the best single point, as cheaply as possible.
        about: the log it was fitted on; findings about the signal are added.
        features: how queries became numbers.
        name: of the policy.
        limits: side conditions.
    """
    known = outcomes.logged_outcomes(fit.traffic, grid)
    best = baselines.best_single(known)
    rules = [row.rule for row in sections.trade_off(known)]
    gain = baselines.gain_over_static_mixture(known, rules)
    effective = len(known.quality) * sum(map(known.known_share, rules)) / len(rules)
    findings = [*about.findings, *signals(fit)]
    if gain.high < 0:
        fit = flattened(fit, grid)
        findings.append("routing lost to the best prompt-blind mixture: the policy is that mixture")
    findings.append(verdict(gain, len(known.quality), effective))
    provenance = Provenance(
        name=name,
        features=features,
        surface=doc.SurfaceEntry(
            kind="stacked_heads", settings={"neighbours": len(fit.surface.neighbours.features), "folds": 5}
        ),
        fitted_on=about.model_copy(update={"findings": tuple(findings)}),
        versions=versions(),
        coin_seed=hashlib.sha256(f"coin:{about.seed}".encode()).hexdigest()[:32],
    )
    document = solve_document(
        provenance,
        fit.surface,
        fit.traffic,
        grid=grid,
        target=target or MinQuality(ratio=1.0, of=grid.names[best]),
        limits=limits,
    )
    return Policy(document, fit.surface, fit.traffic)
