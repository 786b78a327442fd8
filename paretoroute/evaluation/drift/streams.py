"""The tests of a monitor, of every figure and model and of the queries, which share the chance of a false alarm."""

from __future__ import annotations

from dataclasses import dataclass, field

from paretoroute.evaluation.drift.detector import BOTH_WAYS, DROPS, SPREAD_WEIGHT, Detector, Mean
from paretoroute.evaluation.drift.observations import DIRECTIONS
from paretoroute.evaluation.drift.reference import Reference
from paretoroute.grid import Grid

SHARES = {
    "quality": 0.7,
    "completion_tokens": 0.08,
    "latency_s": 0.06,
    "cost_usd": 0.06,
    "unfamiliar": 0.025,
    "features": 0.075,
}  # of the probability of a false alarm
UNFAMILIAR_SHARE = 0.01  # of logged queries, by the bounds of the check
UNFAMILIAR_SD = 0.2
UNFAMILIAR_SHIFT = 0.05
UNFAMILIAR_QUERIES = 200.0  # that this share counts for at most: new queries need not have it exactly
FEATURE_SHIFT = 0.25  # standard deviations
MOST_QUERIES = 1000.0  # that the means of the logged queries' features count for


@dataclass
class Streams:
    """All tests.

    By Doob's inequality a test with threshold c is reached within T calls with probability at most T / c. Each call
    counts in one model's test of a figure, so that all models together stay within a figure's share, however many.

    Args:
        grid: of the policy.
        references: residuals of the calibration sample by figure.
        logged_queries: number of logged queries that new ones are compared with.
        horizon_calls: number of calls that the probability of a false alarm refers to.
        false_alarms: probability of any alarm within these calls if nothing changes.
        detectors: by figure and model; of the queries' features, by the number of the direction.
    """

    grid: Grid
    references: dict[str, Reference]
    logged_queries: int
    horizon_calls: int
    false_alarms: float
    detectors: dict[tuple[str, str], Detector] = field(default_factory=dict)

    def detector(self, figure: str, model: str) -> Detector:
        """Return the test of a stream, which begins with its first call.

        Args:
            figure: one of the calls, or ``unfamiliar`` or ``features`` of the queries.
            model: of the grid; of the queries' features, the number of the direction.

        Raises:
            KeyError: the policy has no such figure.
        """
        if (figure, model) not in self.detectors:
            is_of_queries = figure in ("unfamiliar", "features")
            self.detectors[figure, model] = self._of_queries(figure) if is_of_queries else self._of_calls(figure, model)
        return self.detectors[figure, model]

    def chance(self, detector: Detector) -> float:
        """Bound the probability that any test of a stable stream reaches the evidence of this one."""
        return min(1.0, self.false_alarms * detector.threshold / max(detector.peak, 1e-300))

    def _threshold(self, figure: str, tests: int = 1) -> float:
        return self.horizon_calls * tests / (self.false_alarms * SHARES[figure])

    def _of_calls(self, figure: str, model: str) -> Detector:
        points, reference = self.grid.points, self.references[figure]
        columns = [j for j, point in enumerate(points) if point.model == model]
        if not columns:
            raise KeyError(model)
        means: dict[str, Mean] = {}
        for j in columns:
            for kind, chosen in enumerate((True, False)):
                count = float(reference.count[kind, j])
                if count > 0:
                    means[group_of(j, chosen=chosen)] = Mean(count, float(reference.mean[kind, j]))
        return Detector(
            unit=reference.unit(columns),
            spread=Mean(SPREAD_WEIGHT, reference.mean_square(columns)),
            threshold=self._threshold(figure),
            bets=DROPS if figure == "quality" else BOTH_WAYS,
            means=means,
            reference=float(reference.count[0, columns].sum()),
        )

    def _of_queries(self, figure: str) -> Detector:
        is_share = figure == "unfamiliar"
        count = min(float(self.logged_queries), UNFAMILIAR_QUERIES if is_share else MOST_QUERIES)
        return Detector(
            unit=UNFAMILIAR_SHIFT / UNFAMILIAR_SD if is_share else FEATURE_SHIFT,
            spread=Mean(SPREAD_WEIGHT, 1.0),
            threshold=self._threshold(figure, 1 if is_share else DIRECTIONS),
            bets=BOTH_WAYS,
            means={"": Mean(count, 0.0)},
            reference=count,
        )


def group_of(column: int, *, chosen: bool) -> str:
    """Return the name of the calls at a point that the policy chose, or did not choose."""
    return f"{column} {'chosen' if chosen else 'other'}"
