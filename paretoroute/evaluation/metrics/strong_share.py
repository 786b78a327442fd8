"""Metrics over the share of calls to the strong of two models (RouteLLM, Ong et al., 2024, arXiv:2406.18665).

With r the mean quality at a share kappa of strong calls, the performance gap recovered is

    PGR = (r - r_weak) / (r_strong - r_weak)

APGR is its integral over kappa in [0, 1], CPT(x) the least kappa with PGR >= x. A random choice has APGR 0.5 and
CPT(x) = x. All are undefined unless the strong model is better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats


@dataclass(frozen=True)
class StrongShareCurve:
    """Mean quality against the share of strong calls.

    Args:
        share: in [0, 1], rising, ``(thresholds,)``.
        quality: mean quality, ``(thresholds,)``.
        weak: mean quality of the weak model.
        strong: mean quality of the strong model.
    """

    share: Floats
    quality: Floats
    weak: float
    strong: float

    @property
    def area(self) -> float:
        """The area under the curve, by the trapezoid rule."""
        return float(np.trapezoid(self.quality, self.share))

    @property
    def apgr(self) -> float | None:
        """The area above the weak model over that of the strong model; None if the strong is no better."""
        if not self.strong > self.weak:
            return None
        width = float(self.share[-1] - self.share[0])
        return (self.area - self.weak * width) / ((self.strong - self.weak) * width)

    def cpt(self, recovered: float) -> float | None:
        """Return the least share of strong calls that recovers a part of the gap, at the curve's first crossing.

        Args:
            recovered: part of the gap in quality between the two models, in [0, 1].

        Returns:
            Share in [0, 1]; None if the strong model is no better, or the curve never gets there.
        """
        if not self.strong > self.weak:
            return None
        height = self.quality - (self.weak + recovered * (self.strong - self.weak))
        reached = np.flatnonzero(height >= 0)
        if not len(reached):
            return None
        k = int(reached[0])
        if k == 0:
            return float(self.share[0])
        part = -height[k - 1] / (height[k] - height[k - 1])
        return float(self.share[k - 1] + part * (self.share[k] - self.share[k - 1]))

    def code_cpt(self, recovered: float) -> float:
        """Return CPT as the authors' code, which interpolates on an unsorted axis: wrong unless the curve rises."""
        target = self.weak + recovered * (self.strong - self.weak)
        return float(np.interp(target, self.quality, self.share))
