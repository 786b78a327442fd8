"""Fit every router without each fold, and judge it on that fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.protocol.gains import Judged, StaticPath, judge
from paretoroute.evaluation.protocol.knobs import executed, plans_for
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import Forecasts, NotApplicable, QueryBatch, Router, Training
from paretoroute.evaluation.routers.data import fill_missing, prepared
from paretoroute.evaluation.routers.methods.pairs import HasPair
from paretoroute.evaluation.routers.plans import Answers, execute
from paretoroute.evaluation.tradeoff_curves import Outcomes
from paretoroute.forecast import Forecast

Progress = Callable[[str], None]


@dataclass
class HeldOutRouter:
    """A router's outcomes on all queries, each from the fit without its fold.

    Args:
        forecast: of routers that rest on one, ``(queries, points)`` tables; None for others.
        knob_quality: of every knob's strategy, ``(knobs, queries)``; None for routers with a forecast.
        knob_cost_usd: likewise.
        strong_calls: whether the strong of two points is called, likewise; None for routers without a pair.
        judged: on the queries of every fold.
    """

    forecast: Forecast | None = None
    knob_quality: Floats | None = None
    knob_cost_usd: Floats | None = None
    strong_calls: Floats | None = None
    judged: list[Judged] = field(default_factory=list)


@dataclass
class HeldOut:
    """Outcomes of all routers.

    Args:
        routers: by name, in the order asked for.
        left_out: reasons by name of the routers that this log does not suit.
        rows: of every fold, bool ``(queries,)``.
    """

    routers: dict[str, HeldOutRouter]
    left_out: dict[str, str] = field(default_factory=dict)
    rows: list[Mask] = field(default_factory=list)

    def over_queries(self, name: str, value: Callable[[Judged], Floats]) -> Floats:
        """Join a router's values of all folds, whose first axis are the queries, in their order: ``(queries, ...)``."""
        parts = [value(judged) for judged in self.routers[name].judged]
        table = np.empty((len(self.rows[0]), *parts[0].shape[1:]))
        for rows, part in zip(self.rows, parts, strict=True):
            table[rows] = part
        return table

    def cost_ratio(self, name: str) -> Floats:
        """Return realised over target mean cost, ``(folds, targets)``."""
        return np.array([judged.cost_ratio for judged in self.routers[name].judged])


def hold_out(study: Study, routers: Sequence[Router], progress: Progress) -> HeldOut:
    """Fit every router without each fold, forecast or execute that fold, and judge plans for the cost targets.

    A router that some fold's training runs do not suit is left out of the whole comparison.
    """
    held_out = HeldOut({router.name: HeldOutRouter() for router in routers})
    folds = int(study.fold.max()) + 1
    for number in range(folds):
        rows = study.fold == number
        held_out.rows.append(rows)
        training, batch = prepared(study.runs.select(~rows), study.runs.select(rows), study.grid, seed=study.seed)
        fold = _Fold(study, rows, training, batch)
        for router in routers:
            if router.name in held_out.left_out:
                continue
            progress(f"fold {number + 1} of {folds}: {router.name}")
            try:
                fold.add(router, held_out.routers[router.name])
            except NotApplicable as reason:
                held_out.left_out[router.name] = str(reason)
                del held_out.routers[router.name]
    return held_out


@dataclass(frozen=True)
class _Fold:
    """One outer fold: its training side, and the queries and answers that are held out."""

    study: Study
    rows: Mask
    training: Training
    batch: QueryBatch

    def add(self, router: Router, result: HeldOutRouter) -> None:
        """Fit a router and add its outcomes on this fold to its result.

        Raises:
            NotApplicable: the log lacks what the router needs.
            ValueError: its forecast has another shape than the points.
        """
        strategies = router.fit(self.training)
        queries, points = self.study.outcomes.quality.shape
        if isinstance(strategies, Forecasts):
            forecast = strategies.forecast(self.batch)
            _check_shape(forecast, router.name, (int(self.rows.sum()), points))
            if result.forecast is None:
                result.forecast = Forecast(np.zeros((queries, points)), np.zeros((queries, points)))
            result.forecast.quality[self.rows] = forecast.quality
            result.forecast.cost_usd[self.rows] = forecast.cost_usd
        else:
            done = executed(strategies, self.batch, self.answers)
            if result.knob_quality is None or result.knob_cost_usd is None:
                result.knob_quality, result.knob_cost_usd = (np.zeros((len(done), queries)) for _ in range(2))
            result.knob_quality[:, self.rows] = [one.quality for one in done]
            result.knob_cost_usd[:, self.rows] = [one.cost_usd for one in done]
            if isinstance(strategies, HasPair):
                if result.strong_calls is None:
                    result.strong_calls = np.zeros((len(done), queries))
                result.strong_calls[:, self.rows] = [one.share[:, strategies.pair.strong] for one in done]
        train = Outcomes(fill_missing(self.training.quality), fill_missing(self.training.cost_usd))
        path = StaticPath.of(train)
        plans = plans_for(router, strategies, self.training, targets=path.targets, batch=self.batch)
        test = Outcomes(self.answers.quality, self.answers.cost_usd)
        result.judged.append(judge([execute(plan, self.answers) for plan in plans], path, test))

    @property
    def answers(self) -> Answers:
        """The answers that are held out."""
        study = self.study
        return Answers(
            study.outcomes.quality[self.rows],
            study.outcomes.cost_usd[self.rows],
            None if np.isnan(study.score).all() else study.score[self.rows],
            None if np.isnan(study.latency_s).all() else study.latency_s[self.rows],
        )


def _check_shape(forecast: Forecast, router: str, shape: tuple[int, int]) -> None:
    if forecast.quality.shape != shape:
        raise ValueError(f"router {router!r} must forecast an array of shape {shape}, got {forecast.quality.shape}")
