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


ODD = [0.0, 1.0, -1.0, math.nan, math.inf, 1e300, 1e-300, 5e-324, 2.0, 1e-12, 1e60, 1e61]


def _target(rng: random.Random, cost: Any, points: int) -> Any:
    odd = rng.random() < 0.1
    kind = rng.randrange(4)
    if kind == 0:
        return pr.MaxCost(rng.choice(ODD) if odd else rng.choice([rng.random(), float(cost.mean()), 1e-9]))
    if kind == 1:
        return pr.MinQuality(rng.random())
    if kind == 2:
        return pr.BestTrade(rng.choice(ODD) if odd else 10.0 ** rng.randint(-6, 6))
    return pr.MinQuality(ratio=rng.choice(ODD) if odd else rng.random() + 0.1, of=rng.randrange(-1, points + 1))


def _limits(rng: random.Random, cost: Any, points: int) -> list[pr.PopulationLimit]:
    usual = [rng.random(), float(cost.mean()), *(ODD if rng.random() < 0.2 else [])]
    made = [
        lambda: pr.MaxShare(rng.random(), (rng.randrange(points),)),
        lambda: pr.MaxMeanLatency(rng.choice(usual)),
        lambda: pr.MaxCostOf(rng.choice(usual), "a"),
        lambda: pr.MinQualityOf(rng.random(), "b"),
    ]
    return [one() for one in rng.sample(made, rng.choice([0, 0, 1, 2]))]


def solve(rng: random.Random, folder: Path) -> bool:
    """Solve a bare forecast of odd numbers, and check the answer against its own sums."""
    draw = np.random.default_rng(rng.randrange(2**32))
    queries, points = rng.randint(1, 6), rng.randint(1, 4)
    quality, cost = draw.random((queries, points)), draw.random((queries, points)) * 10.0 ** rng.randint(-9, 3)
    latency, mask = draw.random((queries, points)), draw.random((queries, points)) < rng.choice([0.5, 1.0, 1.0])
    for array in (quality, cost, latency):
        if rng.random() < 0.3:
            array.reshape(-1)[rng.randrange(array.size)] = rng.choice(ODD)
    labels = {"tag": draw.choice(np.array(["a", "b"]), queries)}

    def solved() -> Any:
        target, limits = _target(rng, cost, points), _limits(rng, cost, points)
        forecast = pr.Forecast(quality, cost, latency_s=latency, callable=None if mask.all() else mask, labels=labels)
        return target, limits, pr.solve(forecast, target, limits)

    answer = refused(solved)
    if answer is None:
        return False
    _check_solution(*answer, quality=quality, mask=mask)
    return True


def _check_solution(target: Any, limits: Any, solution: Any, *, quality: Any, mask: Any) -> None:
    assert mask[np.arange(len(mask)), solution.choice].all()
    assert (
        quality[mask].min() - 1e-9 <= solution.expected_quality <= quality[mask].max() * (1 + 1e-9)
        and 0 <= solution.expected_cost_usd < math.inf
    )
    assert 0 <= solution.gap <= 1e-6 and all(0 <= price < math.inf for price in solution.shadow_prices.values())
    near = 1e-9 if not limits else 1.1e-6
    if isinstance(target, pr.MaxCost) and solution.status in ("met", "slack"):
        assert solution.expected_cost_usd <= target.usd * (1 + near)
    if isinstance(target, pr.MinQuality) and target.quality is not None and solution.status == "met":
        assert solution.expected_quality >= target.quality - near
