"""Recognise the log of a tool that has a source of its own, so that nobody maps its columns by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

_KEYS = (  # a row or document with all of these is of that source
    ("litellm", ("call_type", "model_parameters")),
    ("litellm-spend", ("request_id", "spend")),
    ("inspect", ("eval", "plan")),
    ("lm-eval", ("doc_id", "arguments")),
    ("otel", ("resourceSpans",)),
    ("otel", ("batches",)),  # of Tempo
    ("otel", ("traceID", "spans")),  # of Jaeger
    ("otel", ("context", "attributes")),
    ("otel", ("context.span_id", "attributes.llm.model_name")),  # of Phoenix
    ("langfuse", ("traceId", "modelParameters")),
    ("langfuse", ("trace_id", "model_parameters", "usage_details")),
    ("promptfoo", ("evalId", "results")),
    ("promptfoo", ("promptIdx", "provider", "gradingResult")),
    ("openai-batch", ("custom_id", "response")),
    ("openai-batch", ("custom_id", "body")),
    ("openai-batch", ("custom_id", "params")),  # of Anthropic
    ("openai-batch", ("custom_id", "result")),
    ("openai-batch", ("key", "request")),  # of Gemini
    ("openai-batch", ("key", "response")),
    ("openai-batch", ("request", "response", "processed_time")),  # of Vertex AI
    ("llmrouterbench", ("dataset_name", "records")),
)


def source_of(rows: Collection[Mapping[str, Any]], *, name: str) -> str | None:
    """Return the source that rows are of, or None.

    Args:
        rows: some rows of a file, or its document.
        name: of the file.

    Example:
        >>> source_of([{"custom_id": "r1", "body": {}}], name="input.jsonl")
        'openai-batch'
    """
    if name.lower().endswith(".eval"):
        return "inspect"
    for row in rows:
        if any(key.endswith("|total_cost") for key in row):
            return "routerbench"
        for source, keys in _KEYS:
            if all(key in row for key in keys):
                return source
    return None
