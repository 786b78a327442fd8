"""Calls of the planner and the solver with odd arguments; their answers are checked against their own sums."""

from __future__ import annotations

import functools
import math
import random
from pathlib import Path
from typing import Any

import numpy as np

import paretoroute as pr
from tests.fuzz.mutants import mutations
from tests.fuzz.mutants.policies import check_decision, shipped
from tests.fuzz.mutants.refusals import refused


@functools.cache
def planner() -> pr.Planner:
    return pr.Planner(shipped())


def plan(rng: random.Random, folder: Path) -> bool:
    arguments: dict[str, Any] = {
        "query": mutations.changed_text("Prove that the sum of two even numbers is even.", rng)
    }
    for name in rng.sample(
        [
            "query",
            "query_id",
            "max_cost_usd",
            "min_quality",
            "max_latency_s",
            "models",
            "price",
            "callable",
            "tag",
            "step",
        ],
        rng.randrange(4),
    ):
        arguments[name] = rng.choice(
            [
                mutations.any_value(rng),
                rng.random(),
                1e-6,
                np.float64(rng.random()),
                np.array([1.0]),
                ["gemma3-270m"],
                "a",
            ]
        )
    decision = refused(lambda: planner().plan(**arguments))
    if decision is not None:
        check_decision(decision)
        cap = arguments.get("max_cost_usd")
        assert cap is None or decision.status in ("infeasible", "capped") or decision.keeps_limits
    return decision is not None


def solve(rng: random.Random, folder: Path) -> bool:
    """Solve a bare forecast of odd numbers, and check the answer against its own sums."""
    draw = np.random.default_rng(rng.randrange(2**32))
    queries, points = rng.randint(1, 6), rng.randint(1, 4)
    quality, cost = draw.random((queries, points)), draw.random((queries, points)) * 10.0 ** rng.randint(-9, 3)
    for array in (quality, cost):
        if rng.random() < 0.3:
            array.reshape(-1)[rng.randrange(array.size)] = rng.choice(
                [0.0, 1.0, -1.0, math.nan, math.inf, 1e300, 5e-324, 2.0, 1e-12]
            )
    asked = rng.choice(
        [
            lambda: pr.MaxCost(rng.choice([rng.random(), float(np.nanmean(cost)), 1e-9])),
            lambda: pr.MinQuality(rng.random()),
            lambda: pr.BestTrade(10.0 ** rng.randint(-6, 6)),
            lambda: pr.MinQuality(ratio=rng.random() + 0.1, of=rng.randrange(-1, points + 1)),
        ]
    )

    def solved() -> Any:
        target = asked()
        return target, pr.solve(pr.Forecast(quality, cost), target)

    answer = refused(solved)
    if answer is None:
        return False
    target, solution = answer
    assert (
        quality.min() - 1e-9 <= solution.expected_quality <= quality.max() * (1 + 1e-9)
        and 0 <= solution.expected_cost_usd < math.inf
    )
    assert (solution.choice >= 0).all() and (solution.choice < points).all() and solution.gap >= 0
    if isinstance(target, pr.MaxCost) and solution.status in ("met", "slack"):
        assert solution.expected_cost_usd <= target.usd * (1 + 1e-9)
    if isinstance(target, pr.MinQuality) and target.quality is not None and solution.status == "met":
        assert solution.expected_quality >= target.quality - 1e-9
    return True
