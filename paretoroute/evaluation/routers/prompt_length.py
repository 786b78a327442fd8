"""A control: the longer the prompt, the stronger the point. Untrained, it is in the range of published routers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import NotApplicable, Training
from paretoroute.evaluation.routers.methods.pairs import Names, ThresholdStrategies, pair_of


@dataclass(frozen=True)
class PromptLength:
    """Ranks queries by their number of characters; the knob is the share of calls to the strong point.

    Args:
        pair: names of the weak and the strong point; None: the pair that is best on the training queries.
        name: in tables.
    """

    pair: Names | None = None
    name: str = "prompt-length"

    def fit(self, training: Training) -> ThresholdStrategies:
        """Choose the pair and measure the training queries.

        Raises:
            NotApplicable: the log has no texts.
        """
        if not any(training.texts):
            raise NotApplicable("the log has no texts, so prompts have no length")
        return ThresholdStrategies(
            lambda batch: _lengths(batch.texts), pair_of(training, self.pair), _lengths(training.texts)
        )


def _lengths(texts: tuple[str, ...]) -> Floats:
    return np.array([len(text) for text in texts], dtype=np.float64)
