"""The result of a fit: a surface, the traffic it was judged on, and what the queries told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paretoroute.surface import Panel, Surface
from paretoroute.traffic import Traffic


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
    """A fitted surface, the traffic it was judged on, and what the fit found."""

    surface: Surface
    traffic: Traffic
    signals: tuple[Signal, ...]


def flattened(fit: Fit) -> Fit:
    """Make a fit prompt-blind: every forecast is the pooled mean of its point."""
    surface, traffic = fit.surface, fit.traffic
    quality = _flat(surface.quality, traffic.logged_quality)
    amount = _flat(surface.amount, traffic.logged_amount)
    prompt = surface.prompt and _flat(surface.prompt, traffic.logged_prompt_tokens)

    def everywhere(panel: Panel) -> NDArray[np.float32]:
        row = panel.finish(panel.base).astype(np.float32)
        return np.broadcast_to(row, traffic.quality.shape).copy()

    blind = replace(
        traffic,
        quality=everywhere(quality),
        amount=everywhere(amount),
        prompt_tokens=everywhere(prompt) if prompt else traffic.prompt_tokens,
    )
    return Fit(replace(surface, quality=quality, amount=amount, prompt=prompt), blind, fit.signals)


def _flat(panel: Panel, logged: NDArray[np.float32]) -> Panel:
    smear = panel.smear
    if smear is not None:
        known = ~np.isnan(logged)
        total = np.where(known, logged, 0.0).sum(0, dtype=np.float64)
        mean = total / np.maximum(known.sum(0), 1)
        blind = np.where(mean > 0, mean, np.exp(panel.base)) / np.exp(np.clip(panel.base, panel.low, panel.high))
        smear = blind.astype(np.float32).astype(np.float64)
    return replace(
        panel,
        offset=np.zeros_like(panel.offset),
        slope=np.zeros_like(panel.slope),
        weights=np.zeros_like(panel.weights),
        smear=smear,
    )
