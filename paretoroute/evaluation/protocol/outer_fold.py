"""One fold of a comparison: fit a router on the other folds' queries, and judge it on this fold's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.protocol.gains import Judged, StaticPath, judge
from paretoroute.evaluation.protocol.knobs import executed, plans_for
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import Forecasts, NotApplicable, QueryBatch, Router, Strategies, Training
from paretoroute.evaluation.routers.data import fill_missing, prepared
from paretoroute.evaluation.routers.methods.pairs import HasPair
from paretoroute.evaluation.routers.plans import Answers, execute
from paretoroute.evaluation.tradeoff_curves import Outcomes
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class KnobOutcomes:
    """The strategies of all knobs, executed on some queries.

    Args:
        quality: ``(knobs, queries)``.
        cost_usd: of all calls, ``(knobs, queries)``.
        strong_calls: whether the strong of two points is called, ``(knobs, queries)``; None for routers without a pair.
    """

    quality: Floats
    cost_usd: Floats
    strong_calls: Floats | None = None


@dataclass(frozen=True)
class FoldResult:
    """A router's outcomes on the queries of one fold.

    Args:
        judged: its plans for the cost targets.
        forecast: of routers that rest on one, ``(queries, points)`` tables; None for others.
        knobs: of routers without a forecast; None for others.
    """

    judged: Judged
    forecast: Forecast | None = None
    knobs: KnobOutcomes | None = None


@dataclass(frozen=True)
class LeftOut:
    """A router that the log does not suit.

    Args:
        reason: a clause such as "the log has no score".
    """

    reason: str


@dataclass(frozen=True)
class OuterFold:
    """The training side of a fold, and the queries and answers that are held out.

    Args:
        study: the runs and their folds.
        number: of the fold, from 0.
    """

    study: Study
    number: int

    def judge(self, router: Router) -> FoldResult | LeftOut:
        """Fit a router on the training side and execute it on the held-out queries.

        Raises:
            ValueError: its forecast has another shape than the points.
        """
        training, batch = self._prepared
        try:
            strategies = router.fit(training)
            forecast = self._forecast(router.name, strategies) if isinstance(strategies, Forecasts) else None
            knobs = self._knob_outcomes(strategies) if forecast is None else None
            path = StaticPath.of(Outcomes(fill_missing(training.quality), fill_missing(training.cost_usd)))
            plans = plans_for(router, strategies, training, targets=path.targets, batch=batch)
        except NotApplicable as reason:
            return LeftOut(str(reason))
        test = Outcomes(self._answers.quality, self._answers.cost_usd)
        return FoldResult(judge([execute(plan, self._answers) for plan in plans], path, test), forecast, knobs)

    @property
    def _rows(self) -> Mask:
        return self.study.fold == self.number

    @cached_property
    def _prepared(self) -> tuple[Training, QueryBatch]:
        runs, rows = self.study.runs, self._rows
        return prepared(runs.select(~rows), runs.select(rows), self.study.grid, seed=self.study.seed)

    @cached_property
    def _answers(self) -> Answers:
        study, rows = self.study, self._rows
        return Answers(
            study.outcomes.quality[rows],
            study.outcomes.cost_usd[rows],
            None if np.isnan(study.score).all() else study.score[rows],
            None if np.isnan(study.latency_s).all() else study.latency_s[rows],
        )

    def _forecast(self, name: str, strategies: Forecasts) -> Forecast:
        forecast, shape = strategies.forecast(self._prepared[1]), self._answers.quality.shape
        if forecast.quality.shape != shape:
            raise ValueError(
                f"router {name!r} must forecast an array of shape {shape}, got {forecast.quality.shape}; correct it"
            )
        return Forecast(forecast.quality, np.broadcast_to(forecast.cost_usd, shape))

    def _knob_outcomes(self, strategies: Strategies) -> KnobOutcomes:
        done = executed(strategies, self._prepared[1], self._answers)
        strong = None
        if isinstance(strategies, HasPair):
            strong = np.stack([one.share[:, strategies.pair.strong] for one in done])
        return KnobOutcomes(np.stack([one.quality for one in done]), np.stack([one.cost_usd for one in done]), strong)
