"""Exploring keeps the limits on the population, in expectation on the logged queries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paretoroute.limits import MaxCostOf, MaxMeanLatency, MaxShare, MinQualityOf
from paretoroute.planner import exploration, exploration_preview
from paretoroute.planner.exploration import Explorer
from paretoroute.planner.planner import Planner
from tests.planner.test_exploration import POINTS, call_of, tagged
from tests.planner_cases import fitted

unit = st.floats(0, 1)


def explorer_with(room: float, limit, share: float = 0.5) -> Explorer:
    explorer = Explorer(fitted().policy, share)
    explorer._rooms = [exploration._Room(limit, room)]
    return explorer


@given(
    quality=arrays(float, POINTS, elements=unit),
    cost=arrays(float, POINTS, elements=st.floats(0, 0.1)),
    latency=arrays(float, POINTS, elements=st.floats(0.1, 60) | st.just(math.nan)),
    own=arrays(float, POINTS, elements=unit).filter(lambda some: some.sum() > 0.1),
    room=st.floats(0, 0.2),
    limit=st.sampled_from(
        [
            MaxShare(0.2, (1, 2)),
            MaxMeanLatency(5.0),
            MaxCostOf(0.01, "a"),
            MinQualityOf(0.5, "a"),
            MinQualityOf(0.5, "b"),
        ]
    ),
)
@settings(max_examples=200)
def test_exploring_adds_at_most_the_room_to_a_limited_figure(quality, cost, latency, own, room, limit):
    own = np.where(own < 0.3, 0.0, own) if (own >= 0.3).any() else np.eye(POINTS)[0]
    own = own / own.sum()
    call = call_of(quality=quality, cost_usd=cost, latency_s=latency, own=own, labels={"tag": "a"})

    explored = explorer_with(room, limit).explore(call).probability

    total = explored.sum()
    assert (explored >= 0).all()
    assert total <= 0.5 + 1e-12
    assert explored[own > 0].tolist() == [0] * int((own > 0).sum())
    if isinstance(limit, MinQualityOf) and limit.of == "b":  # not of this query
        assert total == pytest.approx(0.5 if call.others.any() else 0)
        return
    figures = {MaxMeanLatency: np.nan_to_num(latency, nan=1e6), MaxCostOf: cost, MinQualityOf: -quality}
    figure = figures.get(type(limit), np.isin(np.arange(POINTS), [1, 2]).astype(float))
    if np.isnan(latency[own > 0]).any() and isinstance(limit, MaxMeanLatency):
        return  # the policy's own latency is unknown, so that nothing is added to it
    change = explored @ figure - total * (own @ figure)
    assert change <= room + 1e-9


@pytest.mark.parametrize(
    "limit",
    [
        MaxShare(0.1, "thinker@8000"),
        MaxShare(0.02, "thinker"),
        MaxCostOf(0.0005, "hard"),
        MinQualityOf(0.9, "easy"),
        MaxMeanLatency(9.0),
    ],
    ids=str,
)
def test_limits_on_the_population_are_kept_in_expectation_on_the_logged_queries(limit):
    policy = tagged().solve(limits=[limit])
    assert policy.document.solution.status != "infeasible"
    planner = Planner(policy, explore=0.3)
    rows = np.arange(len(policy.outcomes.quality))
    before, after = [], []
    for call in exploration_preview._sample_calls(policy, planner.rule, rows):
        if getattr(limit, "of", None) in ("hard", "easy") and call.labels.get("tag") != limit.of:
            continue
        figure = {
            MaxCostOf: call.cost_usd,
            MinQualityOf: -call.quality,
            MaxMeanLatency: np.nan_to_num(call.latency_s),
        }.get(type(limit), np.isin(np.arange(POINTS), _columns(limit, policy)).astype(float))
        explored = planner._explorer.explore(call).probability
        before.append(call.own @ figure)
        after.append((1 - explored.sum()) * call.own @ figure + explored @ figure)
    entry = next(one for one in policy.document.solution.limits if one.limit == str(limit))
    room = exploration._room(limit, entry.used)

    assert np.mean(after) <= np.mean(before) + room + 1e-9
    assert np.mean(after) != pytest.approx(np.mean(before), abs=1e-9) or planner.preview_exploration().held_by


def _columns(limit, policy) -> list[int]:
    names = [(point.model, point.name) for point in policy.grid.points]
    return [j for j, pair in enumerate(names) if isinstance(limit, MaxShare) and limit.of in pair]


def test_without_a_limit_exploring_would_break_it():
    """The limit of the case before binds: uniform exploring goes beyond it."""
    limit = MaxShare(0.02, "thinker")
    policy = tagged().solve(limits=[limit])
    planner = Planner(policy, explore=0.3)
    columns = _columns(limit, policy)
    share = 0.0
    for call in exploration_preview._sample_calls(policy, planner.rule, np.arange(100)):
        wanted = 0.3 * planner._explorer.distribution(call)
        share += ((1 - 0.3) * call.own[columns].sum() + wanted[columns].sum()) / 100

    assert share > 0.03
