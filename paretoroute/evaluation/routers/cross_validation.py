"""Choosing a router's one setting inside the training runs, by cross-validation over their groups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.data import filled
from paretoroute.runs.folds import folds

FOLDS = 5

Candidates = Callable[[Mask, Mask], tuple[Floats, Floats]]


def best_settings(training: Training, candidates: Candidates) -> tuple[int, int]:
    """Find the settings that forecast held-out training queries best.

    Args:
        training: what to split.
        candidates: from the rows to learn from and the rows to forecast, bool ``(queries,)`` each, to quality and cost
            by every setting, ``(settings, rows, points)`` each.

    Returns:
        The setting with the least squared error of quality, and the one with the least of cost, where each point's
        cost counts relative to its mean; the first of equals.
    """
    fold = folds(training.groups, FOLDS, seed=training.seed)
    scale = np.maximum(filled(training.cost_usd).mean(0), np.finfo(float).tiny)
    errors: list[tuple[Floats, Floats]] = []
    for f in np.unique(fold):
        asked = fold == f
        if asked.all():
            break
        quality, cost = candidates(~asked, asked)
        wrong = quality - training.quality[asked], (cost - training.cost_usd[asked]) / scale
        errors.append((_squares(wrong[0]), _squares(wrong[1])))
    if not errors:
        return 0, 0
    by_quality, by_cost = (np.sum(part, axis=0) for part in zip(*errors, strict=True))
    return int(by_quality.argmin()), int(by_cost.argmin())


def _squares(wrong: Floats) -> Floats:
    return np.nansum(wrong * wrong, axis=(1, 2))
