"""Recalibrated forecasts against a slow reference, and without the query that they score."""

import numpy as np
import pytest

from paretoroute.calibration.off_policy.recalibration import recalibrated_amount, recalibrated_quality

FOLD = np.arange(60) % 3


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw forecasts, and outcomes of one point per query; nothing was logged at the last point."""
    rng = np.random.default_rng(seed)
    forecast = rng.uniform(0.2, 0.9, (60, 4))
    outcome = np.full((60, 4), np.nan)
    rows = np.arange(60)
    point = rng.integers(3, size=60)
    outcome[rows, point] = rng.random(60)
    return forecast, outcome


def slow_quality(forecast: np.ndarray, outcome: np.ndarray, fold: np.ndarray, query: int, point: int) -> float:
    rows = [(i, j) for i, j in np.argwhere(~np.isnan(outcome)) if fold[i] != fold[query]]
    mean_f, mean_y, count = {}, {}, {}
    for j in range(forecast.shape[1]):
        own = [i for i, k in rows if k == j]
        count[j] = len(own)
        mean_f[j] = np.mean([forecast[i, j] for i in own]) if own else forecast[:, j].mean()
        mean_y[j] = np.mean([outcome[i, j] for i in own]) if own else 0.0
    spread = sum((forecast[i, j] - mean_f[j]) ** 2 for i, j in rows)
    together = sum((forecast[i, j] - mean_f[j]) * (outcome[i, j] - mean_y[j]) for i, j in rows)
    prior = 20 * spread / len(rows)
    slope = (together + prior) / (spread + prior)
    errors = {(i, j): outcome[i, j] - mean_f[j] - slope * (forecast[i, j] - mean_f[j]) for i, j in rows}
    common = np.mean(list(errors.values()))
    own = sum(error for (_, j), error in errors.items() if j == point)
    shift = (own + 4 * common) / (count[point] + 4)
    return float(np.clip(mean_f[point] + slope * (forecast[query, point] - mean_f[point]) + shift, 0, 1))


def slow_amount(forecast: np.ndarray, outcome: np.ndarray, fold: np.ndarray, query: int, point: int) -> float:
    rows = [(i, j) for i, j in np.argwhere(~np.isnan(outcome)) if fold[i] != fold[query]]
    common = sum(outcome[i, j] for i, j in rows) / sum(forecast[i, j] for i, j in rows)
    own = [(i, j) for i, j in rows if j == point]
    if not own:
        return float(forecast[query, point] * common)
    prior = 4 * np.mean([forecast[i, j] for i, j in own])
    above = sum(outcome[i, j] for i, j in own) + common * prior
    return float(forecast[query, point] * above / (sum(forecast[i, j] for i, j in own) + prior))


@pytest.mark.parametrize(("fast", "slow"), [(recalibrated_quality, slow_quality), (recalibrated_amount, slow_amount)])
def test_recalibration_is_that_of_the_slow_reference(fast, slow):
    forecast, outcome = drawn(0)

    table = fast(forecast, outcome, FOLD)

    for query, point in np.ndindex(6, 4):
        assert table[query, point] == pytest.approx(slow(forecast, outcome, FOLD, query, point))


@pytest.mark.parametrize("fast", [recalibrated_quality, recalibrated_amount])
def test_a_query_is_scored_without_the_outcomes_of_its_own_fold(fast):
    forecast, outcome = drawn(1)
    changed = np.where(FOLD[:, None] == 0, 1 - outcome, outcome)

    before, after = fast(forecast, outcome, FOLD), fast(forecast, changed, FOLD)

    assert (before[FOLD == 0] == after[FOLD == 0]).all()
    assert (before[FOLD == 1] != after[FOLD == 1]).any()


def test_forecasts_without_a_spread_are_shifted_to_the_means():
    outcome = np.full((40, 2), np.nan)
    outcome[:20, 0], outcome[20:, 1] = 1.0, 0.0

    table = recalibrated_quality(np.full((40, 2), 0.5), outcome, np.arange(40) % 2)

    assert table[0] == pytest.approx([0.5 + 5 / 14, 0.5 - 5 / 14])


def test_nothing_logged_leaves_the_forecasts_as_they_are():
    forecast, nothing = np.full((4, 2), 0.25), np.full((4, 2), np.nan)

    assert (recalibrated_quality(forecast, nothing, np.arange(4) % 2) == forecast).all()
    assert (recalibrated_amount(forecast, nothing, np.arange(4) % 2) == forecast).all()
