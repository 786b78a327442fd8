"""The budget of a span of a model call: what the request asked, and what a planner's decision beside it states."""

from __future__ import annotations

import math

from paretoroute.grid import Budget
from paretoroute.query import Misfit
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import Unusable
from paretoroute.runs.importers.model_names import is_same_model
from paretoroute.runs.importers.otel_attributes import Attributes, numbered
from paretoroute.runs.importers.usage import is_claude
from paretoroute.runs.importers.values import dig, items, mapping, number
from paretoroute.runs.values import amount_text
from paretoroute.runs.values import budget_of as completed_budget

_SWITCHES = ("enable_thinking", "extra_body", "chat_template_kwargs")
_OPTIONS = (  # of the request that OpenInference writes as the input
    *("n", "reasoning_effort", "reasoning", "output_config", "think", "thinking", "thinking_config"),
    *_SWITCHES,
)
PART_OF_A_VOTE = "a part of the samples that were planned as one run"


def budget_of_span(span: Attributes) -> Budget:
    """Return the budget that was asked for: where the span states none, that of the planner's decision.

    Raises:
        Unusable: there are two.
    """
    planned, asked = _planned_budget(span), _asked_budget(span)
    if planned is None or not _is_planned(span, planned, asked):
        return asked
    if planned.kind == "samples" and planned.amount != (asked.amount or 1):
        raise Unusable(PART_OF_A_VOTE, f"{planned.label}, {amount_text(asked.amount or 1)} in the span")
    return planned


def propensity_of_span(span: Attributes) -> float | None:
    """Return the probability of the planner's decision; None where another point answered than was planned."""
    planned = _planned_budget(span)
    if planned is not None and not _is_planned(span, planned, _asked_budget(span)):
        return None
    read = number(span.value("paretoroute.propensity", "traceloop.association.properties.paretoroute.propensity"))
    read = number(dig(span.values, "metadata", "paretoroute", "propensity")) if read is None else read
    return read if read is not None and 0 < read <= 1 else None


def _asked_budget(span: Attributes) -> Budget:
    """Return the budget of the request.

    Raises:
        Unusable: there are two.
    """
    effort = span.value(
        "gen_ai.request.reasoning.level",
        "gen_ai.request.reasoning_effort",
        "gen_ai.request.reasoning.effort",
        "llm.request.reasoning_effort",
        "gen_ai.openai.request.reasoning_effort",
    )
    thinking = span.count("gen_ai.request.thinking.budget_tokens", "gen_ai.request.thinking_budget")
    n = span.count("gen_ai.request.choice.count", "gen_ai.request.n")
    stated = {"reasoning_effort": effort, "budget_tokens": thinking, "n": n}
    given = {name: value for name, value in stated.items() if value is not None}
    request = mapping(span.input_value())
    options = {name: request[name] for name in _OPTIONS if name in request}
    switches = {name: span.values.get(f"gen_ai.request.{name}") for name in _SWITCHES}
    kind = span.values.get("gen_ai.request.thinking.type")
    switches |= {} if kind is None else {"thinking": {"type": kind}}
    asked = {**options, **span.invocation(), **{k: v for k, v in switches.items() if v is not None}, **given}
    return budget_of(asked, model=span.answering(), choices=_choices(span))


def _choices(span: Attributes) -> int:
    """Return how many answers there are.

    Older instrumentations number the answers, newer ones list them. Where Claude answers, these are the parts of
    its one answer.
    """
    reasons = items(span.values, "gen_ai.response.finish_reasons")
    answers = items(span.values, "output.value", "choices")
    if is_claude(span.answering()):
        return max(1, len(answers))
    listed = [message for message in items(span.values, "gen_ai.output.messages") if dig(message, "finish_reason")]
    numbered = max(_answers(span, "gen_ai.completion."), _answers(span, "llm.completions."))
    return max(1, len(reasons), len(answers), len(listed), numbered)


def _answers(span: Attributes, prefix: str) -> int:
    """Return how many of the numbered messages are complete answers."""
    messages = numbered(span.values, prefix)
    return sum(message["role"] in ("assistant", "user") for message in messages)


def _planned_budget(span: Attributes) -> Budget | None:
    """Return the budget that the planner's attributes state, or None."""
    kind, label = span.text("paretoroute.budget.kind"), span.text("paretoroute.budget.label")
    amount = number(span.values.get("paretoroute.budget.amount"))
    if not kind:
        return None
    try:
        return completed_budget(kind, label, math.nan if amount is None else amount)
    except Misfit:
        return None


def _is_planned(span: Attributes, planned: Budget, asked: Budget) -> bool:
    """Return whether the call is the one that was planned: neither model nor budget is stated to be another."""
    model = span.text("paretoroute.model")
    if model and not is_same_model(model, span.model()):
        return False
    if planned.kind == "effort" and asked.kind == "effort":
        return asked.label == planned.label or (planned.label, asked.label) == ("off", "none")
    return asked == Budget() or (asked.kind, asked.amount) == (planned.kind, planned.amount)
