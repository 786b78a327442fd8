"""The residuals to compare with: outcome minus forecast in the calibration sample, out of fold, at every point.

Forecasts at chosen points are too high on average, since the choice prefers points that are over-forecast. Calls that
the policy chose are therefore compared with the cells that it chooses on the sample, and all others with the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.policy.policy import Policy
from paretoroute.solver.rules import Rule

LEAST_VARIANCE = 0.04  # of a quality: what a forecast near 0 or 1 does not promise to undercut
WIDEST = 3.0  # standard deviations beyond which the log of a figure is clipped
LEAST_SPREAD = 0.05  # of the log of a figure
UNKNOWN_SPREAD = 0.5
LEAST_RATIO = 1e-3  # outcome over forecast; free calls have a logarithm too
MOST_CELLS = 2000.0  # that a mean counts for: a sample of any size differs a little from calls that were never logged
MOST_REPEATS = 1.05  # runs per cell; means of repeats spread less than single runs, and their logarithms lie higher
FIGURES = ("quality", "completion_tokens", "latency_s", "cost_usd")
QUALITY_SHIFT = 0.05
LOG_SHIFT = 0.15


@dataclass(frozen=True)
class Reference:
    """One figure of the calibration sample; rows of ``count``, ``mean`` and ``residual``: chosen cells, then others.

    Args:
        figure: one of :data:`FIGURES`.
        count: cells with a logged outcome, weighted by the probability of the choice, ``(2, points)``.
        mean: their mean score, ``(2, points)``, 0 without a cell.
        residual: their mean residual, in the unit of :meth:`residuals`, ``(2, points)``.
        square: their mean squared score, over both kinds, ``(points,)``.
        root: mean of one over the standard deviation that scores are divided by, ``(points,)``.
        centre: mean log ratio of outcome to forecast, ``(points,)``; 0 for quality.
        spread: its standard deviation, ``(points,)``; 1 for quality.
    """

    figure: str
    count: Floats
    mean: Floats
    residual: Floats
    square: Floats
    root: Floats
    centre: Floats
    spread: Floats

    def residuals(self, forecast: Floats, outcome: Floats, column: Indices | int) -> Floats:
        """Return outcome minus forecast for quality, else the clipped log ratio minus its mean; shapes broadcast."""
        if self.figure == "quality":
            return outcome - forecast
        return self.scores(forecast, outcome, column) * self.spread[column]

    def scores(self, forecast: Floats, outcome: Floats, column: Indices | int) -> Floats:
        """Return residuals over their standard deviation; for quality that of a yes or no with this chance."""
        if self.figure == "quality":
            return (outcome - forecast) / quality_sd(forecast)
        ratio = np.log(np.maximum(outcome / forecast, LEAST_RATIO))
        return np.clip((ratio - self.centre[column]) / self.spread[column], -WIDEST, WIDEST)

    def bounds(self, forecast: float) -> tuple[float, float]:
        """Return the least and the largest score that a call with this forecast can have."""
        if self.figure == "quality":
            sd = float(quality_sd(np.array(forecast)))
            return -forecast / sd, (1.0 - forecast) / sd
        return -WIDEST, WIDEST

    def unit(self, columns: Sequence[int]) -> float:
        """Return the score of the shift to find at some points: 5 quality points, or 15% of another figure."""
        weight = self.count.sum(axis=0)[columns] + 1e-9
        shift = QUALITY_SHIFT if self.figure == "quality" else LOG_SHIFT
        return shift * float(np.average(self.root[columns], weights=weight))

    def mean_square(self, columns: Sequence[int]) -> float:
        """Return the mean squared score at some points."""
        weight = self.count.sum(axis=0)[columns] + 1e-9
        return float(np.average(self.square[columns], weights=weight))


def quality_sd(forecast: Floats) -> Floats:
    """Return the standard deviation of a right or wrong answer with this chance, at least 0.2."""
    return np.sqrt(np.maximum(forecast * (1.0 - forecast), LEAST_VARIANCE))


def references(policy: Policy, rule: Rule) -> dict[str, Reference]:
    """Return the residuals of every figure that the calibration sample has, by figure.

    Args:
        policy: with its calibration sample.
        rule: the choices of the policy.
    """
    sample, grid, outcomes = policy.calibration_sample, policy.grid, policy.outcomes
    shift, expected = policy.document.solution.quality_shift, outcomes.cross_fitted
    share = np.zeros(sample.quality.shape)
    rows = np.arange(len(share))
    for probability, point in rule.action_probabilities(outcomes.forecast):
        share[rows, point] += probability
    tables = {
        "quality": (np.clip(expected.quality + shift, 0.0, 1.0), sample.logged_quality),
        "cost_usd": (np.broadcast_to(expected.cost_usd, share.shape), outcomes.logged_cost_usd),
    }
    if (priced := grid.token_prices.priced).any():
        tables["completion_tokens"] = (np.where(priced, sample.amount, np.nan), sample.logged_amount)
    if sample.latency_s is not None and sample.logged_latency_s is not None:
        tables["latency_s"] = (np.where(sample.latency_known(grid), sample.latency_s, np.nan), sample.logged_latency_s)
    repeated = has_repeats(policy)
    return {
        figure: _reference(figure, forecast.astype(float), logged.astype(float), share=share, repeated=repeated)
        for figure, (forecast, logged) in tables.items()
    }


def has_repeats(policy: Policy) -> bool:
    """Return whether cells of the log held several runs, whose means the calibration sample has."""
    cells = sum(point.queries for entry in policy.document.grid for point in entry.points)
    return policy.document.fitted_on.runs > MOST_REPEATS * cells


def _reference(figure: str, forecast: Floats, logged: Floats, *, share: Floats, repeated: bool) -> Reference:
    is_quality, points = figure == "quality", forecast.shape[1]
    logged = np.where(is_quality | (forecast > 0), logged, np.nan)
    is_logged: Mask = ~np.isnan(logged) & ~np.isnan(forecast)
    once = is_logged.astype(float)
    forecast, logged = np.where(is_logged, forecast, 1.0), np.where(is_logged, logged, 1.0)
    centre, spread = np.zeros(points), np.ones(points)
    if not is_quality:
        ratio = np.log(np.maximum(logged / forecast, LEAST_RATIO))
        centre = _mean(ratio, once)
        deviation = np.sqrt(_mean((ratio - centre) ** 2, once))
        spread = np.where(is_logged.sum(0) > 1, np.maximum(deviation, LEAST_SPREAD), UNKNOWN_SPREAD)
    blank, ones, columns = np.zeros((2, points)), np.ones(points), np.arange(points)
    plain = Reference(figure, blank, blank, blank, square=ones, root=ones, centre=centre, spread=spread)
    score = np.where(is_logged, plain.scores(forecast, logged, columns), 0.0)
    residual = np.where(is_logged, plain.residuals(forecast, logged, columns), 0.0)
    weights = (is_logged * share, is_logged * (share == 0))
    count = np.stack([weight.sum(axis=0) for weight in weights])
    square = _mean(score**2, once)
    root = _mean(1 / quality_sd(np.where(is_logged, forecast, 0.5)), once) if is_quality else 1 / spread
    return Reference(
        figure=figure,
        count=np.zeros_like(count) if repeated and not is_quality else np.minimum(count, MOST_CELLS),
        mean=np.stack([_mean(score, weight) for weight in weights]),
        residual=np.stack([_mean(residual, weight) for weight in weights]),
        square=np.where(is_logged.any(axis=0), square, 1.0),
        root=np.where(is_logged.any(axis=0), root, 2.0 if is_quality else 1 / UNKNOWN_SPREAD),
        centre=centre,
        spread=spread,
    )


def _mean(values: Floats, weights: Floats) -> Floats:
    """Return weighted means of columns; 0 where no weight is."""
    total = weights.sum(axis=0)
    return np.divide((values * weights).sum(axis=0), total, out=np.zeros(values.shape[1]), where=total > 0)
