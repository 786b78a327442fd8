"""Choose a router's one setting within the training runs, by cross-validation over their groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.routers.base import Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.runs.folds import folds

FOLDS = 5


@dataclass(frozen=True)
class Candidates:
    """Forecasts under every setting, ``(settings, rows, points)`` each."""

    quality: Floats
    cost_usd: Floats


@dataclass(frozen=True)
class BestSettings:
    """Index of the setting with the least squared error, of quality and of cost."""

    quality: int
    cost_usd: int


def best_settings(training: Training, forecast: Callable[[Mask, Mask], Candidates]) -> BestSettings:
    """Choose the settings that forecast held-out training queries best.

    The error of a cost is relative to the mean cost of its point. The first of equally good settings wins, and the
    first of all where the queries cannot be split.

    Args:
        training: to split into folds.
        forecast: from the rows to learn from and the rows to forecast, bool ``(queries,)`` each.
    """
    fold = folds(training.groups, FOLDS, seed=training.seed)
    scale = np.maximum(fill_missing(training.cost_usd).mean(0), np.finfo(float).tiny)
    quality_errors, cost_errors = [], []
    for number in np.unique(fold):
        held_out = fold == number
        if held_out.all():
            break
        candidates = forecast(~held_out, held_out)
        quality_errors.append(_squares(candidates.quality - training.quality[held_out]))
        cost_errors.append(_squares((candidates.cost_usd - training.cost_usd[held_out]) / scale))
    if not quality_errors:
        return BestSettings(0, 0)
    return BestSettings(int(np.sum(quality_errors, axis=0).argmin()), int(np.sum(cost_errors, axis=0).argmin()))


def _squares(error: Floats) -> Floats:
    return np.nansum(error * error, axis=(1, 2))


def out_of_fold(training: Training, forecast: Callable[[Mask, Mask], Floats], *, columns: int) -> Floats:
    """Forecast every training query from the folds that it is not in, ``(queries, columns)``.

    Where the queries cannot be split, they are forecast from themselves.

    Args:
        training: to split into folds.
        forecast: from the rows to learn from and the rows to forecast, bool ``(queries,)`` each.
        columns: of a forecast.
    """
    fold = folds(training.groups, FOLDS, seed=training.seed)
    values = np.empty((len(fold), columns))
    for number in np.unique(fold):
        held_out = fold == number
        values[held_out] = forecast(held_out if held_out.all() else ~held_out, held_out)
    return values
