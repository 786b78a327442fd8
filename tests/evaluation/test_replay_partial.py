"""Replays of logs that hold a part of the cells, against what the full log gives, and of two policies together."""

import math

import numpy as np
import pytest

import paretoroute as pr
from tests.evaluation.test_replay import counted, some_of
from tests.planner_cases import fitted, make_rows, write_rows


def one_each(rows: list[dict], chance, *, seed: int, column: bool = True) -> list[dict]:
    """Keep one row per query, drawn with the chances that ``chance(text)`` returns for its points."""
    rng, kept = np.random.default_rng(seed), []
    for start in range(0, len(rows), 5):
        own = rows[start : start + 5]
        chances = chance(own[0]["query"])
        j = int(rng.choice(5, p=chances))
        kept.append(dict(own[j], propensity=chances[j]) if column else own[j])
    return kept


def uniform(text: str) -> list[float]:
    return [0.2] * 5


def by_text(text: str) -> list[float]:
    """Send easy queries to the dear point and hard ones to the cheap one, four times in five."""
    favourite = 0 if "theorem" in text or "lemma" in text or "integral" in text or "manifold" in text else 2
    return [0.8 if j == favourite else 0.05 for j in range(5)]


def replayed(path, rows: list[dict], **options) -> pr.Replay:
    return pr.replay(pr.Planner(fitted().policy), pr.read_runs(write_rows(path, rows)), **options)


@pytest.mark.parametrize("logger", [uniform, by_text])
@pytest.mark.parametrize("column", [True, False], ids=["logged propensities", "none"])
def test_a_partial_log_gives_the_figures_of_the_full_one_within_its_interval(tmp_path, logger, column):
    rows = make_rows(600, seed=41)
    truth = replayed(tmp_path / "full.jsonl", rows)

    partial = replayed(tmp_path / "part.jsonl", one_each(rows, logger, seed=2, column=column))

    assert partial.status == ("few" if logger is by_text else "supported")
    assert partial.evidence.propensities == ("logged" if column else "estimated" if logger is by_text else "marginal")
    assert partial.evidence.looks == (logger is by_text)
    assert partial.evidence.alarm is None
    assert partial.quality_low < truth.quality < partial.quality_high
    assert partial.cost_usd_low < truth.cost_usd < partial.cost_usd_high
    for name, point in partial.points.items():
        assert abs(point.quality - truth.points[name].quality) < 0.13


def test_matched_rows_and_snips_stand_beside_the_estimate(tmp_path):
    rows = one_each(make_rows(300, seed=42), uniform, seed=3)
    planner = pr.Planner(fitted().policy)

    outcome = replayed(tmp_path / "part.jsonl", rows)

    by_hand = counted(planner, rows)
    assert outcome.checks.matched_quality == pytest.approx(by_hand["quality"])
    assert outcome.checks.snips_quality == pytest.approx(by_hand["quality"])  # all weights are equal
    assert outcome.checks.matched_queries == outcome.effective_queries == by_hand["effective_queries"]
    assert outcome.evidence.largest_weight == pytest.approx(5)
    assert outcome.evidence.mean_weight == pytest.approx(5 * by_hand["effective_queries"] / 300)
    assert outcome.logging.quality == pytest.approx(np.mean([row["quality"] for row in rows]))


def test_too_few_matches_leave_an_estimate_without_an_interval_and_tell_what_is_needed(tmp_path):
    rows = one_each(make_rows(40, seed=43), uniform, seed=4)

    outcome = replayed(tmp_path / "part.jsonl", rows)

    assert (outcome.status, outcome.quality_low, outcome.cost_usd_high) == ("unsupported", None, None)
    assert 0 <= outcome.quality <= 1
    assert 90 <= outcome.needed_queries <= 250


def test_wrong_propensities_raise_the_alarm(tmp_path):
    rows = one_each(make_rows(500, seed=44), by_text, seed=5)
    wrong = [dict(row, propensity=min(row["propensity"] * 1.3, 1.0)) for row in rows]

    outcome = replayed(tmp_path / "part.jsonl", wrong)

    assert outcome.evidence.alarm.startswith("the logged propensities do not fit the log: the mean of ")
    assert replayed(tmp_path / "right.jsonl", rows).evidence.alarm is None


def test_calls_at_points_that_the_log_lacks_do_not_count_and_a_notice_names_them(tmp_path):
    rows = [row for row in make_rows(60, seed=9) if row["model"] != "metered"]

    outcome = replayed(tmp_path / "runs.jsonl", rows)

    assert outcome.effective_queries == 60 - outcome.calls["metered@default"]
    assert outcome.evidence.supported_share == pytest.approx(outcome.effective_queries / 60)
    assert outcome.notices[0].endswith("without a run in the log and do not count: metered@default")


def test_on_the_runs_of_the_fit_out_of_fold_forecasts_decide(tmp_path):
    policy = fitted().policy

    outcome = pr.replay(pr.Planner(policy), fitted().runs)

    assert outcome.seen
    assert "its choices are made with out-of-fold forecasts, on 200 of 200 queries" in outcome.notices[0]
    expected = policy.document.expected
    assert expected.quality - 1e-6 <= outcome.quality <= expected.quality_high  # a promise leaves out some luck
    assert outcome.cost_usd == pytest.approx(policy.document.expected.cost_usd, rel=1e-5)


