"""A replay against counting the logged outcomes of a policy's choices by hand."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import t

import paretoroute as pr
from paretoroute.errors import RunsError
from tests.planner_cases import fitted, make_rows, no_signal, write_rows


def counted(planner: pr.Planner, rows: list[dict]) -> dict:
    """Count by hand: plan every query, and average what was logged at the point chosen."""
    quality: dict = {}
    cost: dict = {}
    texts = {}
    for row in rows:
        place = (row["query_id"], row["model"], row["budget_label"] or "default")
        quality.setdefault(place, []).append(row["quality"])
        if row["cost_usd"] is not None:
            cost.setdefault(place, []).append(row["cost_usd"])
        texts[row["query_id"]] = row["query"]
    got, paid, predicted, calls = [], [], [], {}
    for key, text in texts.items():
        decision = planner.plan(text, query_id=key)
        calls[decision.point.name] = calls.get(decision.point.name, 0) + 1
        place = (key, decision.model, decision.budget.label)
        if place in quality:
            got.append(np.mean(quality[place]))
            predicted.append((decision.expected_quality, decision.expected_cost_usd))
            if place in cost:
                paid.append(np.mean(cost[place]))
    return {
        "quality": np.mean(got),
        "cost_usd": np.mean(paid),
        "predicted_quality": np.mean([q for q, _ in predicted]),
        "predicted_cost_usd": np.mean([c for _, c in predicted]),
        "queries": len(texts),
        "effective_queries": len(got),
        "calls": calls,
    }


def some_of(rows: list[dict], share: float, seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [row for row in rows if rng.random() < share]


@pytest.mark.parametrize("case", [fitted, no_signal], ids=["fitted", "no_signal"])
@pytest.mark.parametrize("repeats", [1, 3])
def test_a_replay_of_a_full_log_is_what_one_counts_by_hand(tmp_path, case, repeats):
    rows = [dict(row, sample_index=k) for k in range(repeats) for row in make_rows(60, seed=20 + k)]
    first = {row["query_id"]: row["query"] for row in reversed(rows)}
    rows = [dict(row, query=first[row["query_id"]]) for row in rows]
    planner = pr.Planner(case().policy)

    outcome = dataclasses.asdict(pr.replay(planner, pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows))))

    by_hand = counted(planner, rows)
    assert outcome["calls"] == by_hand.pop("calls")
    assert {name: outcome[name] for name in by_hand} == pytest.approx(by_hand, rel=1e-9)


def test_the_order_of_the_rows_changes_nothing(tmp_path):
    rows = some_of(make_rows(40, seed=5), 0.6, seed=1)
    planner = pr.Planner(no_signal().policy)

    one, two = (
        pr.replay(planner, pr.read_runs(write_rows(tmp_path / name, part)))
        for name, part in (("a.jsonl", rows), ("b.jsonl", rows[::-1]))
    )

    assert one == two


def test_intervals_hold_the_mean_and_narrow_with_more_queries(tmp_path):
    planner = pr.Planner(fitted().policy)
    few, many = (
        pr.replay(planner, pr.read_runs(write_rows(tmp_path / f"{n}.jsonl", make_rows(n, seed=8)))) for n in (20, 320)
    )

    for outcome in (few, many):
        assert 0 <= outcome.quality_low <= outcome.quality <= outcome.quality_high <= 1
        assert 0 <= outcome.cost_usd_low <= outcome.cost_usd <= outcome.cost_usd_high
    assert many.cost_usd_high - many.cost_usd_low < 0.6 * (few.cost_usd_high - few.cost_usd_low)


def test_few_queries_have_the_interval_of_student(tmp_path):
    planner, rows = pr.Planner(fitted().policy), make_rows(6, seed=8)
    paid = {(row["query_id"], row["model"], row["budget_label"] or "default"): row["cost_usd"] for row in rows}
    texts = {row["query_id"]: row["query"] for row in rows}
    decisions = {key: planner.plan(text, query_id=key) for key, text in texts.items()}
    costs = np.array([paid[key, one.model, one.budget.label] for key, one in decisions.items()])

    outcome = pr.replay(planner, pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)))

    margin = t.ppf(0.95, 5) * costs.std(ddof=1) / 6**0.5
    assert outcome.cost_usd_high - outcome.cost_usd == pytest.approx(margin, rel=0.01)


def test_where_only_tokens_were_logged_they_are_paid_at_the_policys_prices(tmp_path):
    rows = [row for row in make_rows(30, seed=9) if row["model"] != "metered"]
    bare = [{name: value for name, value in row.items() if name != "cost_usd"} for row in rows]
    planner = pr.Planner(fitted().policy)

    paid, unpaid = (
        pr.replay(planner, pr.read_runs(write_rows(tmp_path / name, part)))
        for name, part in (("paid.jsonl", rows), ("bare.jsonl", bare))
    )

    assert unpaid.cost_usd == pytest.approx(paid.cost_usd, rel=1e-6)


def test_prompt_tokens_from_a_cache_are_paid_at_their_own_price(tmp_path):
    policy = fitted().policy
    price = pr.Price(input_usd_per_mtok=1.0, output_usd_per_mtok=4.0, cached_input_usd_per_mtok=0.1)
    prices = {name: price for name in policy.grid.prices}
    tokens = {"prompt_tokens": 1000, "cached_prompt_tokens": 800, "completion_tokens": 50, "cost_usd": None}
    rows = [row | tokens for row in make_rows(10, seed=2) if row["model"] != "metered"]

    outcome = pr.replay(pr.Planner(policy.solve(prices=prices)), pr.read_runs(write_rows(tmp_path / "r.jsonl", rows)))

    assert outcome.cost_usd == pytest.approx((200 * 1.0 + 800 * 0.1 + 50 * 4.0) / 1e6, rel=1e-9)


def test_without_any_cost_quality_is_judged_and_cost_is_nan(tmp_path):
    kept = ("query_id", "query", "model", "budget_kind", "budget_label", "budget", "quality")
    rows = [{name: row[name] for name in kept} for row in make_rows(12, seed=4)]

    outcome = pr.replay(pr.Planner(fitted().policy), pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)))

    assert math.isnan(outcome.cost_usd)
    assert outcome.effective_queries == 12


def test_points_that_the_policy_does_not_have_are_left_aside(tmp_path):
    rows = make_rows(12, seed=4)
    others = [dict(row, model="unheard-of", quality=0.0) for row in rows if row["model"] == "small"]
    planner = pr.Planner(fitted().policy)

    with_others, without = (
        pr.replay(planner, pr.read_runs(write_rows(tmp_path / name, part)))
        for name, part in (("a.jsonl", rows + others), ("b.jsonl", rows))
    )

    assert with_others.evidence.points == without.evidence.points + 1
    assert dataclasses.replace(with_others, evidence=without.evidence) == without


def test_a_log_of_other_points_is_refused_and_names_those_of_the_policy(tmp_path):
    rows = [dict(row, model="unheard-of", budget_label="x", budget_kind="none") for row in make_rows(3, seed=4)[::5]]

    with pytest.raises(RunsError, match="no point of the policy is in the log; the policy has metered@default, "):
        pr.replay(pr.Planner(fitted().policy), pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)))


def test_a_log_that_agrees_with_no_choice_is_refused(tmp_path):
    planner = pr.Planner(fitted().policy)
    rows = make_rows(6, seed=4)
    chosen = {row["query_id"]: planner.plan(row["query"], query_id=row["query_id"]) for row in rows}
    rows = [row for row in rows if row["model"] != chosen[row["query_id"]].model]

    with pytest.raises(RunsError, match="none of the policy's choices was logged"):
        pr.replay(planner, pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)))


def test_a_single_query_gives_figures_without_an_interval(tmp_path):
    planner = pr.Planner(fitted().policy)
    runs = pr.read_runs(write_rows(tmp_path / "runs.jsonl", make_rows(1, seed=20)))

    outcome = pr.replay(planner, runs, against=pr.Planner(no_signal().policy))

    assert outcome.status == "unsupported"
    assert (outcome.quality_low, outcome.quality_high, outcome.cost_usd_low) == (None, None, None)
    assert outcome.against is not None
    assert (outcome.against.quality_low, outcome.against.cost_usd_high) == (None, None)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
@pytest.mark.parametrize("by", ["query", "conversation"])
def test_answers_that_are_all_right_or_all_wrong_leave_room_for_others(tmp_path, outcome, by):
    rows = [dict(row, quality=outcome) for row in make_rows(30, seed=4)]
    if by == "conversation":
        rows = [dict(row, conversation=f"c{int(row['query_id'][3:]) % 10}") for row in rows]
    trials = 30 if by == "query" else 10

    replay = pr.replay(pr.Planner(fitted().policy), pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)))

    width = 1.6448536269514722**2 / (trials + 1.6448536269514722**2)  # of the score interval at a share of 0 or 1
    assert replay.quality_high - replay.quality_low == pytest.approx(width)
    assert replay.quality == outcome
    for point in replay.points.values():
        assert point.quality_high - point.quality_low == pytest.approx(width)
