"""LiteLLM's standard logging payload, one JSON object per call, as a custom logger, a file or a bucket receives it.

The latency is from start to end: ``response_time`` is the time to the first token where an answer is streamed. The
point is what answered; a decision that was logged for a call which failed does not count for the fallback that
answered.

References:
    LiteLLM, ``StandardLoggingPayload`` in ``litellm/types/utils.py``, versions 1.50 to 1.110.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paretoroute.runs.importers import litellm_fields as fields
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import NO_MODEL, Aside, Call, Place, Reading, Unusable
from paretoroute.runs.importers.messages import CUT_SHORT, is_cut_short, query_of
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.values import between, dig, first, items, mapping, parsed, seconds, text

SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".json.gz", ".parquet")


def read(files: Sequence[Path]) -> Reading:
    """Read payloads and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading()
    failed: defaultdict[str, set[str]] = defaultdict(set)
    for path in files:
        for record in opened(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
                continue
            payload = _payload(record)
            if payload is None:
                _score(record, reading)
                continue
            try:
                reading.calls.append(_call(payload, record.place))
            except Unusable as why:
                reading.asides.append(why.at(record.place))
                if text(payload.get("status")) == "failure":
                    failed[text(payload.get("trace_id"))].add(_deployment(payload))
    reading.notes += [CUT_SHORT for call in reading.calls if is_cut_short(call.query)]
    reading.calls = [_without_inherited(call, failed) for call in reading.calls]
    return reading


def _payload(record: Record) -> Mapping[str, Any] | None:
    """Return the payload that a record is, or holds as the logger's arguments do; None if it is none."""
    inner = parsed(first(record.value.get("standard_logging_object"), record.value.get("standard_logging_payload")))
    row = inner if isinstance(inner, Mapping) else record.value
    return row if "model" in row and ("call_type" in row or "startTime" in row or "messages" in row) else None


def _score(record: Record, reading: Reading) -> None:
    score = score_of(record)
    if score is None:
        reading.asides.append(Aside(record.place, "neither a logging payload nor a score"))
    else:
        reading.scores.append(score)


def _call(row: Mapping[str, Any], place: Place) -> Call:
    fields.check_generation(row)
    model = fields.model_of(row)
    if not model:
        raise Unusable(NO_MODEL)
    parameters = mapping(row, "model_parameters")
    query = query_of(row.get("messages"), instructions=first(parameters.get("instructions"), parameters.get("system")))
    choices = len(items(row, "response", "choices"))
    tokens = fields.tokens_of(row, f"{text(row.get('custom_llm_provider'))}/{model}")
    call_id, trace = text(row.get("litellm_call_id")), text(row.get("trace_id"))
    return Call(
        place=place,
        query=query,
        model=model,
        budget=budget_of(parameters, model=model, choices=max(1, choices)),
        tokens=tokens,
        cost_usd=fields.cost_of(row, tokens, "response_cost"),
        latency_s=between(row.get("startTime"), row.get("endTime")),
        time=seconds(row.get("startTime")),
        tenant=fields.tenant_of(row) or text(parameters.get("user")),
        conversation=text(row.get("session_id")) or ("" if fields.UUID.fullmatch(trace) else trace),
        trace=trace,
        propensity=None if fields.has_fallen_back(row) else fields.propensity_of(row),
        tag=fields.tag_of(row),
        ids={name: value for name, value in _ids(row).items() if value},
        key=f"{call_id} {text(row.get('id'))}" if call_id and text(row.get("id")) else None,
    )


def _ids(row: Mapping[str, Any]) -> dict[str, str]:
    response = text(row.get("id"))
    return {
        "litellm_call_id": text(row.get("litellm_call_id")),
        "id": response,
        "request_id": response,
        "response_id": response,
        "call_id": text(row.get("litellm_call_id")),
        "decision_id": _decision_id(row),
        "trace_id": text(row.get("trace_id")),
    }


def _decision_id(row: Mapping[str, Any]) -> str:
    logged = mapping(row, "metadata", "spend_logs_metadata")
    return text(first(dig(logged, "paretoroute", "decision_id"), logged.get("decision_id")))


def _deployment(row: Mapping[str, Any]) -> str:
    return text(row.get("model_group")) or text(row.get("model"))


def _without_inherited(call: Call, failed: Mapping[str, set[str]]) -> Call:
    """Drop the decision of a call that answered in place of one that failed, in the same trace."""
    if call.propensity is None or not failed.get(call.trace):
        return call
    return replace(call, propensity=None)
