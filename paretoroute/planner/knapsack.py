"""The best integer choice of a point for each of a few steps within one sum of money, solved exactly.

The problem is a multiple-choice knapsack. Step by step, the choices of the steps so far are extended by every point of
the next one, and those that another choice dominates (it costs no more and is no worse) are dropped; the best choice
that is left at the last step is the optimum (Dyer, Kayal and Walker, "A branch and bound algorithm for solving the
multiple-choice knapsack problem", Journal of Computational and Applied Mathematics 11(2), 1984,
doi:10.1016/0377-0427(84)90023-2). A bound from the linear relaxation drops choices that cannot win, so that tens of
steps by tens of points stay small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices, Mask
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier

MOST_STATES = 200_000
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Choice:
    """The best choice of a point for every step.

    Args:
        points: columns, ``(steps,)``.
        quality: sum over the steps.
        cost_usd: sum over the steps.
        price: quality that one more USD buys, of the relaxation.
        bound: an upper bound on the quality of any choice; equal to ``quality`` where the choice is proved best.
        least_usd: cost of the cheapest points of all steps.
        feasible: whether the cheapest points keep within the money; if not, they are the choice.
    """

    points: Indices
    quality: float
    cost_usd: float
    price: float
    bound: float
    least_usd: float
    feasible: bool


@dataclass(frozen=True)
class _Problem:
    """Quality, cost in USD and whether a point may be called, ``(steps, points)`` each; and the money for all steps."""

    quality: Floats
    cost_usd: Floats
    callable: Mask
    money_usd: float

    def totals(self, points: Indices) -> tuple[float, float]:
        """Return the sums of quality and cost of one point per step."""
        rows = np.arange(len(points))
        return float(self.quality[rows, points].sum()), float(self.cost_usd[rows, points].sum())


@dataclass(frozen=True)
class _Merged:
    """The best points, ``(steps,)``, and whether they are proved to be the optimum."""

    points: Indices
    is_proved: bool


@dataclass(frozen=True)
class _Stage:
    """The choices kept at a step, as extensions of those of the step before, ``(choices,)`` each."""

    parents: Indices
    points: Indices


def best_choice(
    quality: Floats, cost_usd: Floats, money_usd: float, callable: Mask | None = None, *, most_states: int = MOST_STATES
) -> Choice:
    """Choose a point for every step so that the sum of quality is highest and the sum of cost at most ``money_usd``.

    Args:
        quality: ``(steps, points)``.
        cost_usd: ``(steps, points)``, not negative.
        money_usd: for all steps together.
        callable: ``(steps, points)``; None: all.
        most_states: choices kept at a step; beyond it the optimum is not proved, and lies at most at ``bound``.

    Example:
        >>> choice = best_choice(np.array([[0.2, 0.9], [0.5, 0.6]]), np.array([[0.0, 1.0], [0.0, 1.0]]), 1.0)
        >>> choice.points.tolist(), choice.quality
        ([1, 0], 1.4)
    """
    steps = len(quality)
    allowed = np.ones(quality.shape, bool) if callable is None else np.broadcast_to(callable, quality.shape)
    problem = _Problem(quality, cost_usd, allowed, money_usd)
    relaxed = frontier(Forecast(quality, cost_usd, callable=callable))
    spent = relaxed.cost_usd * steps
    is_feasible = bool(money_usd >= spent[0])
    place = int(np.searchsorted(spent, money_usd, side="right")) - 1 if is_feasible else 0
    price = float(relaxed.price[place]) if is_feasible and place < relaxed.price.size else 0.0
    merged = _Merged(relaxed.choice(place), is_proved=True)
    if is_feasible:
        merged = _merge_steps(problem, price, incumbent=merged.points, most_states=most_states)
    best_quality, cost = problem.totals(merged.points)
    bound = best_quality if merged.is_proved else float(np.interp(money_usd, spent, relaxed.quality * steps))
    return Choice(
        points=merged.points,
        quality=best_quality,
        cost_usd=cost,
        price=price,
        bound=max(bound, best_quality),
        least_usd=float(spent[0]),
        feasible=is_feasible,
    )


def _merge_steps(problem: _Problem, price: float, *, incumbent: Indices, most_states: int) -> _Merged:
    """Extend the choices step by step; the relaxation rounded down is the incumbent, the choice to beat."""
    to_beat = problem.totals(incumbent)[0]
    rest_cost, rest_gain = _rests(problem, price)
    slack = _ROUNDING * (abs(to_beat) + price * problem.money_usd)
    cost, quality, stages, is_proved = np.zeros(1), np.zeros(1), [], True
    for step, allowed in enumerate(problem.callable):
        columns = np.flatnonzero(allowed)
        cost_now = (cost[:, None] + problem.cost_usd[step, columns]).ravel()
        quality_now = (quality[:, None] + problem.quality[step, columns]).ravel()
        gain = quality_now - price * cost_now
        fits = cost_now + rest_cost[step + 1] <= problem.money_usd * (1 + _ROUNDING)
        can_win = gain + rest_gain[step + 1] + price * problem.money_usd >= to_beat - slack
        kept = _undominated(np.flatnonzero(fits & can_win), cost_now, quality_now)
        if kept.size > most_states:
            kept, is_proved = np.sort(kept[np.argpartition(-gain[kept], most_states)[:most_states]]), False
        stages.append(_Stage(kept // len(columns), columns[kept % len(columns)]))
        cost, quality = cost_now[kept], quality_now[kept]
    if not quality.size or float(quality.max()) < to_beat:
        return _Merged(incumbent, is_proved)
    return _Merged(_trace_back(stages, int(np.argmax(quality))), is_proved)


def _rests(problem: _Problem, price: float) -> tuple[Floats, Floats]:
    """Bound what the steps from each on cost at least, and gain at most at the price: ``(steps + 1,)`` each."""
    cheapest = np.where(problem.callable, problem.cost_usd, np.inf).min(axis=1)
    richest = np.where(problem.callable, problem.quality - price * problem.cost_usd, -np.inf).max(axis=1)
    cost, gain = (np.concatenate([np.cumsum(part[::-1])[::-1], [0.0]]) for part in (cheapest, richest))
    return cost, gain


def _undominated(states: Indices, cost_usd: Floats, quality: Floats) -> Indices:
    """Return the states that no other one dominates, cheapest first."""
    order = states[np.lexsort((-quality[states], cost_usd[states]))]
    if not order.size:
        return order
    highest = np.maximum.accumulate(quality[order])
    return order[np.concatenate([[True], quality[order][1:] > highest[:-1]])]


def _trace_back(stages: list[_Stage], state: int) -> Indices:
    """Return the points that lead to a state of the last stage, ``(steps,)``."""
    points = np.empty(len(stages), np.intp)
    for step in range(len(stages) - 1, -1, -1):
        points[step] = stages[step].points[state]
        state = int(stages[step].parents[state])
    return points
