"""Two policies on one log that differ in their prices, in their points, or in what they were fitted on."""

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.replay import OTHER
from tests.evaluation.test_replay_partial import one_each, uniform
from tests.planner_cases import fitted, make_rows, write_rows

HALF = {"thinker": pr.Price(0.5, 2.0)}


def tokens_alone(rows: list[dict]) -> list[dict]:
    return [row if row["model"] == "metered" else dict(row, cost_usd=None) for row in rows]


@pytest.mark.parametrize("partial", [False, True], ids=["full", "partial"])
@pytest.mark.parametrize("swapped", [False, True])
def test_policies_of_other_prices_differ_in_cost_as_their_figures_do(tmp_path, partial, swapped):
    rows = make_rows(400, seed=71)
    log = pr.read_runs(
        write_rows(tmp_path / "r.jsonl", tokens_alone(one_each(rows, uniform, seed=1) if partial else rows))
    )
    planners = [pr.Planner(fitted().policy), pr.Planner(fitted().policy.solve(prices=HALF))]
    one, other = planners[::-1] if swapped else planners

    outcome = pr.replay(one, log, against=other)

    apart = outcome.cost_usd - outcome.against.other.cost_usd
    assert abs(apart) > 1e-6
    assert outcome.against.cost_usd == pytest.approx(apart, rel=1e-6)
    assert outcome.against.cost_usd_low < apart < outcome.against.cost_usd_high


def test_one_policy_at_two_prices_costs_what_its_tokens_cost(tmp_path):
    rows = [row for row in make_rows(120, seed=72) if row["model"] == "thinker"]
    log = pr.read_runs(write_rows(tmp_path / "r.jsonl", tokens_alone(rows)))
    only = fitted().policy.solve(pr.MaxCost(usd=1.0), limits=[pr.Require(["thinker@8000"])])
    halved = only.solve(prices=HALF)

    outcome = pr.replay(pr.Planner(only), log, against=pr.Planner(halved))

    paid = np.mean([row["prompt_tokens"] * 1e-6 + row["completion_tokens"] * 4e-6 for row in rows[1::2]])
    assert outcome.cost_usd == pytest.approx(paid)
    assert outcome.against.cost_usd == pytest.approx(paid / 2)
    assert (outcome.against.quality, outcome.against.differing_share) == (0, 0)


def test_caveats_about_the_policy_compared_with_are_listed(tmp_path):
    new = [dict(row, query_id=f"new-{row['query_id']}") for row in make_rows(60, seed=73)]
    old = [dict(row, model="other") if row["model"] == "metered" else row for row in make_rows(60, seed=74)]
    log = pr.read_runs(write_rows(tmp_path / "new.jsonl", [row for row in new if row["model"] != "metered"]))
    fit = pr.fit(pr.read_runs(write_rows(tmp_path / "old.jsonl", old + new)), pr.MaxCost(usd=0.0008))
    other = pr.Planner(fit.solve(limits=[pr.MaxShare(0.0, "thinker")]))

    outcome = pr.replay(pr.Planner(fitted().policy), log, against=other)

    about = [notice.removeprefix(OTHER) for notice in outcome.notices if notice.startswith(OTHER)]
    assert about[0].startswith("60 of 60 queries, or copies of them, were in the fit")
    calls = {other.plan(text, query_id=key).point.name for key, text in zip(log.query_ids, log.texts, strict=True)}
    missing = calls & {"metered@default", "other@default"}
    assert missing
    assert any("without a run in the log and do not count" in notice for notice in about)


def test_a_caveat_about_both_policies_is_listed_once():
    planner = pr.Planner(fitted().policy)

    outcome = pr.replay(planner, fitted().runs, against=pr.Planner(fitted().policy.solve(pr.MaxCost(usd=0.0006))))

    assert sum("fitted on these runs" in notice for notice in outcome.notices) == 1
