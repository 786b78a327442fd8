"""The planner decides each query by itself, keeps hard limits for certain, and does what the solver counted on."""

import dataclasses
import json
import math
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.calibration import outcomes
from paretoroute.errors import DialectError
from paretoroute.grid import cost_usd
from paretoroute.solver.argmax import choose
from paretoroute.surface.surface import Amounts
from tests.planner.asking import EASY_QUERY, HARD_QUERY, mask, same
from tests.planner_cases import EASY, HARD, blind, fitted, make_rows, text_of, write_rows

QUERIES = (EASY_QUERY, HARD_QUERY, "пожалуйста, докажите теорему", "", "apple", "x" * 5000)


def with_split(policy: pr.Policy, split: float) -> pr.Policy:
    solution = policy.document.solution.model_copy(update={"split": split})
    return dataclasses.replace(policy, document=policy.document.model_copy(update={"solution": solution}))


def with_surface(policy: pr.Policy, at_text) -> pr.Policy:
    """Put other forecasts in the place of the surface's."""
    kept = policy.surface
    stub = types.SimpleNamespace(
        at_text=at_text, flattened=kept.flattened, amount=kept.amount, bounds=kept.bounds, featurizer=kept.featurizer
    )
    return dataclasses.replace(policy, surface=stub)


def test_a_plan_depends_on_its_own_query_alone_and_not_on_order_or_batch():
    planner = pr.Planner(fitted().policy)
    ids = [f"id-{i}" for i in range(len(QUERIES))]

    alone = [same(planner.plan(text, query_id=key)) for text, key in zip(QUERIES, ids, strict=True)]
    batch = [same(decision) for decision in planner.plan_batch(QUERIES, query_ids=ids)]
    backwards = [same(decision) for decision in planner.plan_batch(QUERIES[::-1], query_ids=ids[::-1])]
    loaded = pr.Planner.load(fitted().policy_path)
    fresh = [same(loaded.plan(text, query_id=key)) for text, key in zip(QUERIES, ids, strict=True)]

    assert batch == alone
    assert backwards[::-1] == alone
    assert fresh == alone


@given(st.text(max_size=200), st.text(max_size=20))
@settings(max_examples=40)
def test_any_text_and_id_can_be_planned_twice_with_the_same_answer(text, query_id):
    planner = pr.Planner(fitted().policy)

    first = planner.plan(text, query_id=query_id)

    assert same(planner.plan(text, query_id=query_id)) == same(first)
    assert 0 <= first.expected_quality <= 1
    assert first.expected_cost_usd > 0
    assert first.point.name not in first.fallbacks
    json.dumps(first.to_row(), allow_nan=False)


def test_decisions_have_ids_of_their_own():
    planner = pr.Planner(fitted().policy)

    assert len({planner.plan(EASY_QUERY).id for _ in range(100)}) == 100


def test_the_decision_names_the_file_that_decided():
    planner = pr.Planner.load(fitted().policy_path)

    assert planner.plan(EASY_QUERY).policy_sha256 == fitted().policy.sha256 != ""


def test_money_goes_to_the_hard_queries():
    planner = pr.Planner(fitted().policy)
    rng = np.random.default_rng(0)

    easy = np.mean([planner.plan(text_of(EASY, rng)).expected_cost_usd for _ in range(40)])
    hard = np.mean([planner.plan(text_of(HARD, rng)).expected_cost_usd for _ in range(40)])

    assert easy < hard / 1.5


def test_chat_messages_are_planned_as_the_text_they_are_logged_as():
    planner = pr.Planner(fitted().policy)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": HARD_QUERY}]

    decision = planner.plan(messages, query_id="a")

    assert same(decision) == same(planner.plan(f"system: Be brief.\nuser: {HARD_QUERY}", query_id="a"))


def test_the_coin_follows_the_id_and_never_the_text():
    planner = pr.Planner(blind().policy)
    by_id = {key: planner.plan(EASY_QUERY, query_id=key).point for key in map(str, range(50))}

    assert len(set(by_id.values())) == 2
    for key, point in by_id.items():
        assert planner.plan("please say which comes next: melon grape", query_id=key).point == point


def test_the_coin_takes_the_costlier_side_as_often_as_split_says():
    planner = pr.Planner(blind().policy)
    split = blind().policy.document.solution.split
    decisions = [planner.plan(EASY_QUERY, query_id=f"coin-{i}") for i in range(4000)]
    cost = {decision.point.name: decision.expected_cost_usd for decision in decisions}
    costlier = max(cost, key=cost.__getitem__)

    share = sum(decision.point.name == costlier for decision in decisions) / 4000

    assert 0.05 < split < 0.95
    assert share == pytest.approx(split, abs=4 * math.sqrt(split * (1 - split) / 4000))
    assert {d.propensity for d in decisions if d.point.name == costlier} == {split}
    assert {d.propensity for d in decisions if d.point.name != costlier} == {1 - split}


