"""The price of exploring, as it is stated beforehand."""

import dataclasses

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.errors import TargetError
from paretoroute.limits import MaxShare
from paretoroute.planner import exploration_preview
from paretoroute.planner.planner import Planner
from tests.planner.test_exploration import tagged
from tests.planner_cases import fitted


def test_the_preview_states_cost_and_quality_of_the_calls_that_explore():
    policy = fitted().policy
    planner = Planner(policy, explore=0.2)
    outcomes = policy.outcomes

    preview = planner.preview_exploration()

    cost = quality = 0.0
    rows = np.arange(len(outcomes.quality))
    for row, call in zip(rows, exploration_preview._sample_calls(policy, planner.rule, rows), strict=True):
        explored = planner._explorer.explore(call).probability
        mixed = (1 - explored.sum()) * call.own + explored
        cost += (mixed - call.own) @ outcomes.cost_usd[row] / len(rows)
        quality += (mixed - call.own) @ outcomes.quality[row] / len(rows)
    assert preview.calls == pytest.approx(0.2)
    assert sum(preview.points.values()) == pytest.approx(0.2)
    assert (preview.cost_usd, preview.quality) == (pytest.approx(cost), pytest.approx(quality))
    assert preview.queries == 200
    assert preview.meaning.startswith("exploring 20% of the calls ")
    assert json_of(preview)["share"] == 0.2


def json_of(preview: pr.ExplorationPreview) -> dict:
    return dataclasses.asdict(preview)


def test_the_preview_names_the_limits_that_hold_exploring_back():
    policy = tagged().solve(limits=[pr.Require(("thinker",)), MaxShare(0.05, "thinker@8000")])
    preview = Planner(policy, explore=0.2).preview_exploration()

    assert preview.calls < 0.2
    assert preview.held_by == ("share of thinker@8000 at most 0.05",)
    assert "20% were asked for, and limits leave no room for more" in preview.meaning


def test_a_planner_that_does_not_explore_has_no_preview():
    with pytest.raises(TargetError, match="explore=0.05"):
        Planner(fitted().policy).preview_exploration()
