"""Fixing queries by a box of multipliers changes nothing, even where the sample misleads."""

from __future__ import annotations

import numpy as np
import pytest

import paretoroute.solver.coupled.fixing as fixing
import paretoroute.solver.coupled.relaxation as relaxation
from paretoroute.forecast import Forecast
from paretoroute.limits import MaxMeanLatency, MaxShare, MinQualityOf
from paretoroute.solver.constraints import Constraint, Objective, constraint_of
from paretoroute.solver.coupled.lagrangian import problem_of
from tests.solver.coupled.mixtures import TAGS, exceeded


def crowd(seed, n=3000, p=6):
    """A forecast of many queries: a cost per query, some with latencies per query, masks, or float32 figures."""
    rng = np.random.default_rng(seed)
    ability, hard = np.sort(rng.normal(size=p)), rng.normal(size=(n, 1))
    quality = 1 / (1 + np.exp(hard - ability + 0.5 * rng.normal(size=(n, p))))
    cost = np.exp(np.linspace(-7, -3, p) + 0.4 * rng.normal(size=(n, 1)) + 0.2 * rng.normal(size=(n, p)))
    dtype = (np.float64, np.float32)[seed % 2]
    tags = {"tag": rng.choice(np.array(TAGS), n)}
    latency = (np.linspace(1, 20, p), rng.lognormal(size=(n, p)) * np.linspace(1, 20, p))[seed % 3 == 0]
    mask = rng.random((n, p)) < 0.8 if seed % 4 == 3 else None
    if mask is not None:
        mask[:, 0] = True
    return Forecast(quality.astype(dtype), cost.astype(dtype), latency_s=latency, callable=mask, labels=tags)


def test_fixing_by_a_small_sample_keeps_the_optimum():
    # So small a sample misleads often: boxes are widened and passes repeated, or fixing is given up.
    sizes = fixing.Sizes(small=1000, sample=600)
    limits = [MaxShare(0.2, (4, 5)), MaxMeanLatency(7.0), MinQualityOf(0.5, "talk")]
    fixed = 0
    for seed in range(12):
        forecast = crowd(seed)
        objective, own = [
            (Objective(1.0, 0.0), Constraint("cost", 3000 * 0.01, 3000, cost=1.0)),
            (Objective(0.0, 1.0), Constraint("quality", -3000 * 0.5, 3000, quality=-1.0)),
            (Objective(1.0, 1 / 0.05), None),
        ][seed % 3]
        rows = [*([own] if own else []), *(constraint_of(limit, forecast) for limit in limits)]

        plain, reduced = (relaxation.optimise(forecast, objective, rows, sizes=one) for one in (fixing.SIZES, sizes))

        assert reduced.feasible == plain.feasible
        if not plain.feasible:
            assert reduced.violation == pytest.approx(plain.violation, rel=3e-9)
            continue
        assert reduced.value == pytest.approx(plain.value, rel=3e-9)
        assert reduced.bound == pytest.approx(reduced.value, rel=2e-9)
        assert exceeded(forecast, rows, reduced) == ""
        answer = fixing.solve_by_fixing(problem_of(forecast, objective, rows), forecast, sizes=sizes)
        fixed += answer is not None and answer.state.free_count < 2800
    assert fixed >= 4  # 6 as written