def test_a_policy_of_the_same_name_as_the_fits_log_is_no_reason_to_trust_a_changed_one(tmp_path):
    rows = [dict(row, quality=1 - row["quality"]) for row in make_rows(200, seed=7)]

    assert not replayed(tmp_path / "changed.jsonl", rows).seen


@pytest.mark.parametrize("partial", [False, True], ids=["full", "partial"])
def test_two_policies_are_compared_on_the_same_queries(tmp_path, partial):
    rows = make_rows(600, seed=45)
    log = one_each(rows, uniform, seed=6) if partial else rows
    other = pr.Planner(fitted().policy.solve(pr.MaxCost(usd=0.0006)))
    full = pr.read_runs(write_rows(tmp_path / "full.jsonl", rows))
    mine, theirs = pr.replay(pr.Planner(fitted().policy), full), pr.replay(other, full)

    outcome = replayed(tmp_path / "runs.jsonl", log, against=other)

    difference = outcome.against
    assert difference.quality_low < mine.quality - theirs.quality < difference.quality_high
    assert difference.cost_usd_low < mine.cost_usd - theirs.cost_usd < difference.cost_usd_high
    assert difference.quality == pytest.approx(
        outcome.quality - difference.other.quality, abs=0.01 if partial else 1e-9
    )
    if not partial:
        apart = math.hypot(mine.quality_high - mine.quality, theirs.quality_high - theirs.quality)
        assert difference.quality_high - difference.quality < apart  # the pairing takes out what both share


def test_a_policy_compared_with_itself_differs_by_nothing(tmp_path):
    rows = one_each(make_rows(200, seed=46), by_text, seed=7)

    difference = replayed(tmp_path / "runs.jsonl", rows, against=pr.Planner(fitted().policy)).against

    assert (difference.quality, difference.quality_low, difference.quality_high) == (0, 0, 0)
    assert (difference.cost_usd, difference.differing_share, difference.effective_queries) == (0, 0, 200)


def test_turns_of_a_conversation_widen_the_interval(tmp_path):
    rows = make_rows(300, seed=47)
    first = {row["query_id"]: row["query"] for row in rows}
    together = [
        dict(row, conversation=f"c{int(row['query_id'][3:]) % 2}-{int(row['query_id'][3:]) // 20}") for row in rows
    ]
    assert len(first) == 300

    single, clustered = replayed(tmp_path / "a.jsonl", rows), replayed(tmp_path / "b.jsonl", together)

    assert (single.evidence.clusters, clustered.evidence.clusters) == (None, 30)
    assert clustered.quality == pytest.approx(single.quality)
    assert clustered.quality_high - clustered.quality_low > single.quality_high - single.quality_low


def test_a_notice_counts_the_queries_that_were_in_the_fit(tmp_path):
    old = [row for row in make_rows(200, seed=7) if int(row["query_id"][3:]) < 30]
    new = [dict(row, query_id=f"new-{row['query_id']}") for row in make_rows(60, seed=48)]

    outcome = replayed(tmp_path / "runs.jsonl", old + new)

    assert not outcome.seen
    assert outcome.notices[0].startswith("30 of 90 queries, or copies of them, were in the fit")


def test_a_planner_that_explores_is_judged_without_exploring(tmp_path):
    log = pr.read_runs(write_rows(tmp_path / "runs.jsonl", make_rows(40, seed=49)))

    explores, does_not = (pr.Planner(fitted().policy, explore=share) for share in (0.5, 0.0))

    assert pr.replay(explores, log) == pr.replay(does_not, log)


def test_a_log_of_the_policys_own_calls_supports_it_and_no_single_point(tmp_path):
    planner = pr.Planner(fitted().policy)
    rows = make_rows(400, seed=50)
    called = []
    for start in range(0, len(rows), 5):
        decision = planner.plan(rows[start]["query"], query_id=rows[start]["query_id"])
        own = next(
            row
            for row in rows[start : start + 5]
            if (row["model"], row["budget_label"] or "default") == (decision.model, decision.budget.label)
        )
        called.append(dict(own, propensity=decision.propensity))
    truth = replayed(tmp_path / "full.jsonl", rows)

    outcome = replayed(tmp_path / "runs.jsonl", called)

    assert (outcome.status, outcome.evidence.alarm) == ("supported", None)
    assert outcome.quality == pytest.approx(truth.quality, abs=0.02)
    assert {point.quality_low for point in outcome.points.values()} == {None}
    assert outcome.logging.quality == pytest.approx(truth.quality, abs=1e-9)


def test_a_policy_whose_calls_had_no_chance_in_the_log_is_unsupported(tmp_path):
    def opposite(text: str) -> list[float]:
        return [0.0, 0.0, float("theorem" not in text), float("theorem" in text), 0.0]

    rows = one_each(make_rows(400, seed=51), opposite, seed=1)

    outcome = replayed(tmp_path / "runs.jsonl", rows)

    assert (outcome.status, outcome.quality_low, outcome.needed_queries) == ("unsupported", None, None)
    assert outcome.evidence.alarm is not None


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_queries_of_one_conversation_give_no_interval(tmp_path, share):
    rows = [dict(row, conversation="c") for row in some_of(make_rows(80, seed=3), share, seed=4)]
    planner = pr.Planner(fitted().policy)

    outcome = pr.replay(planner, pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows)), against=planner)

    assert (outcome.status, outcome.quality_low, outcome.cost_usd_high) == ("unsupported", None, None)
    assert outcome.logging is None or outcome.logging.quality_low is None
    assert outcome.against.quality_low is None
    assert math.isfinite(outcome.quality)
