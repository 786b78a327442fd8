"""For every policy, the cost predicted on the log itself is the logged cost of its choices, whatever was billed."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from tests.fitting.points.bill_log import Fault, bill_runs, fee_on, missing, times

FAULTS: dict[str, Fault | None] = {
    "exact": None,
    "small fee": fee_on(0.01, 0.01),
    "tool fee": fee_on(0.04, 0.25),
    "one outlier": fee_on(0.01, 2.0),
    "refunds": fee_on(0.05, -0.02),
    "refunds of whole calls": times(0.05, -1.0),
    "free calls": times(0.2, 0.0),
    "two prices": times(0.5, 0.5),
    "batch discount": times(0.3, 0.5),
    "costs of some runs": missing("cost_usd", 0.3),
    "tokens of some runs": missing("completion_tokens", 0.3),
}
TARGETS = {"the best point": None, "a third": 1 / 3, "a tenth": 0.1}


@pytest.mark.parametrize("name", FAULTS)
def test_every_point_costs_what_was_logged_and_every_policy_what_its_choices_cost(name, tmp_path):
    runs = bill_runs(FAULTS[name], queries=60)
    policy = pr.fit(runs)

    logged = np.nanmean(runs.means("cost_usd").mean, axis=0)
    stated = [point.cost_usd for entry in policy.document.grid for point in entry.points]
    is_full = ~np.isnan(runs.means("cost_usd").mean).any(axis=0)
    assert np.array(stated)[is_full] == pytest.approx(logged[is_full], rel=1e-5)
    for share in TARGETS.values():
        solved = policy if share is None else policy.solve(pr.MaxCost(usd=share * float(logged.max())))
        check_replay(solved, runs)
    policy.save(tmp_path / "p.yaml")
    assert pr.Policy.load(tmp_path / "p.yaml").document.expected == policy.document.expected


def check_replay(policy: pr.Policy, runs: pr.Runs) -> None:
    """Compare the cost predicted with the logged cost of the choices: out of fold, and by intervals when replayed."""
    expected, outcomes = policy.document.expected, policy.outcomes
    order = sorted(range(len(runs.query_ids)), key=lambda i: hashlib.sha256(runs.query_ids[i].encode()).digest())
    logged = runs.means("cost_usd").mean[order]
    if not np.isnan(logged).any():
        chosen = outcomes.mean_of(pr.Planner(policy, seed=0).rule, logged).mean()
        assert expected.cost_usd == pytest.approx(chosen, rel=0.02)
    replayed = pr.replay(pr.Planner(policy, seed=0), runs)
    reach = (replayed.cost_usd_high - replayed.cost_usd_low + expected.cost_usd_high - expected.cost_usd_low) / 2
    assert abs(replayed.cost_usd - expected.cost_usd) <= 1.5 * reach + 0.02 * expected.cost_usd  # two 90% intervals


faults = st.one_of(
    st.builds(fee_on, st.floats(0, 0.3), st.integers(-10, 300).map(lambda mills: mills / 1000)),
    st.builds(times, st.floats(0, 0.6), st.sampled_from([0.0, 0.5, 0.9, 1.1, 2.0])),
    st.builds(missing, st.sampled_from(["cost_usd", "completion_tokens"]), st.floats(0, 0.4)),
)


@settings(max_examples=6, deadline=None)
@given(st.lists(faults, max_size=2), st.integers(0, 100), st.floats(0.05, 1.0))
def test_predicted_and_logged_cost_agree_on_generated_logs(planted, seed, share):
    def plant(columns, draw):
        for fault in planted:
            fault(columns, draw)

    runs = bill_runs(plant, seed=seed, queries=60)
    most = float(np.nanmax(np.nanmean(runs.means("cost_usd").mean, axis=0)))

    check_replay(pr.fit(runs, pr.MaxCost(usd=share * most)), runs)


@pytest.fixture(scope="module")
def with_fees():
    runs = bill_runs(fee_on(0.01, 0.01))
    return runs, pr.fit(runs)


def test_fees_stand_in_the_file_and_are_read_back(with_fees, tmp_path):
    _, policy = with_fees
    policy.save(tmp_path / "p.yaml")

    assert len(policy.grid.fees) == 2
    assert pr.Policy.load(tmp_path / "p.yaml").grid == policy.grid
    assert (tmp_path / "p.yaml").read_text(encoding="utf-8").count(
        "fee_usd: 0.0001"
    ) == 2  # and none at the point without a fee


def test_new_prices_leave_the_fees_as_they_are(with_fees):
    _, policy = with_fees
    repriced = policy.solve(prices={"big": pr.Price(1.5, 7.5)})

    assert repriced.grid.fees == policy.grid.fees
    means = [np.array([p.cost_usd for e in one.document.grid for p in e.points]) for one in (policy, repriced)]
    fees = policy.grid.fee_usd
    is_big = fees > 0
    assert (means[1] - fees)[is_big] == pytest.approx((means[0] - fees)[is_big] / 2, rel=1e-4)


def test_replay_adds_the_fee_where_only_tokens_are_logged(with_fees):
    runs, policy = with_fees
    planner = pr.Planner(policy, seed=0)
    tokens_only = bill_runs(missing("cost_usd", 1.0))
    points = [planner.plan(text, query_id=key).point for text, key in zip(runs.texts, runs.query_ids, strict=True)]

    replayed = pr.replay(planner, tokens_only).cost_usd

    by_tokens = bill_runs().means("cost_usd").mean
    columns = [runs.points.index(point) for point in points]
    fees = np.array([policy.grid.fees.get(point, 0.0) for point in points])
    assert replayed == pytest.approx((by_tokens[np.arange(len(points)), columns] + fees).mean(), rel=1e-9)


@pytest.mark.parametrize("limit", [0.0005, 0.003, 0.01])
def test_a_hard_limit_on_a_call_holds_with_its_fee(with_fees, limit):
    _, policy = with_fees
    dear = pr.Planner(replace_fees(policy, 0.002), seed=0)

    for text in ("task 3 of kind 3", "prove " * 200):
        decision = dear.plan(text, max_cost_usd=limit, models=["big"])
        if decision.status != "infeasible":
            overhead = dear.policy.surface.bounds.prompt_overhead_tokens[dear.policy.grid.points.index(decision.point)]
            prompt = len(text.encode()) + max(overhead, 0.0)
            assert (3.0 * prompt + 15.0 * decision.output_cap_tokens) / 1e6 + 0.002 <= limit
            assert decision.expected_cost_usd <= limit
    assert (limit > 0.002) or decision.status == "infeasible"


def replace_fees(policy: pr.Policy, fee_usd: float) -> pr.Policy:
    """Charge another fee on every call of ``big``."""
    grid = tuple(
        entry.model_copy(update={"points": tuple(p.model_copy(update={"fee_usd": fee_usd}) for p in entry.points)})
        if entry.model == "big"
        else entry
        for entry in policy.document.grid
    )
    document = policy.document.model_copy(update={"grid": grid})
    return pr.Policy(document, policy.surface, policy.calibration_sample)
