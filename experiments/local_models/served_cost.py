"""What a vote costs as it is served, derived from the requests that time_served.py measured.

The requests of a vote after its first find the prompt read, and take ``overhead + per_token x tokens`` CPU seconds.
What the first request takes beyond that is the reading of the prompt, ``prompt + per_prompt_token x prompt tokens``.
Two lines a model, each by least squares; a vote takes the second once and the first for every sample. Single requests
are noisy on a machine that does other things, and their means are what is paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ServedCost:
    """CPU seconds of served requests of one model.

    Args:
        overhead_s: of a request whose prompt is read already, whatever it answers.
        per_token_s: of each token of an answer.
        prompt_s: of starting on a new prompt.
        per_prompt_token_s: of each token of it.
    """

    overhead_s: float
    per_token_s: float
    prompt_s: float
    per_prompt_token_s: float

    def sample_s(self, tokens: float) -> float:
        """CPU seconds of one sample, its prompt aside."""
        return self.overhead_s + self.per_token_s * tokens

    def reading_s(self, prompt_tokens: float) -> float:
        """CPU seconds of reading a prompt."""
        return self.prompt_s + self.per_prompt_token_s * prompt_tokens

    def vote_s(self, prompt_tokens: float, tokens: Sequence[float]) -> float:
        """CPU seconds of a vote whose samples have so many tokens."""
        return self.reading_s(prompt_tokens) + sum(map(self.sample_s, tokens))


def served_cost(timings: list[dict]) -> ServedCost:
    """Derive the costs of one model from its timings."""
    later = np.array([pair for row in timings for pair in zip(row["tokens"][1:], row["seconds"][1:], strict=True)])
    per_token, overhead = np.polyfit(later[:, 0], later[:, 1], 1)
    beyond = [row["seconds"][0] - overhead - per_token * row["tokens"][0] for row in timings]
    per_prompt_token, prompt = np.polyfit([row["prompt_tokens"] for row in timings], beyond, 1)
    return ServedCost(float(overhead), float(per_token), float(prompt), float(per_prompt_token))
