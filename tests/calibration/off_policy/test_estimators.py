"""Off-policy estimators against tables worked out by hand, a slow reference, and simulated loggers."""

import math

import numpy as np
import pytest
from scipy.stats import t

from paretoroute.calibration.off_policy import estimators
from paretoroute.calibration.off_policy.estimators import OffPolicyLog, balance

NAN = np.nan
# Three queries, two points: the first was logged at both with chances 1/2 and 1, the others at one.
LOG = OffPolicyLog(
    action=np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]),
    weight=np.array([[2.0, 1.0], [0.0, 4.0], [1.25, 0.0]]),
    outcome=np.array([[0.5, 1.0], [NAN, 1.0], [0.25, NAN]]),
    forecast=np.array([[0.25, 0.5], [0.5, 0.75], [0.75, 0.5]]),
)


def test_the_estimators_are_those_worked_out_by_hand():
    # DR terms: .25 + 2 (.5 - .25); .625 + 2 (1 - .75); .5. Weights: 2, 2, 0.
    assert LOG.terms.tolist() == [0.75, 1.125, 0.5]
    assert estimators.doubly_robust(LOG).value == pytest.approx((0.75 + 1.125 + 0.5) / 3)
    assert estimators.inverse_propensity(LOG) == pytest.approx((2 * 0.5 + 2 * 1.0) / 3)
    assert estimators.self_normalised(LOG) == pytest.approx((2 * 0.5 + 2 * 1.0) / 4)
    assert estimators.matched_rows(LOG) == pytest.approx((0.5 + 0.5 * 1.0) / 1.5)


def test_the_diagnostics_are_those_worked_out_by_hand():
    figures = estimators.diagnose(LOG)

    assert (figures.queries, figures.matched, figures.effective, figures.largest_weight) == (3, 2, 2.0, 2.0)
    assert figures.mean_weight.mean == pytest.approx(4 / 3)
    assert figures.mean_weight.expected == 1
    assert not figures.is_supported


