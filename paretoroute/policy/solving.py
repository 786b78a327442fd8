"""Solve a surface for a target and limits on its calibration sample, and write the answer down as a policy document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from paretoroute.calibration.coupled.calibrate import LimitedCalibration, calibrate_limited
from paretoroute.calibration.coupled.candidates import NamedLimit
from paretoroute.calibration.estimate import as_supported
from paretoroute.calibration.outcomes import LoggedOutcomes, logged_outcomes
from paretoroute.calibration.single import calibrate
from paretoroute.errors import GridError, TargetError, did_you_mean, shown
from paretoroute.grid import Grid, Price
from paretoroute.limits import Limit, MaxShare, PopulationLimit, on_grid
from paretoroute.policy import schema as doc
from paretoroute.policy import sections
from paretoroute.policy.codec import target_entry, with_names
from paretoroute.policy.eligibility import EligibleForecast, restrict
from paretoroute.policy.solution_section import Answer, Solved, solution_section
from paretoroute.price import UNITS, looks_like, wrong_unit
from paretoroute.solver.solution import attainable
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import MOST_NAMES, CalibrationSample
from paretoroute.targets import MaxCost, MinQuality, Target

LOOSENED = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.25)  # shares by which a target out of reach asks for less
DROPPED = "solved anew from a certified policy, whose certificate does not cover this one: certify it again"


@dataclass(frozen=True)
class Provenance:
    """The sections of a policy document that a new solve keeps: features, surface, log and versions.

    Args:
        name: of the policy.
        features: how queries become numbers.
        surface: kind and settings of the surface.
        fitted_on: the log, and the findings of the fit.
        versions: of the packages that the fit depends on.
        coin_seed: seed of the draws that split ties.
    """

    name: str
    features: doc.FeaturesEntry
    surface: doc.SurfaceEntry
    fitted_on: doc.FittedOnEntry
    versions: dict[str, str]
    coin_seed: str

    @staticmethod
    def of(document: doc.PolicyDocument) -> Provenance:
        """Return the provenance that a document holds, with a note where its certificate is lost."""
        log = sections.without_findings(document.fitted_on, "certificate")
        if document.certificate is not None:
            log = sections.with_finding(log, "note", DROPPED)
        return Provenance(
            name=document.name,
            features=document.features,
            surface=document.surface,
            fitted_on=log,
            versions=document.versions,
            coin_seed=document.coin_seed,
        )


def solve_document(
    provenance: Provenance,
    surface: Surface,
    sample: CalibrationSample,
    *,
    grid: Grid,
    target: Target,
    limits: Sequence[Limit],
) -> doc.PolicyDocument:
    """Solve a surface for a target and limits on its calibration sample, and write the answer down.

    Args:
        provenance: the sections that do not depend on the solution.
        surface: the fitted surface of the grid's points.
        sample: out-of-fold forecasts and logged means of the logged queries.
        grid: points and prices.
        target: the target to meet; its point may be given by name or by column.
        limits: limits on calls and on the population.

    Raises:
        GridError: the target's point is not in the grid.
        TargetError: a limit names an unknown model, needs a label or latencies that were not logged, or leaves nothing
            to call.
    """
    limits = tuple(on_grid(limit, grid) for limit in limits)
    _check_labels(limits, sample)
    outcomes = logged_outcomes(sample, grid)
    eligible = restrict(outcomes.forecast, limits, sample=sample, surface=surface, grid=grid)
    outcomes = replace(outcomes, forecast=eligible.forecast)
    # Where routing lost the surface still counts prompts, on whose length the mixture must not depend.
    unrouted = surface.has_uniform_queries or "context_free" in provenance.fitted_on.finding_kinds
    solver = _Solver(outcomes, grid=grid, eligible=eligible, unrouted=unrouted)
    solved = solver.verified(solver.solve(target, limits))
    value = solved.answer.estimate
    return doc.PolicyDocument(
        schema=1,  # type: ignore[call-arg]  # the field's alias
        name=provenance.name,
        target=target_entry(solved.target),
        limits=tuple(map(str, limits)),
        solution=solution_section(solved),
        expected=sections.expected_section(solved.outcomes, value, grid.names),
        grid=sections.grid_section(outcomes, grid, shares=solved.outcomes.call_shares(value.rule), surface=surface),
        features=provenance.features,
        surface=provenance.surface,
        fitted_on=provenance.fitted_on,
        labels={by: labels.names[1:] for by, labels in sample.labels.items()},
        versions=provenance.versions,
        trade_off=sections.trade_off_section(outcomes),
        coin_seed=provenance.coin_seed,
    )


def _check_labels(limits: Sequence[Limit], sample: CalibrationSample) -> None:
    """Refuse limits on the mean over a label that no logged query has, which nothing could keep or break."""
    for limit in limits:
        if not isinstance(limit, PopulationLimit) or isinstance(limit, MaxShare) or limit.of is None:
            continue
        labels = sample.labels.get(limit.by)
        if labels is None or limit.of in labels.names[1:]:
            continue
        names = labels.names[1:]
        beyond = f", or it is not among the {MOST_NAMES} commonest" if len(names) >= MOST_NAMES else ""
        near = f"{did_you_mean(limit.of, names)}{', ...' if len(names) > 5 else ''}"
        raise TargetError(f"{limit}: no logged query has the {limit.by} {limit.of!r}{beyond}; {near}")


@dataclass(frozen=True)
class _Solver:
    """Solves for targets and limits by routing and by the best context-free policy, and keeps the better answer.

    Args:
        outcomes: forecasts and logged values.
        grid: points and prices.
        eligible: what the limits on calls leave.
        unrouted: whether queries are to stay so, as where all logged ones are alike: the answer is context-free.
    """

    outcomes: LoggedOutcomes
    grid: Grid
    eligible: EligibleForecast
    unrouted: bool

    def solve(self, target: Target, limits: tuple[Limit, ...]) -> Solved:
        """Solve for a target and limits."""
        by_column, names = target, self.grid.names
        if isinstance(target, MinQuality) and isinstance(target.of, str):
            by_column = replace(target, of=self.grid.index(target.of))
        population = [limit for limit in limits if isinstance(limit, PopulationLimit)]
        means = self.outcomes.context_free()
        routed, context_free = (_calibrate(some, by_column, population) for some in (self.outcomes, means))
        is_context_free = self.unrouted or self.outcomes.support is None and _better(context_free, routed)
        answer = context_free if is_context_free else routed
        effective = self.outcomes.logged_queries(answer.estimate.rule)
        return Solved(
            answer=replace(answer, estimate=as_supported(answer.estimate, effective)),
            outcomes=means if is_context_free else self.outcomes,
            target=with_names(by_column, names),
            nearest=None if answer.nearest is None else attainable(with_names(answer.nearest, names)),
            limits=limits,
            eligible=self.eligible,
            context_free=is_context_free,
        )

    def verified(self, solved: Solved) -> Solved:
        """Loosen the nearest target of an infeasible answer, and the limits that moved, until they can be kept.

        The candidates among which a target with limits is solved depend on its number, so that the nearest target may
        be out of reach when it is asked for. What is stated is therefore asked for here, with the digits that are
        printed. The answer, which came nearest to the target that was asked for, stays.
        """
        if not isinstance(solved.answer, LimitedCalibration) or solved.answer.status != "infeasible":
            return solved
        nearest, moved = solved.nearest, {named.name: named.limit for named in solved.answer.relaxed}
        keeps_limits = not moved
        for share in LOOSENED:
            limits = tuple(moved.get(str(limit), limit) for limit in solved.limits)
            again = self._tried(nearest or solved.target, limits)
            if again is not None and again.answer.status != "infeasible":
                break
            if again is not None and not keeps_limits:
                moved |= _moved(again, solved.limits)
            if nearest is not None or again is not None and again.nearest is not None:
                looser = _loosened(nearest or solved.target, share)
                nearest = looser if again is None or again.nearest is None else _looser(looser, again.nearest)
        relaxed = tuple(NamedLimit(name, limit) for name, limit in moved.items())
        return replace(solved, nearest=nearest, answer=replace(solved.answer, relaxed=relaxed))

    def _tried(self, target: Target, limits: tuple[Limit, ...]) -> Solved | None:
        """Solve for a target and limits; None where its gap cannot be closed."""
        try:
            return self.solve(target, limits)
        except TargetError:
            return None


def _moved(solved: Solved, limits: Sequence[Limit]) -> dict[str, PopulationLimit]:
    """Return the limits that an answer relaxed, by the names of those that were first asked for, in the same order."""
    answer = solved.answer
    relaxed = {named.name: named.limit for named in answer.relaxed} if isinstance(answer, LimitedCalibration) else {}
    return {str(old): relaxed[str(now)] for old, now in zip(limits, solved.limits, strict=True) if str(now) in relaxed}


def _loosened(target: Target, share: float) -> Target:
    """Return a target that asks for less by a share of its number, with the digits that are printed."""
    if isinstance(target, MaxCost):
        return attainable(replace(target, usd=target.usd * (1 + share)))
    if isinstance(target, MinQuality) and target.quality is not None:
        return attainable(replace(target, quality=target.quality * (1 - share)))
    if isinstance(target, MinQuality) and target.ratio is not None:
        return attainable(replace(target, ratio=target.ratio * (1 - share)))
    return target


def _looser(one: Target, other: Target) -> Target:
    """Return the one of two targets of a kind that asks for less; the first where they cannot be compared."""
    if isinstance(one, MaxCost) and isinstance(other, MaxCost):
        return max(one, other, key=lambda target: target.usd)
    if (
        isinstance(one, MinQuality)
        and isinstance(other, MinQuality)
        and (one.quality is None) == (other.quality is None)
    ):
        return min(one, other, key=lambda target: float(target.quality or target.ratio or 0.0))
    return one


def _calibrate(outcomes: LoggedOutcomes, target: Target, limits: Sequence[PopulationLimit]) -> Answer:
    if limits:
        return calibrate_limited(outcomes, target, limits)
    return calibrate(
        outcomes.forecast,
        outcomes.calibration_quality,
        outcomes.calibration_cost_usd,
        target,
        is_logged=outcomes.is_logged,
        corrected=outcomes.corrected,
        left_out=outcomes.judges,
    )


def _better(context_free: Answer, routed: Answer) -> bool:
    """Return whether the best context-free policy meets a target better than routing does.

    A floor that routing cannot reach may be reached by always calling the best point, and if the cost limit does not
    bind, the best point may be better than the points with the best forecasts.
    """
    better = context_free.estimate.quality > routed.estimate.quality
    if context_free.status == "infeasible" or routed.status == "infeasible":
        if context_free.status != routed.status:
            return routed.status == "infeasible"
        return better and isinstance(routed.target, MinQuality)
    return routed.status == "slack" and better


def check_prices(grid: Grid, prices: Mapping[str, Price]) -> None:
    """Refuse prices of unknown models, of models that are not priced by tokens, and prices in another unit.

    Raises:
        GridError: a model is not in the grid, its cost is forecast from logged cost, its price is impossible, or all
            prices are about a thousandth or a millionth of those of the policy.
    """
    for model, price in prices.items():
        try:
            price.check()
        except GridError as error:
            raise GridError(f"the price of {shown(model)}: {error}") from None
        if model not in grid.models:
            raise GridError(
                f"a price is given for {shown(model)}, which is not in the grid; {did_you_mean(model, grid.models)}"
            )
        if model not in grid.prices:
            raise GridError(
                f"model {model!r} cannot be repriced: its cost was forecast from logged cost, since tokens times "
                "prices did not explain it; fit again on runs with its new cost"
            )
    old = {model: grid.prices[model].output_usd_per_mtok for model in prices}
    units = {looks_like(prices[model].output_usd_per_mtok / usd) for model, usd in old.items() if usd > 0}
    if len(units) == 1 and (unit := units.pop()) is not None:
        raise GridError(f"{wrong_unit(unit)}: all are about 1 / {UNITS[unit]:,.0f} of those of the policy")
