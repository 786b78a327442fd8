"""Between the entries of a policy file and the values of the package: grid, rules and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from paretoroute.errors import PolicyError
from paretoroute.grid import Between, Budget, Grid, Point, Price
from paretoroute.solver.rules import MixtureComponent, MixtureRule, PriceRule, Rule

if TYPE_CHECKING:  # the models of a file take long to load: they are when one is read or written
    from paretoroute.limits import PopulationLimit
    from paretoroute.policy import schema as doc
    from paretoroute.solver.constraints import Constraint
    from paretoroute.targets import Target


def grid_of(document: doc.PolicyDocument) -> Grid:
    """Build the grid of a policy: points, prices, fees, and the places of unlogged points."""
    points: list[Point] = []
    prices: dict[str, Price] = {}
    between: dict[Point, Between] = {}
    fees: dict[Point, float] = {}
    most_fees: dict[Point, float] = {}
    for entry in document.grid:
        for one in entry.points:
            points.append(Point(entry.model, Budget(one.kind, one.label, one.amount)))
            if one.fee_usd:
                fees[points[-1]] = one.fee_usd
            if one.most_fee_usd:
                most_fees[points[-1]] = one.most_fee_usd
            if one.never_logged is not None:
                below, above = one.never_logged.between
                between[points[-1]] = Between(below, above, one.never_logged.along)
        price = entry.price_usd_per_mtok
        if price and entry.cost == "tokens":
            prices[entry.model] = Price(price.input, price.output, price.cached_input, price.source, price.cache_write)
    return Grid(tuple(points), prices, between, fees, most_fees)


def rule_of(document: doc.PolicyDocument, limits: Sequence[PopulationLimit], grid: Grid) -> Rule:
    """Build the rule of a policy.

    Args:
        document: content of its file.
        limits: its limits on the population.
        grid: points and prices.

    Raises:
        PolicyError: the mixture has a constraint that is no limit of the policy.
    """
    solution = document.solution
    if solution.mixture is None:
        return PriceRule(solution.quality_per_usd, solution.split)
    from paretoroute.solver.constraints import Multipliers, target_coefficients  # loaded only for limits

    objective, own = target_coefficients(target_of(document.target))
    names = solution.mixture.rows[1:] if own else solution.mixture.rows
    terms = [_Term(own, None)] if own else []
    terms += [_term(name, limits, grid) for name in names]
    applies = [[mark == "1" for mark in kind] for kind in solution.mixture.kinds]
    return MixtureRule(
        objective,
        [term.constraint for term in terms],
        [term.scope for term in terms],
        Multipliers(solution.mixture.objective, np.array(solution.mixture.prices)),
        np.array(applies, bool).reshape(-1, len(terms)),
        [
            MixtureComponent(Multipliers(side.objective, np.array(side.prices)), np.array(side.weights))
            for side in solution.mixture.sides
        ],
    )


@dataclass(frozen=True)
class _Term:
    """A constraint of a mixture, and the label of the queries that it counts, as kind and name; None: all."""

    constraint: Constraint
    scope: tuple[str, str] | None


def _term(name: str, limits: Sequence[PopulationLimit], grid: Grid) -> _Term:
    from paretoroute.limits import on_grid
    from paretoroute.solver.constraints import coefficients

    for limit in limits:
        if str(limit) == name:
            return _Term(coefficients(on_grid(limit, grid), len(grid.points)), limit.group)
    raise PolicyError(f"solution.mixture.rows: {name!r} is no limit of this policy; solve it again")


def mixture_entry(rule: MixtureRule) -> doc.MixtureEntry:
    """Write a mixture down: :func:`rule_of` in reverse."""
    from paretoroute.policy import schema as doc

    return doc.MixtureEntry(
        rows=tuple(constraint.name for constraint in rule.constraints),
        objective=rule.prices.objective,
        prices=tuple(map(float, rule.prices.limits)),
        kinds=tuple("".join("1" if applies else "0" for applies in group) for group in rule.applies),
        sides=tuple(
            doc.SideEntry(
                objective=prices.objective, prices=tuple(map(float, prices.limits)), weights=tuple(map(float, weights))
            )
            for prices, weights in rule.components
        ),
    )


def with_names(target: Target, names: Sequence[str]) -> Target:
    """Return a target with its point by name instead of column.

    Args:
        target: relative to a point, or not.
        names: of the grid's points.
    """
    from paretoroute.targets import MinQuality

    if isinstance(target, MinQuality) and target.of is not None and not isinstance(target.of, str):
        return replace(target, of=names[int(target.of)])
    return target


def target_entry(target: Target) -> doc.TargetEntry:
    """Write a target down; its point is given by name."""
    from paretoroute.policy import schema as doc
    from paretoroute.targets import BestTrade, MaxCost

    if isinstance(target, BestTrade):
        return doc.TargetBestTrade(usd_per_quality=float(target.usd_per_quality))
    if isinstance(target, MaxCost):
        return doc.TargetMaxCost(usd=float(target.usd))
    if target.quality is not None:
        return doc.TargetMinQuality(quality=float(target.quality))
    return doc.TargetMinQualityOf(of=str(target.of), ratio=float(target.ratio or 1.0))


def target_of(entry: doc.TargetEntry) -> Target:
    """Read a target: :func:`target_entry` in reverse."""
    from paretoroute.targets import BestTrade, MaxCost, MinQuality  # loaded only where a target is read

    if entry.kind == "best_trade":
        return BestTrade(usd_per_quality=entry.usd_per_quality)
    if entry.kind == "max_cost":
        return MaxCost(usd=entry.usd)
    if entry.kind == "min_quality":
        return MinQuality(quality=entry.quality)
    return MinQuality(ratio=entry.ratio, of=entry.of)
