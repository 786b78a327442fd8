"""Fields that both logs of LiteLLM share: the standard logging payload and the table of spend logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from paretoroute.runs.checks.column_names import is_model_name
from paretoroute.runs.importers.calls import CACHED, FAILED, NOT_A_GENERATION, Tokens, Unusable
from paretoroute.runs.importers.model_names import is_same_model, without_provider
from paretoroute.runs.importers.usage import (
    agreeing_with,
    billed,
    measured,
    total_of,
    usage_of,
    with_whole_prompt,
)
from paretoroute.runs.importers.values import count, dig, first, is_true, items, mapping, number, text

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.A | re.I)
_GENERATIONS = (
    "completion",
    "text_completion",
    "responses",
    "anthropic_messages",
    "generate_content",
    "generate_content_stream",
)


def check_generation(row: Mapping[str, Any]) -> None:
    """Refuse what is no successful generation by a model.

    Raises:
        Unusable: it is another kind of call, it failed, or LiteLLM's cache answered it.
    """
    kind = text(row.get("call_type"))
    if kind and kind.removeprefix("a") not in _GENERATIONS and kind not in _GENERATIONS:
        raise Unusable(NOT_A_GENERATION, kind)
    status = first(row.get("status"), dig(row, "metadata", "status"))
    if text(status).casefold() not in ("", "success") or text(row.get("error_str")):
        raise Unusable(FAILED, text(dig(row, "error_information", "error_class")))
    if is_true(row.get("cache_hit")):
        raise Unusable(CACHED)


def tokens_of(row: Mapping[str, Any], model: str) -> Tokens:
    """Return the counts of a row: its totals, with the details of its usage object."""
    usage = first(
        dig(row, "metadata", "usage_object"),
        dig(row, "response", "usage"),
        dig(row, "metadata", "additional_usage_values"),
    )
    details = usage_of(usage)
    read = Tokens(
        prompt=_first(count(row.get("prompt_tokens")), details.prompt),
        completion=_first(count(row.get("completion_tokens")), details.completion),
        reasoning=details.reasoning,
        cached=details.cached,
        cache_write=details.cache_write,
    )
    total = _first(count(row.get("total_tokens")), total_of(usage))
    return measured(agreeing_with(with_whole_prompt(read), total), model=model, has_answer=True)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value), None)


def cost_of(row: Mapping[str, Any], tokens: Tokens, *names: str) -> float | None:
    """Return the billed cost; a sum of 0 counts only where the price map states that the model is free.

    Args:
        row: of the log.
        tokens: as measured.
        *names: of the columns that hold the cost.
    """
    paths = [(name,) for name in names] + [
        ("cost_breakdown", "total_cost"),
        ("metadata", "cost_breakdown", "total_cost"),
    ]
    stated = (billed(dig(row, *path), tokens) for path in paths)
    cost = next((usd for usd in stated if usd is not None), None)
    prices = mapping(row, "model_map_information", "model_map_value") or mapping(
        row, "metadata", "model_map_information", "model_map_value"
    )
    is_free = prices and number(prices.get("input_cost_per_token")) == 0 == number(prices.get("output_cost_per_token"))
    return 0.0 if cost is None and is_free and tokens.are_known else cost


def model_of(row: Mapping[str, Any]) -> str:
    """Return the name of the model that answered, without a provider that is no part of any list.

    Azure is asked for a deployment, whose name is its owner's: there the model is the one that LiteLLM looked its price
    up for, or that the answer names. A proxy may write the name that its client used in place of the latter.
    """
    model, provider = text(row.get("model")), text(row.get("custom_llm_provider"))
    model = model.removeprefix(f"{provider}/") if provider else model
    if provider.startswith("azure") or model.startswith("azure"):
        named = [name for name in _names_of_answer(row) if is_model_name(without_provider(name))]
        answered = without_provider(named[0]) if named else model
        return model if is_same_model(model, answered) else answered
    return model


def _names_of_answer(row: Mapping[str, Any]) -> Iterator[str]:
    for holder in (row, mapping(row, "metadata")):
        known = mapping(holder, "model_map_information")
        if mapping(known, "model_map_value"):
            yield text(known.get("model_map_key"))
    request = mapping(row, "proxy_server_request")
    asked = (row.get("model_group"), request.get("model"), dig(request, "body", "model"))
    answered = text(dig(row, "response", "model"))
    if answered not in map(text, asked):
        yield answered


def tag_of(row: Mapping[str, Any]) -> str:
    """Return the first tag that a caller gave; LiteLLM adds the user agent, and a hook its own name."""
    tags = (text(tag) for tag in items(row, "request_tags"))
    return next((tag for tag in tags if tag and not tag.startswith("User-Agent:") and tag != "paretoroute"), "")


def tenant_of(row: Mapping[str, Any]) -> str:
    """Return the end user, else the team."""
    candidates = (
        dig(row, "end_user"),
        dig(row, "metadata", "user_api_key_end_user_id"),
        dig(row, "metadata", "user_api_key_team_alias"),
        dig(row, "metadata", "team_alias"),
        dig(row, "team_id"),
        dig(row, "metadata", "user_api_key_team_id"),
        dig(row, "metadata", "team_id"),
    )
    return next((name for name in map(text, candidates) if name), "")


def propensity_of(row: Mapping[str, Any]) -> float | None:
    """Return the probability of the planner's decision that the row carries."""
    logged = mapping(row, "metadata", "spend_logs_metadata")
    read = number(first(dig(logged, "paretoroute", "propensity"), logged.get("propensity")))
    return read if read is not None and 0 < read <= 1 else None


def has_fallen_back(row: Mapping[str, Any]) -> bool:
    """Return whether another call failed before this one, whose decision the row may carry."""
    return bool(number(dig(row, "metadata", "attempted_fallbacks")))
