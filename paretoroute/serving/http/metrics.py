"""Metrics of the service for Prometheus: decisions and their expected figures, requests, the state of the policy."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from paretoroute.planner.decision import Decision
from paretoroute.serving.reload import Reload, ServedPolicy

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The metrics of one service, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._decisions = Counter(
            "paretoroute_decisions", "Decisions by point and status.", ["point", "status"], registry=registry
        )
        self._unfamiliar = Counter(
            "paretoroute_unfamiliar_decisions",
            "Decisions on queries that are unlike the logged ones or unreadable, by point and by what chose it.",
            ["point", "by"],
            registry=registry,
        )
        self._cost = Counter(
            "paretoroute_expected_cost_usd",
            "Sum of the expected costs of decisions in USD.",
            ["point"],
            registry=registry,
        )
        self._quality = Counter(
            "paretoroute_expected_quality", "Sum of the expected qualities of decisions.", ["point"], registry=registry
        )
        self._requests = Counter(
            "paretoroute_requests", "Requests by path and HTTP status.", ["path", "status"], registry=registry
        )
        self._latency = Histogram(
            "paretoroute_request_seconds",
            "Seconds from the head of a request to the end of its answer, by path.",
            ["path"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._reloads = Counter(
            "paretoroute_policy_reloads",
            "Attempts to read a changed policy file, by result.",
            ["result"],
            registry=registry,
        )
        self._is_current = Gauge(
            "paretoroute_policy_is_current",
            "1 if the policy file could be used when last read, else 0.",
            registry=registry,
        )
        self._info = Gauge(
            "paretoroute_policy_info", "1 for the policy that is served.", ["name", "sha256"], registry=registry
        )
        self._loaded = Gauge(
            "paretoroute_policy_loaded_timestamp_seconds", "Unix time at which the policy was read.", registry=registry
        )
        for result in ("ok", "bad"):
            self._reloads.labels(result)

    def serve(self, served: ServedPolicy) -> None:
        """Name the policy that is served from now on."""
        self._info.clear()
        self._info.labels(served.document.name, served.policy.sha256).set(1)
        self._loaded.set_to_current_time()
        self._is_current.set(1)

    def reload(self, attempt: Reload, served: ServedPolicy) -> None:
        """Count an attempt to read the policy again."""
        self._reloads.labels("bad" if attempt.error else "ok").inc()
        if attempt.error:
            self._is_current.set(0)
        elif attempt.before != attempt.after:
            self.serve(served)
        else:
            self._is_current.set(1)

    def decision(self, decision: Decision) -> None:
        """Count a decision."""
        point = decision.point.name
        self._decisions.labels(point, decision.status).inc()
        if decision.unfamiliar:
            self._unfamiliar.labels(point, "safe_point" if decision.at_safe_point else "policy").inc()
        self._cost.labels(point).inc(decision.expected_cost_usd)
        self._quality.labels(point).inc(decision.expected_quality)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, str(status)).inc()
        self._latency.labels(path).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)
