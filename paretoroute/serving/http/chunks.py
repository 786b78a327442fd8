"""Chunks of a batch: neighbours that differ in their queries alone are decided together, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

from paretoroute.errors import ParetorouteError
from paretoroute.planner.decision import Decision
from paretoroute.serving.http.fields import PlanCall
from paretoroute.serving.http.turns import LONG
from paretoroute.serving.reload import ServedPolicy

MOST = 8  # queries of a chunk: a few milliseconds, after which single queries have their turn
_OWN = ("query_id", "embedding")


def chunks_of(calls: Sequence[PlanCall]) -> list[list[PlanCall]]:
    """Group the calls of a batch in their order; a long query is a chunk of its own."""
    chunks: list[list[PlanCall]] = []
    size = 0
    for call in calls:
        size += call.size
        if chunks and len(chunks[-1]) < MOST and size <= LONG and _differ_in_query(chunks[-1][0], call):
            chunks[-1].append(call)
        else:
            chunks.append([call])
            size = call.size
    return chunks


def decide_chunk(calls: Sequence[PlanCall], served: ServedPolicy) -> list[Decision]:
    """Decide on the calls of a chunk by a policy.

    Raises:
        RefusedQuery: the planner refuses a query, a limit or the dialect; the first such query is named.
    """
    if len(calls) > 1:
        shared = {name: value for name, value in calls[0].arguments.items() if name not in _OWN}
        own = {name: [call.arguments[name] for call in calls] for name in _OWN}
        try:
            return served.planner(calls[0].dialect).plan_batch(
                [call.query for call in calls], query_ids=own["query_id"], embeddings=own["embedding"], **shared
            )
        except ParetorouteError:
            pass  # one by one, to name the query that is refused
    return [call.decide(served) for call in calls]


def _differ_in_query(call: PlanCall, other: PlanCall) -> bool:
    """Whether two calls have the same limits, labels and dialect; true is not 1 here, since only one is a number."""
    pairs = ((value, other.arguments[name]) for name, value in call.arguments.items() if name not in _OWN)
    return call.dialect == other.dialect and all(type(one) is type(two) and one == two for one, two in pairs)
