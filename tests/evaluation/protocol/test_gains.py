"""Policies solved for cost targets, against planning with them."""

import numpy as np
import pytest

from paretoroute.evaluation.protocol.gains import TARGETS, ExecutedCurve, FairPath, StaticPath, judge
from paretoroute.evaluation.routers.data import fill_missing, prepared
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.routers.plans import Answers, Execution, execute
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
    line = frontier(Forecast(train.quality.mean(0)[None], train.cost_usd.mean(0)[None]))
    points = np.concatenate([line.start, line.steps.target])
    points = points[np.argsort(test.cost_usd.mean(0)[points])]
    paid, got = [], []
    for k, target in enumerate(targets):
        planner = Planner(fitted.policy.solve(MaxCost(usd=float(target))))
        decisions = planner.plan_batch(batch.texts, query_ids=batch.query_ids)
        choice = np.array([grid.points.index(decision.point) for decision in decisions])
        paid.append(test.cost_usd[np.arange(100), choice].mean())
        got.append(test.quality[np.arange(100), choice].mean())
        assert paid[-1] / target == pytest.approx(result.cost_ratio[k], rel=0.05), (
            f"target {k}: more than the draw apart"
        )
    costs = np.maximum(targets, min(paid))
    expected = np.interp(costs, paid, got) - np.interp(
        costs, test.cost_usd.mean(0)[points], test.quality.mean(0)[points]
    )
    assert result.gain.mean() == pytest.approx(expected.mean(), abs=0.01)


# Two single points at costs of 1 and 3 with qualities of 0.2 and 0.6, so that the static mixture is the line between.
STATIC = StaticPath(np.array([0, 1]), np.array([1.0, 2.0, 3.0]))
TEST = Outcomes(np.tile([0.2, 0.6], (4, 1)), np.tile([1.0, 3.0], (4, 1)))


def execution(quality: float, cost_usd: float) -> Execution:
    ones = np.ones(4)
    return Execution(quality * ones, cost_usd * ones, None, ones, np.ones((4, 2)) / 2)


def gain(*plans: tuple[float, float]) -> float:
    return STATIC.gain(FairPath.of([execution(*plan) for plan in plans]), TEST).mean()


def test_the_static_mixture_gains_nothing_whatever_it_spends():
    assert gain((0.2, 1.0), (0.4, 2.0), (0.6, 3.0)) == pytest.approx(0)
    assert gain((0.25, 1.25), (0.45, 2.25), (0.6, 3.0)) == pytest.approx(0)


def test_a_plan_that_spends_less_than_the_target_is_charged_for_the_quality_that_it_leaves_unbought():
    assert gain((0.4, 1.0), (0.4, 1.0), (0.4, 1.0)) == pytest.approx(np.mean([0.2, 0.0, -0.2]))


def test_a_plan_that_spends_more_than_the_target_is_read_where_it_meets_it():
    assert gain((0.2, 1.0), (0.5, 2.5), (0.9, 4.0)) == pytest.approx(np.mean([0.0, 0.4 - 0.4, 0.5 + 0.4 / 3 - 0.6]))


def test_a_router_whose_cheapest_plan_costs_more_than_a_target_is_compared_at_that_cost():
    assert gain((0.5, 2.0), (0.7, 3.0), (0.7, 3.0)) == pytest.approx(np.mean([0.1, 0.1, 0.1]))


def test_plans_of_nearly_one_cost_count_as_their_mean():
    assert gain((0.2, 1.0), (0.5, 2.0), (0.3, 2.01), (0.6, 3.0)) == pytest.approx(0, abs=2e-3)


def test_the_spread_of_the_gains_has_the_noise_of_cost():
    rng = np.random.default_rng(0)
    cost, quality = 1 + rng.random((400, 2)) * [1, 3], np.tile([0.2, 0.6], (400, 1))
    path = StaticPath(np.array([0, 1]), np.array([1.8]))

    def read(rows) -> float:
        done = FairPath(np.full((len(rows), 1), 0.5), np.full((len(rows), 1), 1.0))
        return float(path.gain(done, Outcomes(quality[rows], cost[rows])).mean())

    done = FairPath(np.full((400, 1), 0.5), np.full((400, 1), 1.0))
    values = path.gain(done, Outcomes(quality, cost))
    resampled = [read(rng.integers(0, 400, 400)) for _ in range(1000)]

    assert values.std() / 20 == pytest.approx(np.std(resampled), rel=0.15)


def test_the_influence_values_of_executed_knobs_average_to_the_height_of_their_hull():
    rng = np.random.default_rng(0)
    quality, cost = rng.random((6, 40)), rng.random((6, 40)) * np.arange(1, 7)[:, None]
    curve = ExecutedCurve(quality, cost)
    costs = np.linspace(curve.hull.cost[0], curve.hull.cost[-1], 9)

    values = curve.influence(costs)

    assert values.mean() == pytest.approx(curve.hull.height(costs).mean())
    assert curve.influence(np.array([1e9])).mean() == pytest.approx(curve.hull.quality[-1])
