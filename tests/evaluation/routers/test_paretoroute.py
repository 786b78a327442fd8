"""The default router forecasts as its surface does, in batches, whatever the policy's own solution reads."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.routers.base import QueryBatch
from paretoroute.evaluation.routers.paretoroute import AT_ONCE, FittedPolicy
from paretoroute.evaluation.routers.plans import Single
from paretoroute.grid import forecast_cost_usd
from paretoroute.policy import solving
from tests.synthetic_log import make_runs


@pytest.fixture(scope="module")
def policy():
    return pr.fit(make_runs(queries=120))


def batch_of(texts):
    return QueryBatch(texts, (None,) * len(texts), tuple(map(str, range(len(texts)))), np.zeros((len(texts), 1)))


def test_forecasts_in_batches_are_those_of_one_query_at_a_time(policy):
    texts = (*make_runs(queries=AT_ONCE + 6, seed=1).texts, "another thing")

    found = FittedPolicy(policy, np.ones(1)).forecast(batch_of(texts))

    alone = [policy.surface.at_text(text) for text in texts]
    np.testing.assert_array_equal(found.quality, [one.quality for one in alone])
    cost = [forecast_cost_usd(one.amount, one.prompt_tokens, policy.grid) for one in alone]
    np.testing.assert_array_equal(found.cost_usd, cost)
    assert np.ptp(found.quality, axis=0).max() > 0


def test_a_blank_text_is_forecast_by_the_means_as_a_planner_does_where_none_was_trained_on(policy):
    texts = ("", " \n", make_runs(queries=1, seed=1).texts[0])

    found = FittedPolicy(policy, np.ones(1)).forecast(batch_of(texts))

    shift = policy.document.solution.quality_shift
    planner = pr.Planner(policy)
    for text, quality in zip(texts, found.quality, strict=True):
        np.testing.assert_allclose(np.clip(quality + shift, 0, 1), planner.figures(text).quality)


def test_a_solution_that_does_not_read_the_query_leaves_the_forecasts_of_others_alone(policy):
    # solved for another cost, the same surface may route
    document = policy.document
    solution = document.solution.model_copy(update={"prompt_blind": True})
    blind = replace(policy, document=document.model_copy(update={"solution": solution}))
    texts = make_runs(queries=20, seed=1).texts

    found, expected = (FittedPolicy(one, np.ones(1)).forecast(batch_of(texts)) for one in (blind, policy))

    np.testing.assert_array_equal(found.quality, expected.quality)


def test_a_solution_that_does_not_read_the_query_mixes_the_points_of_the_planner(policy, monkeypatch):
    monkeypatch.setattr(solving, "_better", lambda context_free, routed: True)
    texts, usd = make_runs(queries=300, seed=1).texts, 0.002
    solved = policy.solve(pr.MaxCost(usd=usd))
    assert solved.document.solution.prompt_blind and 0 < solved.document.solution.split < 1

    mixture = FittedPolicy(policy, np.ones(1)).within(usd).plan(batch_of(texts))

    shares = np.zeros(len(policy.grid.points))
    for part, weight in zip(mixture.parts, mixture.weights, strict=True):
        assert isinstance(part, Single)
        np.add.at(shares, part.choice, weight / len(texts))
    planned = Counter(
        decision.point for decision in pr.Planner(solved).plan_batch(texts, query_ids=[*map(str, range(300))])
    )
    assert np.count_nonzero(shares) == 2
    for point, share in zip(policy.grid.points, shares, strict=True):
        assert abs(planned[point] / len(texts) - share) < 0.1  # three standard errors of 300 draws
