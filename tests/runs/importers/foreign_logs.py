"""Logs as other tools write them: one valid record per function, into which a test plants what it is about."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from paretoroute.runs.importers.read import Imported, Options, import_calls

Row = dict[str, Any]
START = 1_795_690_000.0
QUESTION = "How many sides has a heptagon?"
CALL = "00000000-0000-4000-8000-00000000000"


def user(text: str = QUESTION) -> list[Row]:
    """Return chat messages of one user."""
    return [{"role": "user", "content": text}]


def lines(path: Path, rows: Iterable[object]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def document(path: Path, value: object) -> Path:
    """Write a JSON document."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def imported(source: str, *files: Path, scores: object = None, **options: Any) -> Imported:
    """Import files."""
    return import_calls(source, list(files), scores=scores, options=Options(**options))


def reasons(log: Imported) -> list[str]:
    """Return why records were set aside, in order."""
    return [aside.reason for aside in log.asides]


def notes(log: Imported) -> str:
    """Return all findings as one text."""
    return "\n".join(map(str, log.findings))


def payload(number: int = 1, **changes: Any) -> Row:
    """Return a standard logging payload of LiteLLM: 20 + 50 tokens at $0.001."""
    row: Row = {
        "id": f"chatcmpl-{number}",
        "litellm_call_id": f"{CALL}{number}",
        "trace_id": f"10000000-0000-4000-8000-00000000000{number}",
        "session_id": "",
        "call_type": "acompletion",
        "cache_hit": None,
        "status": "success",
        "custom_llm_provider": "openai",
        "startTime": START,
        "endTime": START + 2.5,
        "completionStartTime": START + 0.5,
        "response_time": 0.5,
        "model": "gpt-5-mini",
        "model_group": "",
        "metadata": {
            "spend_logs_metadata": None,
            "usage_object": {
                "completion_tokens": 50,
                "prompt_tokens": 20,
                "completion_tokens_details": {"reasoning_tokens": 32},
                "prompt_tokens_details": {"cached_tokens": 8},
            },
        },
        "response_cost": 0.001,
        "prompt_tokens": 20,
        "completion_tokens": 50,
        "request_tags": [],
        "end_user": None,
        "messages": user(),
        "response": {"choices": [{"message": {"content": "seven"}}]},
        "model_parameters": {"reasoning_effort": "low", "max_tokens": 400},
        "error_str": None,
    }
    return row | changes


def call_score(number: int = 1, value: object = 1, **changes: Any) -> Row:
    """Return a score of a LiteLLM call."""
    return {"litellm_call_id": f"{CALL}{number}", "name": "correct", "value": value} | changes


def spend_row(number: int = 1, *, request: Row | None = None, metadata: Row | None = None, **changes: Any) -> Row:
    """Return a row of LiteLLM's spend logs; objects are JSON text, as the table holds them."""
    sent = {"model": "gpt-5-mini", "messages": user(), "reasoning_effort": "high"} if request is None else request
    known: Row = {"usage_object": {"completion_tokens_details": {"reasoning_tokens": 5}}}
    row: Row = {
        "request_id": f"req-{number}",
        "call_type": "acompletion",
        "cache_hit": "None",
        "startTime": "2026-11-26 11:26:43.000000+00:00",
        "endTime": "2026-11-26 11:26:44.250000+00:00",
        "model": "openai/gpt-5-mini",
        "custom_llm_provider": "openai",
        "metadata": json.dumps(known | (metadata or {})),
        "spend": 0.002,
        "prompt_tokens": 30,
        "completion_tokens": 60,
        "request_tags": '["geo", "paretoroute", "User-Agent: OpenAI"]',
        "end_user": "team-blue",
        "messages": "{}",
        "response": '{"choices": [{"message": {"content": "seven"}}]}',
        "proxy_server_request": json.dumps(sent),
        "session_id": f"20000000-0000-4000-8000-00000000000{number}",
        "request_duration_ms": 1250,
        "status": "success",
    }
    return row | changes


def eval_header(model: str = "openai/gpt-5-mini", **changes: Any) -> Row:
    """Return the header of a log of inspect_ai."""
    header: Row = {
        "version": 2,
        "status": "success",
        "eval": {"run_id": "run", "task_id": "task", "task": "quiz", "model": model, "model_generate_config": {}},
        "plan": {"config": {"max_connections": 1}},
        "results": {"scores": [{"name": "match", "scorer": "match"}]},
    }
    return header | changes


def eval_sample(sample: object = "s1", epoch: int = 1, **changes: Any) -> Row:
    """Return a sample of inspect_ai: 10 + 5 cached + 2 written prompt tokens, 40 of the answer, 0.2 s of the model."""
    usage = {
        "input_tokens": 10,
        "output_tokens": 40,
        "input_tokens_cache_read": 5,
        "input_tokens_cache_write": 2,
        "reasoning_tokens": 30,
    }
    row: Row = {
        "id": sample,
        "epoch": epoch,
        "input": QUESTION,
        "target": "7",
        "output": {"completion": "seven"},
        "scores": {"match": {"value": "C"}},
        "model_usage": {"openai/gpt-5-mini": usage},
        "events": [model_event(usage=usage)],
        "started_at": "2026-11-26T11:07:25.176879+00:00",
        "total_time": 9.0,
        "working_time": 8.0,
        "uuid": f"uuid-{sample}-{epoch}",
    }
    return row | changes


