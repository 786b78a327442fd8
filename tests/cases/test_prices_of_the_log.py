"""A policy at other prices than those that a log was billed at: replay counts what was paid, and says so."""

from __future__ import annotations

import pandas as pd
import pytest

import paretoroute as pr
from tests.cases.case_log import PRICES, case_rows, run_command, without, write_jsonl


@pytest.fixture(scope="module")
def repriced(tmp_path_factory):
    """Return a policy that was solved at half of the price of output of ``big``."""
    policy = pr.fit(pr.read_runs(pd.DataFrame(case_rows())), pr.MaxCost(usd=0.001))
    price = pr.Price(input_usd_per_mtok=3.0, output_usd_per_mtok=7.5)
    return policy.solve(prices={"big": price})


def by_hand(rows, policy, price_of) -> float:
    """Average tokens times prices at the calls that the policy plans."""
    planner, log = pr.Planner(policy), pd.DataFrame(rows).set_index(["query_id", "model"])
    costs = []
    for query_id, query in log.groupby("query_id")["query"].first().items():
        row = log.loc[(query_id, planner.plan(query, query_id=query_id).model)]
        price_in, price_out = price_of[row.name[1]]
        costs.append((row["prompt_tokens"] * price_in + row["completion_tokens"] * price_out) / 1e6)
    return sum(costs) / len(costs)


def test_bills_at_other_prices_are_told_beside_what_was_paid(repriced):
    rows = case_rows(seed=5)
    replayed = pr.replay(pr.Planner(repriced), pr.read_runs(pd.DataFrame(rows)))

    (notice,) = (notice for notice in replayed.notices if "billed" in notice)
    assert notice.startswith("big was billed x1.9") and "leave cost_usd out" in notice
    assert replayed.cost_usd == pytest.approx(by_hand(rows, repriced, PRICES))


def test_a_log_without_bills_is_replayed_at_the_prices_of_the_policy(repriced):
    rows = case_rows(seed=5)
    replayed = pr.replay(pr.Planner(repriced), pr.read_runs(pd.DataFrame(without(rows, "cost_usd"))))

    assert not any("billed" in notice for notice in replayed.notices)
    assert replayed.cost_usd == pytest.approx(by_hand(rows, repriced, PRICES | {"big": (3.0, 7.5)}))


def test_a_few_calls_with_a_fee_are_no_other_prices(repriced, tmp_path):
    rows = [row | {"cost_usd": row["cost_usd"] + 0.25 * (i % 40 == 1)} for i, row in enumerate(case_rows(seed=5))]
    policy = repriced.solve(prices={"big": pr.Price(3.0, 15.0)})
    policy.save(tmp_path / "p.yaml")

    outcome = run_command(tmp_path, "replay", "p.yaml", write_jsonl(tmp_path / "runs.jsonl", rows))
    assert outcome.code == 0 and "billed" not in outcome.out
