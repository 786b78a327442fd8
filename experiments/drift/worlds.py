"""Streams of calls of one model with known forecasts: outcomes that are stable, and outcomes that drop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DROP = 0.05
FORECASTS = {
    "right or wrong, every query alike": ((0.8,), (1.0,)),
    "right or wrong, forecasts 0.5 to 0.95": ((0.95, 0.9, 0.7, 0.5), (0.4, 0.3, 0.2, 0.1)),
    "right or wrong, forecasts mostly above 0.9": ((0.98, 0.95, 0.9, 0.6), (0.5, 0.3, 0.15, 0.05)),
    "graded, sd 0.25": ((0.6,), (1.0,)),
    "graded, sd 0.20": ((0.6,), (1.0,)),
    "graded, sd 0.15": ((0.6,), (1.0,)),
}


@dataclass(frozen=True)
class Streams:
    """Forecasts and outcomes, ``(streams, calls)`` each, and how likely outcomes are under a drop.

    Args:
        forecast: mean quality of every query where nothing has changed.
        quality: outcomes.
        sd: of graded quality; None: right or wrong.
    """

    forecast: np.ndarray
    quality: np.ndarray
    sd: float | None

    @property
    def log_ratios(self) -> np.ndarray:
        """Log likelihood of every outcome under the drop, over that without."""
        low = np.maximum(self.forecast - DROP, 1e-3)
        if self.sd is not None:
            return ((self.quality - self.forecast) ** 2 - (self.quality - low) ** 2) / (2 * self.sd**2)
        return np.where(self.quality > 0.5, np.log(low / self.forecast), np.log((1 - low) / (1 - self.forecast)))


def draw(world: str, shape: tuple[int, int], chance: np.random.Generator, *, drop_at: int | None = None) -> Streams:
    """Draw streams of a world.

    Args:
        world: one of :data:`FORECASTS`.
        shape: ``(streams, calls)``.
        chance: the generator.
        drop_at: the call at which quality drops by five points; None: never.
    """
    values, shares = FORECASTS[world]
    forecast = chance.choice(np.array(values, np.float32), shape, p=shares)
    mean = forecast.copy()
    if drop_at is not None:
        mean[:, drop_at:] -= DROP
    if world.startswith("graded"):
        sd = float(world.rsplit(" ", 1)[1])
        return Streams(forecast, mean + sd * bounded(shape, chance), sd)
    return Streams(forecast, (chance.random(shape, np.float32) < mean).astype(np.float32), None)


def bounded(shape: tuple[int, int], chance: np.random.Generator) -> np.ndarray:
    """Draw noise of mean 0 and variance 1 within two standard deviations: near normal, and graded quality in [0, 1]."""
    return ((chance.beta(2.5, 2.5, shape) - 0.5) * np.sqrt(24.0)).astype(np.float32)
