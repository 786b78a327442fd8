"""What LiteLLM sends for an effort, by family of models, as far as it was observed.

LiteLLM rewrites an effort by the provider: to a number of thinking tokens, to a level of the provider's, to nothing, or
it refuses the call. A model of no family here is left to LiteLLM, whose map of models grows with every release.

Reference: litellm 1.108.7 and 1.110.2, the bodies that both sent and ``model_prices_and_context_window_backup.json``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLAIN: dict[str, Any] = {}
_CLAUDE_TOKENS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}
_GEMINI_TOKENS = {"none": 0, "low": 1024, "medium": 2048, "high": 4096}
_ADAPTIVE = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "max": "max"}
_FLASH_LEVELS = {"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models for which LiteLLM writes requests alike.

    Args:
        pattern: of the whole name, without the provider.
        efforts: from each level that LiteLLM takes to what tells its body apart from those of other levels.
        takes_thinking_tokens: whether a number of thinking tokens is sent as it stands.
        least_thinking_tokens: the least number of them.
        off: the argument ``thinking`` that switches thinking off; None: no argument does.
        most_samples: most samples of one call; 1: the argument ``n`` is refused.
        thinking_of_effort: the thinking tokens that an effort becomes, which count towards the output cap.
    """

    pattern: str
    efforts: Mapping[str, Mapping[str, Any]]
    takes_thinking_tokens: bool = False
    least_thinking_tokens: int = 1024  # Anthropic's API reference, `thinking.budget_tokens`
    off: Mapping[str, Any] | None = None
    most_samples: int = 128
    thinking_of_effort: Mapping[str, int] = field(default_factory=dict)


def _passed(*levels: str) -> dict[str, dict[str, Any]]:
    return {level: {"effort": level} for level in levels}


def _tokens(levels: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return bodies with thinking tokens; they equal those of a thinking-token budget of the same number."""
    return {level: {"thinking_tokens": tokens} for level, tokens in levels.items()}


def _levels(levels: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {level: {"effort": sent} for level, sent in levels.items()}


def _claude(pattern: str, efforts: Mapping[str, Mapping[str, Any]], **rules: Any) -> Family:
    return Family(pattern=pattern, efforts=efforts, off={"type": "disabled"}, most_samples=1, **rules)


def _gemini_2_5(pattern: str, minimal: int) -> Family:
    tokens = {**_GEMINI_TOKENS, "minimal": minimal}
    return Family(
        pattern=pattern,
        efforts=_tokens(tokens),
        takes_thinking_tokens=True,
        least_thinking_tokens=1,
        off={"type": "enabled", "budget_tokens": 0},  # "disabled" would send nothing, and the model would think
        most_samples=8,
        thinking_of_effort=tokens,
    )


def _gemini_3(pattern: str, levels: Mapping[str, str]) -> Family:
    return Family(pattern=pattern, efforts=_levels(levels), most_samples=8)


_DATE = r"(-\d{4}-\d{2}-\d{2})?"
_DAY = r"(-\d{8})?"
FAMILIES = (
    Family(pattern=rf"gpt-5(-mini|-nano)?{_DATE}", efforts=_passed("minimal", "low", "medium", "high", "max")),
    Family(pattern=rf"gpt-5\.1{_DATE}", efforts=_passed("none", "low", "medium", "high", "max")),
    Family(
        pattern=rf"gpt-5\.[24](-mini|-nano)?{_DATE}|gpt-5\.[56]{_DATE}",
        efforts=_passed("none", "low", "medium", "high", "xhigh", "max"),
    ),
    Family(pattern=r"(chatgpt-)?gpt-(3\.5|4)(?!\d)(?!.*(audio|realtime)).*|chatgpt-4o.*", efforts={}),
    _claude(
        rf"claude-(opus|sonnet)-4-[15]{_DAY}|claude-haiku-4-5{_DAY}|claude-(opus|sonnet)-4(-0|-\d{{8}})?",
        {"none": PLAIN, **_tokens(_CLAUDE_TOKENS)},
        takes_thinking_tokens=True,
        thinking_of_effort=_CLAUDE_TOKENS,
    ),
    _claude(rf"claude-(opus|sonnet)-4-6{_DAY}", {"none": PLAIN, **_levels(_ADAPTIVE)}, takes_thinking_tokens=True),
    _claude(rf"claude-opus-4-[78]{_DAY}", {"none": PLAIN, **_levels({**_ADAPTIVE, "xhigh": "xhigh"})}),
    _gemini_2_5(r"gemini-2\.5-flash-lite.*", 512),
    _gemini_2_5(r"gemini-2\.5-pro.*", 128),
    _gemini_2_5(r"gemini-2\.5-flash(?!-lite)(?!.*(image|tts|live|audio)).*", 1),
    _gemini_3(r"gemini-3(\.\d+)?-pro.*", {**_FLASH_LEVELS, "none": "low", "minimal": "low"}),
    _gemini_3(r"gemini-3(\.[0-6])?-flash.*", _FLASH_LEVELS),
)
_PROVIDERS = ("openai/", "anthropic/", "gemini/")  # those that were called; others may rewrite requests otherwise


def family_of(model: str) -> Family | None:
    """Return the family of a model, by its name with or without the provider; None: not one of them."""
    provider = next((prefix for prefix in _PROVIDERS if model.startswith(prefix)), "")
    name = model.removeprefix(provider)
    for family in FAMILIES:
        if re.fullmatch(family.pattern, name):
            return family
    return None
