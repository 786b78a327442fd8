"""The rule that stands in a policy file, ready to be followed."""

from __future__ import annotations

import numpy as np

from paretoroute.errors import PolicyError
from paretoroute.grid import Grid
from paretoroute.limits import PopulationLimit, on_grid
from paretoroute.policy import schema as doc
from paretoroute.policy.schema import MixtureEntry, PolicyDocument
from paretoroute.solver.constraints import Constraint, Multipliers, Objective, coefficients, target_coefficients
from paretoroute.solver.rules import MixtureComponent, MixtureRule, PriceRule, Rule
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target


def rule_of(document: PolicyDocument, limits: tuple[PopulationLimit, ...], grid: Grid) -> Rule:
    """Build the rule of a policy.

    Args:
        document: what stands in its file.
        limits: those on the population.
        grid: points and prices.

    Raises:
        PolicyError: the mixture speaks of other limits than the policy has.
    """
    solution = document.solution
    if solution.mixture is None:
        return PriceRule(solution.quality_per_usd, solution.split)
    objective, own = target_coefficients(target_of(document.target))
    rows: list[Constraint] = [own] if own else []
    groups: list[tuple[str, str] | None] = [None] * len(rows)
    named = {str(limit): limit for limit in limits}
    for name in solution.mixture.rows[len(rows) :]:
        if name not in named:
            raise PolicyError(f"solution.mixture.rows: {name!r} is no limit of this policy; solve it again")
        limit = named[name]
        rows.append(coefficients(on_grid(limit, grid), len(grid.points)))  # type: ignore[arg-type]
        groups.append(limit.group)
    return _rule(solution.mixture, objective, rows, groups)


def _rule(entry: MixtureEntry, objective: Objective, rows: list[Constraint], groups: list) -> MixtureRule:
    kinds = np.array([[mark == "1" for mark in kind] for kind in entry.kinds], bool).reshape(-1, len(rows))
    sides = [
        MixtureComponent(Multipliers(side.objective, np.array(side.prices)), np.array(side.weights))
        for side in entry.sides
    ]
    return MixtureRule(objective, rows, groups, Multipliers(entry.objective, np.array(entry.prices)), kinds, sides)


def target_entry(target: Target, names: tuple[str, ...] = ()) -> doc.TargetEntry:
    """Write a target down; a point given by column is named."""
    if isinstance(target, BestTrade):
        return doc.TargetBestTrade(usd_per_quality=float(target.usd_per_quality))
    if isinstance(target, MaxCost):
        return doc.TargetMaxCost(usd=float(target.usd))
    if target.quality is not None:
        return doc.TargetMinQuality(quality=float(target.quality))
    of = target.of if isinstance(target.of, str) else names[int(target.of or 0)]
    return doc.TargetMinQualityOf(of=of, ratio=float(target.ratio or 1.0))


def target_of(entry: doc.TargetEntry) -> Target:
    """Read a target back."""
    if isinstance(entry, doc.TargetBestTrade):
        return BestTrade(usd_per_quality=entry.usd_per_quality)
    if isinstance(entry, doc.TargetMaxCost):
        return MaxCost(usd=entry.usd)
    if isinstance(entry, doc.TargetMinQuality):
        return MinQuality(quality=entry.quality)
    return MinQuality(ratio=entry.ratio, of=entry.of)
