"""Measure how prompt tokens, and costs that tokens do not explain, grow with the length of the text.

Prompt tokens are those of a frame (system prompt, examples, chat template) and of the text, so that at point j

    prompt_j = a_j + r_j . (ASCII bytes, other bytes),   r_j >= 0,  a_j >= -1 (tokens are whole numbers, rounded down).

The slopes r are estimated by ridge regression, the variance growing with the mean, first for a model, then for each of
its points around those of the model. Where the log hardly determines them, because its texts are short, all of one
length or in one script, they stay at a quarter of a token per byte: along each eigenvector of the information matrix an
estimate is shrunk to that centre by max(0, 1 - 4/z^2), with z its distance from it in standard errors, as in
positive-part James-Stein estimation (Stein, "Inadmissibility of the usual estimator for the mean of a multivariate
normal distribution", Third Berkeley Symposium, 1956; at 4 a right centre is kept 95 times of 100). Otherwise 600,000
characters would be extrapolated from noise.

Where the log shows no growth at all, beyond noise, prompt tokens stay at their mean up to its longest text, so that
queries which the log cannot tell apart are forecast alike; beyond that text they are counted at that quarter.

Costs are treated likewise, without a prior. Where the length does not explain nearly all of them the panel, which reads
the text, forecasts them up to the longest logged text, and the slope continues from there. Where no growth is visible
because a few costs have other reasons (fees, refunds), it is measured without these.

On real logs the count times a panel was closer than either alone: see experiments/prompt_length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask, single
from paretoroute.grid import Point
from paretoroute.surface.surface import TextGrowth, TextSize

TOKENS_PER_BYTE = 0.25
TOKENS_PER_BYTE_SD = 0.25  # a weak prior: what one model and script differ in from another
SIGNIFICANT = 4.0  # squared standard errors
EVIDENT = 12.0  # squared standard errors from slopes of 0, from which on a log shows that figures follow the text
EXPLAINED = 0.9  # share of a cost's variance from which on its forecast is left to the length
OUTLYING = 5.0  # median distances from the line of least distances, from which on a cost has another reason
LINE_STEPS = 30
LEAST_NOISE = 0.3  # standard deviation of rounding to whole tokens
LEAST_CELLS = 5
LEAST_FIGURE = 1e-12  # of a point without any run, whose figure is never read
REWEIGHTINGS = 2
LEAST_FITTED = 0.01  # of the mean: bounds the weight of a short text


@dataclass(frozen=True)
class FittedGrowth:
    """How a figure grows with the text, and the figure that the text's length alone predicts.

    Args:
        growth: as the surface holds it.
        factor: of every logged query, 1 where it has no text, ``(queries, points)``.
        logged: the figure, NaN where nothing was logged, ``(queries, points)``.
        rest: the figure over the factor; where the length predicts a figure to the last whole token, the prediction
            over the factor, so that no panel is fitted to rounding.
    """

    growth: TextGrowth
    factor: Floats
    logged: Floats
    rest: Floats


@dataclass(frozen=True)
class _Moments:
    """What one point's log tells about the slopes, in units of its noise.

    Args:
        precision: ``(sizes, sizes)``.
        pull: gradient of the log likelihood at slopes of 0, ``(sizes,)``.
    """

    precision: Floats
    pull: Floats

    def scaled(self, factor: float) -> _Moments:
        """Return the moments of the slopes divided by a factor."""
        return _Moments(self.precision * factor**2, self.pull * factor)


def prompt_growth(prompt: Floats, sizes: Sequence[TextSize | None], points: Sequence[Point]) -> FittedGrowth | None:
    """Measure how prompt tokens grow with the text; None where no query has one.

    Args:
        prompt: mean prompt tokens, NaN where nothing was logged, ``(queries, points)``.
        sizes: of the logged texts.
        points: the points.
    """
    if not any(sizes):
        return None
    bytes_ = _table(sizes)
    moments = [_moments(bytes_, column) for column in prompt.T]
    reads = _reads(prompt, points)
    slopes, is_evident = np.empty((len(points), 2)), np.zeros(len(points), bool)
    prior = 1 / TOKENS_PER_BYTE_SD**2
    for model in dict.fromkeys(point.model for point in points):
        own = [j for j, point in enumerate(points) if point.model == model]
        per_read = [moments[j].scaled(reads[j]) for j in own]
        is_evident[own] = _distance_from_zero(per_read) > EVIDENT
        centre = np.full(2, TOKENS_PER_BYTE)
        shared = _slopes(per_read, centre, prior) if is_evident[own[0]] else centre
        for j in own:
            around = shared * reads[j]
            slopes[j] = _slopes([moments[j]], around, prior / reads[j] ** 2) if is_evident[j] else around
    return _fitted(prompt, bytes_, slopes, is_evident, rounding=1.0)


def cost_growth(amount: Floats, is_cost: Mask, sizes: Sequence[TextSize | None]) -> FittedGrowth | None:
    """Measure how logged costs grow with the text; None where none does beyond noise.

    A point whose cost does not has slopes of 0, and one whose cost has other reasons too grows beyond the longest text.

    Args:
        amount: mean cost in USD, NaN where nothing was logged, ``(queries, points)``.
        is_cost: the points that it is the cost of; others, such as completion tokens, stay as they are, ``(points,)``.
        sizes: of the logged texts.
    """
    if not any(sizes):
        return None
    bytes_ = _table(sizes)
    total = bytes_.sum(axis=1, keepdims=True)
    slopes, is_explained = np.zeros((amount.shape[1], 2)), np.zeros(amount.shape[1], bool)
    is_hidden = np.zeros(amount.shape[1], bool)  # by other costs, so that the panel forecasts the mean
    prior = float(np.nanmean(total)) ** 2  # in proportion to the text, or less
    for j in np.flatnonzero(is_cost):
        column = amount[:, j]
        mean = np.nanmean(column) if (column > 0).any() else 0.0
        moments = _moments(total, column / (mean or 1.0), least_noise=1e-6)
        is_hidden[j] = mean > 0 and _distance_from_zero([moments]) <= EVIDENT
        if is_hidden[j]:
            moments = _moments(total, _without_outliers(total, column / mean), least_noise=1e-6)
        if mean > 0 and _distance_from_zero([moments]) > EVIDENT:
            slopes[j] = _slopes([moments], np.zeros(1), prior)[0] * mean
            is_explained[j] = _squared_correlation(total[:, 0], column) > EXPLAINED
    if not slopes.any():
        return None
    return _fitted(amount, bytes_, slopes, is_explained, rounding=0.0, panel_follows=~is_hidden)


def _squared_correlation(sizes: Floats, values: Floats) -> float:
    is_logged = ~np.isnan(sizes) & ~np.isnan(values)
    return float(np.corrcoef(sizes[is_logged], values[is_logged])[0, 1] ** 2)


def _table(sizes: Sequence[TextSize | None]) -> Floats:
    """Arrange sizes as ``(queries, 2)``, NaN where there is no text."""
    return np.array([(np.nan, np.nan) if size is None else size for size in sizes], np.float64)


def _reads(prompt: Floats, points: Sequence[Point]) -> Floats:
    """Return how often each point reads, and bills, its prompt: a vote of n reads it once or n times, ``(points,)``."""
    mean = np.nanmean(np.where(np.isnan(prompt).all(0), 1.0, prompt), axis=0)
    reads = np.ones(len(points))
    for j, point in enumerate(points):
        votes = point.budget.amount if point.budget.kind == "samples" else None
        least = min(mean[i] for i, other in enumerate(points) if other.model == point.model)
        if votes and votes > 1 and mean[j] ** 2 > votes * least**2:
            reads[j] = votes
    return reads


def _moments(sizes: Floats, values: Floats, *, least_noise: float = LEAST_NOISE) -> _Moments:
    """Summarise what one point's values tell about their slopes over sizes ``(queries, sizes)``."""
    is_logged = ~np.isnan(values) & ~np.isnan(sizes[:, 0])
    nothing = _Moments(np.zeros((sizes.shape[1],) * 2), np.zeros(sizes.shape[1]))
    if is_logged.sum() < LEAST_CELLS:
        return nothing
    size, value = sizes[is_logged], values[is_logged]
    line = _Line.through(size, value, np.ones(len(value)))
    if value.mean() > 0:
        for _ in range(REWEIGHTINGS):
            line = _Line.through(size, value, value.mean() / line.fitted(size, value))
    noise = max(line.noise, least_noise)
    return _Moments(line.centred.T @ line.centred / noise**2, line.centred.T @ line.rest / noise**2)


