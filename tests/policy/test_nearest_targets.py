"""What is stated in place of an infeasible target with limits on the population can be kept when it is asked for."""

from __future__ import annotations

import re

import pytest

import paretoroute as pr
from paretoroute.policy.codec import target_of
from tests.policy.test_solving import policy


@pytest.mark.parametrize(
    "target, limits",
    [
        (pr.MaxCost(usd=1.2e-4), ["mean quality of tag hard at least 0.8", "share of small at most 0.4"]),
        (pr.MaxCost(usd=2e-4), ["mean quality of tag hard at least 0.7", "mean latency of tag easy at most 6 s"]),
        (pr.MaxCost(usd=2e-5), ["mean quality of tag easy at least 0.5"]),
        (pr.MinQuality(quality=0.99), ["mean cost of tag hard at most $0.001 per query"]),
        (pr.MinQuality(quality=0.97), ["share of thinker at most 0.3", "mean latency at most 5 s"]),
        (
            pr.MaxCost(usd=3e-4),
            ["mean quality of tag hard at least 0.99", "mean cost of tag hard at most $0.0002 per query"],
        ),
    ],
)
def test_the_nearest_target_and_limits_are_met_when_they_are_asked_for_as_printed(target, limits):
    stated = [pr.parse_limit(limit) for limit in limits]
    solution = policy().solve(target, limits=stated).document.solution
    assert solution.status == "infeasible"

    found = [re.search("the nearest that can: (.*)", entry.meaning) for entry in solution.limits]
    moved = [limit if one is None else pr.parse_limit(one[1]) for limit, one in zip(stated, found, strict=True)]
    nearest = target if solution.nearest is None else target_of(solution.nearest)

    assert policy().solve(nearest, limits=moved).document.solution.status in ("met", "slack")
