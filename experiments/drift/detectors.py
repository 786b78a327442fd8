"""Four detectors of a drop, for many streams at once: the package's, two rivals, and the best possible.

Each returns the call at which a stream is reported, or -1. They see scores: outcome minus forecast over the standard
deviation of a right or wrong answer, ``(streams, calls)``, and a sample of scores from before the stream begins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paretoroute.evaluation.drift.detector import DROPS, LEAST_FACTOR, MOST_CAPITAL, SPREAD_WEIGHT
from paretoroute.evaluation.drift.reference import quality_sd

WINDOWS = (100, 200, 400, 800, 1600)
BINS = 400
WIDEST = 5.0  # a score of the binned rival


def betting(
    score: np.ndarray,
    reference: np.ndarray,
    *,
    forecast: np.ndarray,
    unit: float,
    threshold: float,
    tolerance: float | None = None,
) -> np.ndarray:
    """Shiryaev-Roberts over bets on recursive residuals: :class:`paretoroute.evaluation.drift.detector.Detector`.

    Args:
        score: ``(streams, calls)``.
        reference: scores before the stream, ``(streams, cells)``.
        forecast: which bounds the scores, ``(streams, calls)``.
        unit: score of the shift to find.
        threshold: capital at which a stream is reported.
        tolerance: in standard errors of the reference: its mean stands still, and bets are against every mean within
            this distance; None: the mean takes in the stream.
    """
    streams, cells = reference.shape
    count, mean = np.full(streams, float(cells)), reference.mean(axis=1).astype(float)
    slack = 0.0 if tolerance is None else tolerance * reference.std(axis=1) / np.sqrt(cells)
    weight, square = np.full(streams, SPREAD_WEIGHT), (reference.astype(float) ** 2).mean(axis=1)
    sizes, shares = np.array(DROPS.sizes), np.array(DROPS.shares)
    capital, reported = np.zeros((streams, len(sizes))), np.full(streams, -1)
    sd, most = quality_sd(forecast), 1 - LEAST_FACTOR
    for t in range(score.shape[1]):
        known = np.sqrt(count / (count + 1)) if tolerance is None else 1.0
        low, high = (-forecast[:, t] / sd[:, t] - mean) * known, ((1 - forecast[:, t]) / sd[:, t] - mean) * known
        size = np.clip(
            sizes * unit / square[:, None],
            -most / np.maximum(high, 1e-12)[:, None],
            most / np.maximum(-low, 1e-12)[:, None],
        )
        residual = (score[:, t] - mean) * known
        factor = 1 + size * residual[:, None] - np.abs(size) * np.reshape(slack, (-1, 1))
        capital = np.minimum((1 + capital) * np.maximum(factor, 0), MOST_CAPITAL)
        reported[(capital @ shares >= threshold) & (reported < 0)] = t
        if tolerance is None:
            count += 1
            mean = mean + (score[:, t] - mean) / count
        weight += 1
        square = square + (score[:, t] ** 2 - square) / weight
    return reported


def conformal(
    score: np.ndarray, reference: np.ndarray, *, unit: float, threshold: float, chance: np.random.Generator
) -> np.ndarray:
    """Shiryaev-Roberts over conformal p-values: the rank of each score among the reference and the stream so far.

    P-values are uniform and independent as long as all scores are exchangeable. Bets exp(k G(p)), normalised, with G
    the quantiles of the reference (Vovk et al., "Retrain or not retrain: conformal test martingales for change-point
    detection", 2021, arXiv:2102.10439).
    """
    streams = len(score)
    rows = np.arange(streams)

    def binned(values: np.ndarray) -> np.ndarray:
        return np.clip(((values + WIDEST) / (2 * WIDEST) * BINS).astype(int), 0, BINS - 1)

    counts = np.zeros((streams, BINS))
    for row, places in enumerate(binned(reference)):
        counts[row] = np.bincount(places, minlength=BINS)
    levels = np.sort(reference, axis=1)[:, ((np.arange(BINS) + 0.5) / BINS * reference.shape[1]).astype(int)]
    levels = levels - levels.mean(axis=1, keepdims=True)
    sizes, shares = np.array(DROPS.sizes) * unit / (levels**2).mean(), np.array(DROPS.shares)
    bets = np.exp(sizes[:, None] * levels[:, None, :])
    bets /= bets.mean(axis=2, keepdims=True)
    capital, reported, places = np.zeros((streams, len(sizes))), np.full(streams, -1), binned(score)
    for t in range(score.shape[1]):
        place = places[:, t]
        counts[rows, place] += 1
        below = np.where(np.arange(BINS) < place[:, None], counts, 0).sum(axis=1)
        p = (below + chance.random(streams) * counts[rows, place]) / counts.sum(axis=1)
        capital = np.minimum(1 + capital, MOST_CAPITAL) * bets[rows, :, np.minimum((p * BINS).astype(int), BINS - 1)]
        reported[(capital @ shares >= threshold) & (reported < 0)] = t
    return reported


def windowed(score: np.ndarray, reference: np.ndarray, *, threshold: float) -> np.ndarray:
    """Windowed likelihood ratio: the largest drop of the mean of the last 100 to 1,600 scores, in standard errors."""
    return first(window_statistic(score, reference) >= threshold)


def window_statistic(score: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the drop of each window's mean below that of the reference, in standard errors, ``(streams, calls)``."""
    mean, sd = reference.mean(axis=1, keepdims=True), reference.std(axis=1, keepdims=True)
    total = np.concatenate([np.zeros((len(score), 1)), np.cumsum(score - mean, axis=1)], axis=1)
    best = np.full(score.shape, -np.inf)
    for size in WINDOWS:
        fall = (total[:, :-size] - total[:, size:]) / size
        best[:, size - 1 :] = np.maximum(best[:, size - 1 :], fall / (sd * np.sqrt(1 / size + 1 / reference.shape[1])))
    return best


def cusum_statistic(log_ratios: np.ndarray) -> np.ndarray:
    """Return the CUSUM statistic of a known drop at an unknown time: no detector is faster (Moustakides, 1986)."""
    statistic, level = np.empty_like(log_ratios), np.zeros(len(log_ratios))
    for t in range(log_ratios.shape[1]):
        level = np.maximum(level + log_ratios[:, t], 0)
        statistic[:, t] = level
    return statistic


def peeked_test(score: np.ndarray, reference: np.ndarray, *, every: int, z: float = 1.96) -> np.ndarray:
    """A z-test of all calls so far at a fixed level, repeated: a planted fault, which reports stable streams too."""
    looks = np.arange(every - 1, score.shape[1], every)
    mean = np.cumsum(score, axis=1)[:, looks] / (looks + 1)
    fall = np.abs(mean - reference.mean(axis=1, keepdims=True)) / (
        score.std() * np.sqrt(1 / (looks + 1) + 1 / reference.shape[1])
    )
    at = first(fall >= z)
    return np.where(at >= 0, looks[at], -1)


def first(reached: np.ndarray) -> np.ndarray:
    """Return the first call of each stream at which a condition holds, or -1."""
    return np.where(reached.any(axis=1), reached.argmax(axis=1), -1)


def quantile_of_peaks(statistic: np.ndarray, level: float) -> float:
    """Return the threshold that a share of stable streams stays under."""
    return float(np.quantile(statistic.max(axis=1), level))


def delays(reported: np.ndarray, change: int) -> Sequence[float]:
    """Return the calls from the change to the report, infinite without one; earlier alarms are left out."""
    after = reported[(reported < 0) | (reported >= change)]
    return np.where(after >= 0, after - change + 1.0, np.inf)
