"""Columns of a surface: in the order of compute, and never two of one name."""

from paretoroute.evaluation.details.budgets import budget_columns
from paretoroute.grid import Budget


def test_budgets_stand_in_the_order_of_compute_and_name_their_kind_only_where_kinds_differ():
    efforts = [Budget("effort", label) for label in ("high", "low")]
    samples = [Budget("samples", str(n), float(n)) for n in (16, 4)]

    assert list(budget_columns(efforts).values()) == ["low", "high"]
    assert list(budget_columns([*efforts, *samples]).values()) == [
        "effort low", "effort high", "samples 4", "samples 16",
    ]  # fmt: skip


def test_names_that_would_be_equal_are_quoted():
    names = budget_columns([Budget("a", "b c"), Budget("a b", "c")])

    assert names == {("a", "b c"): "'a' 'b c'", ("a b", "c"): "'a b' 'c'"}
