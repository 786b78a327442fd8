"""The result of comparing routers on logged runs: figures of each, with 90% intervals, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paretoroute.calibration.intervals import Interval
from paretoroute.evaluation.details.details import Details
from paretoroute.evaluation.protocol.metrics import Metrics
from paretoroute.evaluation.routers.registry import kind_of
from paretoroute.runs.findings import Finding, texts


@dataclass(frozen=True)
class RouterResult:
    """One router's figures, from its realised cost-quality curve.

    Args:
        name: of the router.
        gain: with hindsight, over the best mixture of single points at equal cost, in quality points of 100.
        lead: the default's gain minus this router's, query by query; None for the default.
        peak_quality: the highest point of its curve, in [0, 1].
        cost_usd_at_best_single: mean cost at which its curve has the best single point's quality; None if it never has.
        kind: "default", "published", "baseline", "control" or "custom".
        fair_gain: of knobs chosen for cost targets on the training side, over the training side's static mixture at the
            cost that they realised, in quality points of 100.
        fair_lead: the default's fair gain minus this router's, query by query; None for the default.
        metrics: of published comparisons.
    """

    name: str
    gain: Interval
    lead: Interval | None
    peak_quality: float
    cost_usd_at_best_single: float | None
    kind: str
    fair_gain: Interval
    fair_lead: Interval | None
    metrics: Metrics


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
        rows: the routers, best fair gain first.
        solved_policies: of the default.
        verdict: one sentence.
        notices: findings about the log.
        left_out: reasons by name of the routers that the log does not suit.
        details: curves, the logged surface, calibration, small points, examples and losses.
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
    left_out: dict[str, str]
    details: Details

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; "routers" has one flat entry per router, also for those left out."""
        plain = asdict(self) | {"notices": texts(self.notices)}
        rows = [_flat(row) for row in self.rows]
        return plain | {"routers": rows + [_absent(name, reason) for name, reason in self.left_out.items()]}


def _flat(row: RouterResult) -> dict[str, Any]:
    gain, lead = row.fair_gain, row.fair_lead
    return {
        "name": row.name,
        "kind": row.kind,
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "lead": None if lead is None else lead.value,
        "lead_low": None if lead is None else lead.low,
        "lead_high": None if lead is None else lead.high,
        "hindsight_gain": row.gain.value,
        "metrics": row.metrics.values,
        "metrics_left_out": row.metrics.left_out,
        "left_out": None,
    }


def _absent(name: str, reason: str) -> dict[str, Any]:
    figures = ("gain", "gain_low", "gain_high", "lead", "lead_low", "lead_high", "hindsight_gain")
    more = {"metrics": {}, "metrics_left_out": {}, "left_out": reason}
    return {"name": name, "kind": kind_of(name), **dict.fromkeys(figures), **more}


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
    best = max(rivals, key=lambda row: row.fair_gain.value)
    lead = best.fair_lead or Interval(0.0, 0.0, 0.0)
    is_ahead = lead.value >= 0
    margin = lead if is_ahead else Interval(-lead.value, -lead.high, -lead.low)
    return (
        f"{default.name} is {'ahead of' if is_ahead else 'behind'} {best.name}, the best of the others, by "
        f"{margin.value:.2f} quality points [{margin.low:+.2f}, {margin.high:+.2f}] at the cost that each spends, "
        f"{_significance(lead)}; {solved}."
    )


def _significance(gain: Interval) -> str:
    return "significant at 90%" if gain.low > 0 or gain.high < 0 else "not significant at 90%"