def test_without_an_id_the_planner_tosses_its_own_coin_which_a_seed_repeats():
    first, again, other = (pr.Planner(blind().policy, seed=seed) for seed in (1, 1, 2))

    tosses = [[planner.plan(EASY_QUERY).point.name for _ in range(200)] for planner in (first, again, other)]

    assert tosses[0] == tosses[1] != tosses[2]
    assert len(set(tosses[0])) == 2


def test_the_coin_of_another_policy_falls_differently():
    document = blind().policy.document.model_copy(update={"coin_seed": "00ff"})
    other = dataclasses.replace(blind().policy, document=document)
    planners = [pr.Planner(policy) for policy in (blind().policy, other)]

    one, two = ([planner.plan(EASY_QUERY, query_id=str(i)).point for i in range(100)] for planner in planners)

    assert one != two


def test_a_choice_without_a_tie_is_certain():
    assert pr.Planner(fitted().policy).plan(EASY_QUERY, query_id="a").propensity == 1.0


@pytest.mark.parametrize("case", [fitted, blind], ids=["fitted", "blind"])
def test_on_the_traffic_the_planner_chooses_as_the_solver_and_meets_the_target_in_expectation(case):
    policy = case().policy
    known = outcomes.logged_outcomes(policy.traffic, policy.grid)
    traffic, solution = policy.traffic, policy.document.solution
    unknown = np.full(len(policy.grid.points), np.nan)

    def at_text(text: str) -> Amounts:
        rows = (traffic.quality, traffic.amount, traffic.prompt_tokens)
        quality, amount, prompt = (values[int(text)].astype(np.float64) for values in rows)
        return Amounts(quality, unknown, amount, prompt, unknown)

    low, high = choose(known.forecast.quality, known.forecast.cost_usd, solution.quality_per_usd)
    sides = {}
    for split, columns in ((0.0, low), (1.0, high)):
        planner = pr.Planner(with_surface(with_split(policy, split), at_text))
        decisions = [planner.plan(str(i)) for i in range(len(low))]
        assert [decision.point for decision in decisions] == [policy.grid.points[j] for j in columns]
        sides[split] = np.mean([decision.expected_cost_usd for decision in decisions])

    expected = (1 - solution.split) * sides[0.0] + solution.split * sides[1.0]
    assert solution.status == "met"
    assert expected == pytest.approx(policy.document.expected.cost_usd, rel=1e-9)
    assert 0.95 * 0.002 <= expected <= 0.002 * (1 + 1e-9)  # one query more at the dearest point is 2.3% of the target


def test_expected_figures_are_the_calibrated_forecasts():
    policy = fitted().policy
    decision = pr.Planner(policy).plan(HARD_QUERY)
    amounts = policy.surface.at_text(HARD_QUERY)
    column = policy.grid.points.index(decision.point)
    solution = policy.document.solution

    cost = cost_usd(amounts.amount, amounts.prompt_tokens, policy.grid)[column]
    assert decision.expected_cost_usd == pytest.approx(cost * solution.cost_ratio, rel=1e-12)
    shifted = np.clip(amounts.quality[column] + solution.quality_shift, 0, 1)
    assert decision.expected_quality == pytest.approx(shifted, rel=1e-12)
    assert decision.runner_up is not None
    assert decision.runner_up.point == decision.fallbacks[0]


def test_another_price_moves_the_choice_between_the_best_and_the_cheapest_point():
    planner = pr.Planner(fitted().policy)
    quality, cost = (
        {name: planner.plan(HARD_QUERY, callable=mask(name)) for name in planner.policy.grid.names},
        {name: planner.plan(HARD_QUERY, callable=mask(name)).expected_cost_usd for name in planner.policy.grid.names},
    )

    best = planner.plan(HARD_QUERY, price=0.0)
    cheapest = planner.plan(HARD_QUERY, price=1e9)

    assert best.expected_quality == max(decision.expected_quality for decision in quality.values())
    assert cheapest.expected_cost_usd == min(cost.values())


def test_a_least_quality_is_kept_and_an_impossible_one_gives_the_best_point():
    planner = pr.Planner(fitted().policy)
    free = planner.plan(HARD_QUERY, price=1e9)

    lifted = planner.plan(HARD_QUERY, price=1e9, min_quality=0.7)
    impossible = planner.plan(HARD_QUERY, min_quality=1.0)

    assert free.expected_quality < 0.7 <= lifted.expected_quality
    assert impossible.status == "infeasible"
    assert impossible.expected_quality == planner.plan(HARD_QUERY, price=0.0).expected_quality


def test_a_latency_limit_is_kept_and_drops_points_without_a_latency():
    planner = pr.Planner(fitted().policy)

    for limit in (2.0, 15.0, 100.0):
        decision = planner.plan(HARD_QUERY, price=0.0, max_latency_s=limit)
        assert decision.expected_latency_s is not None and decision.expected_latency_s <= limit


