"""FrugalGPT's cascade (Chen, Zaharia and Zou, 2023, arXiv:2305.05176).

Models k_1..k_L are called in order until an answer is accepted: stage j accepts if 1 - s < delta_j, where s is a score
of the answer in [0, 1], and the last stage always accepts. All calls are paid. Order and thresholds solve

    max mean quality of the accepted answers   s.t.  mean cost <= budget

over the ordered choices of L models and all thresholds. The search here is exact, or over ``cuts`` thresholds a stage.
The authors' code searches quantiles on a grid and does not let the last stage accept a score of 0 while it fits
(``code=True``), so such rows count as wrong and free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices

CODE_GRID = 40
CODE_EDGE = 1e-5  # the code's quantiles lie in [1e-5, 1 - 1e-5]


@dataclass(frozen=True)
class Stages:
    """Outcomes of the stages of one order, ``(queries, stages)`` each.

    Args:
        quality: of the stage's answer.
        cost_usd: of the stage's call alone.
        distance: 1 - score of the stage's answer.
    """

    quality: Floats
    cost_usd: Floats
    distance: Floats

    def at(self, order: Sequence[int]) -> Stages:
        """Return the stages in an order of models; the columns are the models'."""
        columns = list(order)
        return Stages(self.quality[:, columns], self.cost_usd[:, columns], self.distance[:, columns])


@dataclass(frozen=True)
class Cascade:
    """An order of models with thresholds.

    Args:
        order: models, in the order of their calls.
        thresholds: delta of every stage; the last accepts whatever its threshold.
        quality: mean on the rows it was fitted on.
        cost_usd: mean on the rows it was fitted on.
    """

    order: tuple[int, ...]
    thresholds: Floats
    quality: float
    cost_usd: float


def stages_called(distance: Floats, thresholds: Floats) -> NDArray[np.intp]:
    """Return how many stages every query calls: to the first with distance < delta, else all, ``(queries,)``."""
    accepts = distance < np.asarray(thresholds)
    accepts[:, -1] = True
    return accepts.argmax(1) + 1


@dataclass(frozen=True)
class Applied:
    """A cascade's outcome for every query, ``(queries,)`` each: stages called, quality, and summed cost."""

    called: Indices
    quality: Floats
    cost_usd: Floats


def apply(stages: Stages, thresholds: Floats) -> Applied:
    """Run the stages, in their order, on every query."""
    called = stages_called(stages.distance, thresholds)
    rows = np.arange(len(called))
    return Applied(called, stages.quality[rows, called - 1], np.cumsum(stages.cost_usd, axis=1)[rows, called - 1])


def objective(stages: Stages, thresholds: Floats) -> tuple[float, float]:
    """Return mean quality and cost as the code's fit counts them: rows that no stage accepts are wrong and free."""
    accepts = stages.distance < np.asarray(thresholds)
    called, is_accepted = accepts.argmax(1), accepts.any(1)
    rows = np.arange(len(called))
    quality, cost = stages.quality[rows, called], np.cumsum(stages.cost_usd, axis=1)[rows, called]
    return float(np.where(is_accepted, quality, 0).mean()), float(np.where(is_accepted, cost, 0).mean())


def thresholds_at(distance: Floats, quantiles: Sequence[float]) -> Floats:
    """Return the code's thresholds: delta_j is the (1 - q_j)-quantile of 1 - s_j among rows not yet accepted.

    Args:
        distance: ``(queries, stages)``.
        quantiles: one per stage but the last, whose threshold is 1.

    Returns:
        ``(stages,)``; 1 also where no row is left.
    """
    left, thresholds = np.ones(len(distance), dtype=bool), []
    for stage, q in enumerate(quantiles):
        column = distance[left, stage]
        thresholds.append(float(np.quantile(column, 1 - q)) if len(column) else 1.0)
        left &= distance[:, stage] >= thresholds[-1]
    return np.array([*thresholds, 1.0])


def fit(
    models: Stages,
    budget_usd: float,
    *,
    depth: int,
    orders: Iterable[Sequence[int]] | None = None,
    cuts: int | None = None,
    code: bool = False,
) -> Cascade | None:
    """Return the best cascade within a budget, the first order of equals; None if none is within it.

    Args:
        models: outcomes of every model, with the models as columns.
        budget_usd: greatest mean cost per query.
        depth: number of stages, L.
        orders: to search; None: all ordered choices of ``depth`` models.
        cuts: thresholds to try per stage, at evenly spaced ranks of its distances; None: all distinct ones.
        code: count rows without acceptance as the authors' fit does.
    """
    return fit_each(models, [budget_usd], depth=depth, orders=orders, cuts=cuts, code=code)[0]


