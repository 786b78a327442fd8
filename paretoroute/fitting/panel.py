"""Fit one panel of the surface: signal test, range, smearing factors, spread and residual quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, single
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import ridge, second_level
from paretoroute.fitting.result import Signal
from paretoroute.fitting.sample import Sample
from paretoroute.surface.panel import QUANTILES, Panel

GATE_SE = 1.0  # a panel follows the query only if its out-of-fold gain exceeds so many standard errors


@dataclass(frozen=True)
class PanelDraft:
    """A panel after the first level.

    Args:
        cells: what was logged.
        base: pooled means, ``(points,)``.
        basis: ``(points, components)``.
        targets: components of all queries, ``(queries, components)``.
        known: share of the points that were logged of each of the sample's queries, ``(sample,)``.
        weights: of the heads, by all queries, ``(heads, components)``.
        own: out-of-fold forecast components, ``(sample, components)``.
        left_out: out-of-fold forecasts of points with few runs, NaN elsewhere, ``(sample, points)``.
    """

    cells: LoggedPanel
    base: Floats
    basis: Floats
    targets: Floats
    known: Floats
    weights: Floats
    own: Floats
    left_out: Floats

    def forecast(self, components: Floats) -> Floats:
        """Turn out-of-fold components into out-of-fold figures, ``(sample, points)``."""
        return np.where(np.isnan(self.left_out), self.base + components @ self.basis.T, self.left_out)


def fit_panel(
    draft: PanelDraft, level: second_level.SecondLevel | None, components: Floats, sample: Sample, kept: int
) -> tuple[Panel, Signal, Floats]:
    """Finish one panel; the third is its out-of-fold forecasts at the sample's queries, ``(sample, points)``.

    Args:
        draft: its first level.
        level: its second, or None.
        components: its out-of-fold forecasts, ``(sample, components)``.
        sample: the queries that stand for all.
        kept: number of neighbours that the surface keeps.
    """
    cells = draft.cells
    known = cells.count[sample.rows] > 0
    forecast = draft.forecast(components)
    signal = signal_of(cells, draft.base, forecast, sample)
    if not signal.used:
        forecast = np.broadcast_to(single(draft.base), forecast.shape).copy()
    low, high = (single(end) for end in _range(cells))
    smear = None
    if cells.log:
        smear = single(_smear(cells.values[sample.rows], known, np.clip(forecast, low, high)))
    spread = single(_spread(cells, forecast, sample))
    finish = (low, high, smear, spread, _tail(cells, forecast, spread, sample) if cells.log else None)
    panel = _assemble(draft, level, signal.used, sample, kept, finish)
    return panel, signal, panel.finish(forecast)


def signal_of(cells: LoggedPanel, base: Floats, forecast: Floats, sample: Sample) -> Signal:
    """Test whether forecasts beat the context-free means, out of fold."""
    values, count = cells.values[sample.rows], cells.count[sample.rows]
    known = count > 0
    weight = np.where(known, np.minimum(count, 16.0), 0.0)
    flat_error = (weight * np.where(known, values - base, 0.0) ** 2).sum(1)
    error = (weight * np.where(known, values - forecast, 0.0) ** 2).sum(1)
    gain, scale = flat_error - error, max(flat_error.sum(), 1e-300)
    explained = float(gain.sum() / scale)
    se = float(gain.std() * np.sqrt(len(gain)) / scale)
    return Signal(cells.name, explained, se, explained > GATE_SE * se)


def _range(cells: LoggedPanel) -> tuple[Floats, Floats]:
    points = cells.values.shape[1]
    if not cells.log:
        return np.zeros(points), np.ones(points)
    known = cells.count > 0
    low = np.where(known, cells.values, np.inf).min(0)
    high = np.where(known, cells.values, -np.inf).max(0)
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    return low - np.log(2), high + np.log(2)


def _smear(values: Floats, known: NDArray[np.bool_], forecast: Floats) -> Floats:
    """Find the factor from exp(mean log) to mean, per point, drawn to the common one where runs are few."""
    logged = np.where(known, np.exp(np.where(known, values, 0.0)), 0.0).sum(0)
    expected = np.where(known, np.exp(forecast), 0.0).sum(0)
    count = known.sum(0)
    own = np.log(np.where(count > 0, logged, 1.0) / np.where(count > 0, expected, 1.0))
    common = float(np.average(own, weights=np.maximum(count, 1e-9)))
    return np.exp((count * own + 10 * common) / (count + 10))


def _assemble(
    draft: PanelDraft, level: second_level.SecondLevel | None, used: bool, sample: Sample, kept: int, finish
) -> Panel:
    """Write a panel down as a surface reads it; one that is not used has nothing in it that moves with the query."""
    strengths = len(ridge.STRENGTHS)
    slopes, intercepts = ridge.coefficients(ridge.moments(sample.all_features, draft.targets))
    weights = draft.weights * used
    slope = np.einsum("sfk,sk->fk", slopes, weights[:strengths])
    offset = (intercepts * weights[:strengths]).sum(0)
    targets = draft.targets[sample.rows[:kept]].astype(np.float16)
    rounded = [single(part) for part in (draft.base, offset, slope)]
    shape = [None if part is None else single(part) for part in finish]
    second = [] if level is None else [single(part * used) for part in (level.keep, level.cross, level.shift)]
    return Panel(*rounded, targets, single(weights[strengths:]), single(draft.basis), *shape, *second)  # type: ignore[arg-type]


def _spread(cells: LoggedPanel, forecast: Floats, sample: Sample) -> Floats:
    """Standard deviation of a logged cell around its out-of-fold forecast, pooled with four cells at the mean."""
    known = cells.count[sample.rows] > 0
    error = np.where(known, cells.values[sample.rows] - forecast, 0.0)
    total = float((error**2).sum() / max(known.sum(), 1))
    return np.sqrt(((error**2).sum(0) + 4 * total) / (known.sum(0) + 4))


def _tail(cells: LoggedPanel, forecast: Floats, spread: Floats, sample: Sample) -> Floats:
    """Quantiles of logged minus forecast in units of the point's spread, over all points."""
    known = cells.count[sample.rows] > 0
    error = (cells.values[sample.rows] - forecast) / np.maximum(spread, 1e-12)
    return np.quantile(error[known], QUANTILES) if known.any() else np.zeros(len(QUANTILES))