def model_event(model: str = "openai/gpt-5-mini", *, usage: Row | None = None, **changes: Any) -> Row:
    """Return a model event of inspect_ai of 0.2 s."""
    event: Row = {
        "event": "model",
        "model": model,
        "role": None,
        "config": {"max_connections": 1, "reasoning_effort": "medium"},
        "output": {"usage": usage or {"input_tokens": 1, "output_tokens": 1}},
        "working_time": 0.2,
        "span_id": "solving",
    }
    return event | changes


def zstd_zip(path: Path, members: Mapping[str, object], *, damaged: str = "") -> Path:
    """Write a zip file whose members are compressed by Zstandard, as `.eval` files are; one may be damaged."""
    body, directory = b"", b""
    for name, value in members.items():
        raw = json.dumps(value).encode()
        packed = bytes(pa.compress(raw, codec="zstd", asbytes=True))
        crc = zlib.crc32(raw) ^ (name == damaged)
        fields = (93, 0, 0x5A21, crc, len(packed), len(raw), len(name.encode()), 0)
        directory += (
            struct.pack(
                "<4s6H3L5H2L", b"PK\x01\x02", 63, 63, 0, *fields[:3], *fields[3:6], *fields[6:], 0, 0, 0, 0, len(body)
            )
            + name.encode()
        )
        body += struct.pack("<4s5H3L2H", b"PK\x03\x04", 63, 0, *fields) + name.encode() + packed
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def observation(number: int = 1, **changes: Any) -> Row:
    """Return a generation of Langfuse: 10 + 5 prompt tokens, 6 + 30 of the answer."""
    row: Row = {
        "id": f"obs-{number}",
        "traceId": f"trace-{number}",
        "type": "GENERATION",
        "level": "DEFAULT",
        "startTime": "2026-11-26T11:19:21.000Z",
        "endTime": "2026-11-26T11:19:22.250Z",
        "input": user(),
        "output": {"role": "assistant", "content": "seven"},
        "model": "gpt-5-mini",
        "modelParameters": {"temperature": 1, "max_tokens": "Infinity", "reasoning_effort": "low"},
        "usageDetails": {
            "input": 10,
            "input_cached_tokens": 5,
            "output": 6,
            "output_reasoning_tokens": 30,
            "total": 51,
        },
        "costDetails": {"input": 0.0001, "output": 0.0002, "total": 0.0003},
        "parentObservationId": None,
        "userId": None,
        "sessionId": None,
    }
    return row | changes


def snake(row: Row) -> Row:
    """Return an observation or score as an export to a blob storage spells it, with objects as JSON text."""
    names = {"model": "provided_model_name"}
    return {
        names.get(name, "".join(f"_{c.lower()}" if c.isupper() else c for c in name)): json.dumps(value)
        if isinstance(value, dict | list)
        else value
        for name, value in row.items()
    }


def langfuse_score(number: int = 1, value: object = 1.0, **changes: Any) -> Row:
    """Return a score of Langfuse."""
    row: Row = {
        "id": f"score-{number}",
        "traceId": f"trace-{number}",
        "observationId": f"obs-{number}",
        "name": "correct",
        "dataType": "NUMERIC",
        "value": value,
    }
    return row | changes


def promptfoo_result(number: int = 1, **changes: Any) -> Row:
    """Return a result of promptfoo."""
    row: Row = {
        "id": f"result-{number}",
        "prompt": {"raw": QUESTION, "config": {}},
        "provider": {"id": "openai:chat:gpt-5-mini", "label": "low"},
        "score": 0.5,
        "success": False,
        "failureReason": 1,
        "latencyMs": 182,
        "cost": 4.8e-05,
        "gradingResult": {"pass": False, "score": 0.5, "reason": "Expected 7", "componentResults": [{"pass": True}]},
        "response": {
            "output": "seven",
            "cached": False,
            "tokenUsage": {"prompt": 16, "completion": 22, "total": 38, "completionDetails": {"reasoning": 20}},
        },
        "testCase": {"assert": [{"type": "icontains", "value": "7"}]},
    }
    return row | changes


def promptfoo_config() -> Row:
    """Return a configuration of promptfoo with two providers of one id."""
    one = {"id": "openai:chat:gpt-5-mini"}
    return {
        "providers": [
            {**one, "label": "low", "config": {"reasoning_effort": "low"}},
            {**one, "label": "high", "config": {"reasoning": {"effort": "high"}, "max_completion_tokens": 900}},
        ]
    }


def batch_request(number: int = 1, **body: Any) -> Row:
    """Return a line of a batch's input."""
    sent = {"model": "gpt-5-mini", "messages": user(), "reasoning_effort": "low"} | body
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": sent}


def batch_answer(number: int = 1, **changes: Any) -> Row:
    """Return a line of a batch's output."""
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 37,
        "completion_tokens_details": {"reasoning_tokens": 33},
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    body = {
        "created": 1_795_000_000,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [{"message": {"content": "seven"}}],
        "usage": usage,
    }
    row: Row = {
        "id": f"batch_req_{number}",
        "custom_id": f"r{number}",
        "response": {"status_code": 200, "body": body},
        "error": None,
    }
    return row | changes
