"""A decision and a replay in words and figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from paretoroute.calibration.intervals import Z90
from paretoroute.planner.decision import Decision
from paretoroute.price import UNIT, costs_text, dollars_text, per_thousand
from paretoroute.report.labels import PointLabels
from paretoroute.report.layout import Entries, Entry

if TYPE_CHECKING:
    from paretoroute.evaluation.replay import Replay
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
    return Entries((*entries, Entry("rests on", f"{preview.queries} logged queries")))


def replay_text(replay: Replay, label: PointLabels) -> Entries:
    """Format a replay: missed predictions first, then realised and predicted figures, calls, limits and warnings.

    Args:
        replay: of a policy on a log.
        label: the names of the grid's points.
    """
    entries = [Entry("!", text, "bold red") for text in _missed(replay)]
    interval = f"[{replay.quality_low:.3f}, {replay.quality_high:.3f}]"
    entries.append(
        Entry("quality", f"{replay.quality:.3f} {interval}; the policy predicts {replay.predicted_quality:.3f}")
    )
    entries.append(Entry("cost", _cost_text(replay)))
    rest = "" if replay.effective_queries >= replay.queries else "; the outcomes of the others are unknown"
    counted = f"{replay.effective_queries:.0f} of {replay.queries} queries: those logged at the point that the policy"
    entries += [Entry("rests on", f"{counted} calls{rest}"), Entry("calls", _calls_text(replay, label))]
    for limit, value in replay.limits.items():
        entries.append(Entry("limit", f"{limit}: realised {'nothing logged' if value is None else f'{value:.4g}'}"))
    if replay.seen:
        text = "the policy was fitted on these very runs, which makes it look better: replay others"
        entries.append(Entry("warning", text, "yellow"))
    if replay.effective_queries < FEW_QUERIES:
        text = f"fewer than {FEW_QUERIES} queries count: the intervals are unreliable"
        entries.append(Entry("warning", text, "yellow"))
    return Entries(tuple(entries))


def _cost_text(replay: Replay) -> str:
    predicted = f"the policy predicts {dollars_text(per_thousand(replay.predicted_cost_usd))}"
    if math.isnan(replay.cost_usd):
        return f"not logged; {predicted} {UNIT}"
    return f"{costs_text(replay.cost_usd, replay.cost_usd_low, replay.cost_usd_high)}; {predicted}"


def _missed(replay: Replay) -> list[str]:
    """State each prediction that lies outside the 90% interval of the realised figure."""
    outside = "what the policy predicts, outside the 90% interval"
    missed = []
    if not replay.quality_low <= replay.predicted_quality <= replay.quality_high:
        points = 100 * (replay.quality - replay.predicted_quality)
        missed.append(f"quality is {abs(points):.1f} points {'below' if points < 0 else 'above'} {outside}")
    if replay.cost_usd_low > replay.predicted_cost_usd or replay.cost_usd_high < replay.predicted_cost_usd:
        side = "below" if replay.cost_usd < replay.predicted_cost_usd else "above"
        gap = dollars_text(per_thousand(abs(replay.cost_usd - replay.predicted_cost_usd)))
        ratio = replay.cost_usd / replay.predicted_cost_usd if replay.predicted_cost_usd > 0 else math.inf
        missed.append(f"cost is {gap} {UNIT} {side} {outside} (x{ratio:.2f})")
    return missed


def _calls_text(replay: Replay, label: PointLabels) -> str:
    shown = [f"{label(name)} {count / replay.queries:.0%}" for name, count in list(replay.calls.items())[:_SHOWN]]
    others = list(replay.calls.values())[_SHOWN:]
    if others:
        points = "1 other point" if len(others) == 1 else f"{len(others)} other points"
        shown.append(f"{points} {sum(others) / replay.queries:.0%}")
    return ", ".join(shown)
