"""Hybrid LLM (Ding et al., ICLR 2024, arXiv:2404.14618): the small model where it is likely to match the large one.

Labels and rule are :mod:`~.rules.hybrid_llm`; the predictor is a logistic regression with soft labels on the features
in place of the authors' DeBERTa. Repeats of a query at a point are its sampled answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import NotApplicable, Training
from paretoroute.evaluation.routers.methods.logistic import fit_logistic
from paretoroute.evaluation.routers.methods.pairs import Names, Pair, ThresholdStrategies, pair_of
from paretoroute.evaluation.routers.methods.samples import samples_at
from paretoroute.evaluation.routers.rules import hybrid_llm

GAPS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class HybridLlm:
    """The knob is the share of calls to the large model, which sets the threshold tau.

    Args:
        variant: label to learn: "det", "prob" or "trans".
        pair: names of the small and the large point; None: the pair that is best on the training queries.
    """

    variant: Literal["det", "prob", "trans"] = "det"
    pair: Names | None = None

    @property
    def name(self) -> str:
        """In tables."""
        return f"hybrid-llm-{self.variant}"

    def fit(self, training: Training) -> ThresholdStrategies:
        """Label the training queries and fit the predictor.

        Raises:
            NotApplicable: no query was logged at both points, or all have one label.
        """
        pair = pair_of(training, self.pair)
        label = self._labels(training, pair)
        known = ~np.isnan(label)
        if not known.any() or np.ptp(label[known]) == 0:
            raise NotApplicable(
                "the small point matches the large one on all queries alike, so there is nothing to learn"
            )
        model = fit_logistic(training.features, label[:, None])

        def large_wins(features: Floats) -> Floats:
            return 1 - model.probability(features)[:, 0]

        return ThresholdStrategies(lambda batch: large_wins(batch.features), pair, large_wins(training.features))

    def _labels(self, training: Training, pair: Pair) -> Floats:
        small, large = (samples_at(training.runs, point) for point in (pair.weak, pair.strong))
        if self.variant == "det":
            return hybrid_llm.deterministic_label(small, large)
        t = hybrid_llm.best_t(small, large, GAPS) if self.variant == "trans" else 0.0
        return hybrid_llm.match_probability(small, large, t)
