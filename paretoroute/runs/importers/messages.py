"""The query of a foreign record: a text, or chat messages of role and content, with the forms of each client unified.

Chat messages stay messages, since a planner is asked with them too. What is no text (images, calls of tools) is kept as
its type, with a digest of what it holds: one question about two images is two queries, though their texts are equal.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from paretoroute.query import Misfit, query_id_of, query_text
from paretoroute.runs.importers.calls import NO_TEXT, REDACTED, Query, Unusable
from paretoroute.runs.importers.values import canonical, first, items, mapping, parsed

_REDACTED = (
    "redacted-by-litellm",
    "redacted-by-litelm",
    "redacted_by_litellm",
    "__redacted__",
    "[redacted]",
    "redacted",
    "[prompt stripped]",  # promptfoo, with PROMPTFOO_STRIP_PROMPT_TEXT
    "<fully masked due to failed mask function>",  # Langfuse, and the next one
    "<truncated due to size exceeding limit>",
)
_CUT = re.compile(r"\((?:litellm_)?truncated (?:skipped )?[0-9]+ chars\)", re.A)
CUT_SHORT = "queries of which the tool logged the beginning and the end alone: two of them may count as one"
CUT_OFF = "chat messages that end early: the tool cut them off"
SEVERAL_PROMPTS = "several prompts in one call, whose tokens and answers are logged together"
_TOOL_CALLS = ("tool_call", "tool_use", "function_call", "functionCall")
_ARGUMENTS = ("arguments", "input", "args")
_TEXT_KEYS = ("text", "content", "response", "result", "output", "refusal")


def query_of(value: object, *, instructions: object = None) -> Query:
    """Return the query of a request: its messages, its prompt, or its input.

    Args:
        value: a text, chat messages, input items of OpenAI's responses, contents of Gemini, or an object that holds one
            of these (``messages``, ``input``, ``prompt``, ``contents``).
        instructions: a system prompt that stands apart.

    Raises:
        Unusable: there is no text, it is redacted or cut off, or one call holds several prompts.
    """
    system = _text(parsed(instructions)) if instructions else ""
    try:
        query = _query(parsed(value))
    except RecursionError:
        raise Unusable(NO_TEXT, "nested too deeply") from None
    if system and query:
        rest = [{"role": "user", "content": query}] if isinstance(query, str) else query
        query = [{"role": "system", "content": system}, *rest]
    check_text(query)
    return query


def check_text(query: Query) -> None:
    """Refuse a query without text.

    Raises:
        Unusable: it is empty, redacted, or not sound text.
    """
    try:
        text = query_text(query)
    except Misfit as misfit:
        raise Unusable(NO_TEXT, str(misfit)) from None
    contents = [query] if isinstance(query, str) else [_text(message.get("content")) for message in query]
    stated = [content.strip() for content in contents if content.strip()]
    if not text or not stated:
        raise Unusable(NO_TEXT)
    if all(content.casefold() in _REDACTED for content in stated):
        raise Unusable(REDACTED)


def is_cut_short(query: Query) -> bool:
    """Return whether a tool left out the middle of a text and says so, as LiteLLM does in its database."""
    return _CUT.search(query_text(query)) is not None


def query_id(query: Query, beside: str = "") -> str:
    """Return an id of a query: the same for a text, and for a chat of it as the one message of a user.

    Args:
        query: the query.
        beside: what belongs to it and is not in its text.
    """
    digests = [] if isinstance(query, str) else list(_digests(query))
    more = " ".join([*digests, *([_digest(beside)] if beside else [])])
    return query_id_of(f"{query_text(query)}\n{more}" if more else query_text(query))


def _digests(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        parts = message.get("content")
        for holder in (*(parts if isinstance(parts, list) else ()), message):
            if isinstance(holder, Mapping) and holder.get("digest"):
                yield holder["digest"]


def _digest(value: object) -> str:
    return hashlib.sha256(canonical(value).encode("utf-8", "replace")).hexdigest()[:12]


def _query(value: object) -> Query:
    if isinstance(value, str):
        if value.lstrip().startswith(("[{", '{"')) and '"role"' in value:  # else it would have been parsed
            raise Unusable(CUT_OFF)
        return value
    if isinstance(value, Mapping):
        for key in ("messages", "input", "prompt", "contents"):
            if value.get(key):
                return _query_with_system(value, key)
        for key in ("question", "query", "text"):  # as a chain passes it on
            if isinstance(value.get(key), str):
                return value[key]
        return [_message(value)] if "role" in value else ""
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            return "\n".join(value)
        return [_message(item) for item in value if isinstance(item, Mapping)]
    return ""


def _query_with_system(value: Mapping[str, Any], key: str) -> Query:
    """Return the query of a request, with a system prompt that stands beside the messages."""
    inner = parsed(value[key])
    if key == "prompt" and isinstance(inner, list) and len(inner) > 1 and all(isinstance(item, str) for item in inner):
        raise Unusable(SEVERAL_PROMPTS, f"{len(inner)} of them")
    query = _query(inner)
    stated = (value.get(name) for name in ("system", "instructions", "systemInstruction", "system_instruction"))
    system = _text(first(*stated))
    if not system or not query:
        return query
    rest = [{"role": "user", "content": query}] if isinstance(query, str) else query
    return [{"role": "system", "content": system}, *rest]


def _message(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message, an input item or an OpenTelemetry message as role and content."""
    kind = item.get("type")
    role = item.get("role")
    if not isinstance(role, str):
        role = "tool" if str(kind).endswith("_output") else "assistant" if str(kind).endswith("_call") else "user"
    role = "assistant" if role == "model" else role
    content = next((parsed_parts(item[key]) for key in ("content", "parts", "output") if item.get(key)), None)
    calls = _called(item)
    return {"role": role, "content": content, **({"digest": _digest(calls)} if calls else {})}


