"""Streams of calls of one model with known forecasts: outcomes that are stable, and outcomes that drop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DROP = 0.05
# Forecasts of the queries, their shares, and of how many answers of yes or no a quality is the mean.
WORLDS = {
    "right or wrong, all queries at 0.8": ((0.8,), (1.0,), 1),
    "right or wrong, forecasts 0.5 to 0.95": ((0.95, 0.9, 0.7, 0.5), (0.4, 0.3, 0.2, 0.1), 1),
    "right or wrong, mostly above 0.9": ((0.98, 0.95, 0.9, 0.6), (0.5, 0.3, 0.15, 0.05), 1),
    "graded in thirds (sd 0.23)": ((0.8,), (1.0,), 3),
    "graded in quarters (sd 0.20)": ((0.8,), (1.0,), 4),
    "graded in eighths (sd 0.14)": ((0.8,), (1.0,), 8),
}


@dataclass(frozen=True)
class Streams:
    """Forecasts and outcomes, ``(streams, calls)`` each.

    Args:
        forecast: mean quality of every query where nothing has changed.
        quality: outcomes.
        answers: of how many answers of yes or no a quality is the mean.
    """

    forecast: np.ndarray
    quality: np.ndarray
    answers: int

    @property
    def log_ratios(self) -> np.ndarray:
        """Log likelihood of every outcome under the drop, over that without."""
        low = self.forecast - DROP
        right, wrong = np.log(low / self.forecast), np.log((1 - low) / (1 - self.forecast))
        return self.answers * (self.quality * right + (1 - self.quality) * wrong)


def draw(world: str, shape: tuple[int, int], chance: np.random.Generator, *, drop_at: int | None = None) -> Streams:
    """Draw streams of a world.

    Args:
        world: one of :data:`WORLDS`.
        shape: ``(streams, calls)``.
        chance: the generator.
        drop_at: the call at which quality drops by five points; None: never.
    """
    values, shares, answers = WORLDS[world]
    forecast = chance.choice(np.array(values, np.float32), shape, p=shares)
    mean = forecast.copy()
    if drop_at is not None:
        mean[:, drop_at:] -= DROP
    right = np.zeros(shape, np.float32)
    for _ in range(answers):
        right += chance.random(shape, np.float32) < mean
    return Streams(forecast, right / answers, answers)
