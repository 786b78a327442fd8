"""Spans as OpenTelemetry's instrumentations write them, for tests of their importer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.runs.importers.foreign_logs import QUESTION, Row


def attributes(values: Mapping[str, object]) -> list[Row]:
    """Return attributes as OTLP/JSON writes them: whole numbers are text."""
    return [{"key": name, "value": otlp_value(value)} for name, value in values.items()]


def otlp_value(value: object) -> Row:
    """Return a value as OTLP/JSON writes it."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [otlp_value(item) for item in value]}}
    return {"stringValue": value}


def span(number: int, values: Mapping[str, object], *, trace: int | None = None, **changes: Any) -> Row:
    """Return a span of 1.5 s."""
    row: Row = {
        "traceId": f"{trace or number:032x}",
        "spanId": f"{number:016x}",
        "name": "openai.chat",
        "startTimeUnixNano": "1795691933000000000",
        "endTimeUnixNano": "1795691934500000001",
        "attributes": attributes(values),
        "status": {},
    }
    return row | changes


def export(*spans: Row, scope: str = "opentelemetry.instrumentation.openai.v1") -> Row:
    """Return an export request of spans."""
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}]}


def llmetry(**changes: object) -> Row:
    """Return the attributes of OpenLLMetry; underscores of the names stand for dots where these are known."""
    values: Row = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.request.reasoning_effort": "low",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]),
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 17,
        "gen_ai.usage.output_tokens": 36,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning_tokens": 30,
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def openinference(**changes: object) -> Row:
    """Return the attributes of OpenInference."""
    values: Row = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-5-mini",
        "llm.invocation_parameters": json.dumps({"model": "gpt-5-mini", "reasoning_effort": "high"}),
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": QUESTION,
        "llm.token_count.prompt": 17,
        "llm.token_count.completion": 36,
        "llm.token_count.completion_details.reasoning": 30,
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def span_score(number: int, value: object = 1, **changes: Any) -> Row:
    """Return a score of a span."""
    return {"trace_id": f"{number:032x}", "span_id": f"{number:016x}", "name": "correct", "value": value} | changes
