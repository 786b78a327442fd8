"""The budget of a call, from the parameters of its request as each client names them.

Efforts: ``reasoning_effort``, ``reasoning.effort``, ``output_config.effort``, ``thinking_level``, a word of ``think``.
Thinking tokens: ``thinking.budget_tokens``, ``thinking_budget``, ``thinking_token_budget``, OpenRouter's
``reasoning.max_tokens``, and 0 where one of the switches ``enable_thinking``, ``thinking``, ``think`` and
``reasoning.enabled`` is off. Claude does not think unless it is asked to, so that ``disabled``, or 0 tokens, is its
default. A switch that is on is a budget of its own, since models differ in what they do without it; in a log that
always states it, it is the default. Samples: ``n`` and its other names. A cap on the answer's length is no budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from paretoroute.errors import name_some
from paretoroute.grid import Budget
from paretoroute.query import Misfit
from paretoroute.runs import written_numbers
from paretoroute.runs.findings import Finding
from paretoroute.runs.importers.calls import Call, Unusable
from paretoroute.runs.importers.usage import is_claude
from paretoroute.runs.importers.values import count, is_false, is_true, mapping, number, parsed, text
from paretoroute.runs.values import amount_text

_EFFORTS = ("reasoning_effort", "effort", "thinking_level", "thinkingLevel", "think")
_THINKING_TOKENS = ("budget_tokens", "thinking_budget", "thinkingBudget", "thinking_token_budget", "reasoning_tokens")
_SWITCHES = ("enable_thinking", "thinking", "think")  # of chat templates, DashScope and Ollama; true or false
_TYPES = {"disabled": False, "enabled": True, "adaptive": True}  # of ``thinking``: of Claude, GLM, DeepSeek and Kimi
_NO_EFFORTS = ("default", "auto")
_OTHER_EFFORTS = {"disable": "none", "disabled": "none"}  # of Gemini in LiteLLM
_SAMPLES = ("n", "num_choices", "candidate_count", "candidateCount", "best_of")
_INSIDE = (  # objects that hold such parameters
    "reasoning",
    "reasoning_effort",
    "output_config",
    "thinking",
    "thinking_config",
    "thinkingConfig",
    "generation_config",
    "generationConfig",
    "extra_body",
    "chat_template_kwargs",
    "optional_params",
    "config",
    "passthrough",
    "google",
)
_TOKENS_OF_EFFORTS = {  # as LiteLLM writes an effort for models that take tokens
    "minimal": (1, 128, 512, 1024),
    "low": (1024,),
    "medium": (2048,),
    "high": (4096,),
    "xhigh": (8192,),
    "max": (16384,),
}
_DEPTH = 4
TWO_BUDGETS = "two budgets in one call; a budget holds one"
THINKS = Budget("thinking", "on")


def budget_of(parameters: object, *, model: str = "", choices: int = 1) -> Budget:
    """Return the budget that a request asks for.

    Args:
        parameters: of the request.
        model: which it asks, whose default decides what a switch changes.
        choices: how many answers were given, which counts where the request has no ``n``.

    Raises:
        Unusable: two of an effort, thinking tokens and several samples stand together; a budget holds one of them.

    Example:
        >>> budget_of({"reasoning": {"effort": "high"}}).label, budget_of({"n": 3}).kind, budget_of({"n": 1}).kind
        ('high', 'samples', 'none')
        >>> budget_of({"thinking": {"type": "disabled"}}, model="glm-4.6").label
        '0'
    """
    settings = list(_settings(mapping(parameters), _DEPTH))
    effort = next((read for read in (_effort(item) for item in settings) if read), "")
    tokens = next((read for read in (_tokens(item) for item in settings) if read is not None), None)
    stated = next((read for read in (_samples(item) for item in settings) if read is not None), None)
    samples = choices if stated is None else stated
    switch = next((read for read in (_switch(item, model) for item in settings) if read is not None), None)
    if tokens == 0 and is_claude(model):
        switch = None  # nothing to think with, as ``disabled``
    is_off = switch is False or (tokens == 0 and not is_claude(model))
    tokens = 0.0 if is_off else tokens
    if effort and tokens and tokens in _TOKENS_OF_EFFORTS.get(effort, ()):
        tokens = None
    if effort and tokens:
        raise Unusable(TWO_BUDGETS, f"effort {effort} with {amount_text(tokens)} thinking tokens")
    if samples > 1 and (effort or tokens or is_off):
        one = f"effort {effort}" if effort else f"{amount_text(tokens or 0)} thinking tokens"
        raise Unusable(TWO_BUDGETS, f"{one} with n = {amount_text(samples)}")
    if samples > 1:
        return Budget("samples", amount_text(samples), samples)
    if tokens:
        return Budget("thinking_tokens", amount_text(tokens), tokens)
    if effort:
        return Budget("effort", effort)
    if is_off:
        return Budget("thinking_tokens", "0", 0.0)  # Gemini and Qwen think where no budget is given
    return THINKS if switch else Budget()


def with_defaults(calls: Sequence[Call]) -> tuple[list[Call], list[Finding]]:
    """Return the calls that switch thinking on at the default budget, unless others of their model state nothing.

    What a model does without the switch depends on the model and on its server: the two are kept apart, and it is told.
    """
    silent = {call.model for call in calls if call.budget == Budget()}
    apart = sorted({call.model for call in calls if call.budget == THINKS and call.model in silent})
    result = [
        replace(call, budget=Budget()) if call.budget == THINKS and call.model not in silent else call for call in calls
    ]
    if not apart:
        return result, []
    text = (
        f"some calls of {name_some(apart)} switch thinking on, and others say nothing about it; they are the points "
        f"MODEL@{THINKS.label} and MODEL@{Budget().label}, in case the model does not think by itself"
    )
    return result, [Finding("note", text)]


def _settings(parameters: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters, then the objects among them that may hold some."""
    yield parameters
    for key in _INSIDE:
        inner = parsed(parameters.get(key))
        if isinstance(inner, Mapping) and depth:
            yield from _settings(_of_openrouter(inner) if key == "reasoning" else inner, depth - 1)


