"""The planner decides each query by itself, draws between tied points, and chooses as the solver does."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.calibration import outcomes
from paretoroute.errors import DialectError
from paretoroute.solver.argmax import choose
from paretoroute.surface.surface import Amounts
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, QUERIES, mask, same, with_surface
from tests.planner_cases import EASY, HARD, fitted, no_signal, text_of


def with_split(policy: pr.Policy, split: float) -> pr.Policy:
    solution = policy.document.solution.model_copy(update={"split": split})
    return dataclasses.replace(policy, document=policy.document.model_copy(update={"solution": solution}))


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


def test_money_goes_to_the_hard_queries():
    planner = pr.Planner(fitted().policy)
    rng = np.random.default_rng(0)

    easy = np.mean([planner.plan(text_of(EASY, rng)).expected_cost_usd for _ in range(40)])
    hard = np.mean([planner.plan(text_of(HARD, rng)).expected_cost_usd for _ in range(40)])

    assert easy < hard / 1.5


def test_the_draw_follows_the_id_and_never_the_text():
    planner = pr.Planner(no_signal().policy)
    by_id = {key: planner.plan(EASY_QUERY, query_id=key).point for key in map(str, range(50))}

    assert len(set(by_id.values())) == 2
    for key, point in by_id.items():
        assert planner.plan("please say which comes next: melon grape", query_id=key).point == point


def test_the_draw_takes_the_costlier_side_as_often_as_split_says():
    planner = pr.Planner(no_signal().policy)
    split = no_signal().policy.document.solution.split
    decisions = [planner.plan(EASY_QUERY, query_id=f"draw-{i}") for i in range(1500)]
    cost = {decision.point.name: decision.expected_cost_usd for decision in decisions}
    costlier = max(cost, key=cost.__getitem__)

    share = sum(decision.point.name == costlier for decision in decisions) / 1500

    assert 0.05 < split < 0.95
    assert share == pytest.approx(split, abs=4 * math.sqrt(split * (1 - split) / 1500))
    assert {d.propensity for d in decisions if d.point.name == costlier} == {split}
    assert {d.propensity for d in decisions if d.point.name != costlier} == {1 - split}


def test_without_an_id_the_planner_draws_at_random_and_a_seed_repeats_it():
    first, again, other = (pr.Planner(no_signal().policy, seed=seed) for seed in (1, 1, 2))

    draws = [[planner.plan(EASY_QUERY).point.name for _ in range(200)] for planner in (first, again, other)]

    assert draws[0] == draws[1] != draws[2]
    assert len(set(draws[0])) == 2


def test_another_policy_draws_differently():
    document = no_signal().policy.document.model_copy(update={"coin_seed": "00ff"})
    other = dataclasses.replace(no_signal().policy, document=document)
    planners = [pr.Planner(policy) for policy in (no_signal().policy, other)]

    one, two = ([planner.plan(EASY_QUERY, query_id=str(i)).point for i in range(100)] for planner in planners)

    assert one != two


def test_a_choice_without_a_tie_is_certain():
    assert pr.Planner(fitted().policy).plan(EASY_QUERY, query_id="a").propensity == 1.0


@pytest.mark.parametrize("case", [fitted, no_signal], ids=["fitted", "no_signal"])
def test_on_the_traffic_the_planner_chooses_as_the_solver_and_meets_the_target_in_expectation(case):
    policy = case().policy
    logged = outcomes.logged_outcomes(policy.calibration_sample, policy.grid)
    traffic, solution = policy.calibration_sample, policy.document.solution
    unknown = np.full(len(policy.grid.points), np.nan)

    def at_text(text: str, *, labels: object) -> Amounts:
        rows = (traffic.quality, traffic.amount, traffic.prompt_tokens)
        quality, amount, prompt = (values[int(text)].astype(np.float64) for values in rows)
        return Amounts(quality, unknown, amount, prompt, unknown)

    low, high = choose(logged.forecast.quality, logged.forecast.cost_usd, solution.quality_per_usd)
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


def test_loading_for_a_dialect_names_every_point_that_it_cannot_express():
    with pytest.raises(DialectError) as caught:
        pr.Planner.load(fitted().policy_path, dialect="openai")

    assert "'thinker@2000'" in str(caught.value)
    assert "'thinker@8000'" in str(caught.value)
    assert "small" not in str(caught.value)
    pr.Planner.load(fitted().policy_path, dialect="litellm")
