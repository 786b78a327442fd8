"""Token counts of a call, from the usage objects of each client.

A count of 0 beside an answer with text was not measured. Reasoning tokens of Claude are estimates of the tools that log
them, and count as unknown. Whether the cache is inside the prompt, and reasoning inside the answer, depends on provider
and version; where the sum of all tokens is logged, it decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from paretoroute.runs.importers.calls import Tokens
from paretoroute.runs.importers.values import count, dig

_CLAUDE = ("claude", "anthropic")


def usage_of(usage: object) -> Tokens:
    """Return the token counts of a usage object: of OpenAI's chat or responses, of Anthropic, or of Gemini."""
    read = Tokens(
        prompt=_first(usage, "prompt_tokens", "input_tokens", "promptTokenCount", "prompt_token_count"),
        completion=_first(
            usage, "completion_tokens", "output_tokens", "candidatesTokenCount", "candidates_token_count"
        ),
        reasoning=_first(
            usage,
            "completion_tokens_details.reasoning_tokens",
            "output_tokens_details.reasoning_tokens",
            "thoughtsTokenCount",
            "thoughts_token_count",
        ),
        cached=_first(
            usage,
            "prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
            "cache_read_input_tokens",
            "cachedContentTokenCount",
            "cached_content_token_count",
            "prompt_cache_hit_tokens",  # of DeepSeek
        ),
        cache_write=_first(
            usage,
            "cache_creation_input_tokens",
            "prompt_tokens_details.cache_write_tokens",
            "prompt_tokens_details.cache_creation_tokens",
            "input_tokens_details.cache_write_tokens",
        ),
    )
    is_gemini = dig(usage, "thoughtsTokenCount") is not None or dig(usage, "thoughts_token_count") is not None
    if is_gemini:  # which leaves out the count of an answer that is cut off while it thinks
        read = replace(read, completion=(read.completion or 0) + (read.reasoning or 0))
    is_anthropic = dig(usage, "prompt_tokens") is None and (
        dig(usage, "cache_read_input_tokens") is not None or dig(usage, "cache_creation_input_tokens") is not None
    )
    if is_anthropic and read.prompt is not None:
        return replace(read, prompt=read.prompt + (read.cached or 0) + (read.cache_write or 0))
    return agreeing_with(with_whole_prompt(read), total_of(usage))


def total_of(usage: object) -> float | None:
    """Return the sum of all tokens that a usage object states."""
    return _first(usage, "total_tokens", "totalTokenCount", "total_token_count")


def agreeing_with(tokens: Tokens, total: float | None, *, beside: float = 0.0) -> Tokens:
    """Return the counts whose sum is the logged total: with the cache or the reasoning added, if need be.

    Args:
        tokens: as read.
        total: of all tokens, as logged; None: unknown.
        beside: how much of the cache is in the prompt by the usual reading of this log, and may have been in it before.

    Example:
        >>> agreeing_with(Tokens(prompt=10, completion=5, reasoning=20), 35).completion  # as xAI counts
        25
        >>> agreeing_with(Tokens(prompt=10, completion=25, reasoning=20), 35).completion
        25
    """
    if tokens.prompt is None or tokens.completion is None or not total:
        return tokens
    cache = (tokens.cached or 0) + (tokens.cache_write or 0)
    for completion in (tokens.completion, tokens.completion + (tokens.reasoning or 0)):
        for prompt in (tokens.prompt, tokens.prompt - beside, tokens.prompt + (0 if beside else cache)):
            if prompt + completion == total:
                return replace(tokens, prompt=prompt, completion=completion)
    return tokens


def with_whole_prompt(tokens: Tokens) -> Tokens:
    """Add the tokens of a cache to a prompt that leaves them out, as Anthropic counts it."""
    beside = (tokens.cached or 0) + (tokens.cache_write or 0)
    if tokens.prompt is None or beside <= tokens.prompt:
        return tokens
    return replace(tokens, prompt=tokens.prompt + beside)


def measured(tokens: Tokens, *, model: str, has_answer: bool = True) -> Tokens:
    """Return the counts without those that were not measured.

    Args:
        tokens: as logged.
        model: as logged, with its provider.
        has_answer: whether the answer has text or calls of tools.
    """
    if not tokens.completion and not tokens.prompt:
        return Tokens()
    read = replace(tokens, prompt=tokens.prompt or None)
    if has_answer and not tokens.completion:
        read = replace(read, completion=None, reasoning=None)
    return replace(read, reasoning=None) if is_claude(model) else read


def is_claude(model: str) -> bool:
    """Return whether a model, as logged with its provider, is one of Anthropic's."""
    return any(name in model.casefold() for name in _CLAUDE)


def billed(cost: object, tokens: Tokens) -> float | None:
    """Return a cost that tools compute from tokens, or None: at 0, or from one of two counts, it was not computed.

    Args:
        cost: in USD, as logged.
        tokens: as `measured` returns them.
    """
    usd = count(cost)
    is_whole = tokens.are_known or (tokens.prompt is None and tokens.completion is None)
    return usd if usd and is_whole else None


def _first(usage: object, *paths: str) -> float | None:
    """Return the first count that is there."""
    if not isinstance(usage, Mapping):
        return None
    return next((read for path in paths if (read := count(dig(usage, *path.split(".")))) is not None), None)
