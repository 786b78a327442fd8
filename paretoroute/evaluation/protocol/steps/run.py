"""Do all steps of a comparison, in this process or in workers, and keep each in a cache as soon as it is done."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing

from paretoroute.evaluation.protocol.outer_fold import FoldResult, LeftOut, OuterFold
from paretoroute.evaluation.protocol.steps.cache import StepCache
from paretoroute.evaluation.protocol.steps.keys import sources_are_unchanged, step_keys
from paretoroute.evaluation.protocol.steps.queue import Progress, Step, StepQueue
from paretoroute.evaluation.protocol.steps.workers import in_workers
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import Router

Results = dict[Step, FoldResult | LeftOut]


def run_steps(
    study: Study, routers: Sequence[Router], *, jobs: int, cache: StepCache | None, progress: Progress
) -> Results:
    """Judge every router on every fold.

    Results do not depend on which steps the cache holds, nor on the number of jobs but for rounding: in this process,
    linear algebra has the threads with which it was loaded; in workers, one, unless the user has set another number. A
    router that a fold leaves out is not judged on later folds.

    Args:
        study: the runs and their folds.
        routers: of distinct names.
        jobs: 1: in this process; more: in that many worker processes.
        cache: of finished steps; None: keep none.
        progress: called before every step.

    Raises:
        ParetorouteError: a router cannot be fitted or sent to a worker process, or a worker process has died.
    """
    by_name = {router.name: router for router in routers}
    steps = [Step(fold, name) for fold in range(study.folds) for name in by_name]
    keys = step_keys(study, routers) if cache is not None else {}
    results = _kept(study, cache, keys)
    waiting = [step for step in steps if step not in results]
    workers = min(jobs, len(waiting)) if jobs > 1 else 0  # also for the last step: workers have other threads
    queue = StepQueue(waiting, folds=study.folds, done=len(results), jobs=max(workers, 1), progress=progress)
    for step, result in results.items():
        if isinstance(result, LeftOut):
            queue.leave_out(step)
    with closing(in_workers(study, routers, queue, jobs=workers) if workers else _here(study, by_name, queue)) as done:
        for step, result in done:
            results[step] = result
            if cache is not None and step in keys and sources_are_unchanged():
                cache.store(keys[step], result)
            if isinstance(result, LeftOut):
                queue.leave_out(step)
    return results


def _kept(study: Study, cache: StepCache | None, keys: Mapping[Step, str]) -> Results:
    """Load the steps that the cache holds."""
    results: Results = {}
    if cache is None:
        return results
    points = len(study.grid.points)
    for step, key in keys.items():
        result = cache.load(key, queries=int((study.fold == step.fold).sum()), points=points)
        if result is not None:
            results[step] = result
    return results


def _here(
    study: Study, routers: Mapping[str, Router], queue: StepQueue
) -> Generator[tuple[Step, FoldResult | LeftOut], None, None]:
    """Do the steps of a queue one after another."""
    fold = OuterFold(study, 0)
    while (step := queue.start()) is not None:
        if step.fold != fold.number:
            fold = OuterFold(study, step.fold)
        result = fold.judge(routers[step.router])
        queue.finish(step)
        yield step, result
