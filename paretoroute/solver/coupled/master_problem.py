"""The small linear programme that mixes choices: as good as possible, with every row kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

ROUNDING = 1e-10  # the least tolerance that HiGHS takes
KEPT = 1e-9  # a row exceeded by less than this share of its scale is kept: the linear programmes know no better


@dataclass(frozen=True)
class MasterSolution:
    """How choices are mixed.

    Args:
        weight: of each column; those of one group add up to 1, ``(columns,)``.
        value: of the mixture.
        prices: of the rows, ``(rows,)``, not negative.
        convexity_dual: value of a unit of each group's weight, at the prices, ``(groups,)``.
        violation: by how much each row is exceeded, ``(rows,)``.
        slack: how much of each row is paid for and not used, ``(rows,)``.
    """

    weight: Floats
    value: float
    prices: Floats
    convexity_dual: Floats
    violation: Floats
    slack: Floats


def solve_master(
    value: Floats, use: Floats, group: NDArray[np.intp], rhs: Floats, *, low: Floats, high: Floats
) -> MasterSolution:
    """Find the weights with the highest value that keep every row.

    All figures should be of the order of 1. A row whose price is bounded may be exceeded, at ``high`` for a unit, and
    what is left of it is paid for, at ``low``: so the prices stay within their bounds.

    Args:
        value: of each column, ``(columns,)``.
        use: what each column adds to each row, ``(columns, rows)``.
        group: which columns share a weight of 1, numbered from 0 without holes, ``(columns,)``.
        rhs: what each row may add up to, ``(rows,)``.
        low: least price of each row, ``(rows,)``.
        high: highest price of each row, ``inf`` for none, ``(rows,)``.

    Raises:
        ArithmeticError: no mixture keeps the rows.
    """
    from scipy.optimize import linprog

    columns, rows = use.shape
    groups = int(group.max()) + 1
    over, under = np.flatnonzero(np.isfinite(high)), np.flatnonzero(low > 0)
    beside = np.zeros((rows, over.size + under.size))
    beside[over, np.arange(over.size)] = -1.0
    beside[under, over.size + np.arange(under.size)] = 1.0
    each = np.zeros((groups, columns + beside.shape[1]))
    each[group, np.arange(columns)] = 1.0
    above = np.hstack([use.T, beside])
    cost = np.concatenate([-value, high[over], -low[under]])
    options = {"presolve": False, "primal_feasibility_tolerance": ROUNDING, "dual_feasibility_tolerance": ROUNDING}
    # What was found feasible within the tolerances may be a hair short of it in the next programme.
    for hair in (0.0, 2 * ROUNDING, KEPT):
        found = linprog(
            cost,
            A_ub=above,
            b_ub=rhs + hair,
            A_eq=each,
            b_eq=np.ones(groups),
            method="highs-ds",
            options=options,
        )
        if found.x is not None:
            break
    else:
        raise ArithmeticError(f"the choices cannot be mixed: {found.message}")
    weight = np.maximum(found.x[:columns], 0.0)
    violation, slack = np.zeros(rows), np.zeros(rows)
    violation[over] = found.x[columns : columns + over.size]
    slack[under] = found.x[columns + over.size :]
    return MasterSolution(
        weight / np.bincount(group, weight, groups)[group],
        -float(found.fun),
        np.maximum(-found.ineqlin.marginals, 0.0),
        -found.eqlin.marginals,
        violation,
        slack,
    )
