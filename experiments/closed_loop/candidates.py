"""Ways to spread the exploring calls of a query over the points that the policy would not call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import paretoroute as pr
from paretoroute.planner.exploration import Call, Evidence, Explorer, allocation, chances

SHARE = 0.05


def uniform(call: Call, evidence: Evidence, spread: np.ndarray) -> np.ndarray:
    """Every other point alike."""
    return call.others / call.others.sum()


def top_two(call: Call, evidence: Evidence, spread: np.ndarray) -> np.ndarray:
    """The probability of being better than the best point."""
    chance = chances(call, evidence)
    return chance / chance.sum()


def neyman(call: Call, evidence: Evidence, spread: np.ndarray) -> np.ndarray:
    """Spread of outcomes times the root of the probability of being the better point.

    A doubly robust estimate of a later policy that calls point j with probability a_j has the variance
    sum_j a_j spread_j^2 / p_j, which is least at p_j ~ sqrt(a_j) spread_j (Neyman, 1934), whatever was logged before.
    """
    weight = np.sqrt(chances(call, evidence)) * np.maximum(spread, 1e-9)
    return weight / weight.sum()


def with_floor(call: Call, evidence: Evidence, spread: np.ndarray) -> np.ndarray:
    """Top two for three of four, uniform for the fourth."""
    return 0.75 * top_two(call, evidence, spread) + 0.25 * uniform(call, evidence, spread)


def wider(call: Call, evidence: Evidence, spread: np.ndarray) -> np.ndarray:
    """Top two with errors three times as large."""
    errors = 3 * evidence.quality_error, 3 * evidence.relative_cost_error
    return top_two(call, Evidence(evidence.runs, *errors), spread)


STRATEGIES: dict[str, Callable | None] = {
    "none": None,
    "uniform": uniform,
    "top-two": top_two,
    "neyman": neyman,
    "evidence": lambda call, evidence, spread: allocation(call, evidence),  # the library's
    "floor": with_floor,
    "wider": wider,
}


def planner_of(strategy: str, policy: pr.Policy, share: float = SHARE) -> pr.Planner:
    """Return a planner that explores by one of the candidates."""
    rule = STRATEGIES[strategy]
    if rule is None:
        return pr.Planner(policy)
    planner = pr.Planner(policy, explore=share)
    explorer: Explorer = planner._explorer  # the candidates take the place of the library's distribution
    evidence, spread = explorer._evidence, policy.surface.quality.scale.spread
    explorer.distribution = lambda call: rule(call, evidence, spread)
    return planner
