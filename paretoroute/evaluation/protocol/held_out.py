"""Outcomes of all routers on all queries, each from the fit without the query's fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.evaluation.protocol.gains import Judged
from paretoroute.evaluation.protocol.outer_fold import FoldResult, KnobOutcomes, LeftOut
from paretoroute.evaluation.protocol.steps.cache import StepCache
from paretoroute.evaluation.protocol.steps.queue import Progress, Step
from paretoroute.evaluation.protocol.steps.run import run_steps
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import Router
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class HeldOutRouter:
    """A router's outcomes on all queries.

    Args:
        judged: on the queries of every fold.
        forecast: of routers that rest on one, ``(queries, points)`` tables; None for others.
        knobs: executed on all queries, of routers without a forecast; None for others.
    """

    judged: tuple[Judged, ...]
    forecast: Forecast | None = None
    knobs: KnobOutcomes | None = None


@dataclass(frozen=True)
class HeldOut:
    """Everything that a comparison computes of its routers: all figures and pictures follow from it.

    Args:
        study: the runs and their folds.
        routers: by name, in the order asked for; the default first, the oracle last.
        left_out: reasons by name of the routers that this log does not suit.
    """

    study: Study
    routers: dict[str, HeldOutRouter]
    left_out: dict[str, str]

    @property
    def rows(self) -> list[Mask]:
        """The queries of every fold, bool ``(queries,)`` each."""
        return _rows(self.study)

    def over_queries(self, name: str, value: Callable[[Judged], Floats]) -> Floats:
        """Join a router's values of all folds, whose first axis are the queries, in their order: ``(queries, ...)``."""
        return _joined(self.rows, [value(judged) for judged in self.routers[name].judged])

    def cost_ratio(self, name: str) -> Floats:
        """Return realised over target mean cost, ``(folds, targets)``."""
        return np.array([judged.cost_ratio for judged in self.routers[name].judged])


def hold_out(
    study: Study,
    routers: Sequence[Router],
    *,
    jobs: int = 1,
    cache: StepCache | None = None,
    progress: Progress | None = None,
) -> HeldOut:
    """Fit every router without each fold and judge it on that fold; see `run_steps` for the arguments."""
    results = run_steps(study, routers, jobs=jobs, cache=cache, progress=progress or (lambda step: None))
    if cache is not None:
        cache.remove_old()
    return _joined_folds(study, [router.name for router in routers], results)


def _joined_folds(study: Study, names: Sequence[str], results: Mapping[Step, FoldResult | LeftOut]) -> HeldOut:
    """Join the results of all folds.

    A router that the training runs of some fold do not suit is left out of the whole comparison, for the reason of the
    first such fold.

    Args:
        study: the runs and their folds.
        names: of the routers, in their order.
        results: of every router at every fold, up to the first that leaves it out.
    """
    rows = _rows(study)
    routers, left_out = {}, {}
    for name in names:
        every = [results[step] for number in range(len(rows)) if (step := Step(number, name)) in results]
        reasons = [result.reason for result in every if isinstance(result, LeftOut)]
        if reasons:
            left_out[name] = reasons[0]
        else:
            routers[name] = _router(rows, [result for result in every if isinstance(result, FoldResult)])
    return HeldOut(study, routers, left_out)


def _router(rows: Sequence[Mask], results: Sequence[FoldResult]) -> HeldOutRouter:
    judged = tuple(result.judged for result in results)
    forecasts = [result.forecast for result in results if result.forecast is not None]
    if forecasts:
        quality, cost = (_joined(rows, [getattr(one, table) for one in forecasts]) for table in ("quality", "cost_usd"))
        return HeldOutRouter(judged, forecast=Forecast(quality, cost))
    knobs = [result.knobs for result in results if result.knobs is not None]
    strong = [one.strong_calls.T for one in knobs if one.strong_calls is not None]
    return HeldOutRouter(
        judged,
        knobs=KnobOutcomes(
            _joined(rows, [one.quality.T for one in knobs]).T,
            _joined(rows, [one.cost_usd.T for one in knobs]).T,
            _joined(rows, strong).T if len(strong) == len(knobs) else None,
        ),
    )


def _joined(rows: Sequence[Mask], parts: Sequence[Floats]) -> Floats:
    table = np.empty((len(rows[0]), *parts[0].shape[1:]))
    for mask, part in zip(rows, parts, strict=True):
        table[mask] = part
    return table


def _rows(study: Study) -> list[Mask]:
    return [study.fold == number for number in range(study.folds)]
