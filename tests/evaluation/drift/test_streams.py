"""The tests of the queries rest on as many logged queries as the policy keeps."""

import math
from typing import Any

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.drift.detector import Moment, Score
from paretoroute.evaluation.drift.observations import WIDEST, Directions
from paretoroute.evaluation.drift.streams import MOST_QUERIES, UNFAMILIAR_QUERIES, Streams
from tests.planner_cases import fitted


def streams(logged_queries: int) -> Streams:
    return Streams(fitted().policy.grid, {}, logged_queries, horizon_calls=1500, false_alarms=0.5)


def alarms_of_stable_queries(seed: int, *, queries: int, counted: int) -> bool:
    """Centre on a few logged queries, and feed 1,500 of the same distribution."""
    rng = np.random.default_rng(seed)
    shift = rng.standard_normal(queries).mean()
    test = streams(counted).detector("features", "1")
    for call, value in enumerate(np.clip(rng.standard_normal(1500) - shift, -WIDEST, WIDEST).tolist()):
        test.see(Score("", value, -WIDEST, WIDEST, value), Moment(call, None))
    return test.alarm is not None


def test_the_mean_of_few_logged_queries_is_as_uncertain_as_they_are():
    """Planted fault: with the weight of a thousand queries, the error of the mean of fifty is taken for a drift."""
    share, runs = 0.5 * 0.075 / 3, 25

    assert np.mean([alarms_of_stable_queries(seed, queries=50, counted=50) for seed in range(runs)]) <= share + 3 * (
        math.sqrt(share / runs)
    )
    assert np.mean([alarms_of_stable_queries(seed, queries=50, counted=1000) for seed in range(runs)]) > 0.3


@pytest.mark.parametrize(
    ("logged", "unfamiliar", "features"), [(40, 40, 40), (10**6, UNFAMILIAR_QUERIES, MOST_QUERIES)]
)
def test_logged_queries_count_up_to_a_limit(logged, unfamiliar, features):
    tests = streams(logged)

    assert tests.detector("unfamiliar", "").means[""].count == unfamiliar
    assert tests.detector("features", "1").means[""].count == features


def test_a_monitor_counts_the_queries_that_its_policy_keeps():
    monitor = pr.Monitor(fitted().policy)

    assert monitor.record.streams.logged_queries == len(fitted().policy.surface.neighbours.features)


def test_directions_have_the_same_sign_whatever_lapack_returns(monkeypatch):
    policy, original = fitted().policy, np.linalg.eigh
    axes = Directions.of(policy).axes

    def turned(matrix: Any) -> Any:
        values, vectors = original(matrix)
        return values, -vectors

    monkeypatch.setattr(np.linalg, "eigh", turned)

    assert Directions.of(policy).axes == pytest.approx(axes)
