"""The results of a replay: estimates, what they rest on, and the comparison of two policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Status = Literal["supported", "few", "unsupported"]


@dataclass(frozen=True)
class Estimated:
    """Mean quality and cost of some calls, estimated on a log, with 90% intervals.

    Args:
        quality: in [0, 1].
        quality_low: lower end; None where the log cannot support an interval.
        quality_high: upper end, or None.
        cost_usd: per query; NaN where no cost is known.
        cost_usd_low: lower end, or None.
        cost_usd_high: upper end, or None.
        effective_queries: effective sample size: as many queries logged at the points called would tell as much.
    """

    quality: float
    quality_low: float | None
    quality_high: float | None
    cost_usd: float
    cost_usd_low: float | None
    cost_usd_high: float | None
    effective_queries: float


@dataclass(frozen=True)
class CrossChecks:
    """Other estimators of the same means. They have no interval here; large differences call for a look.

    Args:
        snips_quality: self-normalised inverse propensity weighting.
        snips_cost_usd: likewise.
        matched_quality: mean over the logged cells that the policy calls, which ignores how the log chose them.
        matched_cost_usd: likewise.
        matched_queries: number of queries with such a cell.
    """

    snips_quality: float
    snips_cost_usd: float
    matched_quality: float
    matched_cost_usd: float
    matched_queries: int


@dataclass(frozen=True)
class Evidence:
    """Diagnostics of the estimates of a replay.

    Args:
        propensities: their source: ``full`` (every query logged at every point), ``logged``, ``estimated`` from the
            queries, or ``marginal``, the points' shares of the log.
        looks: whether the choice of the logged points depended on the query.
        largest_weight: of a query; 1 on a full log.
        mean_weight: of the queries; about 1 if the propensities are right.
        supported_share: share of the policy's calls at points that the log supports for their query.
        mean_inverse_propensity: mean over the queries; about ``points`` if the propensities are right.
        points: number of points in the log.
        alarm: why the propensities do not fit the log, in a sentence; None if nothing speaks against them.
        clusters: number of tenants or conversations that the intervals are clustered by; None: queries count singly.
    """

    propensities: str
    looks: bool
    largest_weight: float
    mean_weight: float
    supported_share: float
    mean_inverse_propensity: float
    points: int
    alarm: str | None
    clusters: int | None


@dataclass(frozen=True)
class Difference:
    """A policy minus another one on the same queries, with 90% intervals of the paired differences.

    Args:
        name: of the other policy.
        other: its estimates.
        quality: difference of the mean qualities.
        quality_low: lower end; None where the log cannot support an interval.
        quality_high: upper end, or None.
        cost_usd: difference of the mean costs per query; NaN where no cost is known.
        cost_usd_low: lower end, or None.
        cost_usd_high: upper end, or None.
        differing_share: share of the calls that differ.
        effective_queries: the smaller effective sample size of the two, among the queries where they differ.
    """

    name: str
    other: Estimated
    quality: float
    quality_low: float | None
    quality_high: float | None
    cost_usd: float
    cost_usd_low: float | None
    cost_usd_high: float | None
    differing_share: float
    effective_queries: float


@dataclass(frozen=True)
class Replay:
    """A policy evaluated on logged runs.

    Quality, cost and what is predicted of them are those of calls at points that the log has.

    Args:
        quality: mean, in [0, 1].
        quality_low: lower end of its 90% interval; None if the status is ``unsupported``.
        quality_high: upper end, or None.
        cost_usd: mean cost per query; NaN where no cost is known.
        cost_usd_low: lower end of its 90% interval, or None.
        cost_usd_high: upper end, or None.
        predicted_quality: mean of the planner's expected quality.
        predicted_cost_usd: mean of the planner's expected cost per query.
        queries: number of queries that were planned.
        effective_queries: effective sample size; on a full log the number of queries.
        calls: number of queries that each point is called for, most frequent first.
        status: ``supported``; ``few``: fewer than 50 effective queries; ``unsupported``: fewer than 20, or a mean
            weight that is off, unless the log is full.
        needed_queries: for an unsupported policy, about how many queries of such a log would support it; None if more
            of them would not, since some of its calls had no chance to be logged.
        evidence: diagnostics of the estimates.
        checks: other estimators.
        points: estimates of every point that the log has, as if it answered every query, by name.
        logging: those of the choices in the log; None on a full log, which chose nothing.
        limits: realised figure of each limit on the population; None where nothing of it was logged.
        seen: whether the policy was fitted on these runs.
        notices: caveats, as sentences.
        against: comparison with another policy, or None.
    """

    quality: float
    quality_low: float | None
    quality_high: float | None
    cost_usd: float
    cost_usd_low: float | None
    cost_usd_high: float | None
    predicted_quality: float
    predicted_cost_usd: float
    queries: int
    effective_queries: float
    calls: dict[str, int]
    status: Status
    needed_queries: int | None
    evidence: Evidence
    checks: CrossChecks
    points: dict[str, Estimated] = field(default_factory=dict)
    logging: Estimated | None = None
    limits: dict[str, float | None] = field(default_factory=dict)
    seen: bool = False
    notices: tuple[str, ...] = ()
    against: Difference | None = None
