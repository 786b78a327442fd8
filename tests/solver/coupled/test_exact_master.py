"""The exact master problem against HiGHS, and where HiGHS has no answer."""

import numpy as np
import pytest

from paretoroute.solver.coupled.exact_master import solve_master_exactly
from paretoroute.solver.coupled.master_problem import solve_master


def instance(seed):
    """Draw the columns of a few groups, often with ties, and bounds that some of them keep."""
    rng = np.random.default_rng(seed)
    groups, constraints, columns = int(rng.integers(1, 4)), int(rng.integers(0, 5)), int(rng.integers(4, 40))
    group = np.concatenate([np.arange(groups), rng.integers(groups, size=columns - groups)])
    value, use = rng.random(columns), rng.random((columns, constraints)) - 0.2 * (rng.random(constraints) < 0.3)
    if seed % 3 == 0:
        value, use = np.round(value * 4) / 4, np.round(use * 4) / 4
    return value, use, group, groups * (0.1 + 0.5 * rng.random(constraints))


def check(answer, value, use, group, rhs):
    """Check a solution by its own numbers: feasible, and proved optimal by its prices."""
    assert np.bincount(group, answer.weight) == pytest.approx(1) and (answer.weight >= 0).all()
    assert (use.T @ answer.weight <= rhs + answer.violation + 1e-12).all()
    assert answer.convexity_dual.sum() + answer.prices @ rhs == pytest.approx(answer.value, abs=1e-11)
    assert (value - use @ answer.prices - answer.convexity_dual[group] <= 1e-12).all() and (answer.prices >= 0).all()


@pytest.mark.parametrize("seed", range(80))
def test_random_columns_give_the_optimum_of_highs(seed):
    value, use, group, rhs = instance(seed)
    none, inf = np.zeros(rhs.size), np.full(rhs.size, np.inf)

    least = solve_master_exactly(value, use, group, rhs, is_elastic=True)

    check(least, 0 * value, use, group, rhs)
    if rhs.size:
        reference = solve_master(0 * value, use, group, rhs, low=none, high=none + 1)
        assert least.value == pytest.approx(reference.value, abs=1e-8)
    if least.value < 0:
        with pytest.raises(ArithmeticError, match="no mixture"):
            solve_master_exactly(value, use, group, rhs, is_elastic=False)
        return
    best = solve_master_exactly(value, use, group, rhs, is_elastic=False)
    check(best, value, use, group, rhs)
    assert best.value == pytest.approx(solve_master(value, use, group, rhs, low=none, high=inf).value, abs=1e-8)


def test_uses_of_very_different_size_are_mixed_to_the_last_digit():
    use, rhs = np.array([[1e-15], [3e-15], [1.0]]), np.array([2e-15])

    best = solve_master_exactly(np.array([0.0, 0.5, 1.0]), use, np.zeros(3, int), rhs, is_elastic=False)

    assert best.weight == pytest.approx([0.5, 0.5, 0.0]) and best.prices == pytest.approx([0.25e15])
    blind = solve_master(
        np.array([0.0, 0.5, 1.0]), use, np.zeros(3, int), rhs, low=np.zeros(1), high=np.full(1, np.inf)
    )
    assert blind.weight @ use[:, 0] > 1.4 * rhs[0]  # HiGHS drops both small uses


def test_a_cycle_of_degenerate_steps_ends():
    """Chvátal's example cycles under the rule of the largest coefficient; shares are scaled to add up to 1."""
    value = np.array([10.0, -57.0, -9.0, -24.0, 0.0])
    use = np.array([[0.5, 0.5, 1.0], [-5.5, -1.5, 0.0], [-2.5, -0.5, 0.0], [9.0, 1.0, 0.0], [0.0, 0.0, 0.0]])

    best = solve_master_exactly(value, use, np.zeros(5, int), np.array([0.0, 0.0, 0.25]), is_elastic=False)

    check(best, value, use, np.zeros(5, int), np.array([0.0, 0.0, 0.25]))
