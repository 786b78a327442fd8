"""From a request for the planned model to the request of a point, with the decision where LiteLLM logs it.

A request is never lost to planning. Where planning fails, the safe point answers, and the failure is logged and
counted; its record has no propensity, since no draw chose the point.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoroute.errors import DialectError, GridError, TargetError, name_some
from paretoroute.planner.decision import Decision
from paretoroute.planner.planner import Planner
from paretoroute.runs.importers.calls import Unusable
from paretoroute.runs.importers.messages import query_of
from paretoroute.serving.litellm.arguments import (
    OTHER_WAYS,
    POINT_ARGUMENTS,
    StandingCall,
    call_arguments,
    is_call_of,
    lowest_cap,
    standing_calls,
)
from paretoroute.serving.litellm.conversation import states_previous, stays_of
from paretoroute.serving.litellm.settings import PREFIX, Settings

CHATS = ("completion", "acompletion")  # what LiteLLM calls the route of chat completions
OTHER_GENERATIONS = ("text_completion", "atext_completion", "responses", "aresponses", "anthropic_messages")
RECORD = "paretoroute"  # the key of the decision in spend_logs_metadata
LOGGER = logging.getLogger("paretoroute.serving.litellm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the proxy knows of a caller.

    Args:
        tenant: end user or team, which limits on tenants read; ``""``: unknown.
        is_deployed: whether the proxy has a deployment of a name.
    """

    tenant: str
    is_deployed: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call to write into a request.

    Args:
        deployment: the name that the proxy calls.
        arguments: that define the point.
        record: what is logged about the decision.
        fallbacks: the names of the points to try if the call fails, best first.
    """

    deployment: str
    arguments: Mapping[str, Any]
    record: Mapping[str, Any]
    fallbacks: Sequence[str]


class Rewriter:
    """Rewrites the requests for one name into requests for the points that a planner chooses.

    Args:
        planner: loaded with the dialect ``litellm``.
        settings: of the hook.

    Raises:
        GridError: the safe point is not in the grid, or the policy's limits exclude it.
        QueryError: the policy cannot plan from a text alone.
        DialectError: a point has several samples, and nobody puts their answers to the vote.
    """

    def __init__(self, planner: Planner, settings: Settings) -> None:
        self._planner, self._settings = planner, settings
        self._names = planner.policy.grid.names
        if not settings.callers_vote:
            _refuse_votes(planner)
        self._standing = standing_calls(planner)
        planner.plan("a query")  # a policy that needs features beside the text is refused here, and not at each request
        self._safe = _safe_points(planner, self._standing, settings.safe_point)
        self.counts: Counter[str] = Counter()
        self._undeployed: frozenset[str] = frozenset()

    def rewrite(self, data: dict[str, Any], call_type: str, caller: Caller) -> bool:
        """Plan a request for the planned model, in place; other requests stay as they are.

        Args:
            data: the request, as the proxy holds it.
            call_type: LiteLLM's name of the route.
            caller: of the request.

        Returns:
            Whether the request is now that of a point.
        """
        if data.get("model") != self._settings.model:
            return False
        if call_type in OTHER_GENERATIONS:
            self._send_unplanned(data, call_type, self._deployments(caller))
        if call_type not in CHATS:
            return False
        deployments = self._deployments(caller)
        try:
            call = self._planned(data, caller, deployments)
            written = self._written(call, deployments, callers_cap=lowest_cap(data))
            outcome = "planned"
        except Exception as error:  # whatever it is, the request has to be answered
            LOGGER.exception("planning failed, and the safe point answers")
            cap = lowest_cap(data)
            call = self._safe_call(deployments, reason=f"{type(error).__name__}: {error}", callers_cap=cap)
            written = self._written(call, deployments, callers_cap=cap)
            outcome = "failed"
        _clear(data)
        data.update(written)
        _log_with(data, call.record)
        self.counts[outcome] += 1
        return True

    def marked_fallback(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a request that answers in place of one that failed, with a record of its own; None: it is none.

        Args:
            request: the arguments of one attempt, just before it is sent.
        """
        metadata = request.get("metadata")
        logged = metadata.get("spend_logs_metadata") if isinstance(metadata, Mapping) else None
        record = logged.get(RECORD) if isinstance(logged, Mapping) else None
        if not isinstance(metadata, Mapping) or not isinstance(record, Mapping) or not isinstance(logged, Mapping):
            return None
        if not metadata.get("attempted_fallbacks"):
            return None
        self.counts["fallbacks"] += 1
        answering = self._point_of(str(metadata.get("model_group")), request)
        marked = {"status": "answered_by_fallback", "point": answering}
        marked["failed_point"] = record.get("failed_point") or record.get("point")
        if record.get("decision_id"):
            marked["decision_id"] = record["decision_id"]
        return {**request, "metadata": {**metadata, "spend_logs_metadata": {**logged, RECORD: marked}}}

    def _planned(self, data: Mapping[str, Any], caller: Caller, deployments: Mapping[str, str]) -> Call:
        decision = self._decided(
            data,
            query=_query(data),
            query_id=_text(data.get("litellm_call_id")),
            callable=np.array([name in deployments for name in self._names]),
            tag=_tag(data),
            tenant=caller.tenant or None,
        )
        if decision.unfamiliar:
            self.counts["unfamiliar"] += 1
        cap = lowest_cap(data)
        return Call(
            deployment=deployments[decision.point.name],
            arguments=call_arguments(decision.point, decision.output_cap_tokens, callers_cap=cap),
            record=_record(decision),
            fallbacks=decision.fallbacks,
        )

    def _decided(self, data: Mapping[str, Any], **call: Any) -> Decision:
        """Decide, with the call before in the conversation as far as the request states one that can be used."""
        try:
            for stay in stays_of(data, self._planner.policy.grid, self._settings):
                with suppress(TargetError):  # such as: the price of a cached token is unknown
                    return self._planner.plan(**call, **stay)
        except GridError as error:
            LOGGER.warning("the previous call of a conversation is not used: %s", error)
        if states_previous(data):
            self.counts["previous_ignored"] += 1
        return self._planner.plan(**call)

    def _deployments(self, caller: Caller) -> dict[str, str]:
        """Return the deployment of every point that has one: its alias, or else that of its model."""
        deployments: dict[str, str] = {}
        for point in self._planner.policy.grid.points:
            name = next((name for name in (point.name, point.model) if _is_deployed(caller, name)), None)
            if name is not None:
                deployments[point.name] = name
        missing = frozenset(self._names) - deployments.keys()
        if missing and missing != self._undeployed:
            LOGGER.error(
                "the proxy has no deployment of %s, and they are never called; add them to model_list",
                name_some(sorted(missing)),
            )
        self._undeployed = missing
        return deployments

    def _safe_call(self, deployments: Mapping[str, str], *, reason: str, callers_cap: int | None = None) -> Call:
        """Return the call of the best safe point that the proxy has."""
        ranked = [name for name in self._safe if name in deployments] or list(self._safe)
        standing = self._standing[ranked[0]]
        return Call(
            deployment=deployments.get(ranked[0], standing.point.model),
            arguments=standing.under(callers_cap),
            record={"point": ranked[0], "status": "failed", "reason": reason[:200]},
            fallbacks=ranked[1:],
        )

    def _send_unplanned(self, data: dict[str, Any], call_type: str, deployments: Mapping[str, str]) -> None:
        """Send a generation by another route to the safe point's model, and leave its arguments to the caller."""
        self.counts["not_planned"] += 1
        data["model"] = self._safe_call(deployments, reason="").deployment
        _log_with(data, {"status": "not_planned", "reason": f"route {call_type}"})

    def _written(self, call: Call, deployments: Mapping[str, str], *, callers_cap: int | None) -> dict[str, Any]:
        """Return the fields of a call. Each fallback has its own arguments, and clears those of the call that failed.

        LiteLLM calls a fallback with the arguments of the call that failed wherever the fallback has none.
        """
        fallbacks = [
            {**dict.fromkeys(POINT_ARGUMENTS), **self._standing[name].under(callers_cap), "model": deployments[name]}
            for name in call.fallbacks
            if name in deployments and name in self._standing
        ]
        return {"model": call.deployment, **call.arguments, "fallbacks": fallbacks}

    def _point_of(self, deployment: str, request: Mapping[str, Any]) -> str | None:
        """Return the point that a deployment and the arguments of a request make, by whatever names these go."""
        for name, standing in self._standing.items():
            if deployment in (name, standing.point.model) and is_call_of(standing, request):
                return name
        return None


