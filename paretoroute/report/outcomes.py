"""A decision and a replay in words and figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from paretoroute.calibration.intervals import Z90
from paretoroute.planner.decision import Decision
from paretoroute.price import UNIT, costs_text, dollars_text, per_thousand
from paretoroute.report.labels import PointLabels
from paretoroute.report.layout import Column, Entries, Entry, Row, Table

if TYPE_CHECKING:
    from paretoroute.evaluation.replay_result import Difference, Estimated, Replay
    from paretoroute.planner.exploration_preview import ExplorationPreview

FEW_QUERIES = 50  # normal intervals need more
_SHOWN = 6  # points named in a replay


def decision_text(decision: Decision, label: PointLabels) -> Entries:
    """Format a decision: the call, its forecast with a 90% interval, the reason and the fallbacks.

    Args:
        decision: of the planner.
        label: the names of the grid's points.
    """
    latency = "" if decision.expected_latency_s is None else f", {decision.expected_latency_s:.1f} s"
    quality = f"quality {decision.expected_quality:.3f} +- {Z90 * decision.expected_quality_se:.3f} (90% interval)"
    cost = f"{dollars_text(per_thousand(decision.expected_cost_usd))} {UNIT}"
    entries = [
        Entry("call", f"{label(decision.point.name)} ({decision.status})", "bold"),
        Entry("expected", f"{quality}, {cost}{latency}"),
        Entry("why", label.in_text(decision.why)),
    ]
    if decision.output_cap_tokens is not None:
        entries.append(Entry("cap", f"{decision.output_cap_tokens} completion tokens"))
    if decision.fallbacks:
        entries.append(Entry("fallbacks", ", then ".join(map(label, decision.fallbacks))))
    return Entries(tuple(entries))


def exploration_text(preview: ExplorationPreview, label: PointLabels) -> Entries:
    """Format the price of exploring: cost and quality, the points it calls, and the limits that hold it back.

    Args:
        preview: of a planner that explores.
        label: the names of the grid's points.
    """
    calls = [f"{label(name)} {share:.2%}" for name, share in list(preview.points.items())[:_SHOWN]]
    entries = [Entry("price", preview.meaning), Entry("calls", ", ".join(calls) or "none")]
    entries += [Entry("kept", limit) for limit in preview.held_by]
    return Entries((*entries, Entry("based on", f"{preview.queries} logged queries")))


def replay_text(replay: Replay, label: PointLabels) -> Entries:
    """Format a replay: alarms and missed predictions first, then figures, what they rest on, calls and limits.

    Args:
        replay: of a policy on a log.
        label: the names of the grid's points.
    """
    entries = [Entry("!", text, "bold red") for text in _alarms(replay)]
    interval = _interval(replay.quality_low, replay.quality_high)
    entries.append(
        Entry("quality", f"{replay.quality:.3f} {interval}; the policy predicts {replay.predicted_quality:.3f}")
    )
    entries.append(Entry("cost", _cost_text(replay)))
    entries += [Entry("based on", _basis_text(replay)), Entry("calls", _calls_text(replay, label))]
    for limit, value in replay.limits.items():
        entries.append(Entry("limit", f"{limit}: realised {'nothing logged' if value is None else f'{value:.4g}'}"))
    if replay.against is not None:
        entries.append(Entry("against", _difference_text(replay.against)))
    entries += [Entry("warning", text, "yellow") for text in _warnings(replay)]
    return Entries(tuple(entries))


def replay_table(replay: Replay, label: PointLabels) -> Table:
    """Lay out the policy, the choices in the log, the policy compared with and every logged point, as if it answered.

    Args:
        replay: of a policy on a log.
        label: the names of the grid's points.
    """
    rows = [_estimated_row("> this policy", replay, "bold green")]
    if replay.against is not None:
        rows.append(_estimated_row(replay.against.name, replay.against.other, "cyan"))
    if replay.logging is not None:
        rows.append(_estimated_row("the choices in the log", replay.logging, "cyan"))
    best_first = sorted(replay.points.items(), key=lambda item: -item[1].quality)
    rows += [_estimated_row(label(name), point) for name, point in best_first]
    columns = (
        Column("policy or point"),
        Column("quality", is_number=True),
        Column("90% interval", is_number=True),
        Column(f"$ {UNIT}", is_number=True),
        Column("90% interval", is_number=True, is_optional=True),
        Column("effective queries", is_number=True, is_optional=True),
    )
    return Table(f"Estimates on the {replay.queries} replayed queries", columns, tuple(rows))


def _estimated_row(name: str, value: Replay | Estimated, style: str = "") -> Row:
    cost, ends = "", ""
    if not math.isnan(value.cost_usd):
        cost = per_thousand(value.cost_usd)
        if value.cost_usd_low is not None and value.cost_usd_high is not None:
            ends = f"[{per_thousand(value.cost_usd_low)}, {per_thousand(value.cost_usd_high)}]"
    interval = "" if value.quality_low is None else _interval(value.quality_low, value.quality_high)
    return Row((name, f"{value.quality:.3f}", interval, cost, ends, f"{value.effective_queries:.0f}"), style)


def _interval(low: float | None, high: float | None) -> str:
    return "without an interval" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _basis_text(replay: Replay) -> str:
    """Describe what the figures rest on."""
    evidence, count = replay.evidence, f"{replay.effective_queries:.0f} of {replay.queries} queries"
    if replay.status != "unsupported" and evidence.propensities == "full" and evidence.largest_weight <= 1:
        return f"{count}: those logged at the point chosen"
    source = {
        "full": "every query logged at every point of the log",
        "logged": "by the logged propensities",
        "estimated": "by propensities estimated from the queries, since the log's choices depended on them",
        "marginal": "by the points' shares of the log, since its choices do not depend on the queries",
    }[evidence.propensities]
    return (
        f"an effective {count}, {source}; largest weight {evidence.largest_weight:.3g}, mean weight "
        f"{evidence.mean_weight:.3g}; the log supports {evidence.supported_share:.0%} of the calls"
    )


def _warnings(replay: Replay) -> list[str]:
    warnings = list(replay.notices)
    if replay.status == "unsupported":
        reason = "some of the policy's calls had no chance to be logged; log more points for such queries"
        if replay.needed_queries is not None:
            needed = f"about {replay.needed_queries:,} queries of such a log would be needed"
            reason = f"too few of the policy's calls were logged to give an interval: {needed}"
        warnings.append(f"unsupported: {reason}")
    elif replay.status == "few":
        clusters = replay.evidence.clusters
        is_grouped = clusters is not None and clusters < min(FEW_QUERIES, replay.effective_queries)
        counted = f"{clusters} conversations or tenants" if is_grouped else f"fewer than {FEW_QUERIES} queries"
        warnings.append(f"{counted} count: the intervals are unreliable")
    if replay.logging is not None and replay.quality < replay.logging.quality:
        points = 100 * (replay.logging.quality - replay.quality)
        warnings.append(f"the choices in the log have {points:.1f} quality points more than this policy")
    return warnings


def _difference_text(difference: Difference) -> str:
    """Describe a policy's difference to another one."""
    quality = f"{100 * difference.quality:+.1f} quality points"
    if difference.quality_low is not None and difference.quality_high is not None:
        quality += f" [{100 * difference.quality_low:+.1f}, {100 * difference.quality_high:+.1f}]"
    parts = [quality]
    if not math.isnan(difference.cost_usd):
        ends = ""
        if difference.cost_usd_low is not None and difference.cost_usd_high is not None:
            ends = f" [{_signed(difference.cost_usd_low)}, {_signed(difference.cost_usd_high)}]"
        parts.append(f"{_signed(difference.cost_usd)}{ends} {UNIT}")
    return f"{', '.join(parts)} compared with {difference.name}; {difference.differing_share:.0%} of the calls differ"


