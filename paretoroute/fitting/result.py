"""The result of a fit: a surface, its calibration sample, and how much of each figure the query explains."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from paretoroute._arrays import Floats32, single
from paretoroute.calibration.intervals import Z90
from paretoroute.grid import Between, Grid, Point
from paretoroute.runs.findings import Finding
from paretoroute.surface.panel import Panel
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample

FOUND_SE = Z90  # a signal is reported as found beyond so many standard errors: 5% of logs of noise


@dataclass(frozen=True)
class Signal:
    """The share of one panel's variance that the query explains, out of fold.

    Args:
        name: of the panel.
        explained: share of the variance around the points' means that the forecasts explain; at or below 0: none.
        explained_se: its standard error over queries.
        follows: how far the panel follows the query, from 0, not at all, to 1, as far as its forecasts go.
    """

    name: str
    explained: float
    explained_se: float
    follows: float

    @property
    def used(self) -> bool:
        """Whether the panel follows the query at all."""
        return self.follows > 0

    @property
    def is_found(self) -> bool:
        """Whether the share is beyond noise."""
        return self.explained > FOUND_SE * self.explained_se


@dataclass(frozen=True)
class Fit:
    """A fitted surface and its calibration sample.

    Args:
        surface: of all points on offer.
        calibration_sample: the calibration sample: out-of-fold forecasts and logged means of logged queries.
        signals: how much of each panel the query explains.
        between: the unlogged points, with the two logged ones that each is forecast between.
        findings: about a log with few cells per query.
    """

    surface: Surface
    calibration_sample: CalibrationSample
    signals: tuple[Signal, ...]
    between: dict[Point, Between] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def context_free(fit: Fit, grid: Grid) -> Fit:
    """Make a fit context-free: every forecast of quality, tokens and cost is the pooled mean of its point."""
    surface, sample = fit.surface, fit.calibration_sample
    quality = _constant(surface.quality, sample.logged_quality, grid)
    amount = _constant(surface.amount, sample.logged_amount, grid)
    prompt = surface.prompt and _constant(surface.prompt, sample.logged_prompt_tokens, grid)

    def everywhere(panel: Panel) -> Floats32:
        row = panel.context_free().astype(np.float32)
        return np.broadcast_to(row, sample.quality.shape).copy()

    sample = replace(
        sample,
        quality=everywhere(quality),
        amount=everywhere(amount),
        prompt_tokens=everywhere(prompt) if prompt else sample.prompt_tokens,
    )
    surface = replace(surface, quality=quality, amount=amount, prompt=prompt)
    return replace(fit, surface=surface, calibration_sample=sample)


def _constant(panel: Panel, logged: Floats32, grid: Grid) -> Panel:
    first = panel.first_level
    zero = replace(
        first,
        offset=np.zeros_like(first.offset),
        slope=np.zeros_like(first.slope),
        weights=np.zeros_like(first.weights),
    )
    if panel.scale.smearing is None:
        return replace(panel, first_level=zero)
    return replace(panel, first_level=zero, scale=replace(panel.scale, smearing=_to_means(panel, logged, grid)))


def _to_means(panel: Panel, logged: Floats32, grid: Grid) -> np.ndarray:
    """Return the smearing factors with which the context-free forecasts are the logged means, ``(points,)``."""
    is_logged = ~np.isnan(logged)
    total = np.where(is_logged, logged, 0.0).sum(0, dtype=np.float64)
    mean = total / np.maximum(is_logged.sum(0), 1)
    clipped = np.clip(panel.base, panel.scale.low, panel.scale.high)
    factor = np.where(mean > 0, mean, np.exp(panel.base)) / np.exp(clipped)
    for place in grid.unlogged:
        factor[place.column] = factor[place.below] ** (1 - place.along) * factor[place.above] ** place.along
    return single(factor)