def _clear(data: dict[str, Any]) -> None:
    """Remove all by which a request could become that of another point."""
    names = (*POINT_ARGUMENTS, *OTHER_WAYS)
    for name in names:
        data.pop(name, None)
    if isinstance(body := data.get("extra_body"), Mapping):
        data["extra_body"] = {name: value for name, value in body.items() if name not in names}


def load(settings: Settings) -> Rewriter:
    """Load the policy of the settings.

    Raises:
        PolicyError: the policy cannot be read or trusted, or has no signature of a trusted key.
        DialectError: a point cannot be called through LiteLLM, or is sent as the same request as another.
        GridError: the safe point is not in the grid.
    """
    planner = Planner.load(
        settings.policy,
        dialect="litellm",
        explore=settings.explore,
        safe_point=settings.safe_point or None,
        trusted_keys=settings.trusted_keys,
    )
    return Rewriter(planner, settings)


def _refuse_votes(planner: Planner) -> None:
    points = planner.policy.grid.points
    votes = [point.name for point in points if point.budget.kind == "samples" and (point.budget.amount or 0) > 1]
    if votes:
        raise DialectError(
            f"{name_some(votes)} answer with several choices, which the caller has to put to the vote; set "
            f"{PREFIX}VOTES=callers if all callers do, or leave the points out of the grid"
        )


