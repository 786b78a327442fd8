"""Limits of a call leave out the points that break them; where none keeps them, the nearest is called."""

import dataclasses

import numpy as np

import paretoroute as pr
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, mask, same, with_surface
from tests.planner_cases import fitted


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
    without = with_surface(
        policy, lambda text, labels: dataclasses.replace(policy.surface.at_text(text), latency_s=unknown)
    )

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
