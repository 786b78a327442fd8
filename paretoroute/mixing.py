"""The small linear programme that mixes choices: as good as possible, with every row kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute.choice import Floats

ROUNDING = 1e-10  # the least tolerance that HiGHS takes
KEPT = 1e-9  # a row exceeded by less than this share of its scale is kept: the linear programmes know no better


@dataclass(frozen=True)
class Mixed:
    """How choices are mixed.

    Args:
        weight: of each column; those of one kind add up to 1, ``(columns,)``.
        value: of the mixture.
        prices: of the rows, ``(rows,)``, not negative.
        worth: value of a unit of each kind's weight, at the prices, ``(kinds,)``.
        excess: by how much each row is exceeded, ``(rows,)``.
    """

    weight: Floats
    value: float
    prices: Floats
    worth: Floats
    excess: Floats


def mix(value: Floats, use: Floats, kind: NDArray[np.intp], totals: Floats, *, may_exceed: bool = False) -> Mixed:
    """Find the weights with the highest value that keep every row.

    All figures should be of the order of 1.

    Args:
        value: of each column, ``(columns,)``.
        use: what each column adds to each row, ``(columns, rows)``.
        kind: which columns share a weight of 1, numbered from 0 without holes, ``(columns,)``.
        totals: what each row may add up to, ``(rows,)``.
        may_exceed: leave the value aside and exceed the rows by as little as possible in sum.

    Raises:
        ArithmeticError: no mixture keeps the rows.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, hstack, identity

    columns, rows = use.shape
    kinds = int(kind.max()) + 1
    each = csr_matrix((np.ones(columns), (kind, np.arange(columns))), shape=(kinds, columns))
    above, cost = csr_matrix(use.T), -value
    if may_exceed:
        above, each = hstack([above, -identity(rows)]).tocsr(), hstack([each, csr_matrix((kinds, rows))]).tocsr()
        cost = np.concatenate([np.zeros(columns), np.ones(rows)])
    options = {"presolve": False, "primal_feasibility_tolerance": ROUNDING, "dual_feasibility_tolerance": ROUNDING}
    # What was found feasible within the tolerances may be a hair short of it in the next programme.
    for hair in (0.0, 2 * ROUNDING, KEPT):
        found = linprog(
            cost, A_ub=above, b_ub=totals + hair, A_eq=each, b_eq=np.ones(kinds), method="highs-ds", options=options
        )
        if found.x is not None:
            break
    else:
        raise ArithmeticError(f"the choices cannot be mixed: {found.message}")
    weight = np.maximum(found.x[:columns], 0.0)
    return Mixed(
        weight / np.bincount(kind, weight, kinds)[kind],
        -float(found.fun),
        np.maximum(-found.ineqlin.marginals, 0.0),
        -found.eqlin.marginals,
        found.x[columns:] if may_exceed else np.zeros(rows),
    )
