"""The policy that gives small points most calls without a certain loss."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.details.curves import RouterCurve, TargetResult
from paretoroute.evaluation.details.small_first import cost_share_of, small_first_of
from paretoroute.evaluation.tradeoff_curves import Outcomes


def curve(name, *results):
    targets = (
        TargetResult(0.1, Interval(cost, cost, cost), Interval(0.5, 0.4, 0.6), share, Interval(low + 1, low, low + 2))
        for share, low, cost in results
    )
    return RouterCurve(name, "control", tuple(targets))


def test_the_greatest_share_without_a_certain_loss_is_selected(compared):
    default = curve("paretoroute", (0.9, 0.5, 1.0), (0.7, -0.1, 2.0), (0.2, -3.0, 3.0))
    rival = curve("knn", (0.8, 0.0, 1.0), (0.8, -1.0, 0.5))
    oracle = curve("oracle", (1.0, -9.0, 1.0))

    view = small_first_of(compared.study, [default, rival, oracle], cost_share=0.1)

    assert view.default is not None and view.best is not None
    assert (view.default.target, view.default.small_share) == (1, 0.7), "the first policy loses for certain"
    assert (view.best.router, view.best.target) == ("knn", 1), "of equal shares the cheaper, and never the oracle"
    assert view.points == ("basso@low", "basso@high")


def test_without_such_a_policy_there_is_none(compared):
    view = small_first_of(compared.study, [curve("paretoroute", (0.9, 0.5, 1.0))], cost_share=0.1)

    assert view.default is None and view.best is None


@pytest.mark.parametrize(("cost", "share"), [((0.1, 1.0), 0.1), ((0.3, 1.0), 0.5), ((0.9, 1.0), 0.5)])
def test_where_no_point_costs_a_tenth_of_the_best_those_of_half_its_cost_are_small(compared, cost, share):
    outcomes = Outcomes(np.tile([0.2, 0.8], (9, 1)), np.tile(cost, (9, 1)))

    assert cost_share_of(replace(compared.study, outcomes=outcomes)) == share
