"""The OpenAPI document of the service, from the same tables of fields that requests are checked by."""

from __future__ import annotations

import functools
from importlib.metadata import version
from typing import Any

from paretoroute.serving.http.fields import BATCH_FIELDS, FORECAST_FIELDS, PLAN_FIELDS

Schema = dict[str, Any]

_NUMBER: Schema = {"type": "number"}
_NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_POINT: Schema = {"model": _TEXT, "budget_kind": _TEXT, "budget_label": _TEXT, "budget": _NUMBER_OR_NULL}
_FIGURES: Schema = {"expected_quality": _NUMBER, "expected_cost_usd": _NUMBER}
_STATUSES = ["met", "slack", "infeasible", "unsupported", "capped", "unfamiliar", "fallback"]


def _object(properties: Schema, *, required: list[str] | None = None, description: str = "") -> Schema:
    about = {"description": description} if description else {}
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False} | about


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_DECISION = _object(
    {
        "query_id": _TEXT_OR_NULL,
        **_POINT,
        **_FIGURES,
        "expected_latency_s": _NUMBER_OR_NULL,
        "output_cap_tokens": {"type": ["integer", "null"]},
        "propensity": {"type": "number", "description": "Probability with which this point was chosen."},
        "status": {"type": "string", "enum": _STATUSES},
        "decision_id": {"type": "string", "description": "Joins the decision with its outcome."},
        "policy_sha256": _TEXT,
        "why": {"type": "string", "description": "The reason in a sentence or two."},
        "keeps_limits": {"type": "boolean", "description": "Whether the point keeps every limit of the call."},
        "runner_up": {"anyOf": [_object({"point": _TEXT, **_FIGURES}), {"type": "null"}]},
        "fallbacks": {"type": "array", "items": _TEXT, "description": "Points to try if the call fails, best first."},
        "unfamiliar": {"type": "boolean", "description": "Whether the query is unlike the logged ones or unreadable."},
        "explores": {"type": "boolean", "description": "Only if the service explores: whether this call does."},
        "request": {"type": "object", "description": "Only with a dialect: the arguments of the client's call."},
        "fallback_requests": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Only with a dialect: the arguments of each fallback, to send in place of `request`.",
        },
    },
    description="As `paretoroute plan --format json` prints it.",
)
_OPTIONAL = ("explores", "request", "fallback_requests")
_DECISION["required"] = [name for name in _DECISION["properties"] if name not in _OPTIONAL]
_ERROR = _object({"type": _TEXT, "where": _TEXT, "message": {"type": "string", "description": "And what to do."}})
_SCHEMAS: Schema = {
    "PlanRequest": _object(PLAN_FIELDS, required=[], description="It needs a query or an embedding."),
    "BatchRequest": _object(BATCH_FIELDS, required=["queries"]),
    "ForecastRequest": _object(FORECAST_FIELDS, required=[]),
    "Decision": _DECISION,
    "Decisions": _object({"decisions": {"type": "array", "items": _reference("Decision"), "description": "In order."}}),
    "Forecast": _object(
        {"points": {"type": "array", "items": _object({**_POINT, **_FIGURES, "callable": {"type": "boolean"}})}}
    ),
    "Health": _object({"status": _TEXT, "policy_is_current": {"type": "boolean"}}),
    "Error": _object({"error": _ERROR}),
}
_ERRORS = {
    "400": "The body is no JSON object, holds a key twice or is nested too deeply; or another host is named.",
    "401": "The token is missing or wrong.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "The planner refuses a field: `type` is the error of its Python interface.",
}


def _answer(description: str, content: Schema) -> Schema:
    return {"description": description, "content": content}


def _json(name: str) -> Schema:
    return {"application/json": {"schema": _reference(name)}}


def _posted(summary: str, request: str, answer: str) -> Schema:
    refused = {status: _answer(description, _json("Error")) for status, description in _ERRORS.items()}
    return {
        "post": {
            "summary": summary,
            "security": [{"token": []}, {}],
            "requestBody": {"required": True, "content": _json(request)},
            "responses": {"200": _answer("Done.", _json(answer))} | refused,
        }
    }


def _shown(summary: str, content: Schema, *, needs_token: bool) -> Schema:
    answers = {"200": _answer("Done.", content)}
    if not needs_token:
        return {"get": {"summary": summary, "security": [], "responses": answers}}
    answers["401"] = _answer(_ERRORS["401"], _json("Error"))
    return {"get": {"summary": summary, "security": [{"token": []}, {}], "responses": answers}}


@functools.cache
def openapi_document() -> Schema:
    """Return the description of the service, as OpenAPI 3.1 has it."""
    html, text = {"text/html": {"schema": _TEXT}}, {"text/plain": {"schema": _TEXT}}
    paths = {
        "/plan": _posted("Choose the point to call for one query.", "PlanRequest", "Decision"),
        "/plan_batch": _posted("Decide for many queries, each as if it came alone.", "BatchRequest", "Decisions"),
        "/forecast": _posted("Forecast quality and cost of every point at a query.", "ForecastRequest", "Forecast"),
        "/policy": _shown("The policy as a page.", html, needs_token=True),
        "/metrics": _shown("Metrics for Prometheus.", text, needs_token=True),
        "/healthz": _shown("Whether the service decides.", _json("Health"), needs_token=False),
        "/openapi.json": _shown("This document.", {"application/json": {}}, needs_token=False),
        "/": _shown("The explorer page.", html, needs_token=False),
    }
    security = {"token": {"type": "http", "scheme": "bearer", "description": "If the service was started with one."}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "paretoroute", "version": version("paretoroute"), "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": _SCHEMAS, "securitySchemes": security},
    }
