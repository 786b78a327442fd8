"""What a target with limits promises: the logged means, less what the points' means owe to luck.

A mixture that keeps limits has many multipliers, and no policies of single folds can be matched with it as
:mod:`paretoroute.calibration.logged_frontier` does for a single target. What the luck of the points' means adds there,
at the same mean cost, is taken off here too: the solver is given the target that this much luck turns into the one
that was asked for, and the estimate is shifted back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.isotonic import isotonic, meet
from paretoroute.calibration.logged_frontier import logged_frontier
from paretoroute.calibration.outcomes import LoggedOutcomes
from paretoroute.forecast import Tables
from paretoroute.solver.solution import floor_of
from paretoroute.targets import MinQuality, Target


@dataclass(frozen=True)
class Luck:
    """What the luck of the points' means adds to quality, along the frontier without limits, ``(places,)`` each.

    Args:
        cost_usd: mean logged cost.
        quality: mean logged quality without it.
        added: what it adds.
    """

    cost_usd: Floats
    quality: Floats
    added: Floats

    @staticmethod
    def of(outcomes: LoggedOutcomes) -> Luck | None:
        """Measure it on the calibration sample; None of a partial log, and where the folds are not known."""
        line = logged_frontier(
            outcomes.forecast,
            outcomes.calibration_quality,
            outcomes.calibration_cost_usd,
            is_logged=outcomes.is_logged,
            left_out=outcomes.judges,
        )
        return None if line.luck is None else Luck(line.cost_usd, line.quality, line.luck)

    def lucky(self, target: Target, tables: Tables) -> Target:
        """Return the target to set on logged outcomes, so that what is promised meets the one that was asked for.

        Args:
            target: as it was asked for.
            tables: logged values, to which a relative target refers, ``(queries, points)``.
        """
        if not isinstance(target, MinQuality):
            return target
        floor = floor_of(target, tables)
        return MinQuality(quality=min(max(floor + self._at(_place(self.quality, floor)), 0.0), 1.0))

    def added_at(self, cost_usd: float) -> float:
        """Return what luck adds to the mean quality at a mean cost."""
        return self._at(_place(self.cost_usd, cost_usd))

    def _at(self, place: float) -> float:
        return float(np.interp(place, np.arange(self.added.size), self.added))


def _place(curve: Floats, value: float) -> float:
    rising = isotonic(curve)
    return meet(curve, min(max(value, float(rising[0])), float(rising[-1])), "right")
