"""Attributes of a decision for a span of OpenTelemetry, which ``paretoroute import otel`` reads back.

The request has the names of the semantic conventions for generative AI (``gen_ai.*``); they have none for a decision,
which has names of its own (``paretoroute.*``). Attributes are text, booleans, numbers and lists of text; what is
unknown is left out.

Reference: OpenTelemetry, "Semantic conventions for generative client AI spans", ``gen_ai.request.*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Attribute = str | bool | int | float | list[str]

_NAMES = {  # attribute by field of a row
    "decision_id": "paretoroute.decision.id",
    "policy_sha256": "paretoroute.policy.sha256",
    "query_id": "paretoroute.query.id",
    "model": "paretoroute.model",
    "budget_kind": "paretoroute.budget.kind",
    "budget_label": "paretoroute.budget.label",
    "budget": "paretoroute.budget.amount",
    "propensity": "paretoroute.propensity",
    "status": "paretoroute.status",
    "expected_quality": "paretoroute.expected.quality",
    "expected_cost_usd": "paretoroute.expected.cost_usd",
    "expected_latency_s": "paretoroute.expected.latency_s",
    "failed_point": "paretoroute.failed_point",
}


class Decided(Protocol):
    """What attributes state of a decision beside its row."""

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Points to try if the call fails, best first."""
        ...

    @property
    def unfamiliar(self) -> bool:
        """Whether the query is unlike the logged ones or could not be read."""
        ...

    @property
    def explores(self) -> bool:
        """Whether the point is called to learn about it."""
        ...


def attributes(row: Mapping[str, Any], decision: Decided) -> dict[str, Attribute]:
    """Return the attributes of the call that a row of a decision describes.

    Args:
        row: as :meth:`Decision.to_row` returns it.
        decision: of the row.
    """
    stated = {name: row.get(field) for field, name in _NAMES.items()}
    known = {name: value for name, value in stated.items() if value is not None and value != ""}
    flags = {"paretoroute.unfamiliar": decision.unfamiliar, "paretoroute.explores": decision.explores}
    fallbacks = {"paretoroute.fallbacks": list(decision.fallbacks)} if decision.fallbacks else {}
    return {**_request(row), **known, **flags, **fallbacks}


def _request(row: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return the attributes of the request.

    How many samples one call asks for depends on the client, so that neither their number nor their cap is stated.
    """
    request: dict[str, Attribute] = {"gen_ai.request.model": row["model"]}
    if row["budget_kind"] == "effort":
        request["gen_ai.request.reasoning.level"] = row["budget_label"]
    if row["budget_kind"] != "samples" and row["output_cap_tokens"] is not None:
        request["gen_ai.request.max_tokens"] = row["output_cap_tokens"]
    return request
