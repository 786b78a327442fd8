"""Queries to plan, and decisions to compare."""

import dataclasses

import numpy as np

import paretoroute as pr
from tests.planner_cases import fitted

EASY_QUERY = "please say which comes next: apple pear plum cherry lemon melon grape peach"


HARD_QUERY = "please say which comes next: theorem lemma integral manifold functor topology spectrum kernel"


def same(decision: pr.Decision) -> dict:
    """Give everything of a decision but its own id."""
    return {item.name: getattr(decision, item.name) for item in dataclasses.fields(decision) if item.name != "id"}


def mask(name: str) -> np.ndarray:
    return np.array([known == name for known in fitted().policy.grid.names])
