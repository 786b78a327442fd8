"""Attributes of a span of a model call, whatever the conventions that named them."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paretoroute.grid import Budget
from paretoroute.query import Misfit
from paretoroute.runs.importers import messages
from paretoroute.runs.importers.budgets import budget_of
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
from paretoroute.runs.importers.usage import agreeing_with, is_claude, measured, with_whole_prompt
from paretoroute.runs.importers.values import count, dig, first, items, mapping, number, parsed, text
from paretoroute.runs.values import amount_text
from paretoroute.runs.values import budget_of as completed_budget

_OPERATIONS = ("chat", "text_completion", "generate_content", "completion", "responses")
_OTHER_OPERATIONS = ("embeddings", "embedding", "rerank", "image_generation")
_PLAIN_VALUES = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")
_SNAKE_VALUES = ("string_value", "int_value", "double_value", "bool_value", "bytes_value")
_NUMBERED = re.compile(r"\.(\d+)\.", re.A)
PART_OF_A_VOTE = "a part of the samples that were planned as one run"
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
        asked = self.text("gen_ai.request.model", "llm.request.model") or text(self._invocation().get("model"))
        answered = self.text("gen_ai.response.model", "llm.model_name", "llm.response.model")
        if not asked and not answered:
            raise Unusable(NO_MODEL)
        return asked if not answered or (asked and is_same_model(asked, answered)) else answered

    def tokens(self) -> Tokens:
        """Return the token counts."""
        read = Tokens(
            prompt=self._count(
                "gen_ai.usage.input_tokens",
                "gen_ai.usage.prompt_tokens",
                "llm.token_count.prompt",
                "llm.usage.prompt_tokens",
            ),
            completion=self._count(
                "gen_ai.usage.output_tokens",
                "gen_ai.usage.completion_tokens",
                "llm.token_count.completion",
                "llm.usage.completion_tokens",
            ),
            reasoning=self._count(
                "gen_ai.usage.reasoning.output_tokens",
                "gen_ai.usage.reasoning_tokens",
                "llm.usage.reasoning_tokens",
                "gen_ai.usage.output_tokens_details.reasoning_tokens",
                "llm.token_count.completion_details.reasoning",
            ),
            cached=self._count(
                "gen_ai.usage.cache_read.input_tokens",
                "gen_ai.usage.cache_read_input_tokens",
                "gen_ai.usage.cached_tokens",
                "llm.token_count.prompt_details.cache_read",
            ),
            cache_write=self._count(
                "gen_ai.usage.cache_creation.input_tokens",
                "gen_ai.usage.cache_creation_input_tokens",
                "llm.token_count.prompt_details.cache_write",
            ),
        )
        total = self._count("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
        return measured(agreeing_with(with_whole_prompt(read), total), model=self._answering())

    def _answering(self) -> str:
        """Return provider and model."""
        provider = self.text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor")
        return f"{provider}/{self.text('gen_ai.request.model', 'llm.model_name', 'llm.request.model')}"

    def _count(self, *names: str) -> float | None:
        return next((read for name in names if (read := count(self.values.get(name))) is not None), None)

    def _invocation(self) -> Mapping[str, Any]:
        """Return the parameters that OpenInference writes as JSON."""
        return mapping(self.values, "llm.invocation_parameters")

    def budget(self) -> Budget:
        """Return the budget that was asked for: where the span states none, that of the planner's decision.

        Raises:
            Unusable: there are two.
        """
        planned, asked = self._planned_budget(), self._asked_budget()
        if planned is None or not self._is_planned(planned, asked):
            return asked
        if planned.kind == "samples" and planned.amount != (asked.amount or 1):
            raise Unusable(PART_OF_A_VOTE, f"{planned.label}, {amount_text(asked.amount or 1)} in the span")
        return planned

    def _asked_budget(self) -> Budget:
        """Return the budget of the request.

        Raises:
            Unusable: there are two.
        """
        effort = self.value(
            "gen_ai.request.reasoning.level",
            "gen_ai.request.reasoning_effort",
            "gen_ai.request.reasoning.effort",
            "llm.request.reasoning_effort",
            "gen_ai.openai.request.reasoning_effort",
        )
        thinking = self._count("gen_ai.request.thinking.budget_tokens", "gen_ai.request.thinking_budget")
        n = self._count("gen_ai.request.choice.count", "gen_ai.request.n")
        stated = {"reasoning_effort": effort, "budget_tokens": thinking, "n": n}
        given = {name: value for name, value in stated.items() if value is not None}
        request = mapping(self._input_value())
        options = {name: request[name] for name in ("n", "reasoning_effort", "reasoning") if name in request}
        return budget_of({**options, **self._invocation(), **given}, choices=self._choices())

    def _choices(self) -> int:
        """Return how many answers there are.

        Older instrumentations number the answers, newer ones list them. Where Claude answers, these are the parts of
        its one answer.
        """
        reasons = items(self.values, "gen_ai.response.finish_reasons")
        answers = items(self.values, "output.value", "choices")
        if is_claude(self._answering()):
            return max(1, len(answers))
        listed = [message for message in items(self.values, "gen_ai.output.messages") if dig(message, "finish_reason")]
        numbered = max(self._answers("gen_ai.completion."), self._answers("llm.completions."))
        return max(1, len(reasons), len(answers), len(listed), numbered)

    def _answers(self, prefix: str) -> int:
        """Return how many of the numbered messages are complete answers."""
        messages = _numbered(self.values, prefix)
        return sum(message["role"] in ("assistant", "user") for message in messages)

    def _input_value(self) -> object:
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
            _numbered(self.values, "llm.input_messages."),
            _numbered(self.values, "gen_ai.prompt."),
            [_event_message(name, a) for name, a in events if name.startswith("gen_ai.") and name.endswith(".message")],
            _numbered(self.values, "llm.prompts."),
            self.value("gen_ai.prompt", "llm.prompts", "ai.prompt.messages", "ai.prompt"),
            self._input_value(),
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
        return self._count("llm.cost.total", "gen_ai.usage.cost", "gen_ai.cost.total_cost")

    def tenant(self) -> str:
        """Return the user."""
        names = ("user.id", "enduser.id", "traceloop.association.properties.user_id", "langfuse.user.id", "tenant.id")
        return self.text(*names)

    def conversation(self) -> str:
        """Return the conversation."""
        session = "traceloop.association.properties.session_id"
        return self.text("gen_ai.conversation.id", "session.id", session, "langfuse.session.id")

    def _planned_budget(self) -> Budget | None:
        """Return the budget that the planner's attributes state, or None."""
        kind, label = self.text("paretoroute.budget.kind"), self.text("paretoroute.budget.label")
        amount = number(self.values.get("paretoroute.budget.amount"))
        if not kind:
            return None
        try:
            return completed_budget(kind, label, math.nan if amount is None else amount)
        except Misfit:
            return None

    def _is_planned(self, planned: Budget, asked: Budget) -> bool:
        """Return whether the call is the one that was planned: neither model nor budget is stated to be another."""
        model = self.text("paretoroute.model")
        if model and not is_same_model(model, self.model()):
            return False
        if planned.kind == "effort" and asked.kind == "effort":
            return asked.label == planned.label or (planned.label, asked.label) == ("off", "none")
        return asked == Budget() or (asked.kind, asked.amount) == (planned.kind, planned.amount)

    def decision_id(self) -> str:
        """Return the id of the planner's decision, by which scores may name the call."""
        return self.text("paretoroute.decision.id")

    def propensity(self) -> float | None:
        """Return the probability of the planner's decision; None where another point answered than was planned."""
        planned = self._planned_budget()
        if planned is not None and not self._is_planned(planned, self._asked_budget()):
            return None
        read = number(self.value("paretoroute.propensity", "traceloop.association.properties.paretoroute.propensity"))
        read = number(dig(self.values, "metadata", "paretoroute", "propensity")) if read is None else read
        return read if read is not None and 0 < read <= 1 else None

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
        if name in value:
            return _whole(value[name]) if name.startswith("int") else value[name]
    for name in ("arrayValue", "array_value"):
        if name in value:
            return [_plain(item, depth - 1) for item in items(value, name, "values")]
    for name in ("kvlistValue", "kvlist_value"):
        if name in value:
            return dict(read_attributes(items(value, name, "values"), depth - 1).values)
    return None


def _whole(value: object) -> object:
    """Return a whole number that is written as text."""
    read = number(value)
    if read is None or not read.is_integer():
        return read
    stated = text(value)
    return int(stated) if stated.lstrip("-").isdecimal() else int(read)


def _numbered(values: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
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
    return {"role": text(fields.get("role")) or "user", "content": parsed(content) if content is not None else None}


def _event_message(name: str, attributes: Attributes) -> dict[str, Any]:
    """Return the message of an event such as ``gen_ai.user.message``."""
    role = attributes.text("role") or name.removeprefix("gen_ai.").removesuffix(".message")
    return {"role": role, "content": attributes.value("content", "gen_ai.event.content")}