def _safe_points(planner: Planner, standing: Mapping[str, StandingCall], wanted: str) -> list[str]:
    """Return the points that answer where planning fails, best first."""
    decision = planner.plan(None, query_id="")
    ranked = [decision.point.name, *decision.fallbacks]
    if wanted:
        name = planner.policy.grid.names[planner.policy.grid.index(wanted)]
        if name not in standing:
            raise GridError(f"{PREFIX}SAFE_POINT {wanted!r} is excluded by the policy's limits; name another point")
        ranked = [name, *(other for other in ranked if other != name)]
    return ranked


def _query(data: Mapping[str, Any]) -> Any:
    """Return the messages as the importers read them from the log; None where they hold no text."""
    try:
        return query_of(data.get("messages"))
    except Unusable:
        return None


def _is_deployed(caller: Caller, name: str) -> bool:
    """Return whether the proxy has a deployment; an error of its router must not fail the request."""
    try:
        return caller.is_deployed(name)
    except Exception:
        LOGGER.exception("the deployments of the proxy could not be read")
        return True


def _record(decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision.id,
        "point": decision.point.name,
        "propensity": decision.propensity,
        "status": decision.status,
        "explores": decision.explores,
        "expected_quality": decision.expected_quality,
        "expected_cost_usd": decision.expected_cost_usd,
        "policy_sha256": decision.policy_sha256,
    }


def _log_with(data: dict[str, Any], record: Mapping[str, Any]) -> None:
    """Put a record where it reaches the log; the dictionaries of the caller's key are shared, and stay as they are."""
    name = "litellm_metadata" if isinstance(data.get("litellm_metadata"), dict) else "metadata"
    metadata = data.get(name)
    if not isinstance(metadata, dict):
        metadata = data[name] = {}
    logged = metadata.get("spend_logs_metadata")
    metadata["spend_logs_metadata"] = {**(logged if isinstance(logged, Mapping) else {}), RECORD: dict(record)}


def _tag(data: Mapping[str, Any]) -> str | None:
    """Return the first tag of a request, as the importer reads it from the log."""
    metadata = data.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, Mapping) else None
    texts = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return next((tag for tag in texts if tag and not tag.startswith("User-Agent:")), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
