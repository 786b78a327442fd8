"""The residuals of the calibration sample: chosen cells and others apart, out of fold, without repeats' logarithms."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.drift.reference import has_repeats, quality_sd, references
from tests.planner_cases import fitted
from tests.synthetic_log import make_runs


def of(policy: pr.Policy):
    return references(policy, pr.Planner(policy).rule)


def test_chosen_cells_and_others_are_counted_by_hand():
    policy = fitted().policy
    sample, rule = policy.calibration_sample, pr.Planner(policy).rule
    share = np.zeros(sample.quality.shape)
    for probability, point in rule.action_probabilities(policy.outcomes.forecast):
        share[np.arange(len(share)), point] += probability
    forecast = np.clip(policy.outcomes.forecast.quality + policy.document.solution.quality_shift, 0, 1)
    residual = sample.logged_quality - forecast

    quality = of(policy)["quality"]

    for j in range(len(policy.grid.points)):
        weight = share[:, j]
        assert quality.count[0, j] == pytest.approx(weight.sum())
        if weight.sum():
            assert quality.residual[0, j] == pytest.approx(np.average(residual[:, j], weights=weight), abs=1e-9)
            score = residual[:, j] / quality_sd(forecast[:, j])
            assert quality.mean[0, j] == pytest.approx(np.average(score, weights=weight), abs=1e-9)
        assert quality.count[1, j] == (weight == 0).sum()


def test_scores_of_logarithms_are_centred_and_scaled_per_point():
    tokens = of(fitted().policy)["completion_tokens"]
    sample = fitted().policy.calibration_sample
    ratio = np.log(sample.logged_amount / sample.amount)

    priced = fitted().policy.grid.token_prices.priced
    for j in np.flatnonzero(priced):
        assert tokens.centre[j] == pytest.approx(np.nanmean(ratio[:, j]), abs=1e-6)
        assert tokens.spread[j] == pytest.approx(np.nanstd(ratio[:, j]), abs=1e-6)
    assert (tokens.count[:, ~priced] == 0).all()  # their amount is money


def test_points_without_a_latency_have_no_residual_of_it():
    latency = of(fitted().policy)["latency_s"]

    metered = fitted().policy.grid.index("metered")
    assert latency.count[:, metered].sum() == 0
    assert latency.count.sum() > 0


def test_outcomes_that_are_free_or_far_off_have_finite_scores():
    cost = of(fitted().policy)["cost_usd"]

    scores = cost.scores(np.array([0.001, 0.001, 0.001]), np.array([0.0, 0.001, 1e9]), 0)

    assert np.isfinite(scores).all()
    assert scores[0] == -3.0 and scores[2] == 3.0


def test_repeats_leave_the_means_of_quality_and_drop_those_of_logarithms():
    policy = pr.fit(make_runs(queries=60, repeats=3), pr.MaxCost(usd=0.002))

    assert has_repeats(policy)
    assert not has_repeats(fitted().policy)
    found = of(policy)
    assert found["quality"].count.sum() > 0
    assert found["completion_tokens"].count.sum() == 0
    assert found["cost_usd"].count.sum() == 0


def test_residuals_are_out_of_fold():
    """A planted fault: forecasts that know their outcomes have no winner's curse, and their residuals no spread."""
    policy = fitted().policy
    sample = policy.calibration_sample
    knowing = replace(sample, quality=np.clip(0.5 * sample.quality + 0.5 * sample.logged_quality, 0, 1))
    in_fold = pr.Policy(policy.document, policy.surface, knowing)

    honest, fooled = of(policy)["quality"], of(in_fold)["quality"]

    columns = list(range(5))
    assert fooled.mean_square(columns) < 0.5 * honest.mean_square(columns)