def _called(item: Mapping[str, Any]) -> list[Any]:
    """Return name and arguments of the tools that a message calls; their ids differ from call to call."""
    stated = [part for part in items(item, "tool_calls") if isinstance(part, Mapping)]
    calls = [mapping(part, "function") or part for part in stated] + [mapping(item, "function_call")]
    calls += [item] if str(item.get("type")).endswith("_call") else []
    for key in ("content", "parts"):
        calls += [part for part in items(item, key) if _calls_a_tool(part)]
    return [[call.get("name"), parsed(first(*(call.get(key) for key in _ARGUMENTS)))] for call in calls if call]


def _calls_a_tool(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _TOOL_CALLS


def parsed_parts(content: object) -> str | list[dict[str, Any]] | None:
    """Return the content of a message: its text, or its parts as texts and types."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return parsed_parts([content])
    if not isinstance(content, list):
        return None
    parts = [part for part in map(_part, content) if part is not None]
    if len(parts) == 1 and "text" in parts[0]:
        return parts[0]["text"]
    return parts or None


def _part(part: object) -> dict[str, Any] | None:
    """Return a part of a message: its text, or its type; None for hidden reasoning and calls of tools."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        return None
    kind = str(part.get("type") or "text")
    if kind in _TOOL_CALLS or kind in ("thinking", "reasoning", "redacted_thinking"):
        return None
    for key in _TEXT_KEYS:
        if isinstance(part.get(key), str):
            return {"type": "text", "text": part[key]}
    if kind in ("tool_result", "tool_call_response"):
        return {"type": "text", "text": _text(next((part[key] for key in _TEXT_KEYS if part.get(key)), ""))}
    held = {key: value for key, value in part.items() if key not in ("type", "cache_control", "detail")}
    return {"type": kind, **({"digest": _digest(held)} if held else {})}


def _text(content: object) -> str:
    """Return the texts of a content, joined by line breaks."""
    if isinstance(content, Mapping) and "parts" in content:
        content = content["parts"]
    parts = parsed_parts(content)
    if parts is None or isinstance(parts, str):
        return parts or ""
    return "\n".join(part["text"] for part in parts if "text" in part)