def _of_openrouter(reasoning: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return OpenRouter's ``reasoning``, whose ``max_tokens`` are thinking tokens and no cap, by the usual names."""
    read: dict[str, Any] = dict(reasoning)
    if read.get("max_tokens") is not None:
        read.setdefault("budget_tokens", read["max_tokens"])
    if read.get("enabled") is not None:
        read["enable_thinking"] = read["enabled"]
    return read


def _effort(parameters: Mapping[str, Any]) -> str:
    for key in _EFFORTS:
        value = parameters.get(key)
        if is_true(value) or is_false(value):
            continue  # ``think`` is a switch or a word
        if isinstance(value, str) and text(parsed(value)):
            word = value.strip().casefold()
            return "" if word in _NO_EFFORTS else _OTHER_EFFORTS.get(word, word)
        if isinstance(value, str) and value.strip().casefold() == "none":
            return "none"
    return ""


def _switch(parameters: Mapping[str, Any], model: str) -> bool | None:
    """Return whether parameters switch thinking on or off; None if they do neither."""
    for key in _SWITCHES:
        stated = parameters.get(key)
        kind = stated.get("type") if isinstance(stated := parsed(stated), Mapping) else stated
        is_on = _TYPES.get(kind) if isinstance(kind, str) else None
        is_on = is_true(kind) if is_on is None and (is_true(kind) or is_false(kind)) else is_on
        if is_on is not None:
            return None if not is_on and is_claude(model) else is_on
    return None


def _tokens(parameters: Mapping[str, Any]) -> float | None:
    read = next((_count(parameters[key]) for key in _THINKING_TOKENS if parameters.get(key) is not None), None)
    return None if parameters.get("type") in ("disabled", "adaptive") else read


def _count(value: object) -> float | None:
    """Return a count, such as 16000 for ``16k``; None for anything else."""
    try:
        return count(written_numbers.count(value))
    except Misfit:
        return None


def _samples(parameters: Mapping[str, Any]) -> float | None:
    read = max((number(parameters.get(key)) or 0.0 for key in _SAMPLES), default=0.0)
    return read if read >= 1 else None
