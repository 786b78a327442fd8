"""A call to try where that of the decision's point fails, and the row of a call that a fallback answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paretoroute.errors import GridError, did_you_mean, expect, shown
from paretoroute.grid import Point
from paretoroute.planner.dialects import request_kwargs

if TYPE_CHECKING:
    from paretoroute.planner.repeated_calls import RepeatedCalls

ANSWERED_BY_FALLBACK = "answered_by_fallback"  # the status of a row


@dataclass(frozen=True, slots=True)
class FallbackCall:
    """A point to call in place of one that failed.

    Args:
        point: the point.
        output_cap_tokens: most completion tokens to allow, by which this call keeps the limits of the decision, too;
            None where unknown.
    """

    point: Point
    output_cap_tokens: int | None

    def request_kwargs(self, dialect: str) -> dict[str, Any]:
        """Return the arguments with which a client calls exactly this point, as those of a decision.

        They hold none of the call that failed: send them in place of its arguments, not on top of them.

        Args:
            dialect: as for :meth:`Decision.request_kwargs`.

        Raises:
            DialectError: the dialect cannot express the point.
        """
        return request_kwargs(dialect, self.point, output_cap_tokens=self.output_cap_tokens)

    def repeated_calls(self, dialect: str) -> RepeatedCalls:
        """Return the calls of this point, as those of a decision.

        Args:
            dialect: as for :meth:`Decision.request_kwargs`.

        Raises:
            DialectError: the dialect cannot express the point.
        """
        from paretoroute.planner.repeated_calls import repeated_calls  # loaded only where it is used

        return repeated_calls(dialect, self.point, output_cap_tokens=self.output_cap_tokens)


def answered_row(row: dict[str, Any], calls: Sequence[FallbackCall], *, answered_by: str) -> dict[str, Any]:
    """Return the row of a call that a fallback answered: its own point, no propensity and no forecast.

    A call that its own point answered keeps its row.

    Args:
        row: of the decision.
        calls: its fallbacks.
        answered_by: the name of the fallback that answered.

    Raises:
        GridError: it is none of the fallbacks, or the name of several points.
    """
    expect("answered_by", answered_by, str, GridError)
    is_own = answered_by == f"{row['model']}@{row['budget_label']}"
    if is_own and all(call.point.name != answered_by for call in calls):
        return row
    call = _named(calls, answered_by, others=[row["budget_kind"]] if is_own else [])
    point = call.point
    return row | {
        "model": point.model,
        "budget_kind": point.budget.kind,
        "budget_label": point.budget.label,
        "budget": point.budget.amount,
        "expected_quality": None,
        "expected_cost_usd": None,
        "expected_latency_s": None,
        "output_cap_tokens": call.output_cap_tokens,
        "propensity": None,
        "status": ANSWERED_BY_FALLBACK,
        "failed_point": f"{row['model']}@{row['budget_label']}",
    }


def _named(calls: Sequence[FallbackCall], name: str, *, others: Sequence[str]) -> FallbackCall:
    """Return the fallback of a name; ``others`` are the kinds of the decision's own point, if it has the name, too."""
    same = [call for call in calls if call.point.name == name]
    if len(same) == 1 and not others:
        return same[0]
    if same:
        kinds = ", ".join([*others, *(call.point.budget.kind for call in same)])
        raise GridError(f"{shown(name)} names several points, of kinds {kinds}; give them labels of their own")
    names = [call.point.name for call in calls]
    near = did_you_mean(name, names) if names else "it has none"
    raise GridError(f"{shown(name)} is no fallback of this decision; {near}")
