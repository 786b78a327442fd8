"""What a fit says of the propensities that a log states."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.fitting.partial_logs.propensities import fit_propensities
from paretoroute.fitting.partial_logs.support import support_findings
from paretoroute.fitting.sample import featurized
from paretoroute.runs.table import Runs
from tests.fitting.partial_logs.test_propensities import logged_by
from tests.synthetic_log import KINDS, make_runs

RIGHT = {"cannot be right": False, "some points had no chance": False, "estimated over logged": False}


def doubts(runs: Runs) -> dict[str, bool]:
    """Tell which doubts about the propensities the findings name."""
    propensities = fit_propensities(runs, featurized(runs, "hashed_ngrams", 0)[1])
    texts = [finding.text for finding in support_findings(runs, propensities, logged=propensities)]
    return {sign: any(sign in text for text in texts) for sign in RIGHT}


def uniform_log() -> Runs:
    return logged_by(make_runs(queries=600, seed=3), np.full((600, 4), 0.25), seed=1)


def test_right_propensities_raise_no_doubt():
    assert doubts(uniform_log()) == RIGHT


def test_propensities_that_are_too_small_cannot_be_right():
    runs = uniform_log()

    assert doubts(replace(runs, propensity=runs.propensity / 2)) == RIGHT | {"cannot be right": True}


def test_a_policy_without_a_choice_left_points_without_a_chance():
    full = make_runs(queries=600, seed=3)
    chance = np.eye(4)[[KINDS.index(tag) for tag in full.tags]]
    chance[:200] = 0.25

    assert doubts(logged_by(full, chance, seed=1)) == RIGHT | {"some points had no chance": True}


@pytest.mark.parametrize("point", [0, 3])
def test_propensities_that_do_not_follow_the_choice_are_doubted_even_if_they_add_up(point):
    full = make_runs(queries=600, seed=3)
    chance = np.full((600, 4), 0.1)
    chance[:, point] = 0.7
    runs = logged_by(full, chance, seed=1)
    even = replace(runs, propensity=np.full(len(runs.point), 0.25))

    found = doubts(even)

    assert found["estimated over logged"] and not found["cannot be right"]
