"""The rule that stands in a policy file, ready to be followed."""

from __future__ import annotations

import numpy as np

from paretoroute.errors import PolicyError
from paretoroute.grid import Grid
from paretoroute.limit_problem import Objective, Prices
from paretoroute.limit_rows import Row, coefficients
from paretoroute.limit_words import on_grid
from paretoroute.limits import MaxShare, PopulationLimit
from paretoroute.policy_document import MixtureEntry, PolicyDocument
from paretoroute.policy_sections import target_of
from paretoroute.rules import MixtureRule, PriceRule, Rule
from paretoroute.targets import BestTrade, MaxCost, Target


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
    objective, own = _own(target_of(document.target))
    rows: list[Row] = [own] if own else []
    groups: list[tuple[str, str] | None] = [None] * len(rows)
    named = {str(limit): limit for limit in limits}
    for name in solution.mixture.rows[len(rows) :]:
        if name not in named:
            raise PolicyError(f"solution.mixture.rows: {name!r} is no limit of this policy; solve it again")
        limit = named[name]
        rows.append(coefficients(on_grid(limit, grid), len(grid.points)))  # type: ignore[arg-type]
        groups.append(None if isinstance(limit, MaxShare) or limit.of is None else (limit.by, limit.of))
    return _rule(solution.mixture, objective, rows, groups)


def _own(target: Target) -> tuple[Objective, Row | None]:
    if isinstance(target, BestTrade):
        return Objective(1.0, 1.0 / target.usd_per_quality), None
    if isinstance(target, MaxCost):
        return Objective(1.0, 0.0), Row("cost", 0.0, 0, cost=1.0)
    return Objective(0.0, 1.0), Row("quality", 0.0, 0, quality=-1.0)


def _rule(entry: MixtureEntry, objective: Objective, rows: list[Row], groups: list) -> MixtureRule:
    kinds = np.array([[mark == "1" for mark in kind] for kind in entry.kinds], bool).reshape(-1, len(rows))
    sides = [(Prices(side.objective, np.array(side.prices)), np.array(side.weights)) for side in entry.sides]
    return MixtureRule(objective, rows, groups, Prices(entry.objective, np.array(entry.prices)), kinds, sides)
