"""Routers that count, fail, leave themselves out, or end their process; at the top of a module for worker processes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from paretoroute.errors import RunsError
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import NotApplicable, Strategies, Training
from paretoroute.evaluation.routers.random_share import RandomShare
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.evaluation.routers.tag import Tag

QUICK = (StaticMixture(), Tag(), RandomShare())


def others_than(study: Study, fold: int) -> tuple[str, ...]:
    """Return a query of each fold but one."""
    return tuple(study.runs.query_ids[(study.fold == other).argmax()] for other in range(study.folds) if other != fold)


@dataclass(frozen=True)
class Picky:
    """Is left out at the fold whose training side holds all of some queries: one of each other fold."""

    query_ids: tuple[str, ...]
    name: str = "picky"

    def fit(self, training: Training) -> Strategies:
        if set(self.query_ids) <= set(training.runs.query_ids):
            raise NotApplicable(f"{self.query_ids[0]} is there")
        return Tag().fit(training)


@dataclass(frozen=True)
class Failing:
    """Cannot be fitted at that fold."""

    query_ids: tuple[str, ...]
    name: str = "failing"

    def fit(self, training: Training) -> Strategies:
        if set(self.query_ids) <= set(training.runs.query_ids):
            raise RunsError(f"{self.query_ids[0]} is there")
        return Tag().fit(training)


@dataclass(frozen=True)
class Dying:
    """Ends its process."""

    name: str = "dying"

    def fit(self, training: Training) -> Strategies:
        os._exit(7)


@dataclass(frozen=True)
class Stopping:
    """Is interrupted at its n-th fit, as by Ctrl-C."""

    at: int
    fits: list[int] = field(default_factory=list)
    name: str = "stopping"

    def fit(self, training: Training) -> Strategies:
        self.fits.append(len(training.runs))
        if len(self.fits) == self.at:
            raise KeyboardInterrupt
        return Tag().fit(training)


@dataclass(frozen=True)
class Counting:
    """Cannot be fitted: its error says how many threads its process was told to use."""

    name: str = "counting"

    def fit(self, training: Training) -> Strategies:
        raise RunsError(f"threads: {os.environ.get('MKL_NUM_THREADS')}")