def test_points_without_a_latency_cannot_keep_a_limit_on_it():
    policy = fitted().policy
    unknown = np.full(len(policy.grid.points), np.nan)
    without = with_surface(policy, lambda text: dataclasses.replace(policy.surface.at_text(text), latency_s=unknown))

    decision = pr.Planner(without).plan(HARD_QUERY, max_latency_s=100.0)

    assert decision.status == "infeasible"
    assert decision.expected_latency_s is None
    assert decision.point == pr.Planner(policy).plan(HARD_QUERY).point


def test_an_impossible_latency_gives_the_fastest_point_for_this_query():
    planner = pr.Planner(fitted().policy)

    decision = planner.plan(HARD_QUERY, max_latency_s=0.001)

    latency = fitted().policy.surface.at_text(HARD_QUERY).latency_s
    assert decision.status == "infeasible"
    assert decision.expected_latency_s == np.nanmin(latency)


def test_only_the_models_that_are_named_are_called():
    planner = pr.Planner(fitted().policy)

    for name in planner.policy.grid.models:
        decision = planner.plan(HARD_QUERY, models=[name])
        assert decision.model == name
        assert all(other.startswith(f"{name}@") for other in decision.fallbacks)


def test_a_point_that_is_out_is_neither_called_nor_fallen_back_to():
    planner = pr.Planner(fitted().policy)
    first = planner.plan(HARD_QUERY)

    second = planner.plan(HARD_QUERY, callable=~mask(first.point.name))

    assert second.point.name == first.fallbacks[0]
    assert first.point.name not in second.fallbacks


def test_a_plan_never_depends_on_the_tag():
    planner = pr.Planner(fitted().policy)

    assert same(planner.plan(EASY_QUERY, tag="hard")) == same(planner.plan(EASY_QUERY))


@pytest.mark.parametrize("text", ["これはまったく別の言語で書かれた質問です", "zq!x 0x7f %%% ~~ jjjj wvwv", "😀" * 50])
def test_a_query_unlike_the_log_is_unfamiliar(text):
    assert pr.Planner(fitted().policy).plan(text).status == "unfamiliar"


def test_logged_queries_are_familiar():
    planner = pr.Planner(fitted().policy)

    statuses = [planner.plan(text).status for text in fitted().runs.texts]

    assert statuses.count("met") >= 0.95 * len(statuses)


@pytest.mark.parametrize("query", [None, "", " \n\t", []])
def test_nothing_to_read_falls_back_to_the_prompt_blind_means(query):
    policy = fitted().policy
    decision = pr.Planner(policy).plan(query, query_id="a")

    flat = policy.surface.flattened()
    assert decision.status == "fallback"
    column = policy.grid.points.index(decision.point)
    assert decision.expected_quality == pytest.approx(flat.quality[column] + policy.document.solution.quality_shift)


def test_loading_for_a_dialect_names_every_point_that_it_cannot_express():
    with pytest.raises(DialectError) as caught:
        pr.Planner.load(fitted().policy_path, dialect="openai")

    assert "'thinker@2000'" in str(caught.value)
    assert "'thinker@8000'" in str(caught.value)
    assert "small" not in str(caught.value)
    pr.Planner.load(fitted().policy_path, dialect="litellm")


def test_request_arguments_make_exactly_the_point_that_was_planned():
    planner = pr.Planner(fitted().policy)

    voted = planner.plan(EASY_QUERY, callable=mask("org/模型@v1@maj@5"))
    plain = planner.plan(EASY_QUERY, callable=mask("small@default"))

    assert voted.output_cap_tokens is not None
    assert voted.request_kwargs("openai") == {
        "model": "org/模型@v1",
        "n": 5,
        "max_completion_tokens": voted.output_cap_tokens // 5,
    }
    assert plain.request_kwargs("litellm") == {"model": "small", "max_tokens": plain.output_cap_tokens}


def test_rows_of_decisions_are_read_back_as_runs_once_the_outcome_is_known(tmp_path):
    planner = pr.Planner(blind().policy)
    decisions = {
        f"id-{i}": planner.plan(row["query"], query_id=f"id-{i}") for i, row in enumerate(make_rows(12, seed=1)[::5])
    }
    rows = [
        {**decision.to_row(), "query": f"text {key}", "quality": 1.0, "cost_usd": 0.001}
        for key, decision in decisions.items()
    ]

    runs = pr.read_runs(write_rows(tmp_path / "runs.jsonl", rows))

    assert runs.set_aside_count == 0
    assert runs.query_ids == tuple(sorted(decisions))
    for i, (query, point) in enumerate(zip(runs.query, runs.point, strict=True)):
        decision = decisions[runs.query_ids[query]]
        assert runs.points[point] == decision.point
        assert runs.propensity[i] == decision.propensity
