"""What a vote costs as it is served, derived from the requests that time_served.py measured.

The requests of a vote after its first find the prompt read, and take ``overhead + per_token x tokens`` CPU seconds: one
line a model, by least squares over all of them. What the first request took beyond that line is the prompt of that
question. So a vote takes the prompt's seconds once, and the line's seconds for every sample.
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
        prompt_s: of reading the prompt, by question id.
    """

    overhead_s: float
    per_token_s: float
    prompt_s: dict[str, float]

    def sample_s(self, tokens: float) -> float:
        """CPU seconds of one sample, its prompt aside."""
        return self.overhead_s + self.per_token_s * tokens

    def vote_s(self, question_id: str, tokens: Sequence[float]) -> float:
        """CPU seconds of a vote whose samples have so many tokens."""
        return self.prompt_s[question_id] + sum(map(self.sample_s, tokens))


def served_cost(timings: list[dict]) -> ServedCost:
    """Derive the costs of one model from its timings; several votes on one question are averaged."""
    later = np.array([pair for row in timings for pair in _later(row)])
    per_token, overhead = np.polyfit(later[:, 0], later[:, 1], 1)
    prompts: dict[str, list[float]] = {}
    for row in timings:
        beyond = row["seconds"][0] - overhead - per_token * row["tokens"][0]
        prompts.setdefault(row["id"], []).append(beyond)
    return ServedCost(float(overhead), float(per_token), {id_: float(np.mean(s)) for id_, s in prompts.items()})


def _later(row: dict) -> list[tuple[float, float]]:
    return list(zip(row["tokens"][1:], row["seconds"][1:], strict=True))
