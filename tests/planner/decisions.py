"""Queries, and what tests compare of decisions."""

from __future__ import annotations

import dataclasses
import types

import numpy as np

import paretoroute as pr
from tests.planner_cases import fitted

EASY_QUERY = "please say which comes next: apple pear plum cherry lemon melon grape peach"
HARD_QUERY = "please say which comes next: theorem lemma integral manifold functor topology spectrum kernel"
QUERIES = (EASY_QUERY, HARD_QUERY, "пожалуйста, докажите теорему", "", "apple", "x" * 5000)


def same(decision: pr.Decision) -> dict:
    """Return every field of a decision but its own id."""
    return {item.name: getattr(decision, item.name) for item in dataclasses.fields(decision) if item.name != "id"}


def mask(name: str) -> np.ndarray:
    """Return the mask of one point of the fitted policy."""
    return np.array([other == name for other in fitted().policy.grid.names])


def with_surface(policy: pr.Policy, at_text) -> pr.Policy:
    """Replace the forecasts of a policy's surface."""
    kept = policy.surface
    stub = types.SimpleNamespace(
        at_text=at_text,
        context_free=kept.context_free,
        amount=kept.amount,
        bounds=kept.bounds,
        featurizer=kept.featurizer,
        prompt_growth=None,
        amount_growth=None,
    )
    return dataclasses.replace(policy, surface=stub)
