"""The fields of a request: those of a line of a query file, and the limits of one call as ``Planner.plan`` has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from paretoroute.errors import ParetorouteError, QueryError, did_you_mean, shown
from paretoroute.planner.decision import Decision
from paretoroute.planner.dialects import DIALECTS
from paretoroute.query import Misfit
from paretoroute.runs.values import label, opaque
from paretoroute.serving.http.faults import RefusedQuery
from paretoroute.serving.reload import ServedPolicy

_TEXT = {"type": ["string", "null"]}
_ABOVE_ZERO = {"type": ["number", "null"], "exclusiveMinimum": 0}
QUERY_FIELDS: dict[str, dict[str, Any]] = {
    "query": {
        "description": "A text, chat messages, or an object with messages; null: the mean forecasts decide.",
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "object"}},
            {"type": "object"},
            {"type": "null"},
        ],
    },
    "query_id": {
        "type": ["string", "number", "null"],
        "description": "An opaque key that seeds the draw between tied points.",
    },
    "embedding": {
        "type": ["array", "null"],
        "items": {"type": "number"},
        "description": "Ready features, for a policy that was fitted on embeddings.",
    },
}
LABEL_FIELDS: dict[str, dict[str, Any]] = {
    "tag": _TEXT | {"description": "Tag of the query, for limits on tags."},
    "tenant": _TEXT | {"description": "Its tenant, for limits on tenants."},
    "step": _TEXT | {"description": "Its step of an agent's task, for limits on steps."},
}
LIMIT_FIELDS: dict[str, dict[str, Any]] = {
    "max_cost_usd": _ABOVE_ZERO | {"description": "Hard cap on the cost of the call in USD."},
    "min_quality": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "Least forecast quality.",
    },
    "max_latency_s": _ABOVE_ZERO | {"description": "Greatest mean latency in seconds."},
    "models": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "description": "Models that may be called; null: all.",
    },
    "request": _TEXT
    | {
        "enum": [*DIALECTS, None],
        "description": "Client whose call arguments the answer has in `request`; null: the service's own choice.",
    },
}
STAY_FIELDS: dict[str, dict[str, Any]] = {
    "previous": _TEXT | {"description": "Point of the conversation's call before this one, as `model@label`."},
    "cached_tokens": {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "Tokens of the prompt that the previous model has in its cache.",
    },
    "cached_price_ratio": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "Price of a cached token over that of a fresh one; null: by the policy's prices.",
    },
    "switch_margin": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": "By how much quality another point has to be better than the previous one.",
    },
}
SHARED_FIELDS = LABEL_FIELDS | LIMIT_FIELDS | STAY_FIELDS
PLAN_FIELDS = QUERY_FIELDS | SHARED_FIELDS
FORECAST_FIELDS = {"query": QUERY_FIELDS["query"]} | {
    name: PLAN_FIELDS[name] for name in ("step", "max_cost_usd", "request")
}
BATCH_FIELDS: dict[str, dict[str, Any]] = {
    "queries": {
        "type": "array",
        "items": {"$ref": "#/components/schemas/PlanRequest"},
        "description": "Objects with the fields of /plan, which win over those beside them.",
    },
    **SHARED_FIELDS,
}


@dataclass(frozen=True, slots=True)
class PlanCall:
    """One query of a request, ready to plan.

    Args:
        query: a text, chat messages, or None.
        arguments: of :meth:`Planner.plan`, by name.
        dialect: whose call arguments the answer has, or None.
        where: the part of the request that it stands in.
    """

    query: Any
    arguments: Mapping[str, Any]
    dialect: str | None
    where: str

    @staticmethod
    def read(fields: Mapping[str, Any], where: str = "body") -> PlanCall:
        """Return the call that the fields of an object state.

        Raises:
            RefusedQuery: a field is unknown, has the wrong type, or no query is among them.
        """
        with _refusing(where):
            check_names(fields, PLAN_FIELDS)
            if not ({"query", "embedding"} & set(fields)):
                raise QueryError('not an object with a query; write {"query": "..."}')
            names = (*LIMIT_FIELDS, *STAY_FIELDS, "embedding")
            arguments = {name: fields.get(name) for name in names if name != "request"}
            arguments |= {name: _label(name, fields.get(name)) for name in LABEL_FIELDS}
            arguments["query_id"] = _id(fields.get("query_id"))
            _check_embedding(fields.get("embedding"))
            return PlanCall(fields.get("query"), arguments, _dialect(fields), where)

    @property
    def size(self) -> int:
        """Length of the query in characters, roughly: the time that planning takes grows with it."""
        return len(self.query) if isinstance(self.query, str) else len(str(self.query))

    def decide(self, served: ServedPolicy) -> Decision:
        """Decide by a policy.

        Raises:
            RefusedQuery: the planner refuses the query, a limit or the dialect.
        """
        with _refusing(self.where):
            return served.planner(self.dialect).plan(self.query, **self.arguments)

    def answer(self, decision: Decision, served: ServedPolicy) -> dict[str, Any]:
        """Return a decision as the command ``plan --format json`` prints it."""
        answer = decision.to_json()
        if served.explore > 0:
            answer["explores"] = decision.explores
        dialect = self.dialect or served.dialect
        if dialect is not None:
            with _refusing(self.where):
                answer["request"] = decision.request_kwargs(dialect)
                answer["fallback_requests"] = [call.request_kwargs(dialect) for call in decision.fallback_calls]
        return answer


class BatchItem(NamedTuple):
    """One query of a batch.

    Args:
        fields: its own, and those that it shares with the others.
        where: its place in the request.
    """

    fields: Mapping[str, Any]
    where: str


def batch_items(fields: Mapping[str, Any], *, most: int) -> list[BatchItem]:
    """Return the queries of a batch.

    Args:
        fields: of the request.
        most: queries that a batch may have.

    Raises:
        RefusedQuery: a field is unknown or has the wrong type, or the batch is too large.
    """
    with _refusing("body"):
        check_names(fields, BATCH_FIELDS)
        queries = fields.get("queries")
        if not isinstance(queries, list):
            raise QueryError('not an object with a list of queries; write {"queries": [{"query": "..."}]}')
        if len(queries) > most:
            raise QueryError(f"{len(queries)} queries in one batch; send at most {most} at once")
    shared = {name: value for name, value in fields.items() if name != "queries"}
    return [BatchItem(shared | _object(item, i), f"queries[{i}]") for i, item in enumerate(queries)]


def _object(item: Any, position: int) -> dict[str, Any]:
    with _refusing(f"queries[{position}]"):
        if not isinstance(item, dict):
            raise QueryError('not an object with a query; write {"query": "..."}')
        return item


def read_forecast(fields: Mapping[str, Any], served: ServedPolicy) -> dict[str, Any]:
    """Return the forecast of every point at a query: the surface there.

    Raises:
        RefusedQuery: a field is unknown or has the wrong type, or the planner refuses the query.
    """
    with _refusing("body"):
        check_names(fields, FORECAST_FIELDS)
        query = fields.get("query")
        planner = served.planner(_dialect(fields))
        figures = planner.figures(
            "" if query is None else query,
            step=_label("step", fields.get("step")),
            max_cost_usd=fields.get("max_cost_usd"),
        )
    points = zip(planner.policy.grid.points, figures.quality, figures.cost_usd, figures.callable, strict=True)
    return {
        "points": [
            {
                "model": point.model,
                "budget_kind": point.budget.kind,
                "budget_label": point.budget.label,
                "budget": point.budget.amount,
                "expected_quality": float(quality),
                "expected_cost_usd": float(cost_usd),
                "callable": bool(may_call),
            }
            for point, quality, cost_usd, may_call in points
        ]
    }


def check_names(fields: Mapping[str, Any], allowed: Mapping[str, Any]) -> None:
    """Refuse a field that the request does not have.

    Raises:
        QueryError: a field is unknown; the message names near ones.
    """
    for name in fields:
        if name not in allowed:
            raise QueryError(f"unknown field {shown(name)}; {did_you_mean(name, list(allowed))}")


def _dialect(fields: Mapping[str, Any]) -> str | None:
    dialect = fields.get("request")
    if not (dialect is None or isinstance(dialect, str)):
        raise QueryError(f"request must be the name of a client, such as openai, got {shown(dialect)}")
    return dialect


def _check_embedding(value: Any) -> None:
    """Refuse what is no list of numbers, also where the policy reads texts alone and would not look at it."""
    if value is not None and not (isinstance(value, list) and value and set(map(type, value)) <= {int, float}):
        raise QueryError("embedding must be a list of numbers; leave it out where the policy reads none")


def _id(value: Any) -> str | None:
    """Return an id as text, as logs are read."""
    try:
        return None if value is None else opaque(value)
    except Misfit as error:
        raise QueryError(f"query_id: {error}; write it as text") from None


def _label(name: str, value: Any) -> str | None:
    """Return a label as text, as logs are read."""
    try:
        stated = label(value)
    except Misfit as error:
        raise QueryError(f"{name}: {error}; write it as text") from None
    if stated.form == "object":
        raise QueryError(f"{name} must be text, got {shown(value)}")
    return stated.text or None


@contextmanager
def _refusing(where: str) -> Iterator[None]:
    """Add the part of the request to errors of the planner."""
    try:
        yield
    except ParetorouteError as error:
        raise RefusedQuery(error, where=where) from None
