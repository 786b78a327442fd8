"""Attributes of a span of a model call, whatever the conventions that named them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paretoroute.runs.importers import messages
from paretoroute.runs.importers.calls import (
    NO_MODEL,
    NO_TEXT,
    NOT_A_CALL,
    NOT_A_GENERATION,
    Query,
    Tokens,
    Unusable,
)
from paretoroute.runs.importers.model_names import is_same_model
from paretoroute.runs.importers.usage import agreeing_with, measured, with_whole_prompt
from paretoroute.runs.importers.values import count, dig, first, items, mapping, number, parsed, text

_OPERATIONS = ("chat", "text_completion", "generate_content", "completion", "responses")
_OTHER_OPERATIONS = ("embeddings", "embedding", "rerank", "image_generation")
_PLAIN_VALUES = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")
_SNAKE_VALUES = ("string_value", "int_value", "double_value", "bool_value", "bytes_value")
_NUMBERED = re.compile(r"\.(\d+)\.", re.A)
_V2_HINT = "content is not captured on these spans; OpenLLMetry and OpenInference record it"


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes by name.

    Args:
        values: the attributes.
    """

    values: Mapping[str, Any]

    def value(self, *names: str) -> Any:
        """Return the first attribute of some names that is there."""
        return first(*(self.values.get(name) for name in names))

    def text(self, *names: str) -> str:
        """Return the first that is text."""
        return next((read for name in names if (read := text(self.values.get(name)))), "")

    def check_model_call(self) -> None:
        """Refuse a span that is no generation of text.

        Raises:
            Unusable: it is none.
        """
        operation = self.text("gen_ai.operation.name", "llm.request.type", "openinference.span.kind").casefold()
        if operation in _OTHER_OPERATIONS:
            raise Unusable(NOT_A_GENERATION, operation)
        if not is_model_call(self):
            raise Unusable(NOT_A_CALL)

    def model(self) -> str:
        """Return the model: the one asked for, or the one that answered if it is another, not a date of it.

        Raises:
            Unusable: there is none.
        """
        asked = self.text("gen_ai.request.model", "llm.request.model") or text(self.invocation().get("model"))
        answered = self.text("gen_ai.response.model", "llm.model_name", "llm.response.model")
        if not asked and not answered:
            raise Unusable(NO_MODEL)
        return asked if not answered or (asked and is_same_model(asked, answered)) else answered

    def tokens(self) -> Tokens:
        """Return the token counts."""
        read = Tokens(
            prompt=self.count(
                "gen_ai.usage.input_tokens",
                "gen_ai.usage.prompt_tokens",
                "llm.token_count.prompt",
                "llm.usage.prompt_tokens",
            ),
            completion=self.count(
                "gen_ai.usage.output_tokens",
                "gen_ai.usage.completion_tokens",
                "llm.token_count.completion",
                "llm.usage.completion_tokens",
            ),
            reasoning=self.count(
                "gen_ai.usage.reasoning.output_tokens",
                "gen_ai.usage.reasoning_tokens",
                "llm.usage.reasoning_tokens",
                "gen_ai.usage.output_tokens_details.reasoning_tokens",
                "llm.token_count.completion_details.reasoning",
            ),
            cached=self.count(
                "gen_ai.usage.cache_read.input_tokens",
                "gen_ai.usage.cache_read_input_tokens",
                "gen_ai.usage.cached_tokens",
                "llm.token_count.prompt_details.cache_read",
            ),
            cache_write=self.count(
                "gen_ai.usage.cache_creation.input_tokens",
                "gen_ai.usage.cache_creation_input_tokens",
                "llm.token_count.prompt_details.cache_write",
            ),
        )
        total = self.count("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
        return measured(agreeing_with(with_whole_prompt(read), total), model=self.answering())

    def answering(self) -> str:
        """Return provider and model."""
        provider = self.text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor")
        return f"{provider}/{self.text('gen_ai.request.model', 'llm.model_name', 'llm.request.model')}"

    def count(self, *names: str) -> float | None:
        """Return the first attribute of some names that is a count."""
        return next((read for name in names if (read := count(self.values.get(name))) is not None), None)

    def invocation(self) -> Mapping[str, Any]:
        """Return the parameters that OpenInference writes as JSON."""
        return mapping(self.values, "llm.invocation_parameters")

    def input_value(self) -> object:
        """Return the input that OpenInference writes, as an object where it is JSON."""
        return parsed(self.values.get("input.value"))

    def query(self, events: Sequence[tuple[str, Attributes]], *, scope: str) -> Query:
        """Return the query.

        Args:
            events: of the span, by name.
            scope: the instrumentation that wrote it.

        Raises:
            Unusable: the span has no text.
        """
        system = self.value("gen_ai.system_instructions")
        of_events = next((a for _, a in events if a.value("gen_ai.input.messages")), None)
        candidates = (
            self.value("gen_ai.input.messages"),
            of_events.value("gen_ai.input.messages") if of_events is not None else None,
            numbered(self.values, "llm.input_messages."),
            numbered(self.values, "gen_ai.prompt."),
            [_event_message(name, a) for name, a in events if name.startswith("gen_ai.") and name.endswith(".message")],
            [
                one for one in items(self.values, "events") if text(dig(one, "event.name")).endswith(".message")
            ],  # Logfire
            self.value("gcp.vertex.agent.llm_request"),  # of Google's agent kit; the one before is of Logfire
            numbered(self.values, "llm.prompts."),
            self.value("gen_ai.prompt", "llm.prompts", "ai.prompt.messages", "ai.prompt"),
            self.input_value(),
        )
        value = next((candidate for candidate in candidates if candidate), None)
        if value is None:
            raise Unusable(f"{NO_TEXT} on the span", _V2_HINT if scope.endswith("v2") else "")
        return messages.query_of(value, instructions=system)

    def response_id(self) -> str:
        """Return the provider's id of the answer."""
        return self.text("gen_ai.response.id", "llm.response.id") or text(dig(self.values, "output.value", "id"))

    def cost(self) -> float | None:
        """Return the cost in USD, which OpenInference may state."""
        return self.count("llm.cost.total", "gen_ai.usage.cost", "gen_ai.cost.total_cost")

    def tenant(self) -> str:
        """Return the user."""
        names = ("user.id", "enduser.id", "traceloop.association.properties.user_id", "langfuse.user.id", "tenant.id")
        return self.text(*names)

    def conversation(self) -> str:
        """Return the conversation."""
        session = "traceloop.association.properties.session_id"
        return self.text("gen_ai.conversation.id", "session.id", session, "langfuse.session.id")

    def decision_id(self) -> str:
        """Return the id of the planner's decision, by which scores may name the call."""
        return self.text("paretoroute.decision.id")

    def tag(self) -> str:
        """Return the first tag."""
        tags = self.values.get("tag.tags")
        return next(filter(None, map(text, tags)), "") if isinstance(tags, list) else text(tags)


def is_model_call(attributes: Attributes) -> bool:
    """Return whether a span is a call of a model that generates text."""
    kind = attributes.text("openinference.span.kind").upper()
    if kind:
        return kind == "LLM"
    operation = attributes.text("gen_ai.operation.name", "llm.request.type").casefold()
    if operation:
        return operation in _OPERATIONS
    return bool(attributes.text("gen_ai.request.model", "llm.model_name", "llm.request.model"))


def read_attributes(value: object, depth: int = 8) -> Attributes:
    """Return attributes by name, from the list of OTLP or from an object."""
    if isinstance(value, Mapping):
        return Attributes(value)
    pairs = [pair for pair in value if isinstance(pair, Mapping)] if isinstance(value, list) else []
    return Attributes({text(pair.get("key")): _plain(pair.get("value"), depth) for pair in pairs})


def _plain(value: object, depth: int) -> object:
    """Return a value of OTLP as plain JSON; whole numbers are written as text there."""
    if not isinstance(value, Mapping) or not depth:
        return value
    for name in (*_PLAIN_VALUES, *_SNAKE_VALUES):
        if value.get(name) is not None:
            return _whole(value[name]) if name.startswith("int") else value[name]
    for name in ("arrayValue", "array_value"):
        if value.get(name) is not None:
            return [_plain(item, depth - 1) for item in items(value, name, "values")]
    for name in ("kvlistValue", "kvlist_value"):
        if value.get(name) is not None:
            return dict(read_attributes(items(value, name, "values"), depth - 1).values)
    return None


def _whole(value: object) -> object:
    """Return a whole number that is written as text."""
    read = number(value)
    if read is None or not read.is_integer():
        return read
    stated = text(value)
    return int(stated) if stated.lstrip("-").isdecimal() else int(read)


def numbered(values: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return messages from attributes whose names number them, such as ``llm.input_messages.0.message.role``."""
    parts: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for name, value in values.items():
        index, dot, field = name.removeprefix(prefix).partition(".")
        if name.startswith(prefix) and dot and index.isdecimal():
            parts[int(index)][field.removeprefix("message.")] = value
    return [_numbered_message(parts[index]) for index in sorted(parts)]


def _numbered_message(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return one message; its content may be numbered parts too."""
    content: object = first(fields.get("content"), fields.get("prompt.text"))
    contents: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for name, value in fields.items():
        match = _NUMBERED.search(name)
        if name.startswith("contents.") and match:
            contents[int(match.group(1))][name[match.end() :].removeprefix("message_content.")] = value
    if contents:
        content = [contents[index] for index in sorted(contents)]
    calls = _numbered_calls(fields)
    role, read = text(fields.get("role")) or "user", parsed(content) if content is not None else None
    return {"role": role, "content": read, **({"tool_calls": calls} if calls else {})}


def _numbered_calls(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the calls of tools in a numbered message, whose fields are numbered too."""
    calls: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in fields.items():
        if name.startswith("tool_calls."):
            index, _, field = name.removeprefix("tool_calls.").partition(".")
            calls[index][field.rpartition(".")[2]] = value
    return [calls[index] for index in sorted(calls)]


def _event_message(name: str, attributes: Attributes) -> dict[str, Any]:
    """Return the message of an event such as ``gen_ai.user.message``."""
    role = attributes.text("role") or name.removeprefix("gen_ai.").removesuffix(".message")
    return {"role": role, "content": attributes.value("content", "gen_ai.event.content")}
