"""Choose a router's knob for a cost target within the training queries, by an inner cross-validation.

The router is fitted on all inner folds but one, and every knob's strategy is executed on that one. The hull of mean
cost and mean quality over the knobs is what the router can promise; a target between two vertices is met by mixing
them. No test query takes part, and neither does the realised cost of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.metrics.cost_quality import hull
from paretoroute.evaluation.routers.base import QueryBatch, Router, SolvesForCost, Strategies, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.plans import Answers, Execution, Mixture, Plan, execute
from paretoroute.runs.folds import folds

INNER_FOLDS = 3


@dataclass(frozen=True)
class KnobCurve:
    """Out-of-fold means of every knob on the training queries, ``(knobs,)`` each."""

    cost_usd: Floats
    quality: Floats

    def choose(self, target_usd: float) -> KnobMixture:
        """Return the knobs that promise the most quality at a mean cost.

        Below the cheapest vertex the cheapest knob is returned, beyond the dearest vertex that one.
        """
        vertices = hull(self.cost_usd, self.quality)
        cost = self.cost_usd[vertices]
        above = int(np.clip(np.searchsorted(cost, target_usd), 0, len(cost) - 1))
        below = above if cost[above] <= target_usd or above == 0 else above - 1
        width = cost[above] - cost[below]
        share = float(np.clip((target_usd - cost[below]) / width, 0.0, 1.0)) if width > 0 else 0.0
        return KnobMixture(int(vertices[below]), int(vertices[above]), share)


@dataclass(frozen=True)
class KnobMixture:
    """Two knobs, by position, and the probability of the dearer one."""

    cheap: int
    dear: int
    share: float

    def plan(self, strategies: Strategies, batch: QueryBatch) -> Plan:
        """Mix the plans of the two knobs."""
        cheap = strategies.at(float(strategies.knobs[self.cheap])).plan(batch)
        if self.share == 0 or self.cheap == self.dear:
            return cheap
        dear = strategies.at(float(strategies.knobs[self.dear])).plan(batch)
        return Mixture((cheap, dear), (1 - self.share, self.share))


def answers_of(training: Training, rows: Mask | None = None) -> Answers:
    """Return the logged answers of training queries, with their point's mean where nothing was logged.

    Args:
        training: the queries.
        rows: which of them, bool ``(queries,)``; None: all.
    """
    kept = np.ones(len(training.features), dtype=bool) if rows is None else rows
    tables = (fill_missing(training.quality), fill_missing(training.cost_usd))
    score = fill_missing(training.score) if not np.isnan(training.score).all() else None
    return Answers(tables[0][kept], tables[1][kept], None if score is None else score[kept])


def part_of(training: Training, rows: Mask) -> Training:
    """Return some of the training queries, bool ``(queries,)``, with the features of all of them."""
    return replace(
        training,
        runs=training.runs.select(rows),
        features=training.features[rows],
        quality=training.quality[rows],
        cost_usd=training.cost_usd[rows],
        trials=training.trials[rows],
        score=training.score[rows],
        groups=tuple(group for group, kept in zip(training.groups, rows, strict=True) if kept),
    )


def batch_of(training: Training, rows: Mask) -> QueryBatch:
    """Return some of the training queries, bool ``(queries,)``, without their outcomes."""
    runs = training.runs.select(rows)
    return QueryBatch(runs.texts, runs.tags, runs.query_ids, training.features[rows], runs.embeddings)


def knob_curve(router: Router, training: Training, *, inner_folds: int = INNER_FOLDS) -> KnobCurve:
    """Execute every knob out of fold on the training queries.

    Args:
        router: refitted without each inner fold.
        training: the queries of the outer training side.
        inner_folds: at least 2; with too few groups to split, the queries are judged by a fit on all of them.

    Raises:
        ValueError: the router offers more knobs on one inner fold than on another.
    """
    fold = folds(training.groups, inner_folds, seed=training.seed)
    quality, cost = [], []
    for number in np.unique(fold):
        held_out = fold == number
        learned = training if held_out.all() else part_of(training, ~held_out)
        batch, answers = batch_of(training, held_out), answers_of(training, held_out)
        done = executed(router.fit(learned), batch, answers)
        quality.append([one.quality.sum() for one in done])
        cost.append([one.cost_usd.sum() for one in done])
    if len({len(means) for means in cost}) > 1:
        raise ValueError(f"router {router.name!r} must offer as many knobs on every fold, got {[len(c) for c in cost]}")
    queries = len(fold)
    return KnobCurve(np.sum(cost, axis=0) / queries, np.sum(quality, axis=0) / queries)


def executed(strategies: Strategies, batch: QueryBatch, answers: Answers) -> list[Execution]:
    """Execute the strategy of every knob."""
    return [execute(strategies.at(float(knob)).plan(batch), answers) for knob in strategies.knobs]


def plans_for(
    router: Router, strategies: Strategies, training: Training, *, targets: Floats, batch: QueryBatch
) -> list[Plan]:
    """Return the router's plan for every cost target, chosen on the training side.

    A router that solves for a mean cost itself does so; the knobs of all others are chosen by :func:`knob_curve`.

    Args:
        router: to refit on inner folds.
        strategies: of the router, fitted on all of the training queries.
        training: the training side.
        targets: mean costs in USD, ``(targets,)``.
        batch: the test queries.
    """
    if isinstance(strategies, SolvesForCost):
        return [strategies.within(float(target)).plan(batch) for target in targets]
    curve = knob_curve(router, training)
    return [curve.choose(float(target)).plan(strategies, batch) for target in targets]
