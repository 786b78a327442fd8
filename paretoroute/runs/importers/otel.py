"""OpenTelemetry spans of model calls as OTLP/JSON: of OpenLLMetry, of OpenInference, and of the GenAI conventions.

A span is one call, from its start to its end. Spans without the text of the query become no run: those of
``opentelemetry-instrumentation-openai-v2`` have neither text nor effort, so that two efforts of a model cannot be told
apart. Spans have no cost. Jaeger's and Tempo's exports of such spans are read, and Phoenix's, with its annotations.

References:
    OpenTelemetry, "Semantic conventions for generative client AI spans"; Arize, "OpenInference specification".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoroute.runs.importers.calls import FAILED, NESTED, Aside, Call, Place, Reading, Unusable
from paretoroute.runs.importers.otel_attributes import Attributes, is_model_call, read_attributes
from paretoroute.runs.importers.otel_budgets import budget_of_span, propensity_of_span
from paretoroute.runs.importers.otel_forms import spans_in
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.usage import billed
from paretoroute.runs.importers.values import between, dig, first, items, seconds, text

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".jsonl.gz", ".json.gz", ".csv.gz")
_LEAST_NANOSECONDS = 10**17  # a smaller number of a time counts microseconds or milliseconds
_ERRORS = ("STATUS_CODE_ERROR", "ERROR", "2")


@dataclass(frozen=True, slots=True)
class _Span:
    """A span.

    Args:
        value: as logged.
        attributes: its attributes by name.
        place: where it stands.
        scope: the instrumentation that wrote it.
    """

    value: Mapping[str, Any]
    attributes: Attributes
    place: Place
    scope: str

    @property
    def span_id(self) -> str:
        """Its id in hex."""
        return _hex(
            first(self.value.get("spanId"), self.value.get("span_id"), dig(self.value, "context", "span_id")), 8
        )

    @property
    def trace_id(self) -> str:
        """The id of its trace in hex."""
        return _hex(
            first(self.value.get("traceId"), self.value.get("trace_id"), dig(self.value, "context", "trace_id")), 16
        )

    @property
    def parent_id(self) -> str:
        """The id of the span around it."""
        return _hex(first(*(self.value.get(name) for name in ("parentSpanId", "parent_span_id", "parent_id"))), 8)


def read(files: Sequence[Path]) -> Reading:
    """Read spans and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading()
    spans: list[_Span] = []
    for path in files:
        for record in opened(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
                continue
            found = list(_spans(record))
            spans += found
            if not found and (score := score_of(record)) is not None:
                reading.scores.append(score)
            elif not found:
                reason = (
                    "an export without spans of traces" if _is_export(record.value) else "neither spans nor a score"
                )
                reading.asides.append(Aside(record.place, reason))
    outer = _outer_calls(spans)
    for span in spans:
        try:
            if span.span_id in outer:
                raise Unusable(NESTED)
            reading.calls.append(_call(span))
        except Unusable as why:
            reading.asides.append(why.at(span.place))
    return reading


def _is_export(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in ("resourceSpans", "resource_spans", "resourceLogs", "resourceMetrics"))


def _spans(record: Record) -> Iterator[_Span]:
    """Yield the spans that a record holds, or is."""
    for found in spans_in(record.value):
        yield _Span(found.value, found.attributes, record.place.part(_named(found.value)), found.scope)


def _named(span: Mapping[str, Any]) -> str:
    return f"span {text(first(span.get('spanId'), span.get('span_id'), dig(span, 'context', 'span_id')))}"


def _hex(value: object, size: int) -> str:
    """Return an id in hex; protobuf's own JSON writes its bytes in base64."""
    stated = text(value).casefold().removeprefix("0x")
    if len(stated) == 2 * size or not stated:
        return stated
    try:
        raw = base64.b64decode(text(value), validate=True)
    except (binascii.Error, ValueError):
        return stated
    return raw.hex() if len(raw) == size else stated


def _outer_calls(spans: Sequence[_Span]) -> set[str]:
    """Return the model calls that another model call stands inside: a framework's span around that of a client."""
    by_id = {span.span_id: span for span in spans if span.span_id}
    calls = {span.span_id for span in spans if is_model_call(span.attributes)}
    outer: set[str] = set()
    for span in spans:
        if span.span_id not in calls:
            continue
        seen: set[str] = set()
        parent = span.parent_id
        while parent in by_id and parent not in seen:
            seen.add(parent)
            if parent in calls:
                outer.add(parent)
                break
            parent = by_id[parent].parent_id
    return outer


def _call(span: _Span) -> Call:
    attributes = span.attributes
    attributes.check_model_call()
    status = dig(span.value, "status", "code")
    code = text(first(status, dig(span.value, "status", "status_code"))).rpartition(".")[2].upper()
    if code in _ERRORS or attributes.text("error.type"):
        raise Unusable(FAILED, attributes.text("error.type") or text(dig(span.value, "status", "message"))[:80])
    model, tokens = attributes.model(), attributes.tokens()
    start, end = (
        first(*(span.value.get(name) for name in names))
        for names in (
            ("startTimeUnixNano", "start_time_unix_nano", "start_time"),
            ("endTimeUnixNano", "end_time_unix_nano", "end_time"),
        )
    )
    ids = {"span_id": span.span_id, "observation_id": span.span_id, "response_id": attributes.response_id()}
    ids["decision_id"] = attributes.decision_id()
    return Call(
        place=span.place,
        query=attributes.query(_events(span.value), scope=span.scope),
        model=model,
        budget=budget_of_span(attributes),
        tokens=tokens,
        cost_usd=billed(attributes.cost(), tokens),
        latency_s=_between_nanoseconds(start, end),
        time=seconds(start),
        tenant=attributes.tenant(),
        conversation=attributes.conversation(),
        trace=span.trace_id,
        propensity=propensity_of_span(attributes),
        tag=attributes.tag(),
        scores=_evaluations(span.value),
        ids={name: value for name, value in {**ids, "trace_id": span.trace_id}.items() if value},
        key=f"{span.trace_id} {span.span_id}" if span.span_id else None,
    )


def _between_nanoseconds(start: object, end: object) -> float | None:
    """Return the seconds between two times, to the nanosecond where both count these; None if there are none."""
    if all(text(time).isdecimal() and int(text(time)) > _LEAST_NANOSECONDS for time in (start, end)):
        whole = int(text(end)) - int(text(start))
        return whole / 1e9 if whole > 0 else None
    return between(start, end)


def _events(span: Mapping[str, Any]) -> list[tuple[str, Attributes]]:
    events = (event for event in items(span, "events") if isinstance(event, Mapping))
    return [(text(event.get("name")), read_attributes(event.get("attributes"))) for event in events]


def _evaluations(span: Mapping[str, Any]) -> dict[str, list[object]]:
    """Return the scores that the span's own events state."""
    scores: dict[str, list[object]] = {}
    for name, attributes in _events(span):
        value = attributes.value("gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label")
        if name == "gen_ai.evaluation.result" and value is not None:
            scores.setdefault(attributes.text("gen_ai.evaluation.name") or "evaluation", []).append(value)
    return scores
