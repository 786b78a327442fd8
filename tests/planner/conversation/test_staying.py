"""A call stays with the previous model where that is worth it at the policy's price, and the target is kept."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import paretoroute as pr
from paretoroute.errors import GridError, TargetError
from paretoroute.grid import Budget, Grid, Point
from paretoroute.planner.conversation.staying import CallSet, Stay, stay_of
from paretoroute.planner.request import shared_request
from paretoroute.price import Price
from paretoroute.solver.argmax import scored
from paretoroute.solver.rules import PointProbability, PriceRule
from tests.planner.decisions import EASY_QUERY, HARD_QUERY, QUERIES, mask, same
from tests.planner_cases import fitted, no_signal

POINTS = tuple(Point(model, Budget("effort", label)) for model in ("a", "b") for label in ("low", "high"))
GRID = Grid(POINTS, {"a": Price(2.0, 8.0, 0.2), "b": Price(1.0, 4.0)})
TARGETS = (pr.MaxCost(usd=0.01), pr.MinQuality(0.5), pr.BestTrade(usd_per_quality=0.1))
unit = st.floats(0, 1)


def figures(quality, cost) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([quality]), np.array([cost]), np.zeros((1, len(quality)))


@given(
    quality=arrays(float, 4, elements=unit),
    cost=arrays(float, 4, elements=unit),
    saving=unit,
    margin=unit,
    price=st.floats(0, 5),
    callable=arrays(bool, 4),
    column=st.sampled_from([None, 0, 1]),
    target=st.sampled_from(TARGETS),
)
@settings(max_examples=300)
def test_staying_keeps_the_target_and_loses_at_most_the_margin_and_is_the_best_that_does(
    quality, cost, saving, margin, price, callable, column, target
):
    if not callable.any():
        return
    members, rule = np.array([True, True, False, False]), PriceRule(price, 0.5)
    less = np.where(members, np.maximum(cost - saving, 0.0), cost)
    full, saved = figures(quality, cost), figures(quality, less)
    own = rule.distributions(*full, labels={}, callable=callable[None])
    stay = Stay(column=column, members=members, margin=margin)
    calls = CallSet(rule=rule, target=target, labels={}, callable=callable[None], figures=full)

    (kept,) = stay.kept(own, calls, discounted=saved)

    assert sum(one.probability for one in kept) == pytest.approx(1.0)
    assert len({one.point for one in kept}) == len(kept)
    worth = quality - price * less
    bonus = np.where(np.arange(4) == column, margin, 0.0)
    for probability, point in own[0]:
        (after,) = stay.kept([[PointProbability(1.0, point)]], calls, discounted=saved)[0]
        j = after.point
        assert sum(p for p, k in kept if k == j) >= probability - 1e-12
        assert callable[j] and (j == point or members[j])
        assert worth[j] >= worth[point] - margin - 1e-12
        if isinstance(target, pr.MaxCost):
            assert less[j] <= cost[point]
        if isinstance(target, pr.MinQuality):
            assert quality[j] >= quality[point]
        allowed = callable & members
        if isinstance(target, pr.MaxCost):
            allowed &= less <= cost[point]
        if isinstance(target, pr.MinQuality):
            allowed &= quality >= quality[point]
        allowed[point] = True
        assert (worth + bonus)[j] == pytest.approx((worth + bonus)[allowed].max())


def test_a_change_that_is_worth_less_than_the_cache_is_not_made():
    rule = PriceRule(10.0, 0.0)  # a point of quality is worth $0.001
    full = figures([0.80, 0.5, 0.80, 0.5], [0.011, 0.02, 0.0105, 0.02])
    calls = CallSet(rule=rule, target=TARGETS[0], labels={}, callable=np.ones((1, 4), bool), figures=full)
    own = rule.distributions(*full, labels={}, callable=calls.callable)

    chosen = {}
    for tokens in (0, 100, 400):
        stay = stay_of("a@low", GRID, cached_tokens=tokens)
        assert stay is not None
        saved = stay.saved_usd(np.full((1, 4), 5000.0), 1.0)
        less = (full[0], full[1] - saved, full[2])
        chosen[tokens] = stay.kept(own, calls, discounted=less)[0][0].point

    assert own[0][0].point == 2
    assert chosen == {0: 2, 100: 2, 400: 0}  # 100 tokens save $0.00018, 400 save $0.00072


def test_the_saving_is_the_cached_tokens_at_the_difference_of_the_prices_and_never_more_than_the_prompt():
    stay = stay_of("a@high", GRID, cached_tokens=1000)
    assert stay is not None

    saved = stay.saved_usd(np.array([[5000.0, 1000.0, 5000.0, np.nan], [50.0, np.nan, 5.0, 5.0]]), 1.0)

    np.testing.assert_allclose(saved, [[0.0018, 0.0018, 0, 0], [0, 0, 0, 0]], atol=1e-15)
    half = stay_of("a@high", GRID, cached_tokens=1000, cached_price_ratio=0.5)
    assert half is not None
    np.testing.assert_allclose(half.saved_usd(np.array([[800.0] * 4]), 1.0)[0], [0.0006, 0.0006, 0, 0])


def test_the_decision_states_the_cost_with_the_saving():
    planner, previous = pr.Planner(fitted().policy), "thinker@8000"
    alone = planner.plan(HARD_QUERY, callable=mask(previous))

    stays = planner.plan(
        HARD_QUERY, callable=mask(previous), previous=previous, cached_tokens=30, cached_price_ratio=0.1
    )

    price = fitted().policy.grid.prices["thinker"].input_usd_per_mtok / 1e6
    assert stays.expected_cost_usd == pytest.approx(alone.expected_cost_usd - 30 * 0.9 * price, rel=1e-9)
    assert stays.expected_quality == alone.expected_quality
    assert stays.most_cost_usd == alone.most_cost_usd  # a cache is not certain
    assert not stays.stays  # the policy alone calls it too


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("previous", fitted().policy.grid.names)
def test_without_a_saving_and_a_margin_the_previous_call_changes_nothing(query, previous):
    planner = pr.Planner(fitted().policy)

    assert same(planner.plan(query, query_id="1", previous=previous)) == same(planner.plan(query, query_id="1"))


def test_a_margin_keeps_the_previous_point_and_the_reason_states_it():
    planner = pr.Planner(fitted().policy)
    own = planner.plan(HARD_QUERY)
    previous = next(name for name in own.fallbacks if _dearer(name, own) is False)

    near = planner.plan(HARD_QUERY, previous=previous, switch_margin=1.0)
    far = planner.plan(HARD_QUERY, previous=previous, switch_margin=1e-6)

    assert (near.point.name, near.stays, near.propensity) == (previous, True, 1.0)
    assert f"{previous} stays with the model of the previous call" in near.why
    assert near.expected_cost_usd <= own.expected_cost_usd  # the target is a mean cost
    assert same(far) == same(own)


def _dearer(name: str, own: pr.Decision) -> bool:
    one = pr.Planner(fitted().policy).plan(HARD_QUERY, callable=mask(name))
    return one.expected_cost_usd > own.expected_cost_usd


def test_the_mean_cost_of_a_policy_holds_with_any_margin_and_cache():
    planner, names = pr.Planner(fitted().policy), fitted().policy.grid.names
    queries = [EASY_QUERY, HARD_QUERY, *(f"{HARD_QUERY} {i}" for i in range(6))]
    own = planner.plan_batch(queries, query_ids=list("abcdefgh"))

    stays = 0
    for previous in names:
        limits = {"previous": previous, "switch_margin": 0.3}
        if previous.startswith("thinker"):
            limits |= {"cached_tokens": 60, "cached_price_ratio": 0.0}
        after = planner.plan_batch(queries, query_ids=list("abcdefgh"), **limits)
        for one, other in zip(after, own, strict=True):
            assert one.expected_cost_usd <= other.expected_cost_usd * (1 + 1e-9)
            stays += one.stays
    assert stays > 0, "the case shows nothing"


def test_tied_points_keep_their_propensities_where_a_call_stays_with_one_of_them():
    planner = pr.Planner(no_signal().policy)
    drawn = {one.point.name: one for one in (planner.plan("a", query_id=f"{i}") for i in range(40))}
    cheap = min(drawn.values(), key=lambda one: one.expected_cost_usd)
    assert len(drawn) == 2, "the case shows nothing"

    stays = [planner.plan("a", query_id=f"{i}", previous=cheap, switch_margin=0.01) for i in range(40)]

    assert {(one.point.name, one.propensity, one.stays) for one in stays} == {(cheap.point.name, 1.0, False)}


def test_exploring_counts_the_points_that_are_left_with_their_own_chances():
    planner = pr.Planner(fitted().policy, explore=0.4)
    alone = pr.Planner(fitted().policy).plan(HARD_QUERY)
    limits = {"previous": "org/模型@v1@maj@5", "switch_margin": 1.0}

    decisions = [planner.plan(HARD_QUERY, query_id=f"{i}", **limits) for i in range(400)]

    kept = [one for one in decisions if not one.explores]
    assert {(one.point.name, round(one.propensity, 6)) for one in kept} == {("org/模型@v1@maj@5", 0.6)}
    assert sum({one.point.name: one.propensity for one in decisions}.values()) == pytest.approx(1.0, abs=0.01)
    assert all(not one.stays for one in decisions if one.explores)
    assert alone.point.name != "org/模型@v1@maj@5"


def test_limits_on_the_population_are_not_exceeded_by_staying():
    limited = fitted().policy.solve(pr.MaxCost(usd=0.002), limits=[pr.MaxShare(0.2, "thinker")])
    planner = pr.Planner(limited)
    queries = [EASY_QUERY, HARD_QUERY, *(f"{HARD_QUERY} {i}" for i in range(6))]

    for i, query in enumerate(queries):
        own = planner.plan(query, query_id=f"{i}")
        stays = planner.plan(query, query_id=f"{i}", previous="thinker@2000", switch_margin=1.0)
        assert stays.model != "thinker" or own.model == "thinker"


def test_masks_and_limits_of_the_call_win_over_the_previous_point():
    planner = pr.Planner(fitted().policy)

    masked = planner.plan(HARD_QUERY, previous="small@default", switch_margin=1.0, callable=~mask("small@default"))
    floored = planner.plan(HARD_QUERY, previous="small@default", switch_margin=1.0, min_quality=0.5)

    assert masked.point.name != "small@default" and not masked.stays
    assert floored.expected_quality >= 0.5


def test_an_unfamiliar_query_goes_to_the_safe_point_from_any_previous():
    planner = pr.Planner(fitted().policy, safe_point="thinker@8000")

    decision = planner.plan(None, previous="small@default", switch_margin=1.0)

    assert (decision.point.name, decision.at_safe_point, decision.stays) == ("thinker@8000", True, False)


def test_a_previous_decision_of_another_grid_counts_by_its_model_and_not_at_all_without_one():
    planner, own = pr.Planner(fitted().policy), pr.Planner(fitted().policy).plan(HARD_QUERY)
    gone = dataclasses.replace(own, point=Point("gone", Budget()))
    other = dataclasses.replace(own, point=Point("thinker", Budget("effort", "high")))

    assert same(planner.plan(HARD_QUERY, previous=gone, switch_margin=1.0)) == same(own)
    assert stay_of(other, fitted().policy.grid, margin=0.5).column is None  # pyright: ignore[reportOptionalMemberAccess]  # it has the model
    by_model = planner.plan(HARD_QUERY, previous=other, cached_tokens=30, cached_price_ratio=0.0)
    assert by_model.expected_cost_usd < own.expected_cost_usd and by_model.model == own.model == "thinker"


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"previous": "smal@default"}, GridError, "'smal@default' is not in the grid; near: 'small@default'"),
        ({"previous": 7}, TargetError, "previous must be a decision or the name of a point, got 7"),
        ({"cached_tokens": 7}, TargetError, "cached_tokens needs the conversation's call before this one"),
        ({"switch_margin": 0.1}, TargetError, "switch_margin needs the conversation's call before this one"),
        ({"previous": "small@default", "switch_margin": 2}, TargetError, r"switch_margin must lie in \[0, 1\], got 2"),
        ({"previous": "small@default", "cached_tokens": -1}, TargetError, "cached_tokens must be a finite number"),
        ({"previous": "small@default", "cached_tokens": 9}, TargetError, "has no cached_input price of 'small'; give"),
        (
            {"previous": "small@default", "cached_tokens": 9, "cached_price_ratio": 10},
            TargetError,
            r"cached_price_ratio must lie in \[0, 1\], got 10",
        ),
        ({"previous": "metered@default", "cached_tokens": 9}, TargetError, "'metered' has no token price"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        pr.Planner(fitted().policy).plan(EASY_QUERY, **arguments)


def test_a_request_without_a_previous_call_has_no_stay():
    assert shared_request(GRID).stay is None
    assert scored(*figures([0.5], [0.1]), PriceRule(1.0, 0.0).weights({})).shape == (1, 1)
