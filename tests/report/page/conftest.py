"""Pages of a comparison with plain and with hostile names, and the log that they name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from paretoroute import report
from paretoroute.grid import Budget, Point
from paretoroute.runs.table import Runs
from tests.report.comparisons import comparison, hostile

BUDGETS = (("basso", "low"), ("basso", "high"), ("tenor", "low"))


def runs() -> Runs:
    points = [Point(model, Budget("effort", label)) for model, label in BUDGETS]
    return cast(Any, SimpleNamespace(points=points, set_aside=()))


@pytest.fixture(scope="session")
def plain_page() -> str:
    return report.comparison_to_html(comparison(), runs())


@pytest.fixture(scope="session")
def hostile_page() -> str:
    return report.comparison_to_html(hostile(), runs())
