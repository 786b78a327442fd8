"""``fit``: logged runs in, a policy out. The one call that most users make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import get_args

from paretoroute.calibration import baselines, outcomes
from paretoroute.calibration.off_policy.clusters import group_numbers
from paretoroute.encoders.base import Encoder, feature_function
from paretoroute.errors import (
    GridError,
    RunsError,
    TargetError,
    expect,
    expect_items,
    expect_seed,
    needs_fit_extra,
)
from paretoroute.fitting.features.log import FeaturedLog, FeatureFunction, featured
from paretoroute.fitting.findings import (
    constant_findings,
    family_findings,
    signal_findings,
    uniform_findings,
    unlogged_findings,
    verdict,
)
from paretoroute.fitting.partial_logs.support import without_thin_points
from paretoroute.fitting.pipeline import fit_surface
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.fitting.points.unlogged import PointsOnOffer, place_unlogged, split_request
from paretoroute.fitting.result import Fit, context_free
from paretoroute.fitting.sample import FOLDS, sample_order
from paretoroute.grid import Grid, Point, Price
from paretoroute.limits import Limit
from paretoroute.limits import on_grid as limit_on_grid
from paretoroute.policy import sections
from paretoroute.policy.codec import target_of
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema import FittedOnEntry, SurfaceEntry
from paretoroute.policy.solving import Provenance, solve_document
from paretoroute.price import expect_prices
from paretoroute.runs.align import on_grid
from paretoroute.runs.findings import Finding, texts
from paretoroute.runs.folds import groups_of, query_hashes
from paretoroute.runs.table import Runs
from paretoroute.surface.traffic import LogSupport
from paretoroute.targets import MinQuality, Target

PACKAGES = ("paretoroute", "numpy", "scipy", "jax", "optax")  # the packages whose versions a fit depends on


@needs_fit_extra
def fit(
    runs: Runs,
    target: Target | None = None,
    *,
    limits: Sequence[Limit] = (),
    grid: Grid | None = None,
    add_points: Sequence[str | Point] = (),
    prices: Mapping[str, Price] | None = None,
    features: FeatureFunction | None = None,
    encoder: Encoder | None = None,
    seed: int = 0,
    name: str = "policy",
    certify: float | None = None,
    hold_out: float = 0.5,
    progress: Callable[[str], None] | None = None,
) -> Policy:
    """Fit a policy on logged runs.

    If routing loses to the best static mixture by more than its 90% interval, the policy is that mixture.

    With ``certify`` a part of the queries is held out, the policy is fitted on the others alone, and its target is
    certified on the held-out ones (see :func:`paretoroute.certify`). A policy that cannot be certified has no
    certificate, and a finding of kind ``certificate`` with the reason.

    Args:
        runs: as :func:`paretoroute.read_runs` returns them.
        target: the target; None: the quality of the best single point at the lowest cost.
        limits: side conditions, such as ``MaxShare(0.2, "big-model")``.
        grid: points to choose from, with prices; None: all points of the log. A point that was never logged is
            forecast between two logged ones of its model and kind of budget.
        add_points: further points to offer, ``"model@label"`` or points, logged or not.
        prices: token prices by model, in USD per million tokens; they win over those of the grid and derived ones.
        features: your own function from a text to a vector, read beside hashed n-grams of the text; None: the runs'
            ``embedding`` column where there is one, else n-grams alone. A planner must be given the same function.
        encoder: in place of it, your own function from a list of texts to one vector each, or an
            :class:`~paretoroute.OnnxEncoder`. A planner must be given the same encoder.
        seed: same runs and seed, same policy.
        name: name of the policy in its file.
        certify: level of the certificate, such as 0.9; None: fit on all runs, without a certificate.
        hold_out: share of the queries to certify on, in (0, 1); copies of a text and conversations stay together.
        progress: called with a few words at the start of every stage.

    Raises:
        RunsError: there is nothing to choose between, or too little to learn from.
        GridError: a point has no known cost, lies outside the logged range of its model, or is of a model that was
            never logged; or the target's point is not in the grid.
        TargetError: a target, limit, level or share is out of range.

    Example:
        >>> from paretoroute import MaxCost, demo_runs
        >>> policy = fit(demo_runs(), MaxCost(usd=4e-6))
        >>> policy.document.solution.status
        'met'
    """
    _check_types(runs, target, limits=limits, grid=grid, add_points=add_points, prices=prices, seed=seed, name=name)

    def fit_on(some: Runs) -> Policy:
        return _fit(
            some,
            target,
            limits=limits,
            grid=grid,
            add_points=add_points,
            prices=prices,
            features=features,
            encoder=encoder,
            seed=seed,
            name=name,
            progress=progress,
        )

    if certify is None:
        return fit_on(runs)
    # The one import upwards: evaluation judges policies, and this fit asks it to judge its own.
    from paretoroute.evaluation.certificate.hold_out import fit_and_certify

    function = feature_function(features, encoder)
    return fit_and_certify(runs, fit_on, target=target, level=certify, share=hold_out, seed=seed, features=function)


def _fit(
    runs: Runs,
    target: Target | None,
    *,
    limits: Sequence[Limit],
    grid: Grid | None,
    add_points: Sequence[str | Point],
    prices: Mapping[str, Price] | None,
    features: FeatureFunction | None,
    encoder: Encoder | None,
    seed: int,
    name: str,
    progress: Callable[[str], None] | None,
) -> Policy:
    """Fit a policy on all of some runs."""
    runs.require_choice()
    kept = runs if grid is not None else without_thin_points(runs)
    offer = _offer(kept, grid, add_points, prices)
    _check_request(offer.grid, target, limits)
    log = featured(on_grid(offer.runs, offer.logged), features, encoder, progress=progress)
    fitted = fit_surface(
        log.runs, offer.logged, offer=offer.points, kind=log.kind, second=log.second, seed=seed, progress=progress
    )
    sample = replace(fitted.calibration_sample, seen=query_hashes(log.runs, runs.sha256))
    fitted = replace(fitted, calibration_sample=sample)
    judged = _judged(fitted, replace(offer.grid, between=fitted.between), log.runs)
    provenance = _provenance(replace(runs, notices=kept.notices), offer, log, judged, name=name, seed=seed)
    return judged.solved(provenance, target, limits)


def _check_types(
    runs: object,
    target: object,
    *,
    limits: object,
    grid: object,
    add_points: object,
    prices: object,
    seed: object,
    name: object,
) -> None:
    """Refuse arguments of another type."""
    expect("the log", runs, Runs, RunsError)
    expect("the target", target, (*get_args(Target), type(None)), TargetError)
    expect_items("limits", limits, get_args(Limit), TargetError)
    expect("the grid", grid, (Grid, type(None)), GridError)
    expect_items("add_points", add_points, (str, Point), GridError)
    expect_prices(prices)
    expect_seed(seed, TargetError)
    expect("the name", name, str, TargetError)


@dataclass(frozen=True)
class _Offer:
    """The points on offer.

    Args:
        runs: the log, with the totals of tokens that are billed.
        logged: those that were logged, with the prices of their models.
        points: all of them, and where the unlogged ones lie.
        findings: about totals, prices and points that were left out.
    """

    runs: Runs
    logged: Grid
    points: PointsOnOffer
    findings: tuple[Finding, ...]

    @property
    def grid(self) -> Grid:
        """All points with their prices and fees."""
        logged = self.logged
        return Grid(self.points.points, logged.prices, fees=logged.fees, most_fees=logged.most_fees)


def _offer(runs: Runs, grid: Grid | None, added: Sequence[str | Point], prices: Mapping[str, Price] | None) -> _Offer:
    totals = billed_totals(runs, {**(grid.prices if grid else {}), **(prices or {})})
    runs = totals.runs
    request = split_request(runs.points, grid, added)
    logged, findings = build_grid(runs, request.logged, prices)
    points = place_unlogged(request.unlogged, logged, runs.points, order=grid.points if grid else ())
    if len(logged.points) < 2:
        left_out = [finding for finding in findings if finding.kind == "grid"] or findings
        raise RunsError(f"only {logged.names[0]!r} is left to choose from: {'; '.join(texts(left_out))}")
    return _Offer(runs, logged, points, (*totals.findings, *findings))


def _check_request(grid: Grid, target: Target | None, limits: Sequence[Limit]) -> None:
    """Refuse a target or limit that names an unknown point, before minutes of fitting are lost."""
    if isinstance(target, MinQuality) and isinstance(target.of, str):
        grid.index(target.of)
    for limit in limits:
        limit_on_grid(limit, grid)


@dataclass(frozen=True)
class _Judged:
    """A fit judged out of fold against static mixtures of points.

    Args:
        fit: the fit, made context-free where routing loses.
        grid: the points on offer.
        best_single: name of the point with the highest mean quality.
        findings: about the signal, and the verdict, which comes last.
    """

    fit: Fit
    grid: Grid
    best_single: str
    findings: tuple[Finding, ...]

    def solved(self, provenance: Provenance, target: Target | None, limits: Sequence[Limit]) -> Policy:
        """Solve the surface for a target; None: as good as the best single point."""
        is_default, target = target is None, target or MinQuality(ratio=1.0, of=self.best_single)
        surface, sample = self.fit.surface, self.fit.calibration_sample
        document = solve_document(provenance, surface, sample, grid=self.grid, target=target, limits=limits)
        nearest = document.solution.nearest
        if is_default and nearest is not None and (sample.support is not None or not limits):
            # The best of several noisy means is out of reach more often than not, as are points beyond the support.
            target = target_of(nearest)
            document = solve_document(provenance, surface, sample, grid=self.grid, target=target, limits=limits)
        return Policy(document, surface, sample)


def _judged(fit: Fit, grid: Grid, runs: Runs) -> _Judged:
    logged = outcomes.logged_outcomes(fit.calibration_sample, grid)
    values, queries = sections.trade_off(logged), len(logged.quality)
    if logged.support is None:
        rules = [value.rule for value in values]
        names = groups_of(runs)
        families = group_numbers([names[i] for i in sample_order(runs)[:queries]])
        gain = baselines.gain_over_static_mixture(logged, rules, families)
        effective = queries * sum(map(logged.logged_share, rules)) / len(rules)
    else:
        gain = baselines.gain_of_estimates(logged, values)
        effective = sum(value.effective or 0.0 for value in values) / len(values)
    # A partial log knows a static mixture no better than the policy, and one whose logger looked cannot speak for it.
    lost = gain is not None and gain.high < 0 and logged.support is None
    findings = [*signal_findings(fit, grid, lost=lost)]
    if lost:
        fit = context_free(fit, grid)
        text = "routing lost to the best static mixture: the policy is that mixture"
        findings.append(Finding("context_free", text))
    findings.append(Finding("verdict", verdict(gain, queries, effective)))
    return _Judged(fit, grid, grid.names[baselines.best_single(logged)], tuple(findings))


def _provenance(runs: Runs, offer: _Offer, log: FeaturedLog, judged: _Judged, *, name: str, seed: int) -> Provenance:
    surface = judged.fit.surface
    unlogged = unlogged_findings(judged.grid.points, judged.grid.between)
    copies = uniform_findings(log.runs, log.kind, second=log.second is not None) or family_findings(log.runs)
    about_log = (*runs.notices, *constant_findings(log.runs))
    findings = (*about_log, *offer.findings, *unlogged, *copies, *judged.fit.findings, *judged.findings)
    return Provenance(
        name=name,
        features=log.entry(surface.featurizer),
        surface=SurfaceEntry(
            kind="stacked_heads",
            points=judged.grid.names,
            settings={"neighbours": len(surface.neighbours.features), "folds": FOLDS},
        ),
        fitted_on=_log_entry(runs, log.runs, findings, judged.fit.calibration_sample.support, seed=seed),
        versions={package: version(package) for package in PACKAGES},
        coin_seed=hashlib.sha256(f"coin:{seed}".encode()).hexdigest()[:32],
    )


def _log_entry(
    runs: Runs, kept: Runs, findings: Sequence[Finding], support: LogSupport | None, *, seed: int
) -> FittedOnEntry:
    return FittedOnEntry(
        runs=len(kept),
        queries=len(kept.query_ids),
        points=len(kept.points),
        set_aside=runs.set_aside_count,
        runs_sha256=runs.sha256,
        seed=seed,
        assumption=kept.assumed(estimated=support is not None and support.is_estimated),
        findings=texts(findings),
        finding_kinds=tuple(finding.kind for finding in findings),
    )
