"""The result of comparing routers on logged runs: figures of each, with 90% intervals, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paretoroute.calibration.intervals import Interval
from paretoroute.runs.findings import Finding, texts


@dataclass(frozen=True)
class RouterResult:
    """One router's figures, from its realised cost-quality curve.

    Args:
        name: of the router.
        gain: over the best mixture of single points at equal cost, in quality points of 100.
        lead: the default's gain minus this router's, query by query; None for the default.
        peak_quality: the highest point of its curve, in [0, 1].
        cost_usd_at_best_single: mean cost at which its curve has the best single point's quality; None if it never has.
    """

    name: str
    gain: Interval
    lead: Interval | None
    peak_quality: float
    cost_usd_at_best_single: float | None


@dataclass(frozen=True)
class PolicyResult:
    """Figures of the default's policies, solved on the training runs for several cost targets.

    Args:
        gain: over the training runs' static mixture at equal cost, in quality points of 100.
        cost_ratio: realised over target mean cost, averaged over targets and folds.
        cost_ratio_low: the least of them.
        cost_ratio_high: the greatest of them.
    """

    gain: Interval
    cost_ratio: float
    cost_ratio_low: float
    cost_ratio_high: float


@dataclass(frozen=True)
class Comparison:
    """Routers side by side.

    Args:
        runs: number of runs that were used.
        queries: number of queries; each was held out once.
        points: number of points that were compared.
        folds: of the queries.
        seed: of folds, fits and draws.
        best_single: name of the point with the best mean quality.
        best_single_quality: in [0, 1].
        best_single_cost_usd: per query.
        from_cost_usd: least mean cost at which curves are compared; the greatest is the best single point's.
        rows: the routers, best gain first.
        solved_policies: of the default.
        verdict: one sentence.
        notices: findings about the log.
    """

    runs: int
    queries: int
    points: int
    folds: int
    seed: int
    best_single: str
    best_single_quality: float
    best_single_cost_usd: float
    from_cost_usd: float
    rows: tuple[RouterResult, ...]
    solved_policies: PolicyResult
    verdict: str
    notices: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self) | {"notices": texts(self.notices)}


def verdict_on(rows: Sequence[RouterResult], policies: PolicyResult) -> str:
    """Summarise in one sentence how the default compares.

    Args:
        rows: the default's first, the oracle's last.
        policies: of the default.
    """
    default, rivals = rows[0], rows[1:-1]
    gain = policies.gain
    solved = (
        f"its solved policies gain {gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}] quality points over the "
        f"training runs' static mixture, {_significance(gain)}"
    )
    if not rivals:
        return f"{default.name}: {solved}."
    best = max(rivals, key=lambda row: row.gain.value)
    lead = best.lead or Interval(0.0, 0.0, 0.0)
    is_ahead = lead.value >= 0
    margin = lead if is_ahead else Interval(-lead.value, -lead.high, -lead.low)
    return (
        f"{default.name} is {'ahead of' if is_ahead else 'behind'} {best.name}, the best of the others, by "
        f"{margin.value:.2f} quality points [{margin.low:+.2f}, {margin.high:+.2f}] at equal cost, "
        f"{_significance(lead)}; {solved}."
    )


def _significance(gain: Interval) -> str:
    return "significant at 90%" if gain.low > 0 or gain.high < 0 else "not significant at 90%"
