"""Compare routers on logged runs, every query judged by routers that never saw it.

Queries are dealt to folds, near-identical queries and conversations together. Each router is fitted on all folds but
one and forecasts that one. Two figures follow, in quality points of 100, with 90% intervals over queries:

- the fair gain: for each of eight cost targets the router's knob is chosen on the training side alone
  (:mod:`paretoroute.evaluation.protocol`), and its quality is compared with the static mixture of the training side at
  equal cost. The default solves its policy for each target
- the hindsight gain: the best cost-quality curve of the router's strategies on the test queries themselves, over the
  best mixture of single points at equal cost, averaged over costs from where single points reach 60% of their peak to
  the best single point's cost (:mod:`paretoroute.evaluation.tradeoff_curves`)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from paretoroute.errors import GridError, RunsError, TargetError, expect, expect_items, expect_seed, shown
from paretoroute.evaluation.comparison import Comparison
from paretoroute.evaluation.protocol.held_out import HeldOut, hold_out
from paretoroute.evaluation.protocol.steps.cache import StepCache
from paretoroute.evaluation.protocol.steps.queue import Progress
from paretoroute.evaluation.protocol.study import study_of
from paretoroute.evaluation.routers.base import Router
from paretoroute.evaluation.routers.kmeans import KMeans
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.routers.ridge import Ridge
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.evaluation.summary import summary_of
from paretoroute.grid import Grid, Price
from paretoroute.price import expect_prices
from paretoroute.runs.table import Runs

BASELINES: tuple[Router, ...] = (StaticMixture(), NearestNeighbours(), KMeans(), Ridge())


def compare(
    runs: Runs,
    *,
    routers: Sequence[Router] = BASELINES,
    grid: Grid | None = None,
    prices: Mapping[str, Price] | None = None,
    folds: int = 5,
    seed: int = 0,
    jobs: int = 1,
    cache: StepCache | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the default with other routers on logged runs.

    Outcomes that were not logged count as their point's mean, for all routers alike.

    Args:
        runs: as :func:`paretoroute.read_runs` returns them.
        routers: to compare with, each under its own name; the default and the oracle are always included.
        grid: points to choose from; None: all of the log.
        prices: token prices by model, in USD per million tokens.
        folds: at least 2; each costs a fit of every router.
        seed: same runs and seed, same comparison.
        jobs: number of worker processes; 1: none. The figures do not depend on it. Workers import the main module of
            the program again, so that a script has to start under ``if __name__ == "__main__"``.
        cache: folder for the results of single folds and routers. A comparison that was interrupted goes on from there,
            and another one of the same runs computes only routers that are new. None: keep nothing.
        progress: called with a short description before every step.

    Raises:
        RunsError: there is nothing to choose between, or too few queries for so many folds.
        GridError: no point has a known cost.
        TargetError: a router or the number of jobs is of a wrong kind.
    """
    held_out = judge_routers(
        runs,
        routers=routers,
        grid=grid,
        prices=prices,
        folds=folds,
        seed=seed,
        jobs=jobs,
        cache=cache,
        progress=progress,
    )
    return summary_of(held_out)


def judge_routers(
    runs: Runs,
    *,
    routers: Sequence[Router] = BASELINES,
    grid: Grid | None = None,
    prices: Mapping[str, Price] | None = None,
    folds: int = 5,
    seed: int = 0,
    jobs: int = 1,
    cache: StepCache | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> HeldOut:
    """Fit and judge the default, routers and the oracle on every fold: all that figures and pictures rest on.

    The arguments and errors are those of :func:`compare`.
    """
    expect("the log", runs, Runs, RunsError)
    expect_items("routers", routers, object, TargetError)
    expect("the grid", grid, (Grid, type(None)), GridError)
    expect_prices(prices)
    if isinstance(folds, bool) or not isinstance(folds, int):
        raise RunsError(f"folds must be a whole number of at least 2, got {shown(folds)}")
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise TargetError(f"jobs must be a whole number of at least 1, got {shown(jobs)}")
    expect("the cache", cache, (StepCache, str, os.PathLike, type(None)), TargetError)
    expect_seed(seed, TargetError)
    runs.require_choice()
    study = study_of(runs, grid, prices, folds=folds, seed=seed)
    contenders = (PolicyRouter(), *routers, Oracle(study.runs, study.grid))
    _require_distinct_names(contenders)
    kept = cache if cache is None or isinstance(cache, StepCache) else StepCache(cache)
    return hold_out(study, contenders, jobs=jobs, cache=kept, progress=progress)


def _require_distinct_names(routers: Sequence[Router]) -> None:
    for router in routers:
        if not (isinstance(getattr(router, "name", None), str) and callable(getattr(router, "fit", None))):
            raise TargetError(f"each of routers must have a name and a method fit, got {shown(router)}")
    names = [router.name for router in routers]
    if len(set(names)) < len(names):
        raise RunsError(f"two routers share a name; rename one of {', '.join(names)}")
