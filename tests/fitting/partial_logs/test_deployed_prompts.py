"""Prompts of a partial log: a policy is solved on those that its planner forecasts, and spends what it says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.grid import forecast_cost_usd

# model, budget, (input, output) USD per million tokens, completion tokens, quality
POINTS = (
    ("small", "none", (0.2, 0.8), 60, 0.3),
    ("mid", "low", (1.0, 4.0), 200, 0.5),
    ("mid", "high", (1.0, 4.0), 900, 0.6),
    ("big", "none", (3.0, 15.0), 500, 0.75),
)
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu")


def one_run_a_query(seed, *, queries=800):
    """A log whose texts tell the length of a prompt, and nothing else; two points have prompts of one price."""
    chance = np.random.default_rng(seed)
    rows = []
    for i in range(queries):
        text = " ".join(chance.choice(WORDS, chance.integers(5, 60)))
        model, label, (paid_in, paid_out), tokens, quality = POINTS[chance.integers(len(POINTS))]
        prompt, completion = 20 + len(text) // 4, int(tokens * chance.lognormal(0, 0.4)) + 1
        row = {"query_id": f"q{i:04}", "query": text, "model": model, "quality": float(chance.random() < quality)}
        row |= {"budget_kind": "effort", "budget_label": label}
        row |= {"prompt_tokens": prompt, "completion_tokens": completion}
        rows.append(row | {"cost_usd": (prompt * paid_in + completion * paid_out) / 1e6})
    return pr.read_runs(pa.Table.from_pylist(rows))


@pytest.fixture(scope="module", params=[2, 4])
def fitted(request):
    runs = one_run_a_query(request.param)
    policy = pr.fit(runs, pr.MaxCost(usd=0.002))
    assert policy.surface.quality.is_constant and policy.calibration_sample.support is not None
    return policy, runs


def test_the_costs_that_a_policy_is_solved_on_are_those_of_its_planner(fitted):
    policy, runs = fitted

    planned = [policy.surface.at_text(text) for text in runs.texts]
    amount, prompt = (np.array([getattr(one, name) for one in planned]) for name in ("amount", "prompt_tokens"))
    cost = forecast_cost_usd(amount, prompt, policy.grid)

    deployed = policy.calibration_sample.deployed(policy.grid).cost_usd
    np.testing.assert_array_equal(np.sort(deployed, axis=0), np.sort(cost, axis=0))


@pytest.mark.parametrize("usd", [0.002, 0.003])
def test_a_planner_spends_what_its_policy_says(fitted, usd, tmp_path):
    policy, runs = fitted
    policy.solve(pr.MaxCost(usd=usd)).save(tmp_path / "p.yaml")

    planned = pr.Planner.load(tmp_path / "p.yaml").plan_batch(runs.texts, query_ids=runs.query_ids)

    assert np.mean([decision.expected_cost_usd for decision in planned]) == pytest.approx(usd, rel=0.1)
