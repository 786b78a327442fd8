"""The gate that every request passes: the host and the token it names, and the count and latency of requests."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from paretoroute.errors import QueryError
from paretoroute.serving.http.faults import fault_response
from paretoroute.serving.http.hosts import AllowedHosts
from paretoroute.serving.http.metrics import Metrics

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="paretoroute"'}
_NO_TOKEN = "the token is missing or wrong; send it as Authorization: Bearer TOKEN"
_NO_HOST = (
    "the service does not answer to this host name; start it with --allowed-host NAME, or with a token, or ask for "
    "127.0.0.1"
)
CLIENT_LEFT = 499  # as nginx counts requests whose client closed the connection before the answer


class BearerToken:
    """A secret that requests carry as ``Authorization: Bearer TOKEN``; only its hash is kept.

    Args:
        token: printable ASCII without blanks; blanks around it are dropped, as files end with a line break.
        source: of the token, as messages name it.

    Raises:
        QueryError: the token is empty or has other characters.
    """

    def __init__(self, token: str, *, source: str) -> None:
        token = token.strip()
        if not token:
            raise QueryError(f"{source}: the token is empty; write one, such as the output of: openssl rand -hex 32")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise QueryError(f"{source}: a token is printable ASCII without blanks, so that a header can carry it")
        self._digest = hashlib.sha256(token.encode()).digest()

    def is_in(self, authorization: str) -> bool:
        """Return whether a header carries the token; the time does not depend on how much of it is right."""
        scheme, _, token = authorization.partition(" ")
        digest = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
        return hmac.compare_digest(digest, self._digest) and scheme.lower() == "bearer"


class Gate:
    """Refuses requests for another host or without the token, and counts all.

    Args:
        app: that answers.
        metrics: that count.
        token: None: no request needs one.
        hosts: None: a request may name any.
        paths: of the service; other paths are counted as one.
        open_paths: that need no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        token: BearerToken | None,
        hosts: AllowedHosts | None,
        paths: Collection[str],
        open_paths: Collection[str],
    ) -> None:
        self._app, self._metrics, self._token, self._hosts = app, metrics, token, hosts
        self._paths, self._open_paths = frozenset(paths), frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), CLIENT_LEFT

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await (self._refusal(scope) or self._app)(scope, receive, counted)
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.request(path, status, time.perf_counter() - start)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not pass."""
        headers = Request(scope).headers
        if self._hosts is not None and not all(map(self._hosts.allow, headers.getlist("host") or [""])):
            return fault_response("RequestError", _NO_HOST, where="Host", status=400, headers={})
        if self._token is None or scope["path"] in self._open_paths:
            return None
        if self._token.is_in(headers.get("authorization", "")):
            return None
        return fault_response("RequestError", _NO_TOKEN, where="Authorization", status=401, headers=_CHALLENGE)
