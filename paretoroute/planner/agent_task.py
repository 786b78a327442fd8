"""One sum of money for the calls of an agent's task: planned together, and anew as money is spent.

A task has steps (plan, tools, write, check), each one call. Before every call its point is chosen together with those
of the steps still to come: the highest sum of expected quality within the money left, the best integer choice. A step
whose query is given is forecast by the surface; for any other the mean over the logged queries of that step stands in.

The money is kept for certain as long as each call keeps its own hard limit (``max_cost_usd`` of
:meth:`~paretoroute.planner.planner.Planner.plan`) and its cost is reported: a call may take the money left less a
reserve, the cheapest expected cost of every later step. Limits on calls and on models hold inside a task; limits on the
population do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.errors import TargetError, expect_items, not_negative, positive, shown
from paretoroute.planner.knapsack import Choice, best_choice
from paretoroute.planner.query_forecast import PointFigures
from paretoroute.price import rounded_usd

if TYPE_CHECKING:
    from paretoroute.planner.cost_cap import CostCap
    from paretoroute.planner.decision import Decision
    from paretoroute.policy.policy import Policy
    from paretoroute.query import Query


class TaskPlanner(Protocol):
    """The part of a :class:`~paretoroute.planner.planner.Planner` that a task uses."""

    policy: Policy
    cost_cap: CostCap

    def plan(
        self,
        query: Query | None,
        *,
        query_id: str | None = None,
        max_cost_usd: float | None = None,
        callable: Mask | None = None,
        step: str | None = None,
    ) -> Decision:
        """Choose the point for one query."""
        ...

    def figures(self, query: Query, *, step: str | None = None, max_cost_usd: float | None = None) -> PointFigures:
        """Return the expected quality and cost of every point for a query."""
        ...

    def mean_figures(self, step: str) -> PointFigures:
        """Return the means over the logged queries of a step."""
        ...


@dataclass(frozen=True)
class PlanPreview:
    """The plan for the steps that are left.

    Args:
        status: ``met``, ``slack`` (more money would not raise expected quality) or ``infeasible``: even the cheapest
            points cost more than is left.
        points: name of the point planned for each step, in order, as (step, point).
        expected_quality: mean over the steps that are left.
        expected_cost_usd: sum over them.
        left_usd: money left.
        least_usd: cost of the cheapest points.
        quality_per_usd: quality, summed over the steps, that one more USD in this task buys.
    """

    status: str
    points: tuple[tuple[str, str], ...]
    expected_quality: float
    expected_cost_usd: float
    left_usd: float
    least_usd: float
    quality_per_usd: float

    @property
    def meaning(self) -> str:
        """The status as a sentence."""
        if self.status == "infeasible":
            steps = ", ".join(step for step, _ in self.points)
            least, left = rounded_usd(self.least_usd, 4), rounded_usd(self.left_usd, 4)
            return f"the cheapest points for {steps} cost {least}, and {left} is left"
        if self.quality_per_usd <= 0:
            return "more money would not raise expected quality"
        return (
            f"one more cent in this task buys {self.quality_per_usd:.2g} quality points (of 100), summed over its steps"
        )


@dataclass(frozen=True)
class _Step:
    name: str
    figures: PointFigures

    @property
    def least_usd(self) -> float:
        """Expected cost of the cheapest point."""
        return float(self.figures.cost_usd[self.figures.callable].min())


class Task:
    """The calls of an agent's task, which share one sum of money.

    Made by :meth:`~paretoroute.planner.planner.Planner.start_task`.

    Args:
        planner: whose policy decides.
        steps: names of the steps in order, or pairs of a name and its query where that is already there.
        max_cost_usd: for the whole task.

    Raises:
        TargetError: there is no step, or the money is not a positive number.
        QueryError: a query is neither text nor chat messages.
    """

    def __init__(self, planner: TaskPlanner, steps: Sequence[str | tuple[str, Query]], *, max_cost_usd: float) -> None:
        expect_items("steps", steps, (str, tuple), TargetError)
        if isinstance(steps, str) or not steps:
            raise TargetError(f"a task needs a list of steps, got {shown(steps)}; write ['plan', 'write']")
        self._planner = planner
        self._left_usd = positive("max_cost_usd", max_cost_usd)
        self._unreported_usd: float | None = None
        pairs = [given if isinstance(given, tuple) else (given, None) for given in steps]
        if odd := [pair for pair in pairs if len(pair) != 2]:
            raise TargetError(f"a step is a name, or a pair of a name and its query, got {shown(odd[0])}")
        self._steps = [self._step(name, query) for name, query in pairs]

    @property
    def left_usd(self) -> float:
        """Money left."""
        return self._left_usd

    @property
    def certain(self) -> bool:
        """Whether the money is kept for certain, and not only in expectation: some point is priced by tokens.

        Points that are not are then left out, since nothing bounds their cost.
        """
        return bool(self._planner.cost_cap.priced.any())

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps still to come, in order."""
        return tuple(step.name for step in self._steps)

    def plan(self, step: str, query: Query, *, query_id: str | None = None) -> Decision:
        """Choose the point for a step, jointly with those of the remaining steps, and count the step as done.

        Report the cost of the call by :meth:`spent` before the next step is planned.

        Args:
            step: one of those still to come; the first of that name.
            query: a text or chat messages.
            query_id: an opaque key that is logged with the decision.

        Raises:
            TargetError: no such step is left, or the cost of the last call was not reported.
            QueryError: the query is neither text nor chat messages.
        """
        if self._unreported_usd is not None:
            raise TargetError("the cost of the last call is missing; report it by spent(usd) before the next step")
        place = self._place(step)
        room = self._left_usd - sum(later.least_usd for at, later in enumerate(self._steps) if at != place)
        self._steps[place] = self._step_within(step, query, room)
        choice = self._choose()
        mask = np.arange(len(self._steps[place].figures.callable)) == choice.points[place]
        limit = room if self.certain and room > 0 else None
        decision = self._planner.plan(query, query_id=query_id, step=step, callable=mask, max_cost_usd=limit)
        del self._steps[place]
        self._unreported_usd = decision.expected_cost_usd
        self._left_usd -= decision.expected_cost_usd
        if choice.feasible:
            return decision
        least = rounded_usd(choice.least_usd, 4)
        why = f"the money left does not pay for the steps to come; the cheapest points cost {least}"
        return replace(decision, status="infeasible", reason=decision.reason._replace(stated=why, is_compared=False))

    def spent(self, usd: float) -> None:
        """Report the real cost of the last call; the steps to come are planned with the money left then.

        Raises:
            TargetError: the amount is negative or not finite, or no call is waiting for its cost.
        """
        not_negative("the cost of a call in USD", usd)
        if self._unreported_usd is None:
            raise TargetError("no call is waiting for its cost; plan a step first")
        self._left_usd += self._unreported_usd - usd
        self._unreported_usd = None

    def preview(self) -> PlanPreview:
        """Return the plan for the steps that are left."""
        if not self._steps:
            return PlanPreview("met", (), 0.0, 0.0, self._left_usd, 0.0, 0.0)
        choice = self._choose()
        names = self._planner.policy.grid.names
        status = "infeasible" if not choice.feasible else "met" if choice.price > 0 else "slack"
        return PlanPreview(
            status=status,
            points=tuple((step.name, names[j]) for step, j in zip(self._steps, choice.points, strict=True)),
            expected_quality=choice.quality / len(self._steps),
            expected_cost_usd=choice.cost_usd,
            left_usd=self._left_usd,
            least_usd=choice.least_usd,
            quality_per_usd=choice.price,
        )

    def _place(self, name: str) -> int:
        if isinstance(name, str) and name in self.steps:
            return self.steps.index(name)
        left = ", ".join(repr(step) for step in self.steps) or "none"
        raise TargetError(f"no step {shown(name)} is left in this task; left: {left}")

    def _step(self, name: str, query: Query | None) -> _Step:
        if not isinstance(name, str):
            raise TargetError(f"a step's name must be text, got {shown(name)}")
        if query is None:
            return self._callable(name, self._planner.mean_figures(name))
        return self._callable(name, self._planner.figures(query, step=name))

    def _step_within(self, name: str, query: Query, room_usd: float) -> _Step:
        """Keep the points whose cost can be held under the room; all where there is none."""
        if self.certain and room_usd > 0:
            figures = self._planner.figures(query, step=name, max_cost_usd=room_usd)
            if figures.callable.any():
                return self._callable(name, figures)
        return self._step(name, query)

    def _callable(self, name: str, figures: PointFigures) -> _Step:
        priced = figures.callable & self._planner.cost_cap.priced
        return _Step(name, replace(figures, callable=priced) if priced.any() else figures)

    def _choose(self) -> Choice:
        figures = [step.figures for step in self._steps]
        return best_choice(
            np.stack([one.quality for one in figures]),
            np.stack([one.cost_usd for one in figures]),
            max(self._left_usd, 0.0),
            np.stack([one.callable for one in figures]),
        )
