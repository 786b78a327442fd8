"""Policies solved for cost targets, against planning with them."""

import numpy as np
import pytest

from paretoroute.evaluation.protocol.gains import TARGETS, ExecutedCurve, StaticPath, judge
from paretoroute.evaluation.routers.data import fill_missing, prepared
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.routers.plans import Answers, execute
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.forecast import Forecast
from paretoroute.planner.planner import Planner
from paretoroute.solver.frontier import frontier
from paretoroute.targets import MaxCost
from tests.synthetic_log import make_runs


def test_the_gain_of_solved_policies_is_the_one_of_planning_with_them():
    runs = make_runs(queries=300, seed=8)
    grid, _ = build_grid(runs)
    held = np.arange(300) % 3 == 0
    training, batch = prepared(runs.select(~held), runs.select(held), grid, seed=0)
    fitted = PolicyRouter().fit(training)
    train = Outcomes(fill_missing(training.quality), fill_missing(training.cost_usd))
    test = Outcomes(*(fill_missing(runs.select(held).means(name)[0]) for name in ("quality", "cost_usd")))

    path = StaticPath.of(train)
    answers = Answers(test.quality, test.cost_usd)
    result = judge([execute(fitted.within(float(usd)).plan(batch), answers) for usd in path.targets], path, test)

    targets = cost_range(single_points(train), TARGETS)
    expected, line = [], frontier(Forecast(train.quality.mean(0)[None], train.cost_usd.mean(0)[None]))
    points = np.concatenate([line.start, line.steps.target])
    points = points[np.argsort(test.cost_usd.mean(0)[points])]
    for k, target in enumerate(targets):
        planner = Planner(fitted.policy.solve(MaxCost(usd=float(target))))
        decisions = planner.plan_batch(batch.texts, query_ids=batch.query_ids)
        choice = np.array([grid.points.index(decision.point) for decision in decisions])
        paid, got = (table[np.arange(100), choice].mean() for table in (test.cost_usd, test.quality))
        expected.append(got - np.interp(paid, test.cost_usd.mean(0)[points], test.quality.mean(0)[points]))
        assert paid / target == pytest.approx(result.cost_ratio[k], rel=0.05), f"target {k}: more than the draw apart"
    assert result.gain.mean() == pytest.approx(np.mean(expected), abs=0.01)


def test_the_influence_values_of_executed_knobs_average_to_the_height_of_their_hull():
    rng = np.random.default_rng(0)
    quality, cost = rng.random((6, 40)), rng.random((6, 40)) * np.arange(1, 7)[:, None]
    curve = ExecutedCurve(quality, cost)
    costs = np.linspace(curve.hull.cost[0], curve.hull.cost[-1], 9)

    values = curve.influence(costs)

    assert values.mean() == pytest.approx(curve.hull.height(costs).mean())
    assert curve.influence(np.array([1e9])).mean() == pytest.approx(curve.hull.quality[-1])
