"""Queries, and what tests compare of decisions."""

from __future__ import annotations

import dataclasses
import types

import numpy as np

import paretoroute as pr
from paretoroute.surface.featurizer import TextFeatures
from paretoroute.surface.surface import Amounts
from tests.planner_cases import fitted

EASY_QUERY = "please say which comes next: apple pear plum cherry lemon melon grape peach"
HARD_QUERY = "please say which comes next: theorem lemma integral manifold functor topology spectrum kernel"
QUERIES = (EASY_QUERY, HARD_QUERY, "пожалуйста, докажите теорему", "", "apple", "x" * 5000)


def same(decision: pr.Decision) -> dict:
    """Return every field of a decision but its own id, and its reason as a sentence."""
    own = {item.name: getattr(decision, item.name) for item in dataclasses.fields(decision) if item.name != "id"}
    return own | {"why": decision.why}


def mask(name: str) -> np.ndarray:
    """Return the mask of one point of the fitted policy."""
    return np.array([other == name for other in fitted().policy.grid.names])


def with_surface(policy: pr.Policy, at_text) -> pr.Policy:
    """Replace the forecasts of a policy's surface; queries are the numbers of their rows, or any text."""
    kept = policy.surface

    def at_each(vectors, known_shares, *, sizes, labels):
        each = [at_text(text, labels=labels) for text in vectors[:, 0]]
        figures = ("quality", "quality_se", "amount", "prompt_tokens", "latency_s")
        stacked = {name: np.stack([getattr(one, name) for one in each]) for name in figures}
        return Amounts(**stacked, unfamiliar=np.array([one.unfamiliar for one in each]))

    stub = types.SimpleNamespace(
        at_each=at_each,
        has_empty_queries=True,
        context_free=kept.context_free,
        grown=lambda amounts, sizes: amounts,
        amount=kept.amount,
        bounds=kept.bounds,
        featurizer=types.SimpleNamespace(
            of_texts=lambda texts: [TextFeatures(np.array([text], object), 1.0) for text in texts]
        ),
        prompt_growth=None,
        amount_growth=None,
    )
    return dataclasses.replace(policy, surface=stub)
