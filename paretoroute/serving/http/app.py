"""The service as an ASGI application: plan one query or a batch, its health, metrics, OpenAPI and the explorer page."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from paretoroute.policy.schema import PolicyDocument
from paretoroute.serving.http import faults
from paretoroute.serving.http.body import Body, parse_object, read_body
from paretoroute.serving.http.chunks import chunks_of, decide_chunk
from paretoroute.serving.http.explorer import explorer_headers, explorer_html, policy_page_headers
from paretoroute.serving.http.fields import PlanCall, batch_items, read_forecast
from paretoroute.serving.http.gate import CLIENT_LEFT, BearerToken, Gate
from paretoroute.serving.http.hosts import AllowedHosts
from paretoroute.serving.http.metrics import Metrics
from paretoroute.serving.http.openapi import openapi_document
from paretoroute.serving.http.turns import Turns
from paretoroute.serving.reload import Reload, ReloadingPolicy, ServedPolicy, watch

LOG = logging.getLogger("paretoroute.serving")
OPEN_PATHS = ("/", "/healthz", "/openapi.json")  # they tell nothing about the policy
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Limits and token of a service.

    Args:
        page: draws a policy as a page of HTML.
        token: that requests need, or None.
        hosts: that requests may name, or None for any.
        reload_every_s: seconds between two looks at the policy file; 0: only when asked to.
        most_body_bytes: of a request.
        most_queries: of a batch.
    """

    page: Callable[[PolicyDocument], str]
    token: BearerToken | None = None
    hosts: AllowedHosts | None = None
    reload_every_s: float = 1.0
    most_body_bytes: int = 2**20
    most_queries: int = 1000


@dataclass(frozen=True)
class Service:
    """The endpoints and their shared state.

    Args:
        policy: that decides.
        settings: limits and token.
        metrics: of the requests and decisions.
        turns: of the processor.
        wake: set to read the policy file at once.
    """

    policy: ReloadingPolicy
    settings: Settings
    metrics: Metrics = field(default_factory=Metrics)
    turns: Turns = field(default_factory=Turns)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def plan(self, request: Request) -> Response:
        """Decide for one query."""
        body = await self._body(request)
        call = PlanCall.read(body.fields)
        work = functools.partial(self._answer, call, self.policy.current)
        return faults.json_text(await self.turns.compute(work, size=body.size))

    async def plan_batch(self, request: Request) -> Response:
        """Decide for many queries, each as if it came alone, all by one policy."""
        body = await self._body(request)
        items, served = batch_items(body.fields, most=self.settings.most_queries), self.policy.current
        calls = await self.turns.compute_all([functools.partial(PlanCall.read, *item) for item in items])
        chunks = chunks_of(calls)
        works = [functools.partial(self._answers, chunk, served) for chunk in chunks]
        answers = await self.turns.compute_all(works, sizes=[sum(call.size for call in chunk) for chunk in chunks])
        return faults.json_text(f'{{"decisions": [{", ".join(itertools.chain(*answers))}]}}')

    async def forecast(self, request: Request) -> Response:
        """Forecast every point at one query."""
        body = await self._body(request)
        work = functools.partial(read_forecast, body.fields, self.policy.current)
        return faults.json_response(await self.turns.compute(work, size=body.size))

    async def _body(self, request: Request) -> Body:
        content = await read_body(request, most_bytes=self.settings.most_body_bytes)
        return Body(await self.turns.compute(functools.partial(parse_object, content), size=len(content)), len(content))

    def _answer(self, call: PlanCall, served: ServedPolicy) -> str:
        """Decide, count the decision, and return it as JSON."""
        return self._answers([call], served)[0]

    def _answers(self, calls: Sequence[PlanCall], served: ServedPolicy) -> list[str]:
        """Decide on a chunk of a batch, count the decisions, and return each as JSON."""
        answers: list[str] = []
        for call, decision in zip(calls, decide_chunk(calls, served), strict=True):
            self.metrics.decision(decision)
            answers.append(json.dumps(call.answer(decision, served)))
        return answers

    async def healthz(self, request: Request) -> Response:
        """Report that the service decides, and whether by the policy that is in the file."""
        return faults.json_response({"status": "ok", "policy_is_current": not self.policy.error})

    async def show_metrics(self, request: Request) -> Response:
        """Return the metrics."""
        return Response(self.metrics.text(), headers={"Content-Type": _PROMETHEUS})

    async def openapi(self, request: Request) -> Response:
        """Describe the service."""
        return faults.json_response(openapi_document())

    async def show_policy(self, request: Request) -> Response:
        """Draw the policy: its frontier, its points and its trade-off."""
        draw = functools.partial(self.settings.page, self.policy.current.document)
        return Response(await self.turns.in_thread(draw), media_type="text/html", headers=policy_page_headers())

    async def explore(self, request: Request) -> Response:
        """Return the explorer page, which asks for everything else by requests of its own."""
        return Response(explorer_html(), media_type="text/html", headers=explorer_headers())

    def report(self, attempt: Reload) -> None:
        """Log and count an attempt to read the policy again."""
        self.metrics.reload(attempt, self.policy.current)
        name = self.policy.path.name
        if attempt.error:
            LOG.error("the old policy %s stays: %s", attempt.after[:12], attempt.error)
        elif attempt.before != attempt.after:
            LOG.info("%s was read again: policy %s replaces %s", name, attempt.after[:12], attempt.before[:12])
        else:
            LOG.info("%s was read again: it is still policy %s", name, attempt.after[:12])

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Watch the policy file while the service runs."""
        self.metrics.serve(self.policy.current)
        watching = asyncio.create_task(
            watch(self.policy, self.report, every_s=self.settings.reload_every_s, wake=self.wake)
        )
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        self.policy.close()
        self.turns.close()

    def app(self) -> ASGIApp:
        """Return the application."""
        routes = [
            Route("/plan", _endpoint(self.plan), methods=["POST"]),
            Route("/plan_batch", _endpoint(self.plan_batch), methods=["POST"]),
            Route("/forecast", _endpoint(self.forecast), methods=["POST"]),
            Route("/policy", _endpoint(self.show_policy)),
            Route("/healthz", _endpoint(self.healthz)),
            Route("/metrics", _endpoint(self.show_metrics)),
            Route("/openapi.json", _endpoint(self.openapi)),
            Route("/", _endpoint(self.explore)),
        ]
        handlers = {
            faults.Fault: faults.of_fault,
            faults.RefusedQuery: faults.of_refused_query,
            HTTPException: faults.of_http_exception,
            Exception: faults.of_unexpected,
        }
        app = Starlette(routes=routes, exception_handlers=handlers, lifespan=self.lifespan)
        return Gate(
            app,
            metrics=self.metrics,
            token=self.settings.token,
            hosts=self.settings.hosts,
            paths=[route.path for route in routes],
            open_paths=OPEN_PATHS,
        )


def _endpoint(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that ends quietly if its client leaves before the body has arrived."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except ClientDisconnect:
            return Response(status_code=CLIENT_LEFT)  # nobody reads it

    return endpoint
