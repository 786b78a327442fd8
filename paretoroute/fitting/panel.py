"""Fit one panel of the surface: range, smearing factors, spread and residual quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask, single
from paretoroute.fitting.draft import PanelDraft
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import ridge
from paretoroute.fitting.methods.second_level import SecondLevelFit
from paretoroute.fitting.result import Signal
from paretoroute.fitting.sample import Sample
from paretoroute.surface.neighbours import SIZES
from paretoroute.surface.panel import QUANTILES, FirstLevel, Panel, Scale, SecondLevel

POINT_RUNS = 10.0  # runs that a point's own smearing factor needs to count as much as the common one
SPREAD_CELLS = 4.0  # cells at the mean with which a point's spread is pooled


@dataclass(frozen=True)
class FittedPanel:
    """A finished panel.

    Args:
        panel: as the surface holds it.
        signal: how much of the figure the query explains.
        forecast: out-of-fold forecasts in the figure's unit, of a text of typical length where the figure grows with
            the text, ``(sample, points)``.
    """

    panel: Panel
    signal: Signal
    forecast: Floats


def fit_panel(
    draft: PanelDraft, second: SecondLevelFit | None, sample: Sample, *, signal: Signal, neighbours: int
) -> FittedPanel:
    """Finish one panel.

    Args:
        draft: its first level.
        second: its second level, or None.
        sample: the queries that represent all.
        signal: how far the panel follows the query.
        neighbours: number of neighbours that the surface keeps.
    """
    forecast = draft.forecast(draft.components if second is None else second.components)
    base = single(draft.base)
    forecast = (1 - signal.follows) * base + signal.follows * forecast
    panel = Panel(
        base=base,
        basis=single(draft.basis),
        first_level=_first_level(
            draft, sample, neighbours, follows=signal.follows if second is None else float(signal.used)
        ),
        second_level=None if second is None else _second_level(second.level, signal.follows),
        scale=_scale(_Residuals(draft.logged, forecast, sample)),
    )
    return FittedPanel(panel, signal, panel.scale.finish(forecast))


def _first_level(draft: PanelDraft, sample: Sample, neighbours: int, *, follows: float) -> FirstLevel:
    """Weigh and sum the heads, shrunk to how far the panel follows the query: weights of 0 if it does not."""
    strengths, weights, start = len(ridge.STRENGTHS), draft.weights * follows, 0
    offsets, slopes, near = list[Floats](), list[Floats](), list[Floats]()
    for view in sample.views:
        slope, intercept = view.decomposed.coefficients(draft.targets)
        own = weights[start : start + strengths]
        offsets.append((intercept * own).sum(0))
        slopes.append(np.einsum("sfk,sk->fk", slope, own))
        end = start + strengths + view.measures * len(SIZES)
        near.append(weights[start + strengths : end])
        start = end
    return FirstLevel(
        offset=single(np.sum(offsets, axis=0)),
        slope=single(np.concatenate(slopes)),
        targets=sample.shared(draft.targets[sample.rows])[:neighbours].astype(np.float16),
        weights=single(np.concatenate(near)),
    )


def _second_level(level: SecondLevel, follows: float) -> SecondLevel:
    return SecondLevel(
        keep=single(level.keep * follows), cross=single(level.cross * follows), shift=single(level.shift * follows)
    )


@dataclass(frozen=True)
class _Residuals:
    """Logged values of the sample's queries around their out-of-fold forecasts.

    Args:
        logged: the logged means of all queries.
        forecast: ``(sample, points)``.
        sample: the queries.
    """

    logged: LoggedPanel
    forecast: Floats
    sample: Sample

    @property
    def values(self) -> Floats:
        return self.logged.values[self.sample.rows]

    @property
    def is_logged(self) -> Mask:
        return self.logged.count[self.sample.rows] > 0


def scale_of(logged: LoggedPanel, forecast: Floats, sample: Sample) -> Scale:
    """Measure range, spread, smearing factors and residual quantiles of a panel.

    Args:
        logged: the logged means of all queries.
        forecast: out of fold, in logs where the panel is, ``(sample, points)``.
        sample: the queries.
    """
    return _scale(_Residuals(logged, forecast, sample))


def _scale(residuals: _Residuals) -> Scale:
    low, high = (single(end) for end in _range(residuals.logged))
    spread = single(_spread(residuals))
    if not residuals.logged.log:
        return Scale(low=low, high=high, spread=spread)
    smearing = single(_smearing(residuals, np.clip(residuals.forecast, low, high)))
    quantiles = single(_residual_quantiles(residuals, spread))
    return Scale(low=low, high=high, spread=spread, smearing=smearing, residual_quantiles=quantiles)


def _range(logged: LoggedPanel) -> tuple[Floats, Floats]:
    """Return the least and the largest figure to forecast, ``(points,)``; of logs, half and twice the logged range.

    A figure that grows with the text leaves that range with the text alone.
    """
    points = logged.values.shape[1]
    if not logged.log:
        return np.zeros(points), np.ones(points)
    is_logged = logged.count > 0
    low = np.where(is_logged, logged.values, np.inf).min(0)
    high = np.where(is_logged, logged.values, -np.inf).max(0)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    margin = np.log(2) if logged.growth is None else np.where(logged.growth.is_flat, np.log(2), 0.0)
    return low - margin, high + margin


def _smearing(residuals: _Residuals, forecast: Floats) -> Floats:
    """Estimate the factor from exp(mean log) to mean, per point, shrunk to the common one where runs are few.

    Whole bills (``cost: logged``) have a common factor of their own, and from ten runs on each keeps its own: if a few
    calls cost a hundred times as much as the others, a share of another point's factor would miss the logged mean.
    """
    is_logged = residuals.is_logged
    rows = residuals.sample.rows
    logged = np.nan_to_num(residuals.logged.means(rows)).sum(0)
    expected = np.where(is_logged, np.exp(forecast) * residuals.logged.factor(rows), 0.0).sum(0)
    is_positive = is_logged.any(0) & (logged > 0)
    count = np.where(is_positive, is_logged.sum(0), 0)
    own = np.log(np.where(is_positive, logged, 1.0) / np.where(is_positive, expected, 1.0))
    is_bill = residuals.logged.is_bill
    if is_bill is None:
        return np.exp(_shrunk(own, count, np.ones(len(own), bool)))
    shrunk = np.where(is_bill, _shrunk(own, count, is_bill), _shrunk(own, count, ~is_bill))
    return np.exp(np.where(is_bill & (count >= POINT_RUNS), own, shrunk))


def _shrunk(own: Floats, count: Indices, group: Mask) -> Floats:
    """Shrink the points' logs of factors to their mean over a group of points."""
    common = float(np.average(own, weights=np.where(group, np.maximum(count, 1e-9), 1e-18)))
    return (count * own + POINT_RUNS * common) / (count + POINT_RUNS)


def _spread(residuals: _Residuals) -> Floats:
    """Estimate the standard deviation of a logged cell around its forecast, pooled with four cells at the mean."""
    is_logged = residuals.is_logged
    error = np.where(is_logged, residuals.values - residuals.forecast, 0.0)
    total = float((error**2).sum() / max(is_logged.sum(), 1))
    return np.sqrt(((error**2).sum(0) + SPREAD_CELLS * total) / (is_logged.sum(0) + SPREAD_CELLS))


def _residual_quantiles(residuals: _Residuals, spread: Floats) -> Floats:
    """Compute quantiles of logged minus forecast in units of the point's spread, over all points."""
    error = (residuals.values - residuals.forecast) / np.maximum(spread, 1e-12)
    is_logged = residuals.is_logged
    return np.quantile(error[is_logged], QUANTILES) if is_logged.any() else np.zeros(len(QUANTILES))
