"""The forms in which spans are exported, each as OTLP has them: of OTLP itself, of Tempo, Jaeger, Phoenix, the console.

Jaeger counts microseconds, and writes attributes as tags and events as logs. Phoenix writes a span as a document, or as
a row of a table whose columns are ``context.span_id``, ``attributes.llm.model_name`` and the like; in CSV their lists
are as Python prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paretoroute.runs.importers.otel_attributes import Attributes, read_attributes
from paretoroute.runs.importers.values import dig, first, is_true, items, literal, mapping, number, parsed, text

_BATCHES = ("resourceSpans", "resource_spans", "batches")
_GROUPS = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
_COLUMN = "attributes."
_WHOLE = ("llm.invocation_parameters", "metadata", "input.value", "output.value")  # attributes that are objects
_ARRAY = re.compile(r"\}\s+\{")  # between the items of an array, as NumPy prints them
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A span in the form of OTLP.

    Args:
        value: the span.
        attributes: its attributes by name.
        scope: the instrumentation that wrote it.
    """

    value: Mapping[str, Any]
    attributes: Attributes
    scope: str = ""


def spans_in(value: Mapping[str, Any]) -> Iterator[Found]:
    """Yield the spans of a record: of an export request or a trace, or the one span that it is."""
    if any(name.startswith(_COLUMN) for name in value):
        yield _of_row(value)
    elif isinstance(value.get("attributes"), Mapping) and ("context" in value or "span_kind" in value):
        yield _of_document(value)
    elif "context" in value and "attributes" in value:
        yield Found(value, read_attributes(value["attributes"]))
    elif "spanID" in value and "tags" in value:
        yield _of_jaeger(value)
    elif "traceID" in value and isinstance(value.get("spans"), list):
        yield from (_of_jaeger(span) for span in value["spans"] if isinstance(span, Mapping))
    else:
        yield from _of_otlp(mapping(value.get("trace")) or value)


def _of_otlp(value: Mapping[str, Any]) -> Iterator[Found]:
    for resource in next((found for name in _BATCHES if (found := items(value, name))), []):
        for group in next((found for name in _GROUPS if (found := items(resource, name))), []):
            scope = text(first(dig(group, "scope", "name"), dig(group, "instrumentationLibrary", "name")))
            for span in items(group, "spans"):
                if isinstance(span, Mapping):
                    yield Found(span, read_attributes(span.get("attributes")), scope)


def _of_jaeger(span: Mapping[str, Any]) -> Found:
    """Return a span of Jaeger: its parent is a reference, its times are in microseconds."""
    tags = {text(dig(tag, "key")): dig(tag, "value") for tag in items(span, "tags")}
    start, duration = number(span.get("startTime")), number(span.get("duration"))
    parents = (one for one in items(span, "references") if text(dig(one, "refType")).upper() != "FOLLOWS_FROM")
    failed = is_true(tags.get("error")) or text(tags.get("otel.status_code")).upper() == "ERROR"
    fields = [
        {text(dig(field, "key")): dig(field, "value") for field in items(log, "fields")} for log in items(span, "logs")
    ]
    times = None if start is None or duration is None else (int(start) * 1000, int(start + duration) * 1000)
    value = {
        "traceId": span.get("traceID"),
        "spanId": span.get("spanID"),
        "parentSpanId": first(span.get("parentSpanID"), *(dig(parent, "spanID") for parent in parents)),
        "startTimeUnixNano": None if times is None else str(times[0]),
        "endTimeUnixNano": None if times is None else str(times[1]),
        "status": {"code": "ERROR" if failed else "", "message": tags.get("otel.status_description")},
        "events": [{"name": one.get("event"), "attributes": one} for one in fields],
    }
    return Found(value, Attributes(tags), text(first(tags.get("otel.scope.name"), tags.get("otel.library.name"))))


def _of_document(span: Mapping[str, Any]) -> Found:
    """Return a span of Phoenix, or of Python's console exporter, whose attributes may be nested."""
    kind = {"openinference.span.kind": span.get("span_kind")} if text(span.get("span_kind")) else {}
    status = span["status"] if isinstance(span.get("status"), Mapping) else {"code": span.get("status_code")}
    value = {**span, "status": {"message": span.get("status_message"), **status}}
    return Found(value, Attributes({**kind, **_flat(span["attributes"])}))


def _of_row(row: Mapping[str, Any]) -> Found:
    """Return a span of Phoenix's table of spans."""
    attributes = {
        name.removeprefix(_COLUMN): _unprinted(value)
        for name, value in row.items()
        if name.startswith(_COLUMN) and not _is_absent(value)
    }
    span = {
        "context": {name: row.get(f"context.{name}", row.get(name)) for name in ("trace_id", "span_id")},
        **{name: row.get(name) for name in ("parent_id", "start_time", "end_time", "status_code", "status_message")},
        "span_kind": row.get("span_kind"),
        "events": _unprinted(row.get("events")),
        "attributes": attributes,
    }
    return _of_document({name: value for name, value in span.items() if not _is_absent(value)})


def _is_absent(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and value != value)


def _unprinted(value: object) -> object:
    """Return the list or object that a cell is printed from: as JSON, by Python, or by NumPy without commas."""
    read = literal(parsed(value))
    if isinstance(read, str) and read.lstrip().startswith("[{"):
        again = literal(_ARRAY.sub("}, {", read))
        return again if isinstance(again, list) else value
    return read


def _flat(attributes: Mapping[str, Any], before: str = "", depth: int = _DEPTH) -> dict[str, Any]:
    """Return nested attributes by their dotted names, and messages by numbered ones, as spans themselves have them."""
    result: dict[str, Any] = {}
    for name, value in attributes.items():
        path = f"{before}{name}"
        if _is_absent(value):
            continue
        if path in _WHOLE or not depth:
            result[path] = value
        elif isinstance(value, Mapping):
            result |= _flat(value, f"{path}.", depth - 1)
        elif path.startswith("llm.") and isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            for i, one in enumerate(value):
                result |= _flat(one, f"{path}.{i}.", depth - 1) if isinstance(one, Mapping) else {}
        else:
            result[path] = value
    return result
