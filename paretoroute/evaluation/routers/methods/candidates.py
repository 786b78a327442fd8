"""Few points for systems whose search grows fast with their number: vertices of the static mixture."""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Indices
from paretoroute.evaluation.routers.base import NotApplicable, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.tradeoff_curves import Outcomes, single_points


def candidates(training: Training, most: int) -> Indices:
    """Return at most so many points on the hull of mean cost and mean quality, cheapest first, evenly spaced in rank.

    Args:
        training: whose mean outcomes decide.
        most: number of points, at least 2.
    """
    outcomes = Outcomes(fill_missing(training.quality), fill_missing(training.cost_usd))
    vertices = single_points(outcomes).vertex
    if len(vertices) > most:
        vertices = vertices[np.linspace(0, len(vertices) - 1, most).round().astype(int)]
    return np.asarray(vertices, dtype=np.intp)


def require_scores(training: Training) -> None:
    """Check that the log has scores of answers.

    Raises:
        NotApplicable: it has none, or one lies outside [0, 1].
    """
    scores = training.score[~np.isnan(training.score)]
    if not scores.size:
        raise NotApplicable("the log has no score, which it needs to judge an answer before the next call")
    if scores.min() < 0 or scores.max() > 1:
        raise NotApplicable(f"the log's scores reach from {scores.min():g} to {scores.max():g}, beyond [0, 1]")
