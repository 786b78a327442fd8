"""Shared inputs of the routers' tests."""

import numpy as np
import pytest

from paretoroute.evaluation.routers.base import QueryBatch, Training
from paretoroute.evaluation.routers.data import prepared
from tests.evaluation.routers.held_out import split
from tests.synthetic_log import make_runs


@pytest.fixture(scope="session")
def prepared_runs() -> tuple[Training, QueryBatch]:
    """180 queries to learn from and 60 to forecast, a fifth of the cells missing."""
    return prepared(*split(make_runs(holes=0.2)), seed=0)


@pytest.fixture
def table():
    """Features, values with missing cells, and features of other queries."""
    chance = np.random.default_rng(5)
    values = chance.random((80, 4))
    values[chance.random((80, 4)) < 0.3] = np.nan
    return chance.standard_normal((80, 6)), values, chance.standard_normal((15, 6))
