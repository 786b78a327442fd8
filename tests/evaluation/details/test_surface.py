"""The logged surface: means of logged cells alone, overall and by kind."""

import numpy as np
import pytest

from paretoroute.evaluation.details.kinds import kinds_of
from paretoroute.evaluation.details.surface import budget_columns, surface_of
from paretoroute.grid import Budget, Grid, Point


def test_every_part_averages_its_logged_cells(compared):
    runs = compared.study.runs

    surface = surface_of(compared.study, kinds_of(runs))

    assert [part.tag for part in surface.parts] == [None, "code", "law", "poem"]
    assert (surface.models, surface.budgets) == (("basso", "tenor"), ("low", "high"))
    tags = np.array(runs.tags)
    for part in surface.parts:
        for j, point in enumerate(surface.points):
            rows = (runs.point == j) & ((tags[runs.query] == part.tag) | (part.tag is None))
            interval = part.quality[j]
            assert interval is not None and interval.value == pytest.approx(runs.quality[rows].mean()), point.name
            assert part.cost_usd[j] == pytest.approx(runs.cost_usd[rows].mean())
            assert interval.low < interval.value < interval.high
    assert [part.queries for part in surface.parts] == [300, 100, 100, 100]


def test_budgets_stand_in_the_order_of_compute_and_name_their_kind_only_where_kinds_differ():
    efforts = [Point("a", Budget("effort", label)) for label in ("high", "low")]
    samples = [Point("b", Budget("samples", str(n), float(n))) for n in (16, 4)]

    assert list(budget_columns(Grid(tuple(efforts))).values()) == ["low", "high"]
    assert list(budget_columns(Grid((*efforts, *samples))).values()) == [
        "effort low", "effort high", "samples 4", "samples 16",
    ]  # fmt: skip
