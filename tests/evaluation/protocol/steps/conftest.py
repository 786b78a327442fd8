"""A study of quick routers."""

import pytest

from paretoroute.evaluation.protocol.study import Study, study_of
from tests.synthetic_log import make_runs


@pytest.fixture(scope="session")
def study() -> Study:
    """90 queries of three kinds in three folds; a tenth of the outcomes is missing."""
    return study_of(make_runs(queries=90, holes=0.1), None, None, folds=3, seed=0)
