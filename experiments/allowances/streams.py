"""Streams of calls for studies of pacing: made-up queries, twelve points, and the ways in which bills surprise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.serving.cost_curve import PRICES, CostCurve

POINTS = 12
BASE_USD = np.geomspace(0.0002, 0.02, POINTS)
MEAN_USD = 0.003  # the allowance per call
LOGGED = 2000

STREAMS = {
    "as logged": "queries as logged, bills as forecast on average",
    "dear queries": "1% of the queries cost 100 times as much, which the forecast knows",
    "cost tail": "1 of 1,000 bills is 100 times as high, which the forecast does not know",
    "wide bills": "lognormal bills, the highest of 1,000 about 100 times the median",
    "rare bills": "1 of 200 bills is 100 times as high, a third of all spending",
    "dearer": "bills double after half of the calls",
    "cheaper": "bills are half of the forecast",
    "harder": "harder queries after half of the calls",
    "day and night": "as logged, at 19 times as many calls at noon as at midnight",
    "growing": "as logged, at a rate that grows from nothing",
    "sorted": "as logged, the cheap queries first",
}


@dataclass(frozen=True)
class Stream:
    """Calls in the order in which they come.

    Args:
        quality: expected, ``(calls, points)``.
        cost_usd: expected, ``(calls, points)``.
        surprise: real over expected cost, ``(calls,)``.
        time: share of the period that has passed at each call, ``(calls,)``.
    """

    quality: Floats
    cost_usd: Floats
    surprise: Floats
    time: Floats


def queries(rng: np.random.Generator, count: int, *, hard: float = 0.5, dear: bool = False) -> tuple[Floats, Floats]:
    """Draw expected quality and cost, ``(count, points)`` each."""
    difficulty = rng.beta(1 + 2 * hard, 1 + 2 * (1 - hard), count)[:, None]
    length = rng.lognormal(0, 0.5, count)
    if dear:
        length = np.where(rng.random(count) < 0.01, 100 * length, length)
    power = np.linspace(0.13, 1.3, POINTS)
    quality = 1 / (1 + np.exp(-8 * (power - difficulty) + rng.normal(0, 0.4, (count, POINTS))))
    cost = BASE_USD * length[:, None] * np.exp(0.6 * difficulty) * rng.lognormal(0, 0.1, (count, POINTS))
    return quality, cost


def curve_of(quality: Floats, cost: Floats) -> CostCurve:
    """Return the curve of logged queries, at the price that meets the allowance per call."""
    prices, rows = np.geomspace(1e-2, 1e7, PRICES), np.arange(len(quality))
    means = np.array([cost[rows, (quality - price * cost).argmax(1)].mean() for price in prices])
    return CostCurve(prices, np.minimum.accumulate(means), MEAN_USD)


def make(name: str, calls: int, seed: int) -> tuple[Stream, CostCurve]:
    """Make a stream, and the curve of queries that were logged before."""
    curve = curve_of(*queries(np.random.default_rng(seed), LOGGED, dear=name == "dear queries"))
    rng = np.random.default_rng(1000 + seed)
    quality, cost = queries(rng, calls, dear=name == "dear queries")
    if name == "harder":
        parts = [queries(rng, part, hard=hard) for part, hard in ((calls // 2, 0.3), (calls - calls // 2, 0.7))]
        quality, cost = (np.vstack(both) for both in zip(*parts, strict=True))
    if name == "sorted":
        order = np.argsort(cost.mean(1))
        quality, cost = quality[order], cost[order]
    return Stream(quality, cost, _surprise(name, calls, rng), _time(name, calls)), curve


def _surprise(name: str, calls: int, rng: np.random.Generator) -> Floats:
    usual = rng.lognormal(-0.08, 0.4, calls)
    if name == "wide bills":
        sigma = np.log(100) / 3.09
        return rng.lognormal(-(sigma**2) / 2, sigma, calls)
    if name in ("cost tail", "rare bills"):
        rare = 0.001 if name == "cost tail" else 0.005
        return np.where(rng.random(calls) < rare, 100.0, (1 - 100 * rare) / (1 - rare))
    if name == "dearer":
        return usual * np.where(np.arange(calls) < calls // 2, 1, 2)
    return usual * (0.5 if name == "cheaper" else 1)


def _time(name: str, calls: int) -> Floats:
    even = (np.arange(calls) + 0.5) / calls
    if name == "growing":
        return np.sqrt(even)
    if name == "day and night":
        clock = np.linspace(0, 1, 100_000)
        rate = 1 + 0.9 * np.sin(2 * np.pi * 30 * clock)
        return np.interp(even, np.cumsum(rate) / rate.sum(), clock)
    return even


def hindsight_quality(stream: Stream, allowance_usd: float) -> float:
    """Return the mean quality of the best fixed price that spends the allowance, mixed with its neighbour."""
    real, rows = stream.cost_usd * stream.surprise[:, None], np.arange(len(stream.quality))

    def at(price: float) -> tuple[float, float]:
        choice = (stream.quality - price * stream.cost_usd).argmax(1)
        return float(real[rows, choice].sum()), float(stream.quality[rows, choice].mean())

    low, high = 1e-3, 1e7
    if at(0.0)[0] <= allowance_usd:
        return at(0.0)[1]
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if at(middle)[0] > allowance_usd else (low, middle)
    (dear, better), (cheap, worse) = at(low), at(high)
    share = (allowance_usd - cheap) / (dear - cheap) if dear > cheap else 0.0
    return worse + share * (better - worse)
