"""Routers that are told how half of the models did on the same query, and route among the other half.

They show how much of the oracle's gain can be known: what one half tells about the other is not luck of single runs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled

import paretoroute as pr
from paretoroute.fitting.methods import ridge

COST_FLOOR_USD = 1e-7
STRENGTHS = (1.0, 10.0, 100.0)  # in numbers of queries, for inputs of about unit length
KNOWLEDGE = ("told difficulty", "told quality", "told outcomes")


@dataclass(frozen=True)
class Halves:
    """The columns of the models whose outcomes are told, and those of the others, of which one is called."""

    told: np.ndarray
    routed: np.ndarray


@dataclass(frozen=True)
class Forecasts:
    """Quality and cost in USD of every routed point, ``(queries, points)`` each."""

    quality: np.ndarray
    cost_usd: np.ndarray


@dataclass(frozen=True)
class Outcomes:
    """Logged means of some queries, ``(queries, points)`` each; a missing cell has the mean of its point."""

    quality: np.ndarray
    cost_usd: np.ndarray

    @classmethod
    def of(cls, runs: pr.Runs) -> Outcomes:
        """Read the logged means of runs."""
        return cls(filled(runs, "quality"), filled(runs, "cost_usd"))

    def at(self, columns: np.ndarray) -> Outcomes:
        """Return the outcomes of some points."""
        return Outcomes(self.quality[:, columns], self.cost_usd[:, columns])


def random_halves(points: tuple[pr.Point, ...], rng: np.random.Generator) -> tuple[Halves, Halves]:
    """Split the models in two at random, and return the split in both directions."""
    models = sorted({point.model for point in points})
    first = set(rng.permutation(models)[: len(models) // 2])
    inside = np.array([point.model in first for point in points])
    one, other = np.flatnonzero(inside), np.flatnonzero(~inside)
    return Halves(one, other), Halves(other, one)


def _inputs(told: Outcomes, knows: str) -> np.ndarray:
    """Return what a router is told of every query: ``(queries, width)``."""
    if knows == "told difficulty":
        return told.quality.mean(1, keepdims=True)
    if knows == "told quality":
        return told.quality
    return np.hstack([told.quality, np.log(np.maximum(told.cost_usd, COST_FLOOR_USD))])


def references(
    train: Outcomes, asked: Outcomes, halves: Halves, fold: np.ndarray, knows: str
) -> list[tuple[Forecasts, Forecasts]]:
    """Forecast the routed points linearly from what is told, at every strength of ridge.

    Args:
        train: outcomes of the training queries at all points.
        asked: outcomes of the other queries, of which only those at the told points are read.
        halves: which points are told and routed.
        fold: of each training query.
        knows: one of :data:`KNOWLEDGE`.

    Returns:
        For every strength out-of-fold forecasts of the training queries, and those of the others.
    """
    inputs, others = (_inputs(outcomes.at(halves.told), knows) for outcomes in (train, asked))
    centre, scale = inputs.mean(0), np.maximum(inputs.std(0), 1e-9) * inputs.shape[1] ** 0.5
    inputs, others = (inputs - centre) / scale, (others - centre) / scale
    routed = train.at(halves.routed)
    targets = np.hstack([routed.quality, np.log(np.maximum(routed.cost_usd, COST_FLOOR_USD))])
    out_of_fold = np.zeros((len(STRENGTHS), *targets.shape))
    for f in np.unique(fold):
        out_of_fold[:, fold == f] = _ridge(inputs[fold != f], targets[fold != f], inputs[fold == f])
    results = []
    for inside, outside in zip(out_of_fold, _ridge(inputs, targets, others), strict=True):
        own, cost = (np.exp(table[:, routed.quality.shape[1] :]) for table in (inside, outside))
        ratio = routed.cost_usd.mean(0) / own.mean(0)  # of means to exponentials of mean logs
        quality = (table[:, : routed.quality.shape[1]] for table in (inside, outside))
        results.append(tuple(map(Forecasts, quality, (own * ratio, cost * ratio))))
    return results


def _ridge(inputs: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Fit at every strength and forecast: ``(strengths, queries, targets)``."""
    slopes, intercepts = ridge.coefficients(ridge.moments(inputs, targets), STRENGTHS)
    return np.einsum("if,sfk->sik", asked, slopes) + intercepts[:, None]
