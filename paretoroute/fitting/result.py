"""The result of a fit: a surface, the traffic it was judged on, and what the queries told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute.grid import Between, Grid, Point
from paretoroute.surface.panel import Panel
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample


@dataclass(frozen=True)
class Signal:
    """What the queries told about one panel, out of fold.

    Args:
        name: of the panel.
        explained: share of the variance around the points' means that the forecasts explain; at or below 0: none.
        explained_se: its standard error over queries.
        used: whether the panel follows the query.
    """

    name: str
    explained: float
    explained_se: float
    used: bool


@dataclass(frozen=True)
class Fit:
    """A fitted surface, the traffic it was judged on, and what the fit found.

    Args:
        surface: of all points on offer.
        traffic: out-of-fold forecasts at the logged queries, and what was logged.
        signals: what the queries told about every panel.
        between: the points that were never logged, with the two that they are forecast between.
    """

    surface: Surface
    traffic: CalibrationSample
    signals: tuple[Signal, ...]
    between: dict[Point, Between] = field(default_factory=dict)


def context_free(fit: Fit, grid: Grid) -> Fit:
    """Make a fit prompt-blind: every forecast is the pooled mean of its point."""
    surface, traffic = fit.surface, fit.traffic
    quality = _flat(surface.quality, traffic.logged_quality, grid)
    amount = _flat(surface.amount, traffic.logged_amount, grid)
    prompt = surface.prompt and _flat(surface.prompt, traffic.logged_prompt_tokens, grid)

    def everywhere(panel: Panel) -> NDArray[np.float32]:
        row = panel.finish(panel.base).astype(np.float32)
        return np.broadcast_to(row, traffic.quality.shape).copy()

    blind = replace(
        traffic,
        quality=everywhere(quality),
        amount=everywhere(amount),
        prompt_tokens=everywhere(prompt) if prompt else traffic.prompt_tokens,
    )
    return Fit(replace(surface, quality=quality, amount=amount, prompt=prompt), blind, fit.signals, fit.between)


def _flat(panel: Panel, logged: NDArray[np.float32], grid: Grid) -> Panel:
    smear = panel.smear
    if smear is not None:
        known = ~np.isnan(logged)
        total = np.where(known, logged, 0.0).sum(0, dtype=np.float64)
        mean = total / np.maximum(known.sum(0), 1)
        blind = np.where(mean > 0, mean, np.exp(panel.base)) / np.exp(np.clip(panel.base, panel.low, panel.high))
        for column, below, above, along in grid.holes:
            blind[column] = blind[below] ** (1 - along) * blind[above] ** along
        smear = blind.astype(np.float32).astype(np.float64)
    return replace(
        panel,
        offset=np.zeros_like(panel.offset),
        slope=np.zeros_like(panel.slope),
        weights=np.zeros_like(panel.weights),
        smear=smear,
    )