def _without_outliers(sizes: Floats, values: Floats) -> Floats:
    """Return the values with NaN where they lie far from the line of least absolute distances, ``(queries,)``."""
    is_logged = ~np.isnan(values) & ~np.isnan(sizes[:, 0])
    if is_logged.sum() < LEAST_CELLS:
        return values
    design = np.column_stack([np.ones(is_logged.sum()), sizes[is_logged]])
    value, weight = values[is_logged], np.ones(is_logged.sum())
    distance = np.abs(value - np.median(value))
    for _ in range(LINE_STEPS):
        line = np.linalg.lstsq(design * weight[:, None], value * weight, rcond=None)[0]
        distance = np.abs(value - design @ line)
        weight = 1 / np.sqrt(np.maximum(distance, 1e-3 * np.median(distance) + 1e-12))
    kept = values.copy()
    kept[np.flatnonzero(is_logged)[distance > OUTLYING * np.median(distance) + 1e-9]] = np.nan
    return kept


@dataclass(frozen=True)
class _Line:
    """A weighted least squares line, its data centred and times the root of the weights.

    Args:
        centred: sizes, ``(cells, sizes)``.
        rest: values, ``(cells,)``.
        slope: ``(sizes,)``.
        noise: standard deviation of the residuals.
    """

    centred: Floats
    rest: Floats
    slope: Floats
    noise: float

    @staticmethod
    def through(size: Floats, value: Floats, weight: Floats) -> _Line:
        root = np.sqrt(weight)
        centred = (size - np.average(size, axis=0, weights=weight)) * root[:, None]
        rest = (value - np.average(value, weights=weight)) * root
        solution, _, rank, _ = np.linalg.lstsq(centred, rest, rcond=None)
        slope: Floats = np.asarray(solution, np.float64)
        noise = ((rest - centred @ slope) ** 2).sum() / max(len(value) - 1 - rank, 1)
        return _Line(centred, rest, slope, float(noise) ** 0.5)

    def fitted(self, size: Floats, value: Floats) -> Floats:
        """Return the fitted values with slopes of at least 0, positive for a positive mean."""
        mean = value.mean()
        return np.maximum(mean + (size - size.mean(0)) @ np.maximum(self.slope, 0.0), LEAST_FITTED * mean)