def fit_each(
    models: Stages,
    budgets_usd: Sequence[float],
    *,
    depth: int,
    orders: Iterable[Sequence[int]] | None = None,
    cuts: int | None = None,
    code: bool = False,
) -> list[Cascade | None]:
    """Return the best cascade within each of several budgets, from one search; for the arguments see :func:`fit`."""
    best: list[Cascade | None] = [None] * len(budgets_usd)
    for order in orders or permutations(range(models.quality.shape[1]), depth):
        tried = _tried(models.at(order), cuts=cuts, code=code)
        for k, budget in enumerate(budgets_usd):
            cascade = tried.best(tuple(order), budget)
            before = best[k]
            if cascade is not None and (before is None or cascade.quality > before.quality + 1e-12):
                best[k] = cascade
    return best


@dataclass(frozen=True)
class _Tried:
    """Mean quality and cost of every combination of thresholds, and the thresholds of each stage but the last."""

    quality: Floats
    cost_usd: Floats
    choices: list[Floats]

    def best(self, order: tuple[int, ...], budget_usd: float) -> Cascade | None:
        """Return the greatest quality within a budget, then the least cost."""
        allowed = np.flatnonzero(self.cost_usd <= budget_usd * (1 + 1e-12))
        if not len(allowed):
            return None
        k = int(allowed[np.lexsort((self.cost_usd[allowed], -self.quality[allowed].round(12)))[0]])
        place = np.unravel_index(k, [len(c) for c in self.choices]) if self.choices else ()
        thresholds = [float(c[i]) for c, i in zip(self.choices, place, strict=True)]
        return Cascade(order, np.array([*thresholds, 1.0]), float(self.quality[k]), float(self.cost_usd[k]))


def _tried(stages: Stages, *, cuts: int | None, code: bool) -> _Tried:
    """Evaluate every combination of thresholds of one order, from the last stage to the first."""
    count = stages.quality.shape[1]
    last = stages.distance[:, -1] < 1 if code else np.ones(len(stages.quality), dtype=bool)
    quality = np.where(last, stages.quality[:, -1], 0.0)[None]
    cost = np.where(last, stages.cost_usd[:, -1], 0.0)[None]
    refund = np.where(last, 0.0, 1.0)[None]  # whoever passes all stages unaccepted pays for none of them
    choices: list[Floats] = []
    for stage in range(count - 2, -1, -1):
        candidates = _candidates(stages.distance[:, stage], cuts)
        accepts = stages.distance[:, stage] < candidates[:, None]
        own_cost = stages.cost_usd[:, stage]
        quality = _combine(accepts, stages.quality[:, stage], quality)
        cost = _combine(accepts, own_cost, cost + own_cost * (1 - refund))
        refund = _combine(accepts, np.zeros(len(own_cost)), refund)
        choices.insert(0, candidates)
    return _Tried(quality.mean(1), cost.mean(1), choices)


def _combine(accepts: NDArray[np.bool_], own: Floats, later: Floats) -> Floats:
    """Return each query's value under every combination of a threshold here and thresholds later.

    Args:
        accepts: by threshold, ``(thresholds, queries)``.
        own: value on acceptance, ``(queries,)``.
        later: value on rejection, ``(combinations, queries)``.

    Returns:
        ``(thresholds * combinations, queries)``.
    """
    table = np.where(accepts[:, None], own, later[None])
    return table.reshape(-1, table.shape[-1])


def _candidates(distance: Floats, cuts: int | None) -> Floats:
    """Return thresholds that split the distinct distances in every way, or at ``cuts`` evenly spaced ranks."""
    values = np.unique(distance)
    middles = (values[1:] + values[:-1]) / 2
    every = np.concatenate([values[:1], middles, [np.nextafter(values[-1], np.inf)]])
    if cuts is None or len(every) <= cuts:
        return every
    ranks = np.searchsorted(values, np.quantile(distance, np.linspace(0, 1, cuts), method="lower"))
    return every[np.unique(np.append(ranks[:-1], len(every) - 1))]


def code_fit(models: Stages, budget_usd: float, *, depth: int, grid: int = CODE_GRID) -> Cascade | None:
    """Return the best cascade on the code's grid of non-decreasing quantiles, without its local refinement."""
    points = np.linspace(CODE_EDGE, 1 - CODE_EDGE, grid)
    best: Cascade | None = None
    for order in permutations(range(models.quality.shape[1]), depth):
        stages = models.at(order)
        for place in np.ndindex(*[grid] * (depth - 1)):
            if any(a > b for a, b in zip(place, place[1:], strict=False)):
                continue
            thresholds = thresholds_at(stages.distance, points[list(place)].tolist())
            quality, cost = objective(stages, thresholds)
            if cost <= budget_usd and (best is None or quality > best.quality + 1e-12):
                best = Cascade(tuple(order), thresholds, quality, cost)
    return best
