"""Derive the cost of a served vote from the requests that time_served.py measured.

After the first request of a vote the prompt is cached, and requests take ``overhead + per_token x tokens`` CPU seconds.
The first request also reads the prompt, ``prompt + per_prompt_token x prompt tokens``. Each model has two least-squares
lines; a vote takes the second once and the first for every sample. Single requests are noisy on a busy machine; costs
are their means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ServedCost:
    """CPU seconds of served requests of one model.

    Args:
        overhead_s: of a request with a cached prompt, without its tokens.
        per_token_s: of each answer token.
        prompt_s: of a new prompt, without its tokens.
        per_prompt_token_s: of each prompt token.
    """

    overhead_s: float
    per_token_s: float
    prompt_s: float
    per_prompt_token_s: float

    def sample_s(self, tokens: float) -> float:
        """Return the CPU seconds of one sample without its prompt."""
        return self.overhead_s + self.per_token_s * tokens

    def reading_s(self, prompt_tokens: float) -> float:
        """Return the CPU seconds of reading a prompt."""
        return self.prompt_s + self.per_prompt_token_s * prompt_tokens

    def vote_s(self, prompt_tokens: float, tokens: Sequence[float]) -> float:
        """Return the CPU seconds of a vote, given the tokens of its samples."""
        return self.reading_s(prompt_tokens) + sum(map(self.sample_s, tokens))


def served_cost(timings: list[dict]) -> ServedCost:
    """Fit the costs of one model to its timings."""
    later = np.array([pair for row in timings for pair in zip(row["tokens"][1:], row["seconds"][1:], strict=True)])
    per_token, overhead = np.polyfit(later[:, 0], later[:, 1], 1)
    beyond = [row["seconds"][0] - overhead - per_token * row["tokens"][0] for row in timings]
    per_prompt_token, prompt = np.polyfit([row["prompt_tokens"] for row in timings], beyond, 1)
    return ServedCost(float(overhead), float(per_token), float(prompt), float(per_prompt_token))