def _slopes(moments: Sequence[_Moments], centre: Floats, prior: float) -> Floats:
    """Estimate slopes by ridge around a centre, and shrink what noise explains: ``(sizes,)``, not negative.

    Args:
        moments: of the points that share the slopes.
        centre: ``(sizes,)``.
        prior: precision of the prior around it, the same for every size.
    """
    data, pull = _sum(moments)
    information, directions = np.linalg.eigh(data)
    information = np.maximum(information, 0.0)
    away = directions.T @ (pull - data @ centre) / (information + prior)
    squared = away**2 * (information + prior)
    kept = np.maximum(0.0, 1.0 - SIGNIFICANT / np.maximum(squared, 1e-300))
    return np.maximum(centre + directions @ (kept * away), 0.0)


def _sum(moments: Sequence[_Moments]) -> tuple[Floats, Floats]:
    """Add up precisions and pulls of points that share their slopes."""
    return np.sum([some.precision for some in moments], axis=0), np.sum([some.pull for some in moments], axis=0)


def _distance_from_zero(moments: Sequence[_Moments]) -> float:
    """Return the squared Mahalanobis distance of the shared slopes from 0: large where values follow the text."""
    precision, pull = _sum(moments)
    return float(pull @ np.linalg.lstsq(precision, pull, rcond=None)[0])


def _fitted(
    values: Floats,
    sizes: Floats,
    slopes: Floats,
    is_evident: Mask,
    *,
    rounding: float,
    panel_follows: Mask | bool = False,
) -> FittedGrowth:
    """Add the intercepts with which each point's predictions add up to its logged values, and normalise.

    Args:
        values: logged, ``(queries, points)``.
        sizes: ``(queries, 2)``, NaN without a text.
        slopes: ``(points, 2)``.
        is_evident: which points grow within the log, ``(points,)``; the others do beyond its longest text.
        rounding: by which whole numbers may lie off; at an intercept below minus that the slopes are lowered.
        panel_follows: whether the forecast at the longest text is that of its length, and not the mean, ``(points,)``.
    """
    has_text = ~np.isnan(sizes[:, 0])
    typical = sizes[has_text].mean(0)
    constant = np.zeros(len(slopes))
    for j, column in enumerate(values.T):
        is_logged = has_text & ~np.isnan(column)
        if is_logged.any():
            mean, text = column[is_logged].mean(), float(sizes[is_logged].mean(0) @ slopes[j])
            if mean - text < -rounding:
                slopes[j] *= (mean + rounding) / text
                text = mean + rounding
            constant[j] = mean - text
    at_typical = np.maximum(constant + slopes @ typical, LEAST_FIGURE)
    longest = sizes[has_text][sizes[has_text].sum(1).argmax()]
    unit = np.maximum(np.where(panel_follows & ~is_evident, constant + slopes @ longest, at_typical), LEAST_FIGURE)
    growth = TextGrowth(
        constant=single(np.where(is_evident, constant / at_typical, 1.0)),
        per_ascii_byte=single(slopes[:, 0] / unit),
        per_other_byte=single(slopes[:, 1] / unit),
        flat_bytes=single(np.where(is_evident | ~slopes.any(axis=1), 0.0, longest.sum())),
    )
    factor = np.stack([growth.at(None if np.isnan(size[0]) else TextSize(*size)) for size in sizes])
    is_rounding = has_text[:, None] & is_evident & (np.abs(values - factor * at_typical) < rounding)
    return FittedGrowth(growth, factor, values, np.where(is_rounding, at_typical, values / factor))
