"""Knobs are chosen on the training side, by an inner cross-validation."""

from dataclasses import dataclass

import numpy as np
import pytest

from paretoroute.evaluation.protocol import knobs
from paretoroute.evaluation.protocol.knobs import KnobCurve
from paretoroute.evaluation.routers.best_single import BestSingle
from paretoroute.evaluation.routers.plans import Single, execute
from paretoroute.evaluation.routers.random_share import RandomShare
from paretoroute.evaluation.routers.static_mixture import StaticMixture


def test_a_target_between_two_vertices_is_met_by_mixing_them():
    curve = KnobCurve(np.array([4.0, 1.0, 2.0, 3.0]), np.array([0.8, 0.2, 0.3, 0.7]))

    # the hull runs from (1, .2) over (3, .7) to (4, .8); the knob of cost 2 lies below it
    middle, low, high = (curve.choose(target) for target in (2.0, 0.5, 9.0))

    assert (middle.cheap, middle.dear, middle.share) == (1, 3, 0.5)
    assert (low.cheap, low.dear, low.share) == (1, 1, 0.0)
    assert (high.cheap, high.dear, high.share) == (0, 0, 0.0)
    assert curve.choose(3.0).share == 0.0 and curve.choose(3.0).cheap == 3


def test_one_knob_is_taken_whatever_the_target():
    only = KnobCurve(np.array([2.0]), np.array([0.5])).choose(1.0)

    assert (only.cheap, only.dear, only.share) == (0, 0, 0.0)


def test_every_training_query_is_judged_by_a_fit_without_its_fold(prepared_runs):
    training, _ = prepared_runs
    seen = []

    @dataclass(frozen=True)
    class Spy:
        name: str = "spy"

        def fit(self, learned):
            class Strategies:
                knobs = np.array([0.0, 1.0])

                def at(self, knob):
                    return self

                def plan(self, batch):
                    seen.append((set(learned.runs.query_ids), set(batch.query_ids)))
                    return Single(np.zeros(len(batch.texts), dtype=int))

            return Strategies()

    curve = knobs.knob_curve(Spy(), training)

    assert not any(learned & asked for learned, asked in seen)
    assert set.union(*(asked for _, asked in seen)) == set(training.runs.query_ids)
    answers = knobs.answers_of(training)
    np.testing.assert_allclose(curve.cost_usd, answers.cost_usd[:, 0].mean())
    np.testing.assert_allclose(curve.quality, answers.quality[:, 0].mean())


def test_a_router_whose_knobs_differ_between_folds_is_refused_by_name(prepared_runs):
    training, _ = prepared_runs

    @dataclass(frozen=True)
    class Moody:
        name: str = "moody"

        def fit(self, learned):
            class Strategies:
                knobs = np.arange(float(learned.runs.query_ids[0][-1] != training.runs.query_ids[0][-1]) + 1)

                def at(self, knob):
                    return self

                def plan(self, batch):
                    return Single(np.zeros(len(batch.texts), dtype=int))

            return Strategies()

    with pytest.raises(ValueError, match="'moody' must offer as many knobs on every fold"):
        knobs.knob_curve(Moody(), training)


def test_the_static_mixture_spends_its_target_on_the_training_side(prepared_runs):
    training, _ = prepared_runs
    router, everyone = StaticMixture(), np.ones(len(training.features), dtype=bool)
    cost = knobs.answers_of(training).cost_usd.mean(0)
    targets = np.array([cost.min(), 0.5 * (cost.min() + np.median(cost)), np.median(cost)])

    plans = knobs.plans_for(
        router, router.fit(training), training, targets=targets, batch=knobs.batch_of(training, everyone)
    )

    paid = [execute(plan, knobs.answers_of(training)).cost_usd.mean() for plan in plans]
    np.testing.assert_allclose(paid, targets, rtol=0.05)


def test_a_router_that_solves_for_a_cost_is_asked_for_it(prepared_runs):
    training, batch = prepared_runs
    router = BestSingle()
    strategies = router.fit(training)

    cheap, dear = knobs.plans_for(router, strategies, training, targets=np.array([0.0, 9.0]), batch=batch)

    assert (cheap.choice == strategies.cost_usd.argmin()).all()
    assert (dear.choice == strategies.quality.argmax()).all()


def test_a_random_share_costs_what_the_mixture_of_its_pair_costs(prepared_runs):
    training, batch = prepared_runs
    strategies = RandomShare().fit(training)
    answers = knobs.answers_of(training)
    everyone = knobs.batch_of(training, np.ones(len(training.features), dtype=bool))

    done = execute(strategies.at(0.25).plan(everyone), answers)

    pair = strategies.pair
    expected = 0.75 * answers.cost_usd[:, pair.weak] + 0.25 * answers.cost_usd[:, pair.strong]
    assert done.cost_usd == pytest.approx(expected)
