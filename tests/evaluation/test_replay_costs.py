"""Replays of logs whose costs are known at some runs only, of few conversations, and of planners with a safe point."""

import math

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.calibration.off_policy.clusters import mean_error, t90
from paretoroute.evaluation.replay import OTHER
from tests.evaluation.test_replay_partial import one_each, replayed, uniform
from tests.planner_cases import fitted, make_rows, write_rows

COSTS = ("cost_usd", "prompt_tokens", "completion_tokens")


def without(rows: list[dict], columns: tuple[str, ...], *, model: str, share: float = 1.0) -> list[dict]:
    """Take columns out of a share of the rows of a model."""
    chance = np.random.default_rng(3)
    drop = [row["model"] == model and chance.random() < share for row in rows]
    return [
        {name: value for name, value in row.items() if not (dropped and name in columns)}
        for row, dropped in zip(rows, drop, strict=True)
    ]


@pytest.mark.parametrize("columns", [("cost_usd",), COSTS], ids=["tokens stay", "nothing stays"])
def test_the_cost_of_the_choices_in_the_log_counts_runs_whose_cost_is_unknown(tmp_path, columns):
    rows = one_each(make_rows(400, seed=61), uniform, seed=1)
    truth = replayed(tmp_path / "all.jsonl", rows).logging

    partial = replayed(tmp_path / "some.jsonl", without(rows, columns, model="thinker", share=0.8)).logging

    assert truth.cost_usd == pytest.approx(np.mean([row["cost_usd"] for row in rows]))
    assert partial.cost_usd == pytest.approx(truth.cost_usd, rel=1e-6 if columns == ("cost_usd",) else 0.06)
    assert partial.quality == truth.quality
    if columns == COSTS:  # fewer known costs tell less
        assert partial.cost_usd_high - partial.cost_usd_low > truth.cost_usd_high - truth.cost_usd_low


def test_the_choices_in_the_log_have_no_cost_where_a_point_has_none(tmp_path):
    rows = one_each(make_rows(300, seed=62), uniform, seed=2)

    outcome = replayed(tmp_path / "some.jsonl", without(rows, COSTS, model="thinker")).logging

    assert math.isnan(outcome.cost_usd)
    assert (outcome.cost_usd_low, outcome.cost_usd_high) == (None, None)


@pytest.mark.parametrize("partial", [False, True], ids=["full", "partial"])
def test_a_point_without_a_known_cost_leaves_no_interval_of_cost_and_is_named(tmp_path, partial):
    rows = make_rows(300, seed=63)
    rows = one_each(rows, uniform, seed=3) if partial else rows
    other = pr.Planner(fitted().policy.solve(pr.MaxCost(usd=0.0006)))
    dear = "thinker@8000"

    known = replayed(tmp_path / "all.jsonl", rows, against=other)
    unknown = replayed(tmp_path / "some.jsonl", without(rows, COSTS, model="thinker"), against=other)

    assert known.calls[dear] > 0
    assert not any("whose cost this log does not have" in notice for notice in known.notices)
    named = [notice for notice in unknown.notices if "whose cost this log does not have" in notice]
    own, other_too = sorted(named, key=lambda notice: notice.startswith(OTHER))
    assert dear in own and other_too.startswith(OTHER)
    assert (unknown.cost_usd_low, unknown.cost_usd_high) == (None, None)
    assert (unknown.against.cost_usd_low, unknown.against.cost_usd_high) == (None, None)
    assert (unknown.quality, unknown.quality_low) == (known.quality, known.quality_low)
    assert unknown.cost_usd == pytest.approx(known.cost_usd, rel=0.3)  # by the policy's forecasts


def test_few_conversations_widen_the_interval_and_are_flagged(tmp_path):
    rows = make_rows(200, seed=64)

    def grouped(count: int) -> pr.Replay:
        turns = [dict(row, conversation=f"c{int(row['query_id'][3:]) * count // 200}") for row in rows]
        return replayed(tmp_path / f"{count}.jsonl", turns)

    single = replayed(tmp_path / "single.jsonl", rows)
    two, ten, many = map(grouped, (2, 10, 100))

    assert [one.status for one in (single, two, ten, many)] == ["supported", "few", "few", "supported"]
    widths = [one.quality_high - one.quality_low for one in (two, ten, many, single)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2.5 * widths[-1]
    assert {one.quality for one in (two, ten, many)} == {single.quality}


@pytest.mark.parametrize("count", [2, 5, 20])
def test_intervals_of_few_conversations_hold_the_mean(count):
    chance, groups, held = np.random.default_rng(5), np.repeat(np.arange(count), 40), []

    for _ in range(2000):
        values = 0.3 * chance.standard_normal(count)[groups] + chance.standard_normal(len(groups))
        held.append(abs(values.mean()) <= t90(count - 1) * mean_error(values, groups))

    assert (
        0.88 <= np.mean(held) <= (0.93 if count == 20 else 0.995)
    )  # wide where two or five tell how conversations differ


def test_clusters_whose_means_agree_by_luck_have_no_certain_mean():
    values = np.array([0.0, 1.0, 0.0, 1.0])

    assert mean_error(values, np.array([0, 0, 1, 1])) == mean_error(values) > 0


def test_a_planner_with_a_safe_point_is_replayed_with_it(tmp_path):
    strange = "ξένος ζήτω ψυχή χρόνος θάλασσα {}"
    rows = [
        dict(row, query=strange.format(row["query_id"][3:])) if int(row["query_id"][3:]) % 3 == 0 else row
        for row in make_rows(90, seed=65)
    ]
    planner = pr.Planner(fitted().policy, safe_point="org/模型@v1@maj@5")
    texts = {row["query_id"]: row["query"] for row in rows}
    decisions = {key: planner.plan(text, query_id=key) for key, text in texts.items()}

    outcome = pr.replay(planner, pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)))

    by_hand = [
        row["quality"]
        for row in rows
        if (row["model"], row["budget_label"] or "default")
        == (decisions[row["query_id"]].model, decisions[row["query_id"]].budget.label)
    ]
    assert sum(decision.at_safe_point for decision in decisions.values()) >= 30
    assert outcome.quality == pytest.approx(np.mean(by_hand))
    assert outcome.calls["org/模型@v1@maj@5"] >= 30


@pytest.mark.parametrize("chance", [1e-9, 1e-3])
def test_a_run_with_a_tiny_propensity_decides_no_estimate_and_is_asked_about(tmp_path, chance):
    rows = one_each(make_rows(400, seed=66), uniform, seed=4)
    other = pr.Planner(fitted().policy.solve(pr.MaxCost(usd=0.0006)))
    sound = replayed(tmp_path / "sound.jsonl", rows, against=other)
    called = pr.Planner(fitted().policy)
    k = next(
        i for i, row in enumerate(rows) if called.plan(row["query"], query_id=row["query_id"]).model == row["model"]
    )

    tiny = replayed(
        tmp_path / "tiny.jsonl",
        [dict(row, propensity=chance) if i == k else row for i, row in enumerate(rows)],
        against=other,
    )

    assert (tiny.status, tiny.quality_low, tiny.cost_usd_high) == ("unsupported", None, None)
    assert tiny.quality == pytest.approx(sound.quality, abs=0.15)
    assert tiny.cost_usd == pytest.approx(sound.cost_usd, rel=0.3)
    assert tiny.against.quality == pytest.approx(sound.against.quality, abs=0.15)
    assert tiny.against.quality_low is None
    assert any(f"of query {rows[k]['query_id']!r}, has the propensity {chance:g}" in text for text in tiny.notices)
    assert not any("has the propensity" in text for text in sound.notices)