def _signed(usd: float) -> str:
    return f"{'-' if usd < 0 else '+'}{dollars_text(per_thousand(abs(usd)))}"


def _cost_text(replay: Replay) -> str:
    predicted = f"the policy predicts {dollars_text(per_thousand(replay.predicted_cost_usd))}"
    if math.isnan(replay.cost_usd):
        return f"not logged; {predicted} {UNIT}"
    if replay.cost_usd_low is None or replay.cost_usd_high is None:
        return f"{dollars_text(per_thousand(replay.cost_usd))} {UNIT} without an interval; {predicted}"
    return f"{costs_text(replay.cost_usd, replay.cost_usd_low, replay.cost_usd_high)}; {predicted}"


def _alarms(replay: Replay) -> list[str]:
    """State why propensities do not fit the log, and each prediction outside the 90% interval of the estimate."""
    outside = "what the policy predicts, outside the 90% interval"
    alarms = [] if replay.evidence.alarm is None else [replay.evidence.alarm]
    if _is_outside(replay.predicted_quality, replay.quality_low, replay.quality_high):
        points = 100 * (replay.quality - replay.predicted_quality)
        alarms.append(f"quality is {abs(points):.1f} points {'below' if points < 0 else 'above'} {outside}")
    if _is_outside(replay.predicted_cost_usd, replay.cost_usd_low, replay.cost_usd_high):
        side = "below" if replay.cost_usd < replay.predicted_cost_usd else "above"
        gap = dollars_text(per_thousand(abs(replay.cost_usd - replay.predicted_cost_usd)))
        ratio = replay.cost_usd / replay.predicted_cost_usd if replay.predicted_cost_usd > 0 else math.inf
        alarms.append(f"cost is {gap} {UNIT} {side} {outside} (x{ratio:.2f})")
    return alarms


def _is_outside(value: float, low: float | None, high: float | None) -> bool:
    """Return whether a value lies outside an interval; never outside one that is unknown."""
    return low is not None and high is not None and (value < low or value > high)


def _calls_text(replay: Replay, label: PointLabels) -> str:
    shown = [f"{label(name)} {count / replay.queries:.0%}" for name, count in list(replay.calls.items())[:_SHOWN]]
    others = list(replay.calls.values())[_SHOWN:]
    if others:
        points = "1 other point" if len(others) == 1 else f"{len(others)} other points"
        shown.append(f"{points} {sum(others) / replay.queries:.0%}")
    return ", ".join(shown)
