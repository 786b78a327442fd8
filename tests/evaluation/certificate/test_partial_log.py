"""Logs of one run per query are certified by their propensities, if these add up and enough calls match."""

import math
from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.evaluation.certificate.held_out import HeldOutRuns
from paretoroute.evaluation.certificate.partial_log import LoggedWeights, logged_weights
from paretoroute.evaluation.certificate.prices import Candidate
from paretoroute.evaluation.certificate.sequence import Setting, partial_test, walk
from paretoroute.forecast import Forecast
from paretoroute.runs.table import Runs
from paretoroute.solver.rules import PriceRule
from tests.evaluation.certificate.cases import policy, sides
from tests.evaluation.certificate.test_certify import keep
from tests.evaluation.certificate.test_sequence import quality_forecast, rules
from tests.synthetic_log import make_runs

POINTS, QUERIES, REPLICATIONS, TRUTH = 10, 4000, 200, 0.8


def one_each(runs: Runs, seed: int, shares: np.ndarray, claimed: np.ndarray | None = None) -> Runs:
    """Keep one run per query, at a point drawn with given shares, which are logged as its propensity."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(shares), len(runs.query_ids), p=shares)
    kept = keep(runs, runs.point == drawn[runs.query])
    return replace(kept, propensity=(shares if claimed is None else claimed)[kept.point])


def test_a_log_of_one_run_per_query_is_certified_by_its_propensities():
    runs = make_runs(queries=4200, seed=5)
    new = replace(runs, texts=tuple(f"new: {text}" for text in runs.texts))
    partial = one_each(new, 1, np.array([0.2, 0.3, 0.2, 0.3]))

    answer, full = (pr.certify(policy(), one, pr.MinQuality(0.75)) for one in (partial, new))

    assert isinstance(answer, pr.Certified) and isinstance(full, pr.Certified)
    assert answer.certificate.method == "off_policy_betting"
    assert 1000 < (answer.certificate.effective_queries or 0) < 1600
    assert answer.certificate.not_covered[-1].startswith("errors of the logged propensities")
    assert answer.policy.document.expected.cost_usd >= full.policy.document.expected.cost_usd
    assert pr.replay(pr.Planner(answer.policy), new).quality > 0.75
    assert pr.verify(answer.policy, partial).certificate == answer.certificate


@pytest.mark.parametrize(
    ("propensity", "reason"),
    [
        (np.full(4, np.nan), "no propensities were logged"),
        (np.full(4, 1.0), "the mean of 1 / propensity is 1, and would be 4"),
        (np.full(4, 0.25), "the effective sample size is"),
    ],
)
def test_without_good_propensities_or_enough_matches_there_is_no_certificate(propensity, reason):
    answer = pr.certify(policy(), one_each(sides().others, 2, np.full(4, 0.25), propensity))

    assert isinstance(answer, pr.NotCertified)
    assert reason in answer.reason


def test_costs_and_ratios_are_not_certified_on_partial_logs():
    partial = one_each(sides().others, 3, np.full(4, 0.25))

    for target in (pr.MinQuality(ratio=0.5, of="tenor@high"), pr.MaxCost(usd=0.0002)):
        answer = pr.certify(policy(), partial, target)
        assert isinstance(answer, pr.NotCertified)
        assert "only where the target is a quality" in answer.reason


def world(seed: int, *, wrong: float = 1.0) -> HeldOutRuns:
    """Draw a partial log of points that are right with a chance of just the target, and forecasts that are too high."""
    rng = np.random.default_rng(seed)
    shape = (QUERIES, POINTS)
    shares = np.linspace(0.05, 0.15, POINTS)
    drawn = rng.random((QUERIES, 1)) < np.cumsum(shares / shares.sum())
    logged = drawn & ~np.concatenate([np.zeros((QUERIES, 1), bool), drawn[:, :-1]], axis=1)
    quality = np.where(logged, rng.random(shape) < TRUTH, np.nan)
    forecasts = np.broadcast_to(quality_forecast(), shape)
    weights = np.where(logged, wrong * shares.sum() / shares, 0.0)
    forecast = Forecast(quality=forecasts, cost_usd=np.arange(POINTS, dtype=float))
    names = tuple(map(str, range(QUERIES)))
    fault_free = LoggedWeights(weights, float(weights.max()), None)
    return HeldOutRuns(forecast, quality, np.zeros(shape), np.arange(QUERIES), names, fault_free)


def rejects(seed: int, **options: float) -> bool:
    setting = Setting(target=pr.MinQuality(TRUTH), level=0.9, method="binomial", seed="0")
    order = rules()[2:3]  # a point with a forecast of .996 for a truth of .8, and a share of .13
    test = walk(policy(), order, replace(world(seed, **options)), setting)[0]
    assert test.method == "off_policy_betting"
    return test.p_value <= setting.delta


@pytest.fixture
def few_matches(monkeypatch):
    monkeypatch.setattr("paretoroute.evaluation.certificate.sequence.LEAST_EFFECTIVE", 0.0)


def test_at_the_boundary_the_level_is_kept_although_forecasts_are_too_high(few_matches):
    rate = np.mean([rejects(seed) for seed in range(REPLICATIONS)])

    assert rate <= 0.1 + 3 * math.sqrt(0.09 / REPLICATIONS)


def test_planted_fault_propensities_that_are_too_large_lose_the_level(few_matches):
    """Weights a third too small leave the forecasts uncorrected: the reason why wrong propensities are refused."""
    assert np.mean([rejects(seed, wrong=0.67) for seed in range(50)]) > 0.5


def test_calls_at_a_point_that_the_log_lacks_count_as_the_worst(few_matches):
    """Forecasts that nothing corrects there would certify a quality of .8 for a policy that reaches half of it."""
    held_out, lost = world(0), POINTS - 3
    drawn = ~np.isnan(held_out.quality)
    is_lost = np.arange(POINTS) == lost
    quality = np.where(drawn & ~is_lost, 1.0, np.nan)
    forecast = np.full((QUERIES, POINTS), 0.5)
    forecast[: QUERIES // 2, lost] = forecast[QUERIES // 2 :, lost - 1] = 0.99
    partial = replace(held_out, quality=quality, forecast=Forecast(forecast, np.ones(POINTS)))
    setting = Setting(target=pr.MinQuality(TRUTH), level=0.9, method="binomial", seed="0")

    test = partial_test(policy(), Candidate(PriceRule(0.0, 0.0), None), partial, setting)

    assert test.margin == pytest.approx(0.5 - TRUTH, abs=0.05)
    assert test.p_value == 1.0


def test_weights_are_inverse_propensities_shared_among_the_runs_of_a_query():
    runs = one_each(sides().others, 4, np.full(4, 0.25))

    weights = logged_weights(runs, policy().grid)

    assert (weights.largest, weights.fault) == (4.0, None)
    assert weights.weight.sum(axis=1).tolist() == [4.0] * len(runs.query_ids)
