"""Solve a surface for a target and limits, and write the answer down as a policy document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from paretoroute.calibration.coupled import calibrate_limited
from paretoroute.calibration.outcomes import LoggedOutcomes, logged_outcomes
from paretoroute.calibration.single import calibrate
from paretoroute.errors import GridError
from paretoroute.grid import Grid, Price
from paretoroute.limits import CallLimit, Limit, PopulationLimit, on_grid
from paretoroute.policy import schema as doc
from paretoroute.policy import sections
from paretoroute.policy.codec import target_entry, target_of
from paretoroute.policy.eligibility import restricted
from paretoroute.policy.sections import Answer
from paretoroute.solver.constraints import constraint_of
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample
from paretoroute.targets import MinQuality, Target


@dataclass(frozen=True)
class Provenance:
    """The sections of a policy document that a new solve keeps: what was fitted, on what, and with which versions.

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
        """Return the provenance that a document holds."""
        return Provenance(
            name=document.name,
            features=document.features,
            surface=document.surface,
            fitted_on=document.fitted_on,
            versions=document.versions,
            coin_seed=document.coin_seed,
        )


def solve_document(
    provenance: Provenance,
    surface: Surface,
    traffic: CalibrationSample,
    *,
    grid: Grid,
    target: Target,
    limits: Sequence[Limit],
) -> doc.PolicyDocument:
    """Solve a surface for a target and limits on its calibration sample, and write the answer down.

    Args:
        provenance: the sections that do not depend on the solution.
        surface: the fitted surface of the grid's points.
        traffic: out-of-fold forecasts and logged means of the logged queries.
        grid: points and prices.
        target: what to meet; a point may be named.
        limits: side conditions.

    Raises:
        GridError: the target's point is not in the grid.
        TargetError: a limit names an unknown model, needs labels or latencies that were not logged, or leaves nothing
            to call.
    """
    limits = [on_grid(limit, grid) for limit in limits]
    calls = [limit for limit in limits if isinstance(limit, CallLimit)]
    population = [limit for limit in limits if isinstance(limit, PopulationLimit)]
    logged = logged_outcomes(traffic, grid)
    eligible = restricted(logged.forecast, surface, traffic, grid, calls)
    routed = replace(logged, forecast=eligible.forecast)
    by_column = target
    if isinstance(target, MinQuality) and isinstance(target.of, str):
        by_column = replace(target, of=grid.index(target.of))
    outcomes, answer = routed, _calibrated(routed, by_column, population)
    blind = _calibrated(routed.blind(), by_column, population)
    prompt_blind = _better(blind, answer)
    if prompt_blind:
        outcomes, answer = routed.blind(), blind
    target = target_of(target_entry(target, grid.names))
    nearest = None if answer.nearest is None else target_of(target_entry(answer.nearest, grid.names))
    _, _, share = outcomes.chosen(answer.rule)
    return doc.PolicyDocument(
        schema=1,  # type: ignore[call-arg]  # the field's alias
        name=provenance.name,
        target=target_entry(target),
        limits=tuple(map(str, limits)),
        solution=sections.solution_section(
            outcomes, answer, target, nearest, limits, eligible.share_kept, prompt_blind=prompt_blind
        ),
        expected=sections.expected_section(outcomes, answer, grid),
        grid=sections.grid_section(routed, grid, share, surface),
        features=provenance.features,
        surface=provenance.surface,
        fitted_on=provenance.fitted_on,
        labels={by: labels.names[1:] for by, labels in traffic.labels.items()},
        versions=provenance.versions,
        trade_off=sections.trade_off_section(routed),
        coin_seed=provenance.coin_seed,
    )


def _calibrated(known: LoggedOutcomes, target: Target, limits: Sequence[PopulationLimit]) -> Answer:
    if any(constraint_of(limit, known.forecast) for limit in limits):
        return calibrate_limited(known, target, limits)
    return calibrate(known.forecast, *known.outcomes, target)


def _better(blind: Answer, routed: Answer) -> bool:
    """Tell whether the prompt-blind mixture meets a target better than routing does.

    A floor that routing cannot reach may be reached by always calling the best point, and where money is no object the
    best point may be better than the best forecast one.
    """
    if blind.status == "infeasible" or routed.status == "infeasible":
        if blind.status != routed.status:
            return routed.status == "infeasible"
        return blind.estimate.quality > routed.estimate.quality and isinstance(routed.target, MinQuality)
    return routed.status == "slack" and blind.estimate.quality > routed.estimate.quality


def check_prices(grid: Grid, prices: Mapping[str, Price]) -> None:
    """Refuse prices of unknown models and of models that are not priced by tokens."""
    for model in prices:
        if model not in grid.models:
            raise GridError(
                f"a price is given for {model!r}, which is not in the grid; it has {', '.join(grid.models)}"
            )
        if model not in grid.prices:
            raise GridError(
                f"model {model!r} cannot be repriced: its cost was forecast from logged cost, since tokens times "
                "prices did not explain it; fit again on runs with its new cost"
            )
