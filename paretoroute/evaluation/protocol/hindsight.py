"""The best curve of a router on the test queries themselves: with hindsight, which no deployed router has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.metrics.cost_quality import CostCurve
from paretoroute.evaluation.protocol.gains import ExecutedCurve
from paretoroute.evaluation.protocol.held_out import HeldOutRouter
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.tradeoff_curves import Curve, Outcomes, realised


class HindsightCurve(Protocol):
    """A curve of mean quality against mean cost on the test queries."""

    @property
    def hull(self) -> CostCurve:
        """Its vertices."""
        ...

    def influence(self, costs: Floats) -> Floats:
        """Return each query's influence value on its height, averaged over mean costs, ``(queries,)``."""
        ...


@dataclass(frozen=True)
class OfForecast:
    """The realised curve of a forecast's choices at every price."""

    curve: Curve
    outcomes: Outcomes

    @property
    def hull(self) -> CostCurve:
        """Its vertices."""
        return CostCurve(self.curve.cost_usd, self.curve.quality)

    def influence(self, costs: Floats) -> Floats:
        """Return each query's influence value on its height, averaged over mean costs, ``(queries,)``."""
        return self.curve.influence(costs, self.outcomes)


def hindsight_curve(study: Study, router: HeldOutRouter) -> HindsightCurve:
    """Return the curve of a router's forecasts, or else of its knobs' strategies.

    As for forecasts, the cheapest single point is among the choices.
    """
    if router.forecast is not None:
        return OfForecast(realised(router.forecast, study.outcomes), study.outcomes)
    assert router.knobs is not None
    cheapest = int(study.outcomes.cost_usd.mean(0).argmin())
    quality = np.vstack([study.outcomes.quality[:, cheapest], router.knobs.quality])
    return ExecutedCurve(quality, np.vstack([study.outcomes.cost_usd[:, cheapest], router.knobs.cost_usd]))


def cost_at(curve: CostCurve, quality: float) -> float | None:
    """Return the least mean cost at which a hull reaches a mean quality; None if it never does."""
    if curve.quality[-1] < quality - 1e-12:
        return None
    return float(np.interp(quality, curve.quality, curve.cost))
