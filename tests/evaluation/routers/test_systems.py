"""Every router that compare knows by name, on a log with scores, repeats, tags and two budgets a model."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from paretoroute.evaluation.routers import paretobandit
from paretoroute.evaluation.routers.base import NotApplicable
from paretoroute.evaluation.routers.data import fill_missing, logged_means, prepared
from paretoroute.evaluation.routers.plans import Answers, execute
from paretoroute.evaluation.routers.registry import ROUTERS
from paretoroute.runs.read import read_runs
from tests.evaluation.routers.held_out import split
from tests.synthetic_log import make_runs, table_of

PAIRED = (
    "routellm-mf",
    "routellm-sw",
    "hybrid-llm-det",
    "hybrid-llm-prob",
    "hybrid-llm-trans",
    "prompt-length",
    "random",
)
SCORED = ("frugalgpt", "llm-blender", "cascade-routing")
UNINFORMED = ("random", "prompt-length", "best-single", "static")


def scored_log(**recipe):
    """A synthetic log whose score is right about the answer four times in five."""
    table = table_of(**recipe)
    quality = np.array(table.column("quality").to_pylist(), dtype=float)
    chance = np.random.default_rng(1)
    score = np.where(chance.random(len(quality)) < 0.8, 0.1 + 0.8 * quality, chance.random(len(quality)))
    return read_runs(table.append_column("score", pa.array(score)))


@pytest.fixture(scope="module")
def log():
    train, test, grid = split(scored_log(queries=240, latency=True))
    training, batch = prepared(train, test, grid, seed=0)
    logged = logged_means(test, grid)
    answers = Answers(
        fill_missing(logged.quality),
        fill_missing(logged.cost_usd),
        test.means("score").mean,
        test.means("latency_s").mean,
    )
    return training, batch, answers


@pytest.fixture(scope="module")
def fitted(log):
    strategies = {}

    def of(name, pair=None):
        if (name, pair) not in strategies:
            strategies[name, pair] = ROUTERS[name].make(pair).fit(log[0])
        return strategies[name, pair]

    return of


def curve(strategies, batch, answers):
    done = [execute(strategies.at(float(knob)).plan(batch), answers) for knob in strategies.knobs]
    return np.array([[one.cost_usd.mean(), one.quality.mean(), one.calls.mean()] for one in done]).T


@pytest.mark.parametrize("name", ROUTERS)
def test_a_router_has_its_name_and_offers_strategies_over_a_range_of_cost(name, log, fitted):
    training, batch, answers = log
    router = ROUTERS[name].make(None)

    cost, quality, calls = curve(fitted(name), batch, answers)

    assert router.name == name
    assert (quality >= 0).all() and (quality <= 1).all() and (cost > 0).all()
    assert (calls >= 1 - 1e-9).all() and (name in SCORED or np.allclose(calls, 1))
    assert cost.max() > 1.2 * cost.min(), "the knob moves the spending"


@pytest.mark.parametrize("name", [name for name in ROUTERS if name not in UNINFORMED])
def test_with_a_strong_signal_an_informed_router_beats_the_static_mixture_somewhere(name, log, fitted):
    training, batch, answers = log

    cost, quality, _ = curve(fitted(name), batch, answers)
    static_cost, static_quality, _ = curve(fitted("static"), batch, answers)

    order = np.argsort(static_cost)
    static = np.interp(cost, static_cost[order], np.maximum.accumulate(static_quality[order]))
    assert (quality - static).max() > 0.02


@pytest.mark.parametrize("name", [name for name in ROUTERS if name != "paretobandit"])
def test_the_same_training_gives_the_same_plans(name, log, fitted):
    training, batch, answers = log
    strategies, again = fitted(name), ROUTERS[name].make(None).fit(training)
    knob = float(strategies.knobs[len(strategies.knobs) // 2])

    first, second = (execute(one.at(knob).plan(batch), answers) for one in (strategies, again))

    np.testing.assert_array_equal(strategies.knobs, again.knobs)
    np.testing.assert_array_equal(first.share, second.share)


@pytest.mark.parametrize("name", ROUTERS)
def test_fits_on_other_queries_offer_as_many_knobs(name, log, fitted):
    training = log[0]
    mean = training.quality.mean(
        0
    )  # on these queries the dearest points are no better: the mixture has one vertex less
    level = np.where(mean > np.sort(mean)[1], np.sort(mean)[1], training.quality)

    other = ROUTERS[name].make(None).fit(replace(training, quality=level))

    assert len(other.knobs) == len(fitted(name).knobs)


@pytest.mark.parametrize("name", PAIRED)
def test_two_point_systems_take_the_pair_that_the_user_names(name, log, fitted):
    training, batch, answers = log
    pair = ("basso@low", "tenor@high")

    strategies = fitted(name, pair)
    cheap, dear = (execute(strategies.at(knob).plan(batch), answers).share.mean(0) for knob in (0.0, 1.0))

    assert cheap.tolist() == [float(point == pair[0]) for point in training.grid.names]
    assert dear.tolist() == [float(point == pair[1]) for point in training.grid.names]
    with pytest.raises(NotApplicable, match="alto"):
        ROUTERS[name].make(("alto", "tenor@high")).fit(training)


@pytest.mark.parametrize("name", SCORED)
def test_systems_that_judge_answers_need_scores_in_0_to_1(name):
    training, _ = prepared(*split(make_runs(queries=60)), seed=0)
    beyond = scored_log(queries=60)

    with pytest.raises(NotApplicable, match="no score"):
        ROUTERS[name].make(None).fit(training)
    object.__setattr__(beyond, "score", beyond.score * 5)
    with pytest.raises(NotApplicable, match="beyond"):
        ROUTERS[name].make(None).fit(prepared(*split(beyond), seed=0)[0])


@pytest.mark.parametrize("name", SCORED)
def test_cascades_pay_for_every_call(name, log, fitted):
    training, batch, answers = log
    strategies = fitted(name)

    done = [execute(strategies.at(float(knob)).plan(batch), answers) for knob in strategies.knobs]

    most = max(done, key=lambda one: one.calls.mean())
    assert most.calls.mean() > 1.1
    np.testing.assert_allclose(most.cost_usd, (most.share * answers.cost_usd).sum(1))
    np.testing.assert_allclose(most.latency_s, (most.share * answers.latency_s).sum(1))


def test_what_a_log_lacks_is_the_reason_why_a_router_is_left_out(log):
    training = log[0]
    one_budget = training.grid.points[:1] + training.grid.points[2:3]

    class OneBudget:
        points = one_budget

    bare = object.__new__(type(training))
    for field in ("runs", "features", "rank", "quality", "cost_usd", "trials", "score", "groups", "seed"):
        object.__setattr__(bare, field, getattr(training, field))
    object.__setattr__(bare, "grid", OneBudget)

    with pytest.raises(NotApplicable, match="no model has several budgets"):
        ROUTERS["damani"].make(None).fit(bare)


def test_missing_cells_are_no_obstacle():
    training, batch = prepared(*split(scored_log(queries=120, holes=0.3)), seed=0)
    answers = Answers(np.full((30, 4), 0.5), np.ones((30, 4)))

    for name, entry in ROUTERS.items():
        strategies = entry.make(None).fit(training)
        done = execute(strategies.at(float(strategies.knobs[3 % len(strategies.knobs)])).plan(batch), answers)
        assert np.isfinite(done.cost_usd).all(), name


def test_the_axes_of_paretobandit_are_those_of_all_sources_of_a_log(log, monkeypatch):
    # ids begin with their source, so that the first queries are of one
    monkeypatch.setattr(paretobandit, "MOST_QUERIES", 80)
    chance, queries = np.random.default_rng(0), len(log[0].features)
    features = np.zeros((queries, 60))
    features[:90, :30] = chance.standard_normal((90, 30))
    features[90:, 30:] = 10 * chance.standard_normal((queries - 90, 30))

    axes = ROUTERS["paretobandit"].make(None).fit(replace(log[0], features=features)).warm.axes

    assert np.linalg.norm(axes[30:]) ** 2 > 0.9 * axes.shape[1]
