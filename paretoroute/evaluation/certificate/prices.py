"""The shadow prices that a certificate may take, in the order in which they are tested.

The order rests on the training side alone, on the policy's calibration sample. Fixed-sequence testing then keeps the
level over all prices together: each is tested at the full level, and the first failure ends the walk. Bauer, "Multiple
testing in clinical trials", Statistics in Medicine 10(6), 1991, doi:10.1002/sim.4780100609; ordered by a Pareto front
of training figures as in Laufer-Goldshtein, Fisch, Barzilay and Jaakkola, "Efficiently controlling multiple risks with
Pareto testing", ICLR 2023, arXiv:2210.07913.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretoroute.calibration.estimate import PolicyValue
from paretoroute.calibration.single import curve
from paretoroute.limits import PopulationLimit
from paretoroute.policy.codec import rule_of
from paretoroute.policy.policy import Policy
from paretoroute.solver.rules import PriceRule, Rule
from paretoroute.targets import MaxCost, Target

MOST_PRICES = 40


@dataclass(frozen=True)
class Candidate:
    """A rule that may be certified.

    Args:
        rule: to test.
        value: on the training side; None for a rule that is tested as it is.
    """

    rule: Rule
    value: PolicyValue[PriceRule] | None


def candidates(policy: Policy, target: Target) -> list[Candidate]:
    """Return the rules to test, the safest first.

    For a quality target that is the price with the best training quality, and then ever cheaper ones by training cost;
    for a cost target the cheapest, and then ever dearer ones. Prices that cost no less than a better one are left out.
    A policy with limits on the population has several prices that hang together, and is tested as it is.
    """
    population = tuple(limit for limit in policy.limits if isinstance(limit, PopulationLimit))
    if population:
        return [Candidate(rule_of(policy.document, population, policy.grid), None)]
    outcomes = policy.outcomes
    rows = curve(
        outcomes.forecast,
        outcomes.calibration_quality,
        outcomes.calibration_cost_usd,
        n=MOST_PRICES,
        is_logged=outcomes.is_logged,
        corrected=outcomes.corrected,
        left_out=outcomes.judges,
    )
    front: list[PolicyValue[PriceRule]] = []
    for row in sorted(rows, key=lambda row: (row.cost_usd, -row.quality)):
        if not front or row.quality > front[-1].quality:
            front.append(row)
    order = [Candidate(row.rule, row) for row in front]
    return order if isinstance(target, MaxCost) else order[::-1]
