"""Answers to requests that cannot be served: a status of HTTP, and the error as JSON, never a trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from paretoroute.errors import ParetorouteError, one_line

_ADVICE = {404: "see /openapi.json for the paths", 405: "see /openapi.json for the methods of this path"}


class Fault(Exception):
    """A request that is refused before it is planned.

    Args:
        status: of HTTP.
        message: what is wrong, and what to do.
        where: the part of the request, such as ``body`` or ``queries[3]``.
        headers: of the answer.
    """

    def __init__(self, status: int, message: str, *, where: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.where, self.headers = status, message, where, dict(headers or {})


class RefusedQuery(Exception):
    """A query, a limit or a dialect that the planner refuses.

    Args:
        error: of the planner.
        where: the part of the request.
    """

    def __init__(self, error: ParetorouteError, *, where: str) -> None:
        super().__init__(str(error))
        self.error, self.where = error, where


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON; characters beyond ASCII are escaped, so that any text can be sent."""
    return Response(json.dumps(content), status, headers, media_type="application/json")


def json_text(text: str) -> Response:
    """Return an answer that is JSON already."""
    return Response(text, media_type="application/json")


def fault_response(kind: str, message: str, *, where: str, status: int, headers: Mapping[str, str]) -> Response:
    """Return an error in JSON: its type, the part of the request, and what to do."""
    return json_response({"error": {"type": kind, "where": where, "message": message}}, status=status, headers=headers)


def of_fault(request: Request, error: Exception) -> Response:
    """Answer a refused request."""
    assert isinstance(error, Fault)
    return fault_response("RequestError", error.message, where=error.where, status=error.status, headers=error.headers)


def of_refused_query(request: Request, error: Exception) -> Response:
    """Answer with an error of the planner, by its own name."""
    assert isinstance(error, RefusedQuery)
    message = str(error) if error.where == "body" else f"{error.where}: {error}"
    return fault_response(type(error.error).__name__, message, where=error.where, status=422, headers={})


def of_http_exception(request: Request, error: Exception) -> Response:
    """Answer a request for an unknown path, or with a wrong method."""
    assert isinstance(error, HTTPException)
    path = one_line(request.url.path)
    message = f"{request.method} {path}: {error.detail}; {_ADVICE.get(error.status_code, 'see /openapi.json')}"
    return fault_response("RequestError", message, where="path", status=error.status_code, headers=error.headers or {})


def of_unexpected(request: Request, error: Exception) -> Response:
    """Answer after a defect of the service; its log has the trace."""
    message = "the service failed at this request; its log has the reason"
    return fault_response("InternalError", message, where="service", status=500, headers={})
