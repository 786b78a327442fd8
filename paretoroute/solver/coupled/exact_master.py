"""The restricted master problem in exact integers, for figures that differ by too many orders of magnitude for HiGHS.

HiGHS drops coefficients below 1e-9 and keeps constraints to 1e-10 of the largest: where one point costs 1,000 USD and a
limit is 1e-12 USD, neither means anything. The primal simplex method on a tableau of integers with one common
denominator (Edmonds, "Systems of distinct representatives and linear algebra", Journal of Research of the NBS 71B(4),
1967, doi:10.6028/jres.071B.033) has no tolerance at all. It takes time that grows with the digits, so that it is only
asked where the other's answer is not accurate enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.solver.coupled.master_problem import MasterSolution

Integers = NDArray[np.object_]  # of Python's own whole numbers


def solve_master_exactly(
    value: Floats, use: Floats, group: NDArray[np.intp], rhs: Floats, *, is_elastic: bool
) -> MasterSolution:
    """Compute the weights of the highest value at which every constraint is kept, without rounding.

    Args:
        value: of each column, ``(columns,)``.
        use: what each column adds to each constraint's sum, ``(columns, constraints)``.
        group: which columns share a weight of 1, numbered from 0 without gaps, ``(columns,)``.
        rhs: upper bound of each constraint's sum, ``(constraints,)``.
        is_elastic: whether to minimise the sum of the violations, whatever the value.

    Raises:
        ArithmeticError: no mixture keeps the constraints.
    """
    columns, constraints = use.shape
    units = [_unit([*use[:, k], rhs[k]]) for k in range(constraints)]
    tableau = _Tableau(use, group, rhs, units)
    most = max(units, default=1)
    tableau.maximise([0] * (columns + constraints) + [-(most // unit) for unit in units], unit=most)
    if not is_elastic:
        if tableau.violation:
            raise ArithmeticError("no mixture of the columns keeps the constraints")
        unit = _unit(value)
        tableau.keep()
        tableau.maximise([*_whole(value, unit), *[0] * 2 * constraints], unit=unit)
    return _solution(tableau, units, 0 * value if is_elastic else value, use)


def _solution(tableau: _Tableau, units: Sequence[int], value: Floats, use: Floats) -> MasterSolution:
    columns, constraints = use.shape[0], len(units)
    levels = tableau.levels()
    prices = [tableau.reduced(columns + k) * unit for k, unit in enumerate(units)]
    dual = [
        Fraction(float(value[j])) - _dot(prices, use[j]) + tableau.reduced(j)
        for j in (int(np.flatnonzero(tableau.group == g)[0]) for g in range(tableau.groups))
    ]
    violation = [level * Fraction(1, unit) for level, unit in zip(levels[columns + constraints :], units, strict=True)]
    own = _dot(levels[:columns], value)
    return MasterSolution(
        weight=np.array(levels[:columns], float),
        value=float(own - sum(violation, Fraction(0))),
        prices=np.array(prices, float),
        convexity_dual=np.array(dual, float),
        violation=np.array(violation, float),
        slack=np.zeros(len(units)),
    )


def _dot(factors: Sequence[Fraction], figures: Floats) -> Fraction:
    pairs = zip(factors, figures.tolist(), strict=True)
    return sum((factor * Fraction(one) for factor, one in pairs if factor), Fraction(0))


def _unit(figures: Sequence[float] | Floats) -> int:
    """Return the least power of two that makes all figures whole."""
    return max((float(one).as_integer_ratio()[1] for one in figures), default=1)


def _whole(figures: Sequence[float] | Floats, unit: int) -> list[int]:
    return [int(Fraction(float(one)) * unit) for one in figures]


class _Tableau:
    """Columns, slacks, violations and right-hand sides over a common denominator; one row per constraint and group.

    Args:
        use: of every column, ``(columns, constraints)``.
        group: of every column, ``(columns,)``.
        rhs: of the constraints, ``(constraints,)``.
        units: factor that makes each constraint's numbers whole.
    """

    def __init__(self, use: Floats, group: NDArray[np.intp], rhs: Floats, units: Sequence[int]) -> None:
        columns, constraints = use.shape
        self.group, self.groups = group, int(group.max()) + 1
        self._first_violation = columns + constraints
        self._allowed = columns + 2 * constraints  # columns before this one may enter
        table: Integers = np.zeros((constraints + self.groups, self._allowed + 1), object)
        for k, unit in enumerate(units):
            table[k, :columns] = _whole(use[:, k], unit)
            table[k, columns + k], table[k, self._first_violation + k] = 1, -1
            table[k, -1] = _whole([rhs[k]], unit)[0]
        for g in range(self.groups):
            table[constraints + g, np.flatnonzero(group == g)] = 1
            table[constraints + g, -1] = 1
        self._table, self._denominator, self._unit = table, 1, 1
        self._objective: Integers = np.zeros(self._allowed + 1, object)
        self._basis = [columns + k for k in range(constraints)] + [-1] * self.groups
        for g in range(self.groups):
            self._pivot(constraints + g, int(np.flatnonzero(group == g)[0]))
        for k in range(constraints):
            if self._table[k, -1] < 0:
                self._pivot(k, self._first_violation + k)

    @property
    def violation(self) -> bool:
        """Whether a constraint is violated."""
        return any(self.levels()[self._first_violation :])

    def levels(self) -> list[Fraction]:
        """Return the value of every variable."""
        levels = [Fraction(0)] * (self._table.shape[1] - 1)
        for row, variable in enumerate(self._basis):
            levels[variable] = Fraction(self._table[row, -1], self._denominator)
        return levels

    def reduced(self, variable: int) -> Fraction:
        """Return what the objective loses by a unit of a variable."""
        return Fraction(self._objective[variable], self._denominator * self._unit)

    def keep(self) -> None:
        """Let no violation enter any more."""
        self._allowed = self._first_violation

    def maximise(self, gains: Sequence[int], *, unit: int) -> None:
        """Maximise the sum of gain / unit x level by the simplex method, from the present basis."""
        gain: Integers = np.array([*gains, 0], object)
        own: Integers = np.array([gains[variable] for variable in self._basis], object)
        self._objective = own @ self._table - self._denominator * gain
        self._unit = unit
        is_degenerate = False
        while (entering := self._entering(is_first=is_degenerate)) is not None:
            row = self._leaving(entering)
            is_degenerate = self._table[row, -1] == 0
            self._pivot(row, entering)

    def _entering(self, *, is_first: bool) -> int | None:
        """Return the variable of the largest gain, or after a step of length 0 the first (Bland), which ends cycles."""
        gains = self._objective[: self._allowed]
        better = [j for j, loss in enumerate(gains) if loss < 0]
        if not better:
            return None
        return better[0] if is_first else min(better, key=gains.__getitem__)

    def _leaving(self, entering: int) -> int:
        """Return the row that bounds a variable's growth; a violation that must stay 0 leaves at once."""
        column, rhs = self._table[:, entering], self._table[:, -1]
        if self._allowed == self._first_violation:
            for row, variable in enumerate(self._basis):
                if variable >= self._first_violation and column[row]:
                    return row
        rows = [row for row, one in enumerate(column) if one > 0]
        return min(rows, key=lambda row: (Fraction(rhs[row], column[row]), self._basis[row]))

    def _pivot(self, row: int, column: int) -> None:
        """Make a variable basic in a row: one step of elimination without fractions."""
        pivot, kept = self._table[row, column], self._table[row].copy()
        factor, own = self._table[:, column].copy(), self._objective[column]
        self._objective = (self._objective * pivot - own * kept) // self._denominator
        self._table = (self._table * pivot - factor[:, None] * kept) // self._denominator
        self._table[row] = kept
        if pivot < 0:
            self._table, self._objective, pivot = -self._table, -self._objective, -pivot
        self._denominator, self._basis[row] = pivot, column
