"""Quality against the share of strong calls, and the figures of it with intervals over groups of queries.

A system ranks the queries of each fold by how much it wants the strong model there. The curve calls the strong model on
the first of all folds alike; among queries of equal rank it calls a random part, in expectation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from paretoroute.calibration.intervals import TAILS, Interval
from paretoroute.evaluation.metrics.strong_share import StrongShareCurve

SHARES = np.linspace(0.0, 1.0, 11)  # RouteLLM's curve has 10 equal steps
FIGURES = ("apgr", "cpt_50", "cpt_80")
DRAWS = 1000


@dataclass(frozen=True)
class PairOutcomes:
    """Logged quality of the two models, and the group of every query, ``(queries,)`` each.

    Args:
        weak: in [0, 1].
        strong: in [0, 1].
        groups: numbered from 0; queries of one group are resampled together.
    """

    weak: np.ndarray
    strong: np.ndarray
    groups: np.ndarray


def positions(score: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return each query's place within its fold by falling score, in (0, 1), ``(queries,)``; ties share their mean.

    Scores of different folds come from different fits, so that only their order within a fold is compared.
    """
    place = np.empty(len(score))
    for number in np.unique(fold):
        rows = fold == number
        place[rows] = (rankdata(-score[rows]) - 0.5) / rows.sum()
    return place


def share_curve(
    outcomes: PairOutcomes, place: np.ndarray, *, weight: np.ndarray | None = None, shares: np.ndarray | None = SHARES
) -> StrongShareCurve:
    """Call the strong model on the queries of the least places.

    Args:
        outcomes: of the two models.
        place: of every query, ``(queries,)``.
        weight: how often each query counts, ``(queries,)``; None: once.
        shares: of strong calls, rising, from 0 to 1; None: one per distinct place.
    """
    times = np.ones(len(place)) if weight is None else weight
    level = np.unique(place, return_inverse=True)[1].ravel()
    calls, gain = (np.bincount(level, times * value) for value in (1.0, outcomes.strong - outcomes.weak))
    share = np.concatenate([[0.0], calls.cumsum() / calls.sum()])
    quality = np.concatenate([[0.0], gain.cumsum()]) / calls.sum() + np.average(outcomes.weak, weights=times)
    if shares is not None:
        share, quality = shares, np.interp(shares, share, quality)
    return StrongShareCurve(share, quality, float(quality[0]), float(quality[-1]))


def figures_of(curve: StrongShareCurve) -> tuple[float, ...]:
    """Return APGR, CPT(50%) and CPT(80%); NaN where the strong model is no better."""
    values = (curve.apgr, curve.cpt(0.5), curve.cpt(0.8))
    return tuple(float("nan") if value is None else value for value in values)


def resampled_figures(
    outcomes: PairOutcomes, places: Mapping[str, np.ndarray], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, np.ndarray]:
    """Compute the figures of every system on the same resamples of groups, ``(draws, 3)`` each.

    Args:
        outcomes: of the two models.
        places: of the queries, by system; the fits are not repeated.
        draws: number of resamples.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    count = int(outcomes.groups.max()) + 1
    values = {name: np.empty((draws, len(FIGURES))) for name in places}
    for draw in range(draws):
        times = np.bincount(rng.integers(count, size=count), minlength=count)[outcomes.groups].astype(np.float64)
        for name, place in places.items():
            values[name][draw] = figures_of(share_curve(outcomes, place, weight=times))
    return values


def interval(value: float, draws: np.ndarray) -> Interval:
    """Return the percentile interval of resampled values, ``(draws,)``, at 90%."""
    low, high = np.quantile(draws, TAILS)
    return Interval(value, float(low), float(high))
