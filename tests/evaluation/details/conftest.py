"""A comparison of quick routers on a log whose truth is known, and its realised outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from paretoroute.evaluation.details.curves import Realised
from paretoroute.evaluation.protocol.held_out import HeldOut, hold_out
from paretoroute.evaluation.protocol.study import Study, study_of
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.static_mixture import StaticMixture
from paretoroute.evaluation.routers.tag import Tag
from tests.synthetic_log import make_runs


@dataclass(frozen=True)
class Compared:
    """A study and the outcomes of ``static``, which stands in for the default, ``tag`` and the oracle."""

    study: Study
    held_out: HeldOut
    realised: dict[str, Realised]


@pytest.fixture(scope="session")
def compared() -> Compared:
    """300 queries of three kinds that want different points, so that knowing the tag pays; a tenth is missing."""
    study = study_of(make_runs(queries=300, holes=0.1), None, None, folds=3, seed=0)
    routers = (StaticMixture(), Tag(), Oracle(study.runs, study.grid))
    held_out = hold_out(study, routers)
    return Compared(study, held_out, {name: Realised.of(held_out, name) for name in held_out.routers})


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(0)
