"""Names and order of budgets as the columns of a surface."""

from __future__ import annotations

from collections.abc import Iterable

from paretoroute.grid import Budget


def budget_columns(budgets: Iterable[Budget]) -> dict[tuple[str, str], str]:
    """Name budgets by kind and label, less compute first within a kind.

    The label alone is the name where all budgets are of one kind. No two names are equal.

    Example:
        >>> list(budget_columns([Budget("effort", "high"), Budget("effort", "low")]).values())
        ['low', 'high']
        >>> list(budget_columns([Budget("samples", "4", 4), Budget("effort", "low")]).values())
        ['effort low', 'samples 4']
    """
    distinct = {(budget.kind, budget.label): budget for budget in budgets}
    ordered = sorted(distinct, key=lambda key: (key[0], distinct[key].order))
    several = len({kind for kind, _ in ordered}) > 1
    names = [f"{kind} {label}" if several else label for kind, label in ordered]
    if len(set(names)) < len(names):
        names = [f"{kind!r} {label!r}" for kind, label in ordered]
    return dict(zip(ordered, names, strict=True))