def slow(log: OffPolicyLog) -> dict[str, float]:
    """Compute every estimator query by query and point by point."""
    queries, points = log.action.shape
    direct, ips, weights, matched, calls = [], [], [], 0.0, 0.0
    for i in range(queries):
        term, horvitz, weight = 0.0, 0.0, 0.0
        for j in range(points):
            term += log.action[i, j] * log.forecast[i, j]
            if log.weight[i, j] > 0 and not math.isnan(log.outcome[i, j]):
                own = log.action[i, j] * log.weight[i, j]
                term += own * (log.outcome[i, j] - log.forecast[i, j])
                horvitz += own * log.outcome[i, j]
                weight += own
                matched += log.action[i, j] * log.outcome[i, j]
                calls += log.action[i, j]
        direct.append(term)
        ips.append(horvitz)
        weights.append(weight)
    mean, n = sum(direct) / queries, queries
    effective = sum(weights) ** 2 / sum(w * w for w in weights)
    spread = math.sqrt(sum((term - mean) ** 2 for term in direct) / (n - 1) / n)
    error = max(spread, math.sqrt(0.2 * (1 / effective - 1 / n)))
    return {
        "dr": mean,
        "ips": sum(ips) / queries,
        "snips": sum(ips) / sum(weights),
        "matched": matched / calls,
        "effective": effective,
        "half_width": t.ppf(0.95, effective - 1) * error,
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_estimators_are_those_of_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    chance = rng.dirichlet(np.ones(3), 200) * 0.7 + 0.1
    logged = rng.random((200, 3)) < chance
    log = OffPolicyLog(
        action=rng.dirichlet(np.full(3, 0.3), 200),
        weight=np.where(logged, 1 / chance, 0.0),
        outcome=np.where(logged & (rng.random((200, 3)) < 0.9), rng.random((200, 3)), NAN),
        forecast=rng.random((200, 3)),
    )

    reference, interval = slow(log), estimators.doubly_robust(log)

    assert interval.value == pytest.approx(reference["dr"])
    assert interval.high - interval.value == pytest.approx(reference["half_width"], rel=1e-4)
    assert estimators.inverse_propensity(log) == pytest.approx(reference["ips"])
    assert estimators.self_normalised(log) == pytest.approx(reference["snips"])
    assert estimators.matched_rows(log) == pytest.approx(reference["matched"])
    assert estimators.diagnose(log).effective == pytest.approx(reference["effective"])


def simulated(seed: int, *, queries: int = 4000, least: float = 0.05) -> tuple[OffPolicyLog, float]:
    """Draw a log whose logger sends hard queries to the first point, and return the truth about always calling it."""
    rng = np.random.default_rng(seed)
    hard = rng.random(queries) < 0.5
    chance = np.where(hard, 1 - least, least)
    first = rng.random(queries) < chance
    quality = (rng.random(queries) < np.where(hard, 0.2, 0.9)).astype(float)
    weight = np.stack([np.where(first, 1 / chance, 0.0), np.where(first, 0.0, 1 / (1 - chance))], axis=1)
    outcome = np.stack([np.where(first, quality, NAN), np.where(first, NAN, quality)], axis=1)
    action = np.tile([1.0, 0.0], (queries, 1))
    return OffPolicyLog(action, weight, outcome, np.full((queries, 2), 0.3)), 0.55


def test_doubly_robust_intervals_cover_where_the_logger_looks_and_matched_rows_do_not_hold():
    logs = [simulated(seed) for seed in range(60)]
    intervals = [estimators.doubly_robust(log) for log, _ in logs]

    covered = np.mean([i.low <= truth <= i.high for i, (_, truth) in zip(intervals, logs, strict=True)])

    assert 0.8 <= covered <= 1.0
    assert np.mean([i.value for i in intervals]) == pytest.approx(0.55, abs=0.02)  # clipping at 10 gives .42
    assert np.mean([estimators.matched_rows(log) for log, _ in logs]) < 0.3


def test_a_full_matrix_has_the_mean_of_the_outcomes_and_no_floor():
    rng = np.random.default_rng(0)
    outcome = (rng.random((50, 3)) < [0.9, 0.99, 0.5]).astype(float)
    action = np.eye(3)[rng.integers(3, size=50)]
    log = OffPolicyLog(action, np.ones((50, 3)), outcome, rng.random((50, 3)))
    chosen = (action * outcome).sum(axis=1)

    assert estimators.doubly_robust(log).value == pytest.approx(chosen.mean())
    assert estimators.standard_error(log, variance=0.2) == pytest.approx(chosen.std(ddof=1) / math.sqrt(50))
    assert estimators.diagnose(log).effective == pytest.approx(50)


def test_few_matches_with_equal_outcomes_still_have_a_wide_interval():
    weight = np.zeros((100, 2))
    weight[:4, 0], weight[4:, 1] = 25.0, 1.0
    outcome = np.where(weight > 0, 1.0, NAN)
    log = OffPolicyLog(np.tile([1.0, 0.0], (100, 1)), weight, outcome, np.ones((100, 2)))

    assert estimators.standard_error(log, variance=0.2) == pytest.approx(math.sqrt(0.2 * (1 / 4 - 1 / 100)))


def test_without_a_match_the_interval_is_infinite_and_snips_unknown():
    log = OffPolicyLog(np.array([[1.0, 0.0]] * 3), np.array([[0.0, 1.0]] * 3), np.array([[NAN, 1.0]] * 3), LOG.forecast)

    interval = estimators.doubly_robust(log)

    assert (interval.low, interval.high) == (-math.inf, math.inf)
    assert math.isnan(estimators.self_normalised(log)) and math.isnan(estimators.matched_rows(log))


def test_turns_of_one_conversation_do_not_count_as_independent():
    rng = np.random.default_rng(1)
    outcome = np.repeat((rng.random(40) < 0.5).astype(float), 10)[:, None]
    log = OffPolicyLog(np.ones((400, 1)), np.ones((400, 1)), outcome, np.zeros((400, 1)))
    clustered = OffPolicyLog(log.action, log.weight, outcome, log.forecast, np.repeat(np.arange(40), 10))

    single, together = (estimators.standard_error(one, variance=0.2) for one in (log, clustered))

    assert together == pytest.approx(outcome[::10].std(ddof=1) / math.sqrt(40))
    assert together / single == pytest.approx(math.sqrt(10), rel=0.02)


def test_a_cost_interval_is_above_zero_and_wider_above_than_below():
    rng = np.random.default_rng(2)
    cost = rng.lognormal(-7, 1.5, (300, 2))
    logged = np.eye(2)[rng.integers(2, size=300)] > 0
    log = OffPolicyLog(
        np.tile([1.0, 0.0], (300, 1)), 2.0 * logged, np.where(logged, cost, NAN), np.full((300, 2), math.exp(-6))
    )

    interval = estimators.doubly_robust_amount(log)

    assert 0 < interval.low < interval.value < interval.high
    assert interval.high / interval.value == pytest.approx(interval.value / interval.low)


def test_the_residual_variance_is_the_one_worked_out_by_hand():
    log = OffPolicyLog(
        action=np.array([[1.0, 0.0], [0.0, 1.0]]),
        weight=np.array([[2.0, 0.0], [2.0, 0.0]]),
        outcome=np.array([[3.0, NAN], [1.0, NAN]]),
        forecast=np.array([[2.0, 4.0], [2.0, 4.0]]),
    )

    # Squares 1 and 1 over forecasts of 2: relative variance 1/4. Point 1: (2 + 4 x 1) / 6; point 2: 16/4.
    assert estimators.residual_variance(log) == pytest.approx(0.5 * 1 + 0.5 * 4)


def test_a_balance_is_off_beyond_three_and_a_half_standard_errors():
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.2, 0.8, 1000)
    first = rng.random(1000) < chance
    weight = np.stack([first / chance, ~first / (1 - chance)], axis=1)

    right, wrong = balance(weight, np.ones(2)), balance(weight / 1.3, np.ones(2))

    assert right.expected == wrong.expected == 2
    assert (right.is_off, wrong.is_off) == (False, True)
    assert wrong.mean == pytest.approx(right.mean / 1.3)
