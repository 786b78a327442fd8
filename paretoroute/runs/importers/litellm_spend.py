"""LiteLLM's table ``LiteLLM_SpendLogs``, as JSON lines, CSV or Parquet.

The query, the effort and the number of samples stand in the request that the proxy was sent, as a hook left it:
``messages`` is empty even where prompts are stored. After a fallback, that request and the planner's decision are those
of the call that failed. The row's model, tokens and cost are those of what answered, whose budget is not logged.

References:
    LiteLLM, ``get_logging_payload`` in ``litellm/proxy/spend_tracking/spend_tracking_utils.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paretoroute.grid import Budget
from paretoroute.runs.importers import litellm_fields as fields
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import NO_MODEL, NO_TEXT, Aside, Call, Place, Query, Reading, Unusable
from paretoroute.runs.importers.messages import CUT_SHORT, is_cut_short, query_of
from paretoroute.runs.importers.records import opened
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.values import between, count, dig, first, items, literal, mapping, parsed, seconds, text

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".jsonl.gz", ".csv.gz")
_OBJECTS = ("metadata", "proxy_server_request", "request_tags", "response", "messages")
FELL_BACK = "calls that answered after a fallback, whose budget is not logged"
NO_REQUEST = "calls whose request is not stored, so that an effort or n of theirs is not known"


def read(files: Sequence[Path]) -> Reading:
    """Read spend logs and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading()
    for path in files:
        for record in opened(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
            elif "model" in record.value and ("spend" in record.value or "call_type" in record.value):
                try:
                    reading.calls.append(_call(_unquoted(record.value), record.place, reading))
                except Unusable as why:
                    reading.asides.append(why.at(record.place))
            elif (score := score_of(record)) is not None:
                reading.scores.append(score)
            else:
                reading.asides.append(Aside(record.place, "neither a spend log nor a score"))
    reading.notes += [CUT_SHORT for call in reading.calls if is_cut_short(call.query)]
    return reading


def _unquoted(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row whose objects are written as text, JSON or as Python prints them, with the objects."""
    return {name: literal(parsed(value)) if name in _OBJECTS else value for name, value in row.items()}


def _call(row: Mapping[str, Any], place: Place, reading: Reading) -> Call:
    fields.check_generation(row)
    model = fields.model_of(row)
    if not model:
        raise Unusable(NO_MODEL)
    request = mapping(row, "proxy_server_request")
    request = mapping(request, "body") or request
    has_fallen_back = fields.has_fallen_back(row)
    choices = max(1, len(items(row, "response", "choices")))
    budget = Budget() if has_fallen_back else budget_of(request, model=model, choices=choices)
    if has_fallen_back:
        reading.notes.append(FELL_BACK)
    elif not request:
        reading.notes.append(NO_REQUEST)
    tokens = fields.tokens_of(row, f"{text(row.get('custom_llm_provider'))}/{model}")
    explicit, session = _session(row, request), text(row.get("session_id"))
    return Call(
        place=place,
        query=_query(row, request),
        model=model,
        budget=budget,
        tokens=tokens,
        cost_usd=fields.cost_of(row, tokens, "spend"),
        latency_s=_latency(row),
        time=seconds(row.get("startTime")),
        tenant=fields.tenant_of(row) or text(request.get("user")),
        conversation=explicit or ("" if fields.UUID.fullmatch(session) else session),
        trace=session,
        propensity=None if has_fallen_back else fields.propensity_of(row),
        tag=fields.tag_of(row),
        ids={name: value for name, value in _ids(row).items() if value},
        key=text(row.get("request_id")) or None,
    )


def _query(row: Mapping[str, Any], request: Mapping[str, Any]) -> Query:
    for value in (request, row.get("messages")):
        try:
            return query_of(value)
        except Unusable as why:
            if why.reason != NO_TEXT:
                raise
    raise Unusable(NO_TEXT, "set store_prompts_in_spend_logs: true in the proxy's general_settings")


def _session(row: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Return the session that the caller named, which is no id of a trace."""
    candidates = (
        request.get("litellm_session_id"),
        dig(request, "metadata", "session_id"),
        dig(request, "litellm_metadata", "session_id"),
        dig(row, "metadata", "session_id"),
    )
    return next((name for name in map(text, candidates) if name), "")


def _latency(row: Mapping[str, Any]) -> float | None:
    measured = between(row.get("startTime"), row.get("endTime"))
    duration_ms = count(row.get("request_duration_ms"))
    return measured if measured or duration_ms is None else duration_ms / 1000


def _ids(row: Mapping[str, Any]) -> dict[str, str]:
    request_id = text(row.get("request_id"))
    call_id = text(first(row.get("litellm_call_id"), dig(row, "metadata", "litellm_call_id")))
    decision = dig(parsed(row.get("metadata")), "spend_logs_metadata", "paretoroute", "decision_id")
    return {
        "request_id": request_id,
        "id": request_id,
        "response_id": request_id,
        "litellm_call_id": call_id,
        "call_id": call_id,
        "decision_id": text(decision),
        "trace_id": text(row.get("session_id")),
    }
