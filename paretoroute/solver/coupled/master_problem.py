"""The restricted master problem: the best mixture of the columns generated so far that keeps every constraint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

ROUNDING = 1e-10  # the least tolerance that HiGHS takes
KEPT = 1e-9  # a violation below this share of a constraint's scale is below the accuracy of HiGHS


@dataclass(frozen=True)
class MasterSolution:
    """An optimal mixture of columns.

    Args:
        weight: of each column; those of one group add up to 1, ``(columns,)``.
        value: of the mixture.
        prices: of the constraints, ``(constraints,)``, not negative.
        convexity_dual: dual of the constraint that a group's weights add up to 1, ``(groups,)``.
        violation: of each constraint, ``(constraints,)``.
        slack: of each constraint, paid for and not used, ``(constraints,)``.
    """

    weight: Floats
    value: float
    prices: Floats
    convexity_dual: Floats
    violation: Floats
    slack: Floats


@dataclass(frozen=True)
class _Elastic:
    """Columns that exceed a constraint at its highest price, and that leave it unused at its least price."""

    over: NDArray[np.intp]
    under: NDArray[np.intp]
    use: Floats
    cost: Floats


def solve_master(
    value: Floats, use: Floats, group: NDArray[np.intp], rhs: Floats, *, low: Floats, high: Floats
) -> MasterSolution:
    """Compute the weights of the highest value at which every constraint is kept.

    All figures should be O(1). A constraint with a finite highest price may be violated, at ``high`` per unit, and its
    slack is paid for, at ``low`` per unit, so that the prices stay within their bounds.

    Args:
        value: of each column, ``(columns,)``.
        use: what each column adds to each constraint's sum, ``(columns, constraints)``.
        group: which columns share a weight of 1, numbered from 0 without gaps, ``(columns,)``.
        rhs: upper bound of each constraint's sum, ``(constraints,)``.
        low: least price of each constraint, ``(constraints,)``.
        high: highest price of each constraint, ``inf`` for none, ``(constraints,)``.

    Raises:
        ArithmeticError: no mixture keeps the constraints.
    """
    columns, constraints = use.shape
    groups = int(group.max()) + 1
    elastic = _elastic(low, high)
    convexity = np.zeros((groups, columns + elastic.cost.size))
    convexity[group, np.arange(columns)] = 1.0
    answer = _minimise(
        np.concatenate([-value, elastic.cost]), np.hstack([use.T, elastic.use]), rhs, convexity=convexity
    )
    weight = np.maximum(answer.x[:columns], 0.0)
    violation, slack = np.zeros(constraints), np.zeros(constraints)
    violation[elastic.over] = answer.x[columns : columns + elastic.over.size]
    slack[elastic.under] = answer.x[columns + elastic.over.size :]
    return MasterSolution(
        weight / np.bincount(group, weight, groups)[group],
        -float(answer.fun),
        np.maximum(-answer.ineqlin.marginals, 0.0),
        -answer.eqlin.marginals,
        violation,
        slack,
    )


def _elastic(low: Floats, high: Floats) -> _Elastic:
    over, under = np.flatnonzero(np.isfinite(high)), np.flatnonzero(low > 0)
    use = np.zeros((low.size, over.size + under.size))
    use[over, np.arange(over.size)] = -1.0
    use[under, over.size + np.arange(under.size)] = 1.0
    return _Elastic(over, under, use, np.concatenate([high[over], -low[under]]))


def _minimise(cost: Floats, use: Floats, rhs: Floats, *, convexity: Floats) -> Any:
    """Minimise the cost of non-negative weights by the dual simplex method of HiGHS; return SciPy's result.

    A mixture that is feasible within the tolerances may be infeasible by as much in the next one: the bounds
    are then relaxed by a multiple of the tolerance.
    """
    from scipy.optimize import linprog  # pyright: ignore  # SciPy has no type stubs

    options = {"presolve": False, "primal_feasibility_tolerance": ROUNDING, "dual_feasibility_tolerance": ROUNDING}
    message = ""
    for tolerance in (0.0, 2 * ROUNDING, KEPT):
        answer: Any = linprog(
            cost,
            A_ub=use,
            b_ub=rhs + tolerance,
            A_eq=convexity,
            b_eq=np.ones(len(convexity)),
            method="highs-ds",
            options=options,
        )
        if answer.x is not None:
            return answer
        message = answer.message
    raise ArithmeticError(f"no mixture of the columns keeps the constraints: {message}")
